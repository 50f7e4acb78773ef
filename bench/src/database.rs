//! The private PostgreSQL of a run.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Result};

/// A running cluster; stopped when dropped.
pub struct Database {
    dir: PathBuf,
    port: u16,
    /// The postmaster.
    pub pid: u32,
}

/// Runs a program to its end and returns what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::piped()).stdout(Stdio::piped()).output().context(format_args!("cannot run {name}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        Err(Failure::new(format_args!("{name} failed: {}", said.join("\n"))))
    }
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The script that makes, starts and stops clusters.
pub fn script() -> Command {
    Command::new(crate::source("postgres"))
}

impl Database {
    /// Starts the cluster in this directory. One that an interrupted run left behind is stopped first.
    pub fn start(dir: &Path) -> Result<Self> {
        if dir.join("data/postmaster.pid").exists() {
            // It may have died without removing its file.
            let _ = run(script().arg("stop").arg(dir));
        }
        let port = free_port()?;
        // Not captured: the server would keep the pipe open.
        let started = script().arg("start").arg(dir).arg(port.to_string()).status()?;
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
        if let Err(error) = run(script().arg("stop").arg(&self.dir)) {
            // Nothing can be done about it, and the next run tries again.
            let _ = writeln!(std::io::stderr(), "PostgreSQL was not stopped: {error}");
        }
    }
}
