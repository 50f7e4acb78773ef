//! The servers that are measured.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tessera_harness::{Context, Failure, Result, free_port, run};

use crate::database::Database;
use crate::options::{Contestant, Options};
use crate::{interrupt, load};

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    fn spawn(command: &mut Command, port: u16) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().context("a server did not start")?;
        interrupt::started(child.id());
        Ok(Self { child, address: ([127, 0, 0, 1], port).into() })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the first good answer to this request; at most half a minute.
    pub fn wait_for(&mut self, request: &[u8]) -> Result<()> {
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(30) {
            if load::ask(self.address, request).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Failure::new(format_args!("a server ended at its start: {status}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
        load::ask(self.address, request).map(|_| ()).context("a server does not answer")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        interrupt::ended(self.pid());
    }
}

/// A command of Tessera with this database, as in production: only warnings are logged.
pub fn tessera(options: &Options, database_url: &str) -> Command {
    let mut command = Command::new(&options.tessera);
    command
        .env("TESSERA_DATABASE_URL", database_url)
        .env("TESSERA_DATABASE_MAX_CONNECTIONS", options.pool.to_string())
        .env("TESSERA_AUTH_ISSUER", "https://issuer.example")
        .env("TESSERA_AUTH_AUDIENCE", "tessera")
        .env("TESSERA_AUTH_HS256_SECRET", "a secret of the benchmark, which signs its tokens")
        .env("TESSERA_CURSOR_SECRET", "a secret of the benchmark, which authenticates cursors")
        // One tenant asks for all that there is.
        .env("TESSERA_TENANT_RATE", "0")
        .env("TESSERA_USER_RATE", "0")
        .env("TESSERA_LOG", "warn");
    command
}

/// Starts Tessera on this database.
pub fn start_tessera(options: &Options, database_url: &str) -> Result<Server> {
    let port = free_port()?;
    Server::spawn(tessera(options, database_url).arg("serve").arg("--listen").arg(format!("127.0.0.1:{port}")), port)
}

/// A token of an administrator of this organization.
pub fn token(options: &Options, database_url: &str, organization: &str) -> Result<String> {
    let mut command = tessera(options, database_url);
    command.args(["token", "--role", "ADMIN", "--expires", "24h", "--organization", organization]);
    Ok(run(&mut command)?.trim().to_owned())
}

/// Installs PostGraphile, unless this version of it is there.
pub fn install_postgraphile(options: &Options) -> Result<()> {
    let (source, target) = (crate::source("postgraphile"), options.dir.join("node"));
    fs::create_dir_all(&target)?;
    let lock = fs::read(source.join("package-lock.json"))?;
    let installed = target.join("installed-lock.json");
    let current = fs::read(&installed).is_ok_and(|there| there == lock);
    for file in ["package.json", "package-lock.json", "server.js"] {
        fs::copy(source.join(file), target.join(file))?;
    }
    if !current {
        crate::progress("installing PostGraphile");
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&target))
            .context("PostGraphile cannot be installed (leave it out with --contestants floor,tessera,sqlite)")?;
        fs::copy(source.join("package-lock.json"), installed)?;
    }
    Ok(())
}

/// Starts PostGraphile on this database.
pub fn start_postgraphile(options: &Options, database: &Database) -> Result<Server> {
    let (port, dir) = (free_port()?, options.dir.join("node"));
    let log = fs::File::create(options.dir.join("postgraphile.log"))?;
    let mut command = Command::new(dir.join("node_modules/node/bin/node"));
    command
        .arg(Path::new("server.js"))
        .current_dir(&dir)
        .env("NODE_ENV", "production")
        .env("GRAPHILE_ENV", "production")
        .env("DATABASE_URL", database.url(Contestant::Postgraphile.role()))
        .env("PORT", port.to_string())
        .env("POOL", options.pool.to_string())
        .env("WORKERS", options.postgraphile_workers.to_string())
        .stdout(log.try_clone()?)
        .stderr(log);
    Server::spawn(&mut command, port)
}
