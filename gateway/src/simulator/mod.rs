//! A payment gateway for tests and demonstrations: it speaks a part of Stripe's API over HTTP, so that Stripe's client is
//! what runs, and moves no money. Everything is in memory.
//!
//! What it does otherwise than Stripe: an invoice is final at once, not after an hour; a price says in its id what it is
//! (`price_1900_usd_month`); a key says whose account it opens (`sk_test_acme_1` opens `acct_acme`); a change whose payment
//! fails is given up at once.
//!
//! | address | what it is |
//! |---|---|
//! | `/v1/…` | Stripe's API |
//! | `/pay/…`, `/invoice/…`, `/portal/…` | pages for payers |
//! | `POST /simulator/clock` | `{"advance": seconds}` moves the clock, and lets happen what is due |
//! | `POST /simulator/next-payment` | `{"account", "customer", "outcome": "succeed" \| "decline" \| "authenticate"}` |
//! | `POST /simulator/dispute` | `{"account", "payment"}` opens one, `{"account", "dispute", "won": true}` decides it |
//! | `POST /simulator/faults` | [`Faults`], all that are not named being none |

mod api;
mod card;
mod deliver;
mod engine;
mod fault;
mod page;
mod server;
mod state;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use self::fault::Faults;
pub use self::state::Outcome;
use self::state::State;
pub use crate::stripe::signature::sign;

/// Tells the time, in seconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A request and its answer, for whoever checks them.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Such as `POST`.
    pub method: String,
    /// Such as `/v1/customers`.
    pub path: String,
    /// The fields of the form or of the query, as they came.
    pub fields: Vec<(String, String)>,
    /// What was answered.
    pub status: u16,
    /// What was answered.
    pub body: serde_json::Value,
}

/// Looks at requests and their answers, and may object: then the answer is the objection, with status 400.
pub type Check = Arc<dyn Fn(&Exchange) -> Result<(), String> + Send + Sync>;

/// How a simulator is started.
#[derive(Clone)]
pub struct Options {
    /// What signatures are stamped with, and what the simulator's clock is ahead of.
    pub now: Now,
    /// Goes into all ids, so that those of two runs are not the same. Letters and digits.
    pub seed: String,
    /// Looks at every exchange.
    pub check: Option<Check>,
}

/// A running simulator. It stops when this is dropped.
pub struct Simulator {
    shared: Arc<Shared>,
    base: Url,
    tasks: [JoinHandle<()>; 2],
}

struct Inner {
    state: State,
    faults: Faults,
    under_way: usize,
}

struct Shared {
    inner: Mutex<Inner>,
    now: Now,
    check: Option<Check>,
    /// Where it is, without a slash at the end.
    pages: String,
    /// There are events to send.
    news: Notify,
    /// There are none.
    idle: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under_way(&self, change: impl FnOnce(usize) -> usize) {
        let mut inner = self.lock();
        inner.under_way = change(inner.under_way);
    }

    /// The simulator's time.
    fn time(&self, inner: &Inner) -> i64 {
        (self.now)().saturating_add(inner.state.ahead)
    }

    /// Lets happen what is due by now, each at its own moment.
    fn pass(&self, inner: &mut Inner) -> i64 {
        let now = self.time(inner);
        for account in inner.state.accounts.values_mut() {
            while let Some(due) = account.next_due().filter(|due| *due <= now) {
                account.pass(due);
            }
        }
        now
    }
}

impl Simulator {
    /// Serves on a listener, from now on.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let base = format!("http://{}/", listener.local_addr()?);
        let base: Url = base.parse().map_err(io::Error::other)?;
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                state: State { seed: options.seed, ..State::default() },
                faults: Faults::default(),
                under_way: 0,
            }),
            now: options.now,
            check: options.check,
            pages: base.as_str().trim_end_matches('/').to_owned(),
            news: Notify::new(),
            idle: Notify::new(),
        });
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build();
        let client = client.map_err(io::Error::other)?;
        let router = server::router(shared.clone());
        let serving = async move {
            // It ends with the listener.
            let _ = axum::serve(listener, router).await;
        };
        let tasks = [tokio::spawn(serving), tokio::spawn(deliver::run(shared.clone(), client))];
        Ok(Self { shared, base, tasks })
    }

    /// Where it is: what a client has for its base.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The simulator's time, in seconds since 1970.
    pub fn time(&self) -> i64 {
        self.shared.time(&self.shared.lock())
    }

    /// Moves the clock, and lets happen what is due.
    pub fn advance(&self, seconds: i64) -> i64 {
        let now = {
            let mut inner = self.shared.lock();
            inner.state.ahead = inner.state.ahead.saturating_add(seconds.max(0));
            self.shared.pass(&mut inner)
        };
        self.shared.news.notify_one();
        now
    }

    /// Decides what the next payment of a customer does, whatever the card.
    pub fn next_payment(&self, account: &str, customer: &str, outcome: Outcome) {
        let mut inner = self.shared.lock();
        if let Some(account) = inner.state.accounts.get_mut(account) {
            account.next_payment.insert(customer.to_owned(), outcome);
        }
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.lock().faults = faults;
    }

    /// Waits until every event was sent, or given up.
    pub async fn settled(&self) {
        loop {
            let idle = self.shared.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            {
                let inner = self.shared.lock();
                if inner.under_way == 0 && inner.state.accounts.values().all(|account| account.outbox.is_empty()) {
                    return;
                }
            }
            self.shared.news.notify_one();
            idle.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
