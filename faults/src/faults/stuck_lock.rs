//! Somebody holds what a row's commands need for some seconds: the row, or all of SQLite's file.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tessera_harness::Result;

use crate::client::post;
use crate::database::Kind;
use crate::ground::{Acknowledged, Ground};
use crate::load::{Flow, Make};
use crate::report::Line;
use crate::session::while_held;

/// How many requests a second want the row, and how many each of the others sends.
const WANTING: f64 = 8.0;
const OTHERS: f64 = 100.0;
/// How long others may take, and how long until those that want the row are told.
const SLOW: f64 = 500.0;
const TOLD: Duration = Duration::from_millis(3500);

fn extending(token: &str, id: &str) -> Make {
    let query = format!(
        "mutation {{ extendSubscription(input: {{ id: \"{id}\", days: 1 }}) \
         {{ subscription {{ version }} userErrors {{ code message path }} }} }}"
    );
    let request = post(token, &json!({ "query": query }).to_string());
    Arc::new(move |_| request.clone())
}

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let server = ground.serve(&[])?;
    let wanted = ground.subscribe(&server)?;
    // Where all that writes is locked, another tenant only reads.
    let other = if ground.kind() == Kind::Postgres { &ground.globex } else { &ground.acme };
    let others =
        [Ground::creating(&ground.acme, "own"), Ground::creating(other, "other"), Ground::reading(&ground.globex)];
    let mut flows = vec![Flow { rate: WANTING, make: extending(&ground.acme, &wanted) }];
    flows.extend(others.map(|make| Flow { rate: OTHERS, make }));
    let statements = match ground.kind() {
        Kind::Postgres => {
            "BEGIN; SELECT FROM subscriptions WHERE customer_id IN (SELECT id FROM customers WHERE name = 'wanted') FOR UPDATE;"
        }
        Kind::Sqlite => "BEGIN IMMEDIATE;",
    };
    let outcomes = while_held(ground, server.address, &flows, statements)?;
    let mut acknowledged = Acknowledged::default();
    acknowledged.add("own", &outcomes[1]);
    acknowledged.add("other", &outcomes[2]);
    let mut lines = vec![outcomes[0].all_are_answered("that wants what is locked")];
    match ground.kind() {
        Kind::Postgres => {
            let longest = outcomes[0].longest();
            lines.push(Line::new(
                "who wants a locked row is told within 3.5 s",
                format_args!("{} ms at most, {} refused", longest.as_millis(), outcomes[0].shed()),
                longest <= TOLD,
            ));
            lines.push(outcomes[1].all_are_good("the same tenant's creations while a row is locked", SLOW));
            lines.push(outcomes[2].all_are_good("another tenant's creations while a row is locked", SLOW));
        }
        // Everything that writes wants the file.
        Kind::Sqlite => lines.push(outcomes[2].all_are_answered("that writes")),
    }
    lines.push(outcomes[3].all_are_good("another tenant's reads while it is locked", SLOW));
    lines.extend([ground.nothing_is_lost(&acknowledged)?, ground.invariants_hold()?]);
    Ok(lines)
}
