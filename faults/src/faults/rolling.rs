//! A new program replaces an old one (`OLD=path`) on one database, which it migrates under load.

use std::thread;
use std::time::Duration;

use tessera_harness::{Result, run};

use crate::database::Kind;
use crate::ground::{Acknowledged, Ground};
use crate::load::{Flow, Outcomes, beside, open};
use crate::report::Line;
use crate::server::Server;

const RATE: f64 = 50.0;
const LENGTH: Duration = Duration::from_secs(10);
/// How long they may take meanwhile.
const SLOW: f64 = 1000.0;
/// When the new program comes; the old one goes when its load has ended.
const COMES: Duration = Duration::from_secs(3);

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let Some(old) = ground.old.clone() else { return Ok(Vec::new()) };
    if ground.kind() == Kind::Sqlite {
        // It is for one process.
        return Ok(Vec::new());
    }
    let before = Ground::prepare(ground.database, old, None, "rolling_old")?;
    let after = Ground::of(&before, ground);
    let leaving = before.serve(&[])?;
    let load = |server: &Server, name: &str| -> Result<Vec<Outcomes>> {
        let all =
            [Ground::creating(&before.acme, name), Ground::reading(&before.acme), Ground::reading(&before.globex)];
        open(server.address, LENGTH, &all.map(|make| Flow { rate: RATE, make }))
    };
    let (on_old, on_new) = beside(
        || load(&leaving, "old"),
        || {
            thread::sleep(COMES);
            run(after.tessera().args(["migrate", "up"]))?;
            load(&after.serve(&[])?, "new")
        },
    )?;
    drop(leaving);
    // For the rows that the old one wrote meanwhile.
    run(after.tessera().args(["migrate", "up"]))?;
    run(after.tessera().args(["doctor", "--refold"]))?;
    let (mut acknowledged, mut all) = (Acknowledged::default(), Outcomes::default());
    acknowledged.add("old", &on_old[0]);
    acknowledged.add("new", &on_new[0]);
    on_old.into_iter().chain(on_new).for_each(|outcomes| all.add(outcomes));
    Ok(vec![
        all.all_are_good("requests while a new program migrates the database and takes over", SLOW),
        after.nothing_is_lost(&acknowledged)?,
        after.invariants_hold()?,
    ])
}
