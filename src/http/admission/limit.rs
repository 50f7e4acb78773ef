//! How many requests may be in flight: as many as are answered about as fast as when there are few.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// There are never fewer; so many at once are no load, and show how long an operation takes by itself.
const LEAST: usize = 4;
const MOST: usize = 1000;
const FIRST: usize = 64;
/// What nobody calls slow, however fast an operation is by itself.
const QUICK: Duration = Duration::from_millis(25);
/// How much longer than by itself an operation may take.
const STRETCH: f64 = 2.5;
/// How many answers decide about the limit.
const SAMPLES: u32 = 24;
/// One answer counts no more than this: a few that wait for each other are no load.
const WORST: f64 = 4.0;

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    /// What was asked for: operations are slow and fast.
    pub(super) operation: &'a str,
    /// How many were in flight when it began, itself included.
    pub(super) together: usize,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
}

/// The limit, which moves with the latencies of what was answered.
///
/// An operation is compared with itself when there is no load. The mean of how much longer than allowed answers took is
/// how much too many requests there were (Little's law: that many wait for the others), and the limit is divided by it. If
/// the database itself becomes slower, the limit falls until there is no load, and what is normal is learnt anew.
#[derive(Debug)]
pub(super) struct Limit {
    limit: f64,
    /// How long operations take by themselves, in seconds.
    alone: HashMap<String, Mean>,
    /// How late answers were, as multiples of what is allowed.
    late: Mean,
    /// Answers to requests that began before tell of another limit.
    since: Option<Instant>,
    /// Whether the limit kept anybody out since: it does not move while it means nothing to anybody.
    reached: bool,
}

/// A mean, in which older values count less and less.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64, memory: u32) {
        self.count = (self.count + 1).min(memory);
        self.value += (value - self.value) / f64::from(self.count);
    }
}

impl Limit {
    pub(super) fn new() -> Self {
        let late = Mean::default();
        Self { limit: FIRST as f64, alone: HashMap::new(), late, since: None, reached: false }
    }

    pub(super) fn get(&self) -> usize {
        self.limit as usize
    }

    /// Somebody was not let in at once.
    pub(super) fn reached(&mut self) {
        self.reached = true;
    }

    pub(super) fn add(&mut self, sample: Sample<'_>) {
        let took = sample.ended.saturating_duration_since(sample.begun).as_secs_f64();
        let known = self.alone.get_mut(sample.operation);
        let alone = match known {
            Some(alone) => {
                if sample.together <= LEAST {
                    alone.add(took, 50);
                }
                alone.value
            }
            None => {
                if sample.together <= LEAST {
                    self.alone.insert(sample.operation.to_owned(), Mean { value: took, count: 1 });
                }
                took
            }
        };
        if self.since.is_some_and(|since| sample.begun < since) {
            return;
        }
        self.late.add((took / (alone * STRETCH).max(QUICK.as_secs_f64())).min(WORST), SAMPLES);
        if self.late.count == SAMPLES {
            if self.reached {
                let change = (1.0 / self.late.value.max(f64::EPSILON)).clamp(0.5, 1.25);
                self.limit = (self.limit * change).clamp(LEAST as f64, MOST as f64);
            }
            (self.late, self.since, self.reached) = (Mean::default(), Some(sample.ended), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets as many as the limit allows be answered at once, again and again, by something that answers `capacity` of them
    /// in a second and takes `alone` for one.
    fn settle(limit: &mut Limit, now: &mut Instant, rounds: usize, capacity: f64, alone: Duration) {
        for _ in 0..rounds {
            let together = limit.get();
            let took = alone.max(Duration::from_secs_f64(together as f64 / capacity));
            for _ in 0..together {
                limit.reached();
                limit.add(Sample { operation: "a", together, begun: *now, ended: *now + took });
            }
            *now += took;
        }
    }

    fn learnt(alone: Duration, now: Instant) -> Limit {
        let mut limit = Limit::new();
        for _ in 0..10 {
            limit.add(Sample { operation: "a", together: 1, begun: now, ended: now + alone });
        }
        limit
    }

    #[test]
    fn it_settles_where_answers_take_a_little_longer() {
        let (mut now, alone) = (Instant::now(), Duration::from_millis(16));
        let mut limit = learnt(alone, now);
        settle(&mut limit, &mut now, 100, 300.0, alone);
        assert!((10..=14).contains(&limit.get()), "40 ms at 300 a second are 12: {}", limit.get());
    }

    #[test]
    fn it_rises_where_many_are_answered_quickly() {
        let (mut now, alone) = (Instant::now(), Duration::from_millis(1));
        let mut limit = learnt(alone, now);
        settle(&mut limit, &mut now, 100, 20_000.0, alone);
        assert!((400..=550).contains(&limit.get()), "25 ms at 20,000 a second are 500: {}", limit.get());
    }

    #[test]
    fn it_learns_what_is_normal_when_everything_becomes_slower() {
        let (mut now, alone) = (Instant::now(), Duration::from_millis(16));
        let mut limit = learnt(alone, now);
        settle(&mut limit, &mut now, 50, 300.0, alone);
        let slow = Duration::from_millis(160);
        settle(&mut limit, &mut now, 400, 300.0, slow);
        assert!(limit.get() > 60, "400 ms at 300 a second are 120: {}", limit.get());
    }

    #[test]
    fn it_does_not_move_while_nobody_waits() {
        let (now, alone) = (Instant::now(), Duration::from_millis(1));
        for took in [alone, Duration::from_secs(1)] {
            let mut limit = learnt(alone, now);
            for _ in 0..1000 {
                limit.add(Sample { operation: "a", together: FIRST, begun: now, ended: now + took });
            }
            assert_eq!(limit.get(), FIRST, "{took:?}");
        }
    }

    #[test]
    fn a_few_that_wait_for_each_other_change_nothing() {
        let now = Instant::now();
        let mut limit = learnt(Duration::from_millis(2), now);
        for number in 0..1000 {
            let took = if number % 20 == 0 { Duration::from_secs(5) } else { Duration::from_millis(2) };
            limit.reached();
            limit.add(Sample { operation: "a", together: 9, begun: now, ended: now + took });
        }
        assert!(limit.get() >= FIRST, "{}", limit.get());
    }
}
