//! Measures Tessera against hand-written SQL and PostGraphile on one machine: see docs/BENCHMARKS.md.

mod arena;
mod client;
mod database;
mod dataset;
mod equal;
mod floor;
mod interrupt;
mod keys;
mod load;
mod measure;
mod operation;
mod options;
mod process;
mod profile;
mod report;
mod rounds;
mod server;
mod startup;
mod targets;
mod time;

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser;
use tessera_harness::{Context, Failure, Result};

use crate::arena::Arena;
use crate::operation::Operation;
use crate::options::Options;

/// A file of the benchmark.
fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Says what is going on, on standard error.
fn progress(text: impl Display) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn main() -> Result<()> {
    let mut options = Options::parse().settled();
    options.tessera = options
        .tessera
        .canonicalize()
        .context(format_args!("{}: build it with cargo build --release --workspace", options.tessera.display()))?;
    std::fs::create_dir_all(&options.dir)?;
    options.dir = options.dir.canonicalize()?;
    let operations: Vec<Operation> =
        Operation::ALL.into_iter().filter(|operation| operation.is_named(&options.only)).collect();
    if operations.is_empty() {
        return Err(Failure::new(format_args!(
            "no such operation; there are {}",
            Operation::ALL.map(Operation::name).join(", ")
        )));
    }
    interrupt::watch(options.dir.join("run/postgres"));

    let arena = Arena::open(&options, &operations)?;
    let compared = arena.compare(&operations)?;
    progress(format_args!("{compared} answers compared: equal"));
    if options.profile {
        return profile::run(&options, &operations, &arena);
    }
    let results = rounds::measure(&options, &operations, &arena)?;
    let startup = startup::measure(&options, &arena)?;
    report::write(&options, &operations, &results, &startup)
}
