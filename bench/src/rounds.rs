//! The measurement: for every operation and number of connections, all contestants take turns, several rounds long.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tessera_harness::{Context, Failure, Result};

use crate::arena::Arena;
use crate::load::{self, Turn};
use crate::measure::{Figures, Meter, Slice};
use crate::operation::Operation;
use crate::options::{Contestant, Options};
use crate::server::Server;
use crate::{floor, process, progress};

/// Whose turn it was, at what.
pub type Key = (Operation, usize, Contestant);

/// All figures of a run.
#[derive(Default)]
pub struct Results {
    /// One for each round.
    pub turns: BTreeMap<Key, Vec<Figures>>,
    /// The most memory that each server was seen to hold, in MB.
    pub resident: BTreeMap<Contestant, f64>,
    /// Operations that a contestant does not know.
    pub unsupported: Vec<(Operation, Contestant)>,
}

impl Results {
    /// The medians over the rounds.
    pub fn median(&self, operation: Operation, concurrency: usize, contestant: Contestant) -> Option<Figures> {
        let turns = self.turns.get(&(operation, concurrency, contestant))?;
        let of = |figure: fn(&Figures) -> f64| {
            let mut values: Vec<f64> = turns.iter().map(figure).collect();
            values.sort_by(f64::total_cmp);
            let upper = values[values.len() / 2];
            f64::midpoint(values[(values.len() - 1) / 2], upper)
        };
        Some(Figures {
            rate: of(|turn| turn.rate),
            p50: of(|turn| turn.p50),
            p99: of(|turn| turn.p99),
            server_cpu: of(|turn| turn.server_cpu),
            database_cpu: of(|turn| turn.database_cpu),
            client_share: of(|turn| turn.client_share),
            others_share: of(|turn| turn.others_share),
            statements: of(|turn| turn.statements),
            bytes: of(|turn| turn.bytes),
        })
    }
}

/// Measures everything that was asked for: a round goes through all operations, so that those that are compared with
/// each other are measured under the same conditions.
pub fn measure(options: &Options, operations: &[Operation], arena: &Arena) -> Result<Results> {
    let mut results = Results::default();
    let schedule = schedule(options, operations, arena, &mut results.unsupported);
    let mut number = 0;
    for &concurrency in &options.concurrency {
        let turn = Turn {
            concurrency,
            warm_up: Duration::from_secs_f64(options.warm_up),
            length: Duration::from_secs_f64(options.seconds),
        };
        for round in 0..options.rounds {
            for (operation, contestants) in &schedule {
                // Whoever comes first in one round comes last in another.
                let (later, first) = contestants.split_at(round % contestants.len().max(1));
                for &contestant in first.iter().chain(later) {
                    number += 1;
                    let figures = take_turn(options, arena, (*operation, contestant), turn, number)
                        .context(format_args!("{} of {}", operation.name(), contestant.name()))?
                        .figures();
                    progress(format_args!(
                        "{concurrency:>3} connections, round {}: {:<8} {:<12} {:>8.0} requests/s, p50 {:.2} ms",
                        round + 1,
                        operation.name(),
                        contestant.name(),
                        figures.rate,
                        figures.p50
                    ));
                    results.turns.entry((*operation, concurrency, contestant)).or_default().push(figures);
                    if let Some(entrant) = arena.of(contestant) {
                        let most = results.resident.entry(contestant).or_default();
                        let resident = entrant.servers.iter().map(|server| process::resident_of_tree(server.pid()));
                        *most = resident.fold(*most, f64::max);
                    }
                }
            }
        }
    }
    Ok(results)
}

/// Who is asked what.
fn schedule(
    options: &Options,
    operations: &[Operation],
    arena: &Arena,
    unsupported: &mut Vec<(Operation, Contestant)>,
) -> Vec<(Operation, Vec<Contestant>)> {
    let mut schedule = Vec::new();
    for &operation in operations {
        let asked = Contestant::ALL.into_iter();
        let asked = asked.filter(|contestant| options.wants(*contestant) && operation.is_for(*contestant));
        let (able, unable): (Vec<_>, Vec<_>) = asked.partition(|contestant| arena.supports(*contestant, operation));
        unsupported.extend(unable.into_iter().map(|contestant| (operation, contestant)));
        schedule.push((operation, able));
    }
    schedule
}

/// A directory for pgbench's log, in memory where the system has such a place: a busy disk would stall the floor.
fn scratch(options: &Options) -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.join("tessera-bench") } else { options.dir.join("pgbench") }
}

/// One turn of one contestant at one operation. `number` tells turns apart.
pub fn take_turn(
    options: &Options,
    arena: &Arena,
    (operation, contestant): (Operation, Contestant),
    turn: Turn,
    number: u64,
) -> Result<Slice> {
    let database = &arena.copy.database;
    let slice = match arena.of(contestant) {
        None => floor::load(database, operation, turn, &scratch(options))?,
        Some(entrant) => {
            let servers = entrant.servers.iter().map(Server::pid).collect();
            let meter = Meter { contestant, servers, client: None, database };
            let addresses: Vec<_> = entrant.servers.iter().map(|server| server.address).collect();
            let requests = entrant.asker.requests(operation)?;
            // Each process as many as the one of the others.
            let turn = Turn { concurrency: turn.concurrency * entrant.servers.len(), ..turn };
            // Idempotency keys must not come again in a later turn.
            load::load(&addresses, requests, number * 1_000_000_000, turn, &meter)?
        }
    };
    match operation {
        Operation::M1 | Operation::M1One => check_written(arena, &slice)?,
        Operation::U1 if contestant != Contestant::Floor => check_counted(arena, &slice)?,
        _ => {}
    }
    Ok(slice)
}

/// Checks what was counted, and forgets it.
fn check_counted(arena: &Arena, slice: &Slice) -> Result<()> {
    let database = &arena.copy.database;
    let counted = database.query(
        "SELECT concat(count(*), ' ', (SELECT sum(used) FROM usage_counters WHERE feature_key = 'feature.3')) \
         FROM usage_records",
    )?;
    if counted != format!("{0} {0}", slice.all) {
        return Err(Failure::new(format_args!("{} requests left {counted} records and uses", slice.all)));
    }
    database.query("TRUNCATE usage_records, usage_days; DELETE FROM usage_counters WHERE feature_key = 'feature.3'")?;
    database.query("VACUUM usage_counters").map(|_| ())
}

/// Counts what was written, and removes it.
fn check_written(arena: &Arena, slice: &Slice) -> Result<()> {
    let database = &arena.copy.database;
    let made = database.query(
        "SELECT count(*) FROM customers AS c JOIN subscriptions AS s ON s.tenant_id = c.tenant_id AND s.customer_id = c.id \
         WHERE c.created_at > 1767225600000000",
    )?;
    let made: u64 = made.parse().context("no number of new customers")?;
    if made < slice.all {
        return Err(Failure::new(format_args!("{} requests made {made} customers with a subscription", slice.all)));
    }
    database.run_file(&crate::source("data/clean.sql"))?;
    database.query("VACUUM customers, subscriptions, subscription_totals").map(|_| ())
}
