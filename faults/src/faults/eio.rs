//! The disk fails to flush: what was written before is not known to be there.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use tessera_harness::{Failure, Result, run};

use crate::database::Kind;
use crate::ground::{Acknowledged, Ground, ready, until_good};
use crate::load::{Outcomes, beside, closed};
use crate::report::Line;

const CLIENTS: usize = 8;
const ROUNDS: usize = 4;
const LENGTH: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(5);
/// By when requests are carried out again.
const BACK: Duration = Duration::from_secs(1);

/// Makes what stands between a program and the disk.
fn shim(dir: &Path) -> Result<std::path::PathBuf> {
    let (source, made) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("eio.c"), dir.join("eio.so"));
    run(Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&made).arg(source).arg("-ldl"))?;
    Ok(made)
}

/// Lets this many flushes fail, one after the other.
fn fail(switch: &Path, times: usize) -> Result<()> {
    for _ in 0..times {
        std::fs::write(switch, "")?;
        let begun = std::time::Instant::now();
        while switch.exists() {
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new("nothing was flushed to the disk"));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let dir = ground.database.dir();
    let (shim, switch) = (shim(dir)?, dir.join("eio"));
    let variables = [("LD_PRELOAD", shim.as_path()), ("FAULTS_EIO", switch.as_path())];
    if ground.kind() == Kind::Postgres {
        ground.database.stop("fast")?;
        ground.database.start_again(&variables)?;
        let lines = break_it(ground, &[], &switch, 1);
        ground.database.stop("fast")?;
        ground.database.start_again(&[])?;
        return lines;
    }
    let variables = variables.map(|(name, value)| (name, value.to_str().unwrap_or_default()));
    break_it(ground, &variables, &switch, 2)
}

fn break_it(ground: &Ground, variables: &[(&str, &str)], switch: &Path, times: usize) -> Result<Vec<Line>> {
    let server = ground.serve(variables)?;
    let (mut acknowledged, mut all, mut slowest) = (Acknowledged::default(), Outcomes::default(), Duration::ZERO);
    for round in 0..ROUNDS {
        let name = format!("eio {round}");
        let make = Ground::creating(&ground.acme, &name);
        let (outcomes, back) = beside(
            || closed(server.address, LENGTH, CLIENTS, &make),
            || {
                thread::sleep(LENGTH / 3);
                fail(switch, times)?;
                // PostgreSQL ends all its processes, and recovers.
                thread::sleep(Duration::from_millis(200));
                while ground.sql("SELECT 1").is_err() {
                    thread::sleep(Duration::from_millis(10));
                }
                until_good(&server, &Ground::create(&ground.globex, &name))
            },
        )?;
        acknowledged.add(&name, &outcomes);
        slowest = slowest.max(back);
        all.add(outcomes);
    }
    let ready = ready(&server)?;
    let mut lines = vec![
        ground.nothing_is_lost(&acknowledged)?,
        all.all_are_answered("meanwhile"),
        Line::new(
            "requests are carried out within 1 s after a flush failed and the database recovered",
            format_args!("{} ms at most, {} flushes failed", slowest.as_millis(), ROUNDS * times),
            slowest <= BACK,
        ),
        Line::new("`/readyz` is 200 afterwards", ready, ready == 200),
    ];
    server.signal("KILL")?;
    drop(server);
    let again = ground.serve(&[])?;
    until_good(&again, &Ground::create(&ground.acme, "restarted"))?;
    let line = ground.nothing_is_lost(&acknowledged)?;
    lines.extend([line.saying("after the server was killed and started again"), ground.invariants_hold()?]);
    Ok(lines)
}
