//! PostgreSQL is stopped for some seconds, or stands still.

use std::thread;
use std::time::{Duration, Instant};

use tessera_harness::{Context, Result};

use crate::client::get;
use crate::database::{Kind, signal};
use crate::ground::{Ground, ask, ready, until_good};
use crate::load::{Flow, Outcomes, beside, open};
use crate::report::Line;

const RATE: f64 = 100.0;
const BEFORE: Duration = Duration::from_secs(1);
const AWAY: Duration = Duration::from_secs(4);
/// Longer than it takes until trouble is said to be over.
const AFTER: Duration = Duration::from_secs(7);
const BACK: Duration = Duration::from_secs(1);
/// How long an answer may take meanwhile: less than a request may take.
const LONGEST: Duration = Duration::from_secs(6);

type Switch = fn(&Ground) -> Result<()>;

const OUTAGES: [(&str, Switch, Switch); 2] = [
    ("stopped", |ground| ground.database.stop("fast"), |ground| ground.database.start_again(&[])),
    (
        "frozen",
        |ground| signal("STOP", &ground.database.processes()?),
        |ground| signal("CONT", &ground.database.processes()?),
    ),
];

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    if ground.kind() == Kind::Sqlite {
        // It is in the server's process.
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for (way, begin, end) in OUTAGES {
        let server = ground.serve(&[])?;
        until_good(&server, &Ground::read(&ground.globex))?;
        let logged = std::fs::read_to_string(ground.log())?.lines().count();
        let flows = [Ground::creating(&ground.acme, way), Ground::reading(&ground.globex)]
            .map(|make| Flow { rate: RATE, make });
        let begun = Instant::now();
        let (outcomes, (there, health)) = beside(
            || open(server.address, BEFORE + AWAY + AFTER, &flows),
            || {
                thread::sleep(BEFORE);
                begin(ground)?;
                thread::sleep(AWAY / 4);
                let asked = Instant::now();
                let health = (ask(&server, &get("/healthz"))?.status, ready(&server)?, asked.elapsed());
                thread::sleep(AWAY.saturating_sub(AWAY / 4 + asked.elapsed()));
                end(ground)?;
                Ok((begun.elapsed(), health))
            },
        )?;
        let mut all = Outcomes::default();
        let mut back = Duration::ZERO;
        for outcomes in outcomes {
            let good = outcomes.good_after(there).context(format_args!("{way}: nothing was carried out again"))?;
            back = back.max(good);
            all.add(outcomes);
        }
        let text = std::fs::read_to_string(ground.log())?;
        let log: Vec<_> = text.lines().skip(logged).collect();
        let told = |begins: &str| log.iter().filter(|line| line.contains(begins)).count();
        let (begins, over) = (told("trouble begins"), told("trouble is over"));
        let (longest, refused) = (all.longest(), all.shed());
        lines.extend([
            all.all_are_answered(&format!("while PostgreSQL is {way}")),
            Line::new(
                format_args!("answers take at most 6 s while PostgreSQL is {way}"),
                format_args!("{} ms at most, {refused} refused", longest.as_millis()),
                longest <= LONGEST,
            ),
            Line::new(
                format_args!("requests are carried out within 1 s after PostgreSQL is no longer {way}"),
                format_args!("{} ms", back.as_millis()),
                back <= BACK,
            ),
            Line::new(
                format_args!("`/healthz` answers 200 and `/readyz` 503 within 2.5 s while PostgreSQL is {way}"),
                format_args!("{}, {} in {} ms", health.0, health.1, health.2.as_millis()),
                (health.0, health.1) == (200, 503) && health.2 <= Duration::from_millis(2500),
            ),
            Line::new(
                format_args!("the log has a few lines about it, however many requests fail, while PostgreSQL is {way}"),
                format_args!("{begins} times that trouble begins, {over} that it is over, {} lines", log.len()),
                (1..=3).contains(&begins) && over == begins && log.len() <= 10,
            ),
        ]);
    }
    lines.push(ground.invariants_hold()?);
    Ok(lines)
}
