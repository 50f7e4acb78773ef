//! A session of somebody else on a database, which stays open.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tessera_harness::{Context, Failure, Result};

use crate::database::Kind;
use crate::ground::Ground;
use crate::load::{Flow, Outcomes, beside, open};

/// How long the load runs, when the lock is taken, and how long it is held.
const LENGTH: Duration = Duration::from_secs(6);
const BEFORE: Duration = Duration::from_secs(1);
const HELD: Duration = Duration::from_secs(4);

/// An open session. It ends, and its transaction is rolled back, when this is dropped.
pub struct Session(Child);

impl Session {
    /// Runs statements, and keeps what they lock.
    pub fn holding(ground: &Ground, statements: &str) -> Result<Self> {
        let (mut command, said) = match ground.kind() {
            Kind::Sqlite => {
                let mut command = Command::new("sqlite3");
                command.args(["-bail", "-cmd", ".timeout 5000"]).arg(ground.file());
                (command, ".print held")
            }
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-XAtq", "-v", "ON_ERROR_STOP=1"]).arg(ground.url());
                (command, "\\echo held")
            }
        };
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut session = Self(child.context("no session")?);
        let (Some(stdin), Some(stdout)) = (&mut session.0.stdin, session.0.stdout.take()) else {
            return Err(Failure::new("a session without pipes"));
        };
        writeln!(stdin, "{statements}\n{said}")?;
        let held = BufReader::new(stdout).lines().any(|line| line.is_ok_and(|line| line == "held"));
        if held { Ok(session) } else { Err(Failure::new(format_args!("a session failed at {statements}"))) }
    }
}

/// Has a load run, and a session hold what statements lock for a part of it.
pub fn while_held(ground: &Ground, address: SocketAddr, flows: &[Flow], statements: &str) -> Result<Vec<Outcomes>> {
    let (outcomes, ()) = beside(
        || open(address, LENGTH, flows),
        || {
            thread::sleep(BEFORE);
            let session = Session::holding(ground, statements)?;
            thread::sleep(HELD);
            drop(session);
            Ok(())
        },
    )?;
    Ok(outcomes)
}

impl Drop for Session {
    fn drop(&mut self) {
        // At the end of its input it ends by itself.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
