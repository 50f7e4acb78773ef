//! PostgreSQL crashes while it writes, and is started again. The server stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tessera_harness::{Context, Result};

use crate::database::{Kind, signal};
use crate::ground::{Acknowledged, Ground};
use crate::load::{Outcomes, beside, closed_while};
use crate::report::Line;

const CLIENTS: usize = 16;
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(1500);
/// By when requests are carried out after PostgreSQL is there again.
const BACK: Duration = Duration::from_secs(1);
/// How long an answer may take meanwhile.
const LONGEST: Duration = Duration::from_secs(3);

type Crash = fn(&Ground) -> Result<()>;

const CRASHES: [(&str, Crash); 3] = [
    ("immediate", |ground| ground.database.stop("immediate")),
    ("all", |ground| signal("KILL", &ground.database.processes()?[..1])),
    ("one", |ground| signal("KILL", &[session(ground)?])),
];

/// The process of a session of the server.
fn session(ground: &Ground) -> Result<String> {
    let found =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() LIMIT 1";
    ground.sql(found)
}

/// Returns when PostgreSQL is there again.
fn crash_and_start(ground: &Ground, way: &str, crash: Crash) -> Result<()> {
    crash(ground)?;
    // Where it was one process, PostgreSQL ends the others and starts itself again.
    if way != "one" {
        ground.database.start_again(&[])?;
    }
    while ground.sql("SELECT 1").is_err() {
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    if ground.kind() == Kind::Sqlite {
        // It is in the server's process, which `kill` ends.
        return Ok(Vec::new());
    }
    let (mut acknowledged, mut all, mut slowest) = (Acknowledged::default(), Outcomes::default(), Duration::ZERO);
    let server = ground.serve(&[])?;
    for round in 0..2 {
        for (way, crash) in CRASHES {
            let name = format!("{way} {round}");
            let make = Ground::creating(&ground.acme, &name);
            let (begun, over) = (Instant::now(), Arc::<AtomicBool>::default());
            let is_over = Arc::clone(&over);
            let (outcomes, there) = beside(
                || closed_while(server.address, CLIENTS, &make, move |_| !is_over.load(Ordering::Relaxed)),
                || {
                    thread::sleep(BEFORE);
                    let there = crash_and_start(ground, way, crash).map(|()| begun.elapsed());
                    thread::sleep(AFTER);
                    over.store(true, Ordering::Relaxed);
                    there
                },
            )?;
            acknowledged.add(&name, &outcomes);
            let back = outcomes.good_after(there).context(format_args!("{name}: nothing was carried out again"))?;
            slowest = slowest.max(back);
            all.add(outcomes);
        }
    }
    let longest = all.longest();
    Ok(vec![
        ground.nothing_is_lost(&acknowledged)?,
        all.all_are_answered("meanwhile"),
        Line::new(
            "every answer comes within 3 s",
            format_args!("{} ms at most", longest.as_millis()),
            longest <= LONGEST,
        ),
        Line::new(
            "requests are carried out within 1 s after the database is there again",
            format_args!("{} ms at most, {} crashes", slowest.as_millis(), 2 * CRASHES.len()),
            slowest <= BACK,
        ),
        ground.invariants_hold()?,
    ])
}
