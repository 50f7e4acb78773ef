//! What a run found: tables for people on standard output and in `report.md`, `report.json` for
//! programs.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};
use tessera_harness::{Context, Result};

use crate::measure::Figures;
use crate::operation::Operation;
use crate::options::Options;
use crate::rounds::Results;
use crate::startup::Startup;
use crate::targets::{Verdict, verdicts};

/// Writes both.
pub fn write(options: &Options, operations: &[Operation], results: &Results, startup: &Startup) -> Result<()> {
    let verdicts = verdicts(results, startup);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\n{} rounds of {} s after {} s of warm-up; pool of {}; PostGraphile in {} process(es); {} cores for everyone.\n",
        options.rounds,
        options.seconds,
        options.warm_up,
        options.pool,
        options.postgraphile_workers,
        std::thread::available_parallelism().map_or(0, Into::into),
    );
    text.push_str(&table(&figures_rows(results)));
    for (operation, contestant) in &results.unsupported {
        let _ = writeln!(text, "\n{}: not supported by {}", operation.name(), contestant.name());
    }
    let turns = results.turns.values().flatten();
    let busiest = turns.map(|turn| turn.others_share).fold(0.0, f64::max);
    if busiest > 0.2 {
        let _ = writeln!(text, "\nOther processes took up to {busiest:.1} cores: measure on a quiet machine.");
    }
    let memory: Vec<String> =
        results.resident.iter().map(|(contestant, most)| format!("{} {most:.0} MB", contestant.name())).collect();
    let _ = writeln!(text, "\nMost memory held: {}\n", memory.join(", "));
    text.push_str(&table(&verdict_rows(&verdicts, operations)));
    std::io::stdout().write_all(text.as_bytes())?;

    std::fs::write(options.dir.join("report.md"), text)?;
    let file = options.dir.join("report.json");
    std::fs::write(&file, serde_json::to_string_pretty(&json(options, results, startup, &verdicts))?)
        .context(file.display())?;
    crate::progress(format_args!("\nwritten to {}", file.display()));
    Ok(())
}

fn figures_rows(results: &Results) -> Vec<Vec<String>> {
    let head = [
        "operation",
        "conn.",
        "contestant",
        "req/s",
        "min–max",
        "p50 ms",
        "p99 ms",
        "server ms/req",
        "db ms/req",
        "stmts/req",
        "bytes",
        "client cores",
        "other cores",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (&(operation, concurrency, contestant), turns) in &results.turns {
        let Some(median) = results.median(operation, concurrency, contestant) else { continue };
        let (least, most) = range(turns);
        let known = |value: f64, decimals: usize| {
            if value == 0.0 { "–".to_owned() } else { format!("{value:.decimals$}") }
        };
        rows.push(vec![
            operation.name().to_owned(),
            concurrency.to_string(),
            contestant.name().to_owned(),
            format!("{:.0}", median.rate),
            format!("{least:.0}–{most:.0}"),
            format!("{:.2}", median.p50),
            format!("{:.2}", median.p99),
            known(median.server_cpu, 3),
            known(median.database_cpu, 3),
            known(median.statements, 2),
            known(median.bytes, 0),
            format!("{:.2}", median.client_share),
            format!("{:.2}", median.others_share),
        ]);
    }
    rows
}

fn range(turns: &[Figures]) -> (f64, f64) {
    let rates = turns.iter().map(|turn| turn.rate);
    (rates.clone().fold(f64::INFINITY, f64::min), rates.fold(0.0, f64::max))
}

fn verdict_rows(verdicts: &[Verdict], operations: &[Operation]) -> Vec<Vec<String>> {
    let mut rows = vec![["figure", "measured", "must", "aim", "verdict"].map(str::to_owned).to_vec()];
    // A run of a few operations says nothing about the others.
    let whole = operations.len() == Operation::ALL.len();
    for verdict in verdicts.iter().filter(|verdict| whole || verdict.value.is_some()) {
        rows.push(vec![
            verdict.what.clone(),
            verdict.value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}")),
            verdict.must(),
            verdict.aim(),
            verdict.word().to_owned(),
        ]);
    }
    rows
}

/// A Markdown table whose columns are aligned, so that it reads well as plain text too.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        if index == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            let _ = writeln!(text, "| {} |", rules.join(" | "));
        }
    }
    text
}

fn json(options: &Options, results: &Results, startup: &Startup, verdicts: &[Verdict]) -> Value {
    let figures = |of: &Figures| {
        json!({
            "requestsPerSecond": of.rate, "p50Ms": of.p50, "p99Ms": of.p99, "serverCpuMs": of.server_cpu,
            "databaseCpuMs": of.database_cpu, "clientCores": of.client_share, "othersCores": of.others_share,
            "statements": of.statements,
            "bytes": of.bytes,
        })
    };
    let turns = results.turns.iter().map(|(&(operation, concurrency, contestant), turns)| {
        json!({
            "operation": operation.name(), "concurrency": concurrency, "contestant": contestant.name(),
            "median": results.median(operation, concurrency, contestant).as_ref().map(figures),
            "rounds": turns.iter().map(figures).collect::<Vec<_>>(),
        })
    });
    let verdicts = verdicts.iter().map(|verdict| {
        json!({
            "figure": verdict.what, "value": verdict.value, "must": verdict.must(), "aim": verdict.aim(),
            "verdict": verdict.word(),
        })
    });
    let unsupported = results
        .unsupported
        .iter()
        .map(|(operation, contestant)| json!({ "operation": operation.name(), "contestant": contestant.name() }));
    let named = |pairs: Vec<(&'static str, f64)>| pairs.into_iter().collect::<std::collections::BTreeMap<_, _>>();
    json!({
        "rounds": options.rounds, "seconds": options.seconds, "warmUp": options.warm_up, "pool": options.pool,
        "postgraphileWorkers": options.postgraphile_workers,
        "turns": turns.collect::<Vec<_>>(),
        "unsupported": unsupported.collect::<Vec<_>>(),
        "memoryMb": named(results.resident.iter().map(|(contestant, most)| (contestant.name(), *most)).collect()),
        "firstAnswerMs": named(startup.first_answer.iter().map(|(contestant, ms)| (contestant.name(), *ms)).collect()),
        "binaryMb": startup.binary,
        "targets": verdicts.collect::<Vec<_>>(),
    })
}
