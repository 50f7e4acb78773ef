//! One file per command. Answers go to standard output, logs and errors to standard error.

mod demo;
mod doctor;
mod migrate;
mod revoke;
mod scheduler;
mod schema;
mod serve;
mod token;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tessera::config::ConfigError;

/// A GraphQL backend-for-frontend for subscription management in multi-tenant SaaS
#[derive(Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = SECRETS)]
    Serve(serve::Serve),
    /// Run a server with example data and nothing to configure
    Demo(demo::Demo),
    /// Bring about what time makes due, for set-ups where servers do not (TESSERA_SCHEDULER=false)
    Scheduler(scheduler::Scheduler),
    /// Bring the database's schema up to date, or say how far it is
    Migrate(migrate::Migrate),
    /// Make a token, to try things with
    #[command(after_help = SECRETS)]
    Token(token::Token),
    /// Have tokens refused before they expire
    #[command(after_help = SECRETS)]
    Revoke(revoke::Revoke),
    /// Print the GraphQL schema
    Schema,
    /// Check configuration, database, migrations and keys, and say what to mend
    #[command(after_help = SECRETS)]
    Doctor(doctor::Doctor),
}

const SECRETS: &str = "Secrets are given as variables only: TESSERA_AUTH_HS256_SECRET, TESSERA_CURSOR_SECRET.\n\
     .env.example documents every variable.";

/// Why a command ended early.
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Something did not work.
    fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// The call was wrong.
    fn usage(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

impl Cli {
    /// Runs the command. Exit codes: 0 done, 1 failed, 2 called or configured wrongly.
    pub async fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Serve(serve) => serve.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Scheduler(scheduler) => scheduler.run().await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::Token(token) => token.run().await,
            Command::Revoke(revoke) => revoke.run().await,
            Command::Schema => schema::run(),
            Command::Doctor(doctor) => doctor.run().await,
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                // Nobody is left to tell when standard error is closed.
                let _ = writeln!(io::stderr(), "error: {}", failure.message);
                ExitCode::from(failure.code)
            }
        }
    }
}

/// Writes a line to standard output. A reader that has gone away (`tessera schema | head`) is no failure.
fn print(line: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
