//! Load: requests at a fixed rate, whatever becomes of them (open), or one after the other on some connections (closed).

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::Client;
use crate::failure::Result;
use crate::ground::runtime;

/// No answer is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What requests are made of: the number of each goes in.
pub type Make = Rc<dyn Fn(u64) -> Vec<u8>>;

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// When it should have been sent, since the start.
    pub at: Duration,
    /// From then to its answer.
    pub took: Duration,
    /// The status; nothing if there was no answer.
    pub status: Option<u16>,
    /// Whether it was carried out.
    pub good: bool,
}

/// What became of all.
#[derive(Default)]
pub struct Outcomes(pub Vec<Outcome>);

impl Outcomes {
    /// Those that began in this part of the time.
    pub fn between(&self, from: Duration, to: Duration) -> Self {
        Self(self.0.iter().filter(|one| (from..to).contains(&one.at)).copied().collect())
    }

    /// How many were carried out.
    pub fn good(&self) -> usize {
        self.0.iter().filter(|one| one.good).count()
    }

    /// How many were refused with 503.
    pub fn shed(&self) -> usize {
        self.0.iter().filter(|one| one.status == Some(503)).count()
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
        quantile_ms(self.0.iter().filter(|one| one.status == Some(503)), quantile)
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
    async fn ask(&self, request: &[u8]) -> std::io::Result<(u16, bool)> {
        let kept = self.idle.borrow_mut().pop();
        let mut client = match kept {
            Some(client) => client,
            None => Client::connect(self.address).await?,
        };
        let answer = client.ask(request).await?;
        if !client.is_last {
            self.idle.borrow_mut().push(client);
        }
        Ok((answer.status, answer.is_good()))
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
                    let (pool, request) = (Rc::clone(&pool), (flow.make)(number as u64));
                    requests.push(tokio::task::spawn_local(async move {
                        let answer = timeout(PATIENCE, pool.ask(&request)).await.ok().and_then(std::io::Result::ok);
                        let (status, good) = answer.map_or((None, false), |(status, good)| (Some(status), good));
                        Outcome { at: due - started, took: due.elapsed(), status, good }
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
    let local = LocalSet::new();
    local.block_on(&runtime()?, async {
        let (started, next) = (Instant::now(), Rc::new(Cell::new(0)));
        let mut running = Vec::new();
        for _ in 0..connections {
            let (make, next) = (Rc::clone(make), Rc::clone(&next));
            running.push(tokio::task::spawn_local(async move {
                let pool = Pool { address, idle: RefCell::default() };
                let mut outcomes = Vec::new();
                while started.elapsed() < length {
                    let begun = Instant::now();
                    let request = make(next.replace(next.get() + 1));
                    let answer = timeout(PATIENCE, pool.ask(&request)).await.ok().and_then(std::io::Result::ok);
                    let (status, good) = answer.map_or((None, false), |(status, good)| (Some(status), good));
                    outcomes.push(Outcome { at: begun - started, took: begun.elapsed(), status, good });
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
