//! What is kept for a while only, and then deleted. It goes by the machine's clock.

use crate::error::Result;
use crate::store::Store;

/// How many rows are deleted in one transaction.
const AT_ONCE: u64 = 1_000;
/// For how many days records of use and closed reservations are kept: their keys count once so long. They are of the time that the test clock
/// moves.
const USAGE_DAYS: i64 = 40;

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    idempotency_days: u16,
}

impl Retention {
    /// Keeps idempotency keys for so many days.
    pub const fn new(idempotency_days: u16) -> Self {
        Self { idempotency_days }
    }

    /// Deletes what is over.
    pub async fn delete(&self, store: &Store) -> Result<()> {
        let before = store.real_now().plus_days(-i64::from(self.idempotency_days));
        while store.system().forget_keys(before, AT_ONCE).await? >= AT_ONCE {}
        let before = store.now().plus_days(-USAGE_DAYS);
        while store.system().forget_usage(before, AT_ONCE).await? >= AT_ONCE {}
        while store.system().forget_reservations(before, AT_ONCE).await? >= AT_ONCE {}
        while store.system().give_back(before, AT_ONCE).await? >= AT_ONCE {}
        Ok(())
    }
}
