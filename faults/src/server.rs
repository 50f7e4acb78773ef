//! A process of Tessera.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tessera_harness::{Context, Failure, Result, free_port};

use crate::database::signal;

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a command that serves, and waits until it accepts connections. It logs to this file.
    pub fn start(command: &mut Command, log: File) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        command.arg("serve").arg("--listen").arg(address.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut server = Self { child: child.context("a server did not start")?, address };
        let asked = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(Failure::new(format_args!("a server ended at its start: {status}")));
            }
            if asked.elapsed() > Duration::from_secs(30) {
                return Err(Failure::new("a server does not listen"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(name, &[self.child.id().to_string()])
    }

    /// How it ended; nothing if it does not in this time.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let asked = Instant::now();
        loop {
            match self.child.try_wait()? {
                None if asked.elapsed() < limit => thread::sleep(Duration::from_millis(5)),
                ended => return Ok(ended),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
