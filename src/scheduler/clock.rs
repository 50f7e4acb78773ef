//! The test clock of demos and tests: it moves the time of the rules forward, from one due moment to the next, and has the
//! scheduler carry out what is due at each.

use std::time::{Duration, Instant};

use super::{Report, Scheduler};
use crate::clock::Timestamp;
use crate::error::Result;

/// How long one move may take; what is left is for the next.
const LIMIT: Duration = Duration::from_secs(4);

/// How far the clock was moved, and what happened.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The time now.
    pub now: Timestamp,
    /// Whether that is what was asked for, or as far as it came in the time that it may take.
    pub is_complete: bool,
    /// What happened on the way.
    pub report: Report,
}

impl Scheduler {
    /// Moves the time forward, but no further than can be done in some seconds.
    pub async fn advance(&self, to: Timestamp) -> Result<Moved> {
        let (started, system) = (Instant::now(), self.store.system());
        let mut all = Report::default();
        loop {
            let Report { transitions, parked } = self.pass().await?;
            all.transitions.extend(transitions);
            all.parked += parked;
            let now = self.store.now();
            if now >= to || started.elapsed() >= LIMIT {
                return Ok(Moved { now, is_complete: now >= to, report: all });
            }
            // What is due by now and could not be carried out is somebody else's to do.
            let next = system.earliest_due(now).await?;
            system.move_test_clock(next.map_or(to, |next| next.min(to))).await?;
        }
    }
}
