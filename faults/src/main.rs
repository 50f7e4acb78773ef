//! Breaks what Tessera stands on, on both databases, and prints what it promises beside what was seen: `make prove-faults`.
//!
//! A fault is a file of [`faults`]: a function that gets a [`ground::Ground`] to break things on, and returns lines of
//! the report. To add one, write the file, and name it in [`faults::ALL`].

mod client;
mod database;
mod faults;
mod ground;
mod load;
mod report;
mod server;
mod session;
mod small;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use tessera_harness::{Context, Failure, Result};

use crate::database::{Database, Kind};
use crate::ground::Ground;
use crate::report::Line;

/// Breaks what Tessera stands on, and shows what it promises
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Faults to try, such as overload,shutdown; all if not given
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    only: Vec<String>,
    /// Databases to try them on; both if not given
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    databases: Vec<Kind>,
    /// The program; the one built beside this one if not given
    #[arg(long, value_name = "FILE", default_value_os_t = beside_this_program())]
    tessera: PathBuf,
    /// An older program, for faults that have two at once; they are left out without it
    #[arg(long, env = "OLD", value_name = "FILE")]
    old: Option<PathBuf>,
    /// Where the databases are made; a directory that is removed again if not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn beside_this_program() -> PathBuf {
    std::env::current_exe().unwrap_or_default().with_file_name("tessera")
}

/// Says what is going on, on standard error.
fn progress(text: impl Display) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn main() -> Result<()> {
    let options = Options::parse();
    let tessera = options.tessera.canonicalize();
    let tessera = tessera.context(format_args!("{}: build it with make prove-faults", options.tessera.display()))?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let faults: Vec<_> = faults::ALL.iter().filter(|fault| wanted(fault.name)).collect();
    if faults.is_empty() {
        let names: Vec<_> = faults::ALL.iter().map(|fault| fault.name).collect();
        return Err(Failure::new(format_args!("no such fault; there are {}", names.join(", "))));
    }
    let temporary = tempfile::Builder::new().prefix("tessera-faults.").tempdir()?;
    let dir = options.dir.as_deref().unwrap_or(temporary.path());
    let mut broken = 0;
    report::head()?;
    for kind in Kind::ALL.into_iter().filter(|kind| options.databases.is_empty() || options.databases.contains(kind)) {
        let database = Database::start(kind, &dir.join(kind.name()))?;
        for fault in &faults {
            progress(format_args!("{} on {}", fault.name, kind.name()));
            let ground = Ground::prepare(&database, tessera.clone(), options.old.clone(), fault.name)?;
            let lines = (fault.prove)(&ground);
            for line in lines.unwrap_or_else(|failure| vec![Line::new("it can be tried", failure, false)]) {
                broken += usize::from(!line.print(fault.name, kind)?);
            }
        }
    }
    if broken == 0 { Ok(()) } else { Err(Failure::new(format_args!("{broken} promises were broken"))) }
}
