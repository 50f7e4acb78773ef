//! A session of somebody else on a database, which stays open.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tessera_harness::{Context, Failure, Result};

use crate::database::Kind;
use crate::ground::Ground;

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

impl Drop for Session {
    fn drop(&mut self) {
        // At the end of its input it ends by itself.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
