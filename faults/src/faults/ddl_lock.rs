//! Somebody changes a table for some seconds. On SQLite that is to write, which `stuck_lock` does.

use std::sync::Arc;

use serde_json::json;
use tessera_harness::Result;

use crate::client::post;
use crate::database::Kind;
use crate::ground::Ground;
use crate::load::{Flow, Make};
use crate::report::Line;
use crate::session::while_held;

/// How many requests a second read the table, and how many each of the others sends.
const READING: f64 = 20.0;
const OTHERS: f64 = 100.0;
/// How long others may take, and those that read the table.
const SLOW: f64 = 500.0;
const TOLD: f64 = 1000.0;

fn payments(token: &str) -> Make {
    let request = post(token, &json!({ "query": "{ payments(first: 3) { nodes { id status } } }" }).to_string());
    Arc::new(move |_| request.clone())
}

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    if ground.kind() == Kind::Sqlite {
        return Ok(Vec::new());
    }
    let server = ground.serve(&[])?;
    let others = [Ground::creating(&ground.globex, "other"), Ground::reading(&ground.globex)];
    let mut flows = vec![Flow { rate: READING, make: payments(&ground.acme) }];
    flows.extend(others.map(|make| Flow { rate: OTHERS, make }));
    let outcomes = while_held(ground, server.address, &flows, "BEGIN; LOCK TABLE payments IN ACCESS EXCLUSIVE MODE;")?;
    let told = outcomes[0].shed_ms(1.0);
    let mut lines = vec![
        outcomes[0].all_are_answered("that reads a locked table"),
        Line::new(
            "who reads a locked table is told within 1 s",
            format_args!("{told:.0} ms at most, {} refused", outcomes[0].shed()),
            told <= TOLD && outcomes[0].shed() > 0,
        ),
    ];
    lines.push(outcomes[1].all_are_good("who creates while a table is locked that it does not write", SLOW));
    lines.push(outcomes[2].all_are_good("who reads others while a table is locked", SLOW));
    lines.push(ground.invariants_hold()?);
    Ok(lines)
}
