//! Load: requests at a fixed rate, whatever becomes of them (open), or one after the other on some connections (closed).

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tessera_harness::{Failure, Result};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client::{Answer, Client};
use crate::ground::runtime;
use crate::report::Line;

/// No answer is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection of a closed load waits after there was no answer.
const PAUSE: Duration = Duration::from_millis(5);

/// What requests are made of: the number of each goes in.
pub type Make = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its number.
    pub number: u64,
    /// When it should have been sent, since the start.
    pub at: Duration,
    /// From then to its answer.
    pub took: Duration,
    /// Whether it was carried out.
    pub good: bool,
    /// Whether it was refused with 503, and told when to try again.
    pub refused: bool,
    /// What was answered otherwise.
    failure: Option<String>,
}

impl Outcome {
    fn new(number: u64, at: Duration, took: Duration, answer: Option<Answer>) -> Self {
        let (good, refused) = answer.as_ref().map_or((false, false), |answer| (answer.is_good(), answer.is_refused()));
        let failed = || answer.map_or("no answer".to_owned(), |answer| format!("{} {}", answer.status, answer.body));
        Self { number, at, took, good, refused, failure: (!good).then(failed) }
    }
}

/// What became of all.
#[derive(Default)]
pub struct Outcomes(pub Vec<Outcome>);

impl Outcomes {
    /// Those that began in this part of the time.
    pub fn between(&self, from: Duration, to: Duration) -> Self {
        Self(self.0.iter().filter(|one| (from..to).contains(&one.at)).cloned().collect())
    }

    /// How many were carried out.
    pub fn good(&self) -> usize {
        self.0.iter().filter(|one| one.good).count()
    }

    /// How many were refused with 503.
    pub fn shed(&self) -> usize {
        self.0.iter().filter(|one| one.refused).count()
    }

    /// The line about those that were neither carried out nor refused.
    pub fn all_are_answered(&self, when: &str) -> Line {
        let mut figure = format!("{} of {} are neither", self.failed(), self.0.len());
        if let Some(failure) = self.0.iter().filter(|one| !one.refused).find_map(|one| one.failure.as_ref()) {
            figure.extend([": ", failure]);
        }
        let promise = format!("everything {when} is answered, or refused with 503 and `Retry-After`");
        Line::new(promise, figure, self.failed() == 0 && !self.0.is_empty())
    }

    /// The line about all being carried out, and nearly all in this time in milliseconds.
    pub fn all_are_good(&self, who: &str, limit_ms: f64) -> Line {
        let (p99, failed) = (self.good_ms(0.99), self.shed() + self.failed());
        let mut figure = format!("{} done, {failed} failed, p99 {p99:.0} ms", self.good());
        if let Some(failure) = self.0.iter().find_map(|one| one.failure.as_ref()) {
            figure.extend([": ", failure]);
        }
        let promise = format!("{who}: nothing fails, p99 at most {limit_ms:.0} ms");
        Line::new(promise, figure, failed == 0 && p99 <= limit_ms && !self.0.is_empty())
    }

    /// Adds those of another load.
    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The numbers of those that were carried out.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter(|one| one.good).map(|one| one.number)
    }

    /// How long after this moment the first one was answered that was carried out, of those that were sent after it.
    pub fn good_after(&self, moment: Duration) -> Option<Duration> {
        let after = self.0.iter().filter(|one| one.good && one.at >= moment);
        after.map(|one| one.at + one.took - moment).min()
    }

    /// The longest that any was in coming, of whatever kind.
    pub fn longest(&self) -> Duration {
        self.0.iter().map(|one| one.took).max().unwrap_or_default()
    }

    /// How many were neither carried out nor refused.
    pub fn failed(&self) -> usize {
        self.0.len() - self.good() - self.shed()
    }

    /// The time that all but this share of those carried out were faster than, in milliseconds.
    pub fn good_ms(&self, quantile: f64) -> f64 {
        quantile_ms(self.0.iter().filter(|one| one.good), quantile)
    }

    /// The same of those refused.
    pub fn shed_ms(&self, quantile: f64) -> f64 {
        quantile_ms(self.0.iter().filter(|one| one.refused), quantile)
    }
}

fn quantile_ms<'a>(outcomes: impl Iterator<Item = &'a Outcome>, quantile: f64) -> f64 {
    let mut times: Vec<_> = outcomes.map(|one| one.took).collect();
    times.sort_unstable();
    let place = ((times.len() as f64 * quantile).ceil() as usize).clamp(1, times.len().max(1)) - 1;
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// The moments of requests that know nothing of each other, the same in every run: the gaps are exponential.
struct Arrivals {
    rate: f64,
    at: f64,
    state: u64,
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        self.at += -(1.0 - uniform).ln() / self.rate;
        Some(Duration::from_secs_f64(self.at))
    }
}

/// A stream of requests.
#[derive(Clone)]
pub struct Flow {
    /// How many are sent in a second, on average.
    pub rate: f64,
    /// What they are.
    pub make: Make,
}

struct Pool {
    address: SocketAddr,
    idle: RefCell<Vec<Client>>,
}

impl Pool {
    async fn ask(&self, request: &[u8]) -> Option<Answer> {
        let asked = async {
            let kept = self.idle.borrow_mut().pop();
            let mut client = match kept {
                Some(client) => client,
                None => Client::connect(self.address).await?,
            };
            let answer = client.ask(request).await?;
            if !client.is_last {
                self.idle.borrow_mut().push(client);
            }
            std::io::Result::Ok(answer)
        };
        timeout(PATIENCE, asked).await.ok()?.ok()
    }
}

/// Sends each flow at its rate for this long, and waits for the last answers.
pub fn open(address: SocketAddr, length: Duration, flows: &[Flow]) -> Result<Vec<Outcomes>> {
    let local = LocalSet::new();
    local.block_on(&runtime()?, async {
        let started = Instant::now();
        let mut running = Vec::new();
        for flow in flows.iter().cloned() {
            running.push(tokio::task::spawn_local(async move {
                let pool = Rc::new(Pool { address, idle: RefCell::default() });
                let mut requests = Vec::new();
                let moments = Arrivals { rate: flow.rate, at: 0.0, state: 1 }.take_while(|at| *at < length);
                for (number, at) in moments.enumerate() {
                    let due = started + at;
                    sleep_until(due).await;
                    let (pool, number) = (Rc::clone(&pool), number as u64);
                    let request = (flow.make)(number);
                    requests.push(tokio::task::spawn_local(async move {
                        let answer = pool.ask(&request).await;
                        Outcome::new(number, at, due.elapsed(), answer)
                    }));
                }
                let mut outcomes = Outcomes::default();
                for request in requests {
                    outcomes.0.extend(request.await.ok());
                }
                outcomes
            }));
        }
        let mut all = Vec::new();
        for flow in running {
            all.push(flow.await.unwrap_or_default());
        }
        Ok(all)
    })
}

/// Has some connections ask one after the other for this long.
pub fn closed(address: SocketAddr, length: Duration, connections: usize, make: &Make) -> Result<Outcomes> {
    closed_while(address, connections, make, move |elapsed| elapsed < length)
}

/// Has some connections ask one after the other as long as they may, which depends on how long they did.
pub fn closed_while(
    address: SocketAddr,
    connections: usize,
    make: &Make,
    may_go_on: impl Fn(Duration) -> bool + 'static,
) -> Result<Outcomes> {
    let local = LocalSet::new();
    local.block_on(&runtime()?, async {
        let (started, next, may_go_on) = (Instant::now(), Rc::new(Cell::new(0)), Rc::new(may_go_on));
        let mut running = Vec::new();
        for _ in 0..connections {
            let (make, next, may_go_on) = (Arc::clone(make), Rc::clone(&next), Rc::clone(&may_go_on));
            running.push(tokio::task::spawn_local(async move {
                let pool = Pool { address, idle: RefCell::default() };
                let mut outcomes = Vec::new();
                while may_go_on(started.elapsed()) {
                    let begun = Instant::now();
                    let number = next.replace(next.get() + 1);
                    let answer = pool.ask(&make(number)).await;
                    let is_answered = answer.is_some();
                    outcomes.push(Outcome::new(number, begun - started, begun.elapsed(), answer));
                    if !is_answered {
                        sleep(PAUSE).await;
                    }
                }
                outcomes
            }));
        }
        let mut outcomes = Outcomes::default();
        for connection in running {
            outcomes.0.extend(connection.await.unwrap_or_default());
        }
        Ok(outcomes)
    })
}

/// Does two things at the same time: has a load run, and breaks something meanwhile.
pub fn beside<A: Send, B>(
    load: impl FnOnce() -> Result<A> + Send,
    meanwhile: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    std::thread::scope(|scope| {
        let load = scope.spawn(load);
        let meanwhile = meanwhile();
        let load = load.join().map_err(|_| Failure::new("a load did not end"))?;
        Ok((load?, meanwhile?))
    })
}
