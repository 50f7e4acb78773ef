//! What the benchmark and the faults have in common: they run programs, and say in a sentence what did not work.

mod failure;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

pub use failure::{Context, Failure, Result};

/// Runs a program to its end and returns what it printed, without the line's end.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::piped()).stdout(Stdio::piped()).output().context(format_args!("cannot run {name}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        Err(Failure::new(format_args!("{name} failed: {}", said.join("\n"))))
    }
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A command of the script that makes, starts and stops clusters of PostgreSQL in directories.
pub fn postgres(command: &str, dir: impl AsRef<Path>) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/postgres"));
    script.arg(command).arg(dir.as_ref());
    script
}
