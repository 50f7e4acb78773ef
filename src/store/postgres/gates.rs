//! Gates: of the transactions that may wait for what others have locked, one that changes a row goes on at a time, and
//! of each tenant no more than half of those that there are connections for. The others wait here, where they keep
//! nobody from a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::DbErr;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use crate::store::database::{Limits, Whose};
use crate::store::trouble::{Trouble, troubled};

/// The gates that somebody stands at or has passed.
pub(super) struct Gates {
    rows: Arc<Keyed>,
    tenants: Arc<Keyed>,
    limits: Limits,
}

/// Has passed the gates, until it is dropped.
pub(super) struct Passed {
    _row: Option<Place>,
    _tenant: Place,
}

impl Gates {
    pub(super) fn new(limits: Limits) -> Self {
        let of_tenant = (limits.transactions / 2).max(1);
        Self { rows: Arc::new(Keyed::new(1)), tenants: Arc::new(Keyed::new(of_tenant)), limits }
    }

    /// Waits until those before have gone, but no longer than for a lock.
    pub(super) async fn pass(&self, Whose { tenant, row }: Whose) -> Result<Passed, DbErr> {
        let passed = async {
            let row = match row {
                Some(row) => Some(self.rows.pass(row).await),
                None => None,
            };
            Passed { _row: row, _tenant: self.tenants.pass(tenant).await }
        };
        let passed = timeout(self.limits.lock_timeout, passed).await;
        passed.map_err(|_| troubled(Trouble::Locked, "waited too long for other commands of the tenant or on the row"))
    }
}

/// As many as may pass under each key.
struct Keyed {
    count: usize,
    used: Mutex<HashMap<Uuid, Arc<Semaphore>>>,
}

/// A place before or behind a gate. The last one that leaves takes the gate away.
struct Place {
    of: Arc<Keyed>,
    key: Uuid,
    gate: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Keyed {
    fn new(count: usize) -> Self {
        Self { count, used: Mutex::default() }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Semaphore>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(self: &Arc<Self>, key: Uuid) -> Place {
        let gate = Arc::clone(self.used().entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.count))));
        let mut place = Place { of: Arc::clone(self), key, gate: Some(Arc::clone(&gate)), permit: None };
        // It is never closed.
        place.permit = gate.acquire_owned().await.ok();
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut used = self.of.used();
        drop((self.permit.take(), self.gate.take()));
        if used.get(&self.key).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            used.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn gates() -> Gates {
        let limit = Duration::from_millis(20);
        Gates::new(Limits { transactions: 4, groups: 3, reads: 3, patience: limit, lock_timeout: limit })
    }

    #[tokio::test]
    async fn one_passes_for_a_row_and_half_for_a_tenant() {
        let (gates, tenant) = (gates(), Uuid::from_u128(1));
        let of_row = |row| gates.pass(Whose { tenant, row: Some(Uuid::from_u128(row)) });
        let first = of_row(2).await.expect("nobody is there");
        assert!(of_row(2).await.is_err(), "one for a row");
        let second = of_row(3).await.expect("another row");
        assert!(of_row(4).await.is_err(), "two for a tenant");
        let another = Whose { tenant: Uuid::from_u128(9), row: None };
        let third = gates.pass(another).await.expect("another tenant");
        drop(first);
        let fourth = of_row(2).await.expect("it is free again");
        drop((second, third, fourth));
        assert!(gates.rows.used().is_empty() && gates.tenants.used().is_empty(), "nothing is kept");
    }
}
