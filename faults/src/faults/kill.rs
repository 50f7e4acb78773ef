//! SIGKILL of the server while it writes.

use std::thread;
use std::time::{Duration, Instant};

use tessera_harness::Result;

use crate::ground::{Acknowledged, Ground};
use crate::load::{beside, closed};
use crate::report::Line;

const KILLS: u32 = 10;
const CLIENTS: usize = 16;
const LENGTH: Duration = Duration::from_millis(700);
/// By when a server serves that was started after a kill.
const BACK: Duration = Duration::from_secs(2);

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let (mut acknowledged, mut slowest) = (Acknowledged::default(), Duration::ZERO);
    for round in 0..KILLS {
        let begun = Instant::now();
        let server = ground.serve(&[])?;
        slowest = slowest.max(begun.elapsed());
        let (name, address) = (format!("kill {round}"), server.address);
        let make = Ground::creating(&ground.acme, &name);
        let (outcomes, ()) = beside(
            || closed(address, LENGTH, CLIENTS, &make),
            || {
                thread::sleep(LENGTH / 2 + Duration::from_millis(17) * round);
                server.signal("KILL")
            },
        )?;
        acknowledged.add(&name, &outcomes);
    }
    Ok(vec![
        ground.nothing_is_lost(&acknowledged)?,
        Line::new(
            "a server that was killed can be started again within 2 s",
            format_args!("{} ms at most, {KILLS} kills", slowest.as_millis()),
            slowest <= BACK,
        ),
        ground.invariants_hold()?,
    ])
}
