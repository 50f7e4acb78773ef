//! The floor: hand-written statements, prepared, by pgbench.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tessera_harness::{Context, Failure, Result};

use crate::database::Database;
use crate::load::Turn;
use crate::measure::{Meter, Slice};
use crate::operation::Operation;
use crate::options::Contestant;

#[expect(clippy::disallowed_methods, reason = "pgbench's log has the time of the day")]
fn time_of_day() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Runs one turn. `scratch` is a directory for pgbench's log.
pub fn load(database: &Database, operation: Operation, turn: Turn, scratch: &Path) -> Result<Slice> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    fs::create_dir_all(scratch)?;
    let (script, organization) = operation.script();
    let role = Contestant::Floor.role();
    // Counted from when all are connected, so that pgbench outlasts the measurement.
    let lasts = (turn.warm_up + turn.length).as_secs_f64().ceil();
    let mut child = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", role, "--log"])
        .args(["-p", &database.port().to_string()])
        .args(["-c", &turn.concurrency.to_string(), "-j", &turn.concurrency.min(2).to_string()])
        .args(["-T", &lasts.to_string()])
        .args(["-D", &format!("organization={organization}"), "-D", &format!("now={}", time_of_day().as_micros())])
        .arg("-f")
        .arg(&script)
        .arg("tessera")
        .current_dir(scratch)
        .stdin(Stdio::null())
        .stdout(fs::File::create(scratch.join("output"))?)
        .stderr(fs::File::create(scratch.join("errors"))?)
        .spawn()
        .context("cannot run pgbench")?;
    let meter = Meter { contestant: Contestant::Floor, servers: Vec::new(), client: Some(child.id()), database };
    thread::sleep(turn.warm_up);
    let (before, started) = (meter.read(), time_of_day());
    thread::sleep(turn.length);
    let (usage, ended) = (meter.read().since(before), time_of_day());
    let status = child.wait()?;
    let errors = fs::read_to_string(scratch.join("errors"))?;
    if !status.success() || errors.contains("ERROR") {
        return Err(Failure::new(format_args!("pgbench failed: {errors}")));
    }
    // From the script: PostgreSQL 15 counts a prepared BEGIN or COMMIT only once.
    let statements = fs::read_to_string(&script)?.lines().filter(|line| line.ends_with(';')).count() as f64;
    let mut all = 0;
    let mut latencies = Vec::with_capacity(1 << 20);
    for file in fs::read_dir(scratch)?.flatten() {
        if !file.file_name().to_string_lossy().starts_with("pgbench_log") {
            continue;
        }
        let text = fs::read_to_string(file.path())?;
        for (micros, at) in text.lines().filter_map(transaction) {
            all += 1;
            if at >= started && at < ended {
                latencies.push(micros);
            }
        }
    }
    fs::remove_dir_all(scratch)?;
    Ok(Slice { elapsed: ended - started, usage, statements, all, bytes: 0.0, latencies })
}

/// A line of pgbench's log: client, number, microseconds, script, and when it ended in seconds and microseconds.
fn transaction(line: &str) -> Option<(u32, Duration)> {
    let fields: Vec<&str> = line.split(' ').collect();
    let seconds = fields.get(4)?.parse().ok()?;
    let micros = fields.get(5)?.parse().ok()?;
    Some((fields.get(2)?.parse().ok()?, Duration::from_secs(seconds) + Duration::from_micros(micros)))
}

/// What the script of a query answers for the `k`th customer: an array of rows.
pub fn answer(database: &Database, operation: Operation, k: u64) -> Result<serde_json::Value> {
    let (script, organization) = operation.script();
    let text = fs::read_to_string(script)?;
    let statement: Vec<&str> = text.lines().filter(|line| !line.starts_with('\\') && !line.starts_with("--")).collect();
    let statement = statement.join("\n").replace(":k)", &format!("{k})"));
    let statement = statement.replace(":organization", &organization.to_string());
    let rows = statement.trim_end().trim_end_matches(';');
    Ok(serde_json::from_str(&database.query(&format!("SELECT coalesce(json_agg(r), '[]') FROM ({rows}) AS r"))?)?)
}
