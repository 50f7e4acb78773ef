//! The private PostgreSQL of a run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tessera_harness::{Context, Failure, Result, free_port, postgres, run};

/// A running cluster; stopped when dropped.
pub struct Database {
    dir: PathBuf,
    port: u16,
    /// The postmaster.
    pub pid: u32,
}

impl Database {
    /// Starts the cluster in this directory. One that an interrupted run left behind is stopped first.
    pub fn start(dir: &Path) -> Result<Self> {
        if dir.join("data/postmaster.pid").exists() {
            // It may have died without removing its file.
            let _ = run(&mut postgres("stop", dir));
        }
        let port = free_port()?;
        // Not captured: the server would keep the pipe open.
        let started = postgres("start", dir).arg(port.to_string()).status()?;
        if !started.success() {
            return Err(Failure::new(format_args!("PostgreSQL did not start: see {}/data/log", dir.display())));
        }
        let pid = std::fs::read_to_string(dir.join("data/postmaster.pid"));
        let pid = pid.ok().and_then(|text| text.lines().next()?.parse().ok());
        Ok(Self { dir: dir.to_owned(), port, pid: pid.context("PostgreSQL left no process id")? })
    }

    /// The address of the database for this role.
    pub fn url(&self, role: &str) -> String {
        self.url_of(role, "tessera")
    }

    fn url_of(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Creates the database and a role for each who uses it.
    pub fn create(&self, roles: &[&str]) -> Result<()> {
        let psql = |sql: &str| run(Command::new("psql").args(["-XAtqc", sql, &self.url_of("bench", "postgres")]));
        psql("CREATE DATABASE tessera")?;
        roles.iter().try_for_each(|role| psql(&format!("CREATE ROLE {role} LOGIN SUPERUSER")).map(|_| ()))
    }

    /// Runs statements and returns what they answer, columns separated by `|`.
    pub fn query(&self, sql: &str) -> Result<String> {
        let answer = run(Command::new("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url("bench")]))?;
        Ok(answer.trim_end().to_owned())
    }

    /// Runs a file of statements, all or none of them.
    pub fn run_file(&self, file: &Path) -> Result<()> {
        run(Command::new("psql").args(["-Xq1", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file).arg(self.url("bench")))
            .map(|_| ())
    }

    /// Feeds what a file of statements prints to another program.
    pub fn pipe_file(&self, file: &Path, into: &mut Command) -> Result<()> {
        let mut writer = Command::new("psql")
            .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(file)
            .arg(self.url("bench"))
            .stdout(Stdio::piped())
            .spawn()?;
        let printed = writer.stdout.take().context("psql has no output")?;
        run(into.stdin(printed))?;
        if writer.wait()?.success() { Ok(()) } else { Err(Failure::new("psql failed")) }
    }

    /// How many statements this role has sent since the start.
    pub fn statements_of(&self, role: &str) -> Result<u64> {
        let sql = format!(
            "SELECT coalesce(sum(calls), 0) FROM bench.pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid \
             WHERE r.rolname = '{role}'"
        );
        self.query(&sql)?.parse().context("no number of statements")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = run(&mut postgres("stop", &self.dir)) {
            // Nothing can be done about it, and the next run tries again.
            let _ = writeln!(std::io::stderr(), "PostgreSQL was not stopped: {error}");
        }
    }
}
