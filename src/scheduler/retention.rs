//! What is kept for a while only, and then deleted. It goes by the machine's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::store::Store;

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// How many rows are deleted in one transaction.
const AT_ONCE: u64 = 1_000;
/// For how many days records of use are kept: their keys count once so long. They are of the time that the test clock
/// moves.
const USAGE_DAYS: i64 = 40;

/// How long things are kept.
#[derive(Clone, Debug)]
pub struct Retention {
    idempotency_days: u16,
    /// When it was looked for last.
    last: Arc<Mutex<Option<Instant>>>,
}

impl Retention {
    /// Keeps idempotency keys for so many days.
    pub fn new(idempotency_days: u16) -> Self {
        Self { idempotency_days, last: Arc::default() }
    }

    /// Deletes what is over, if it is time for that.
    pub(super) async fn pass(&self, store: &Store) -> Result<()> {
        let is_time = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let is_time = last.is_none_or(|last| last.elapsed() >= EVERY);
            if is_time {
                *last = Some(Instant::now());
            }
            is_time
        };
        if is_time { self.delete(store).await } else { Ok(()) }
    }

    /// Deletes what is over.
    pub async fn delete(&self, store: &Store) -> Result<()> {
        let before = store.real_now().plus_days(-i64::from(self.idempotency_days));
        while store.system().forget_keys(before, AT_ONCE).await? >= AT_ONCE {}
        let before = store.now().plus_days(-USAGE_DAYS);
        while store.system().forget_usage(before, AT_ONCE).await? >= AT_ONCE {}
        Ok(())
    }
}
