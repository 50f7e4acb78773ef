//! Load without end, to look at with a profiler.

use std::time::Duration;

use tessera_harness::{Context, Result};

use crate::arena::Arena;
use crate::load::Turn;
use crate::operation::Operation;
use crate::options::{Contestant, Options};
use crate::{progress, rounds};

/// Loads Tessera with the first operation until interrupted.
pub fn run(options: &Options, operations: &[Operation], arena: &Arena) -> Result<()> {
    let contestant = if options.wants(Contestant::Tessera) { Contestant::Tessera } else { Contestant::Sqlite };
    let entrant = arena.of(contestant).context("--profile needs the contestant tessera or sqlite")?;
    let operation = operations.first().copied().context("--profile needs an operation")?;
    progress(format_args!(
        "{} of {} runs until interrupted. In another terminal:\n  perf record --call-graph dwarf --pid {pid} -- sleep 10 && perf report\n\
         Function names need: CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only make bench …",
        operation.name(),
        contestant.name(),
        pid = entrant.server().pid()
    ));
    let concurrency = options.concurrency.iter().copied().max().unwrap_or(1);
    for number in 1.. {
        let turn = Turn { concurrency, warm_up: Duration::ZERO, length: Duration::from_secs(5) };
        let figures = rounds::take_turn(options, arena, (operation, contestant), turn, number)?.figures();
        progress(format_args!("{:.0} requests/s, {:.3} ms of CPU each", figures.rate, figures.server_cpu));
    }
    Ok(())
}
