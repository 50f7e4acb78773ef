//! What a process costs before and besides its requests.

use std::time::Instant;

use tessera_harness::Result;

use crate::arena::Arena;
use crate::operation::Operation;
use crate::options::{Contestant, Options};
use crate::server;

/// How often a server is started.
const STARTS: usize = 7;

/// What was found.
pub struct Startup {
    /// Milliseconds from the start of the process to its first answer to Q1, on PostgreSQL and on SQLite.
    pub first_answer: Vec<(Contestant, f64)>,
    /// The program in MB.
    pub binary: f64,
}

/// Starts Tessera several times on each database that takes part.
pub fn measure(options: &Options, arena: &Arena) -> Result<Startup> {
    let mut first_answer = Vec::new();
    for contestant in [Contestant::Tessera, Contestant::Sqlite] {
        let Some(entrant) = arena.of(contestant) else { continue };
        let request = entrant.asker.request(Operation::Q1, 0)?;
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            let mut server = server::start_tessera(options, &arena.database_url(contestant))?;
            server.wait_for(&request.bytes)?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        first_answer.push((contestant, times[STARTS / 2]));
    }
    let binary = std::fs::metadata(&options.tessera)?.len() as f64 / 1_000_000.0;
    Ok(Startup { first_answer, binary })
}
