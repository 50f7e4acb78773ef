//! A new program replaces an old one (`OLD=path`) on one database, which it migrates under load.

use std::rc::Rc;
use std::thread;
use std::time::Duration;

use crate::database::{Kind, run};
use crate::failure::{Context, Result};
use crate::ground::Ground;
use crate::load::{Flow, Outcomes, open};
use crate::report::Line;

const RATE: f64 = 50.0;
const LENGTH: Duration = Duration::from_secs(10);
/// When the new program comes; the old one goes when its load has ended.
const COMES: Duration = Duration::from_secs(3);

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let Some(old) = ground.old.clone() else { return Ok(Vec::new()) };
    if ground.kind() == Kind::Sqlite {
        // It is for one process.
        return Ok(Vec::new());
    }
    let before = Ground::prepare(ground.database, old, None, "rolling_old")?;
    let leaving = before.serve(&[])?;
    let load = |address, part: &'static str| {
        let token = before.acme.clone();
        thread::spawn(move || -> Result<Outcomes> {
            let make = Rc::new(move |number| Ground::create(&token, &format!("{part} {number}")));
            Ok(open(address, LENGTH, &[Flow { rate: RATE, make }])?.pop().unwrap_or_default())
        })
    };
    let on_old = load(leaving.address, "old");
    thread::sleep(COMES);
    run(ground.tessera().args(["migrate", "up"]).env("TESSERA_DATABASE_URL", before.url()))?;
    let coming = ground.serve(&[("TESSERA_DATABASE_URL", &before.url())])?;
    let on_new = load(coming.address, "new");
    let ended = || "a load did not end".to_owned();
    let all = [on_old.join(), on_new.join()].map(|outcomes| outcomes.map_err(|_| ended()));
    let (mut sent, mut good) = (0, 0);
    for outcomes in all {
        let outcomes = outcomes.context("the load")??;
        (sent, good) = (sent + outcomes.0.len(), good + outcomes.good());
    }
    Ok(vec![Line::new(
        "no request fails while a new program migrates the database and takes over",
        format_args!("{} of {sent}", sent - good),
        sent == good,
    )])
}
