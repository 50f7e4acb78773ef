//! More requests than the database can take, from one tenant, while another one asks a little.

use std::time::Duration;

use tessera_harness::Result;

use crate::ground::Ground;
use crate::load::{Flow, closed, open};
use crate::report::Line;

const MULTIPLES: [f64; 3] = [2.0, 5.0, 10.0];
const LENGTH: Duration = Duration::from_secs(8);
/// What is not looked at, at the beginning of each load.
const WARM_UP: Duration = Duration::from_secs(2);
/// By when everything is as before.
const NORMAL_AFTER: Duration = Duration::from_secs(5);
/// How many connections it takes to keep the database busy.
const BUSY: usize = 12;
/// How many requests a second the other tenant sends.
const BYSTANDER: f64 = 10.0;

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    ground.slow_down()?;
    let server = ground.serve(&[])?;
    let seconds = (LENGTH - WARM_UP).as_secs_f64();

    closed(server.address, WARM_UP, BUSY, &Ground::creating(&ground.acme, "warm-up"))?;
    let busy = closed(server.address, LENGTH, BUSY, &Ground::creating(&ground.acme, "capacity"))?;
    let capacity = busy.between(WARM_UP, LENGTH).good() as f64 / seconds;
    let flow =
        |multiple: f64, part: &str| Flow { rate: capacity * multiple, make: Ground::creating(&ground.acme, part) };
    let aside = |part: &str| Flow { rate: BYSTANDER, make: Ground::creating(&ground.globex, part) };

    let all = open(server.address, LENGTH, &[flow(0.7, "quiet"), aside("quiet")])?;
    let [quiet, other] = [&all[0], &all[1]].map(|outcomes| outcomes.between(WARM_UP, LENGTH));
    let (normal, aside_normal) = (quiet.good_ms(0.99), other.good_ms(0.99));
    let refused = quiet.shed() + quiet.failed();
    let mut lines = vec![Line::new(
        "nothing is refused at 0.7 × the capacity",
        format_args!("{refused} of {}, the capacity is {capacity:.0}/s", quiet.0.len()),
        refused == 0,
    )];
    for multiple in MULTIPLES {
        let part = format!("{multiple}×");
        let all = open(server.address, LENGTH, &[flow(multiple, &part), aside(&part)])?;
        let [flood, other] = [&all[0], &all[1]].map(|outcomes| outcomes.between(WARM_UP, LENGTH));
        let share = 100.0 * flood.good() as f64 / seconds / capacity;
        lines.push(Line::new(
            format_args!("goodput at {part} is at least 80 % of the capacity"),
            format_args!("{share:.0} %"),
            share >= 80.0,
        ));
        let p99 = flood.good_ms(0.99);
        lines.push(Line::new(
            format_args!("p99 of what is accepted at {part} is at most twice that at 0.7×"),
            format_args!("{p99:.0} ms and {normal:.0} ms"),
            p99 <= 2.0 * normal,
        ));
        let refused = flood.shed_ms(0.99);
        lines.push(Line::new(
            format_args!("refusals at {part} take at most 10 ms (p99)"),
            format_args!("{refused:.1} ms"),
            refused <= 10.0,
        ));
        lines.push(flood.all_are_answered(&format!("at {part}")));
        let p99 = other.good_ms(0.99);
        lines.push(Line::new(
            format_args!(
                "another tenant's p99 at {part} is at most 4 × its own when it is quiet, and nothing of it is refused"
            ),
            format_args!("{p99:.0} ms and {aside_normal:.0} ms, {} refused", other.shed() + other.failed()),
            p99 <= 4.0 * aside_normal && other.shed() + other.failed() == 0,
        ));
    }
    let after = open(server.address, NORMAL_AFTER + LENGTH, &[flow(0.7, "after")])?;
    let after = after[0].between(NORMAL_AFTER, NORMAL_AFTER + LENGTH);
    let (p99, refused) = (after.good_ms(0.99), after.shed() + after.failed());
    lines.push(Line::new(
        "5 s after it, everything is as before",
        format_args!("p99 {p99:.0} ms and {normal:.0} ms, {refused} refused"),
        p99 <= 2.0 * normal && refused == 0,
    ));
    Ok(lines)
}
