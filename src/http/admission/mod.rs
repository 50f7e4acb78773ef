//! How many requests are answered at once. Those beyond are refused at once, before anything is done for them: docs/adr/0028.
//!
//! [`queue`] decides who is let in, [`limit`] how many; here they meet locks, tasks and clocks.

mod limit;
mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use self::limit::Sample;
use self::queue::{Arrival, Queue};
use crate::auth::Principal;
use crate::entity::OrganizationId;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tenant {
    /// All callers without a token.
    Nobody,
    /// All callers of the platform.
    Platform,
    /// All callers of an organization, and its customers.
    Organization(OrganizationId),
}

impl Tenant {
    pub(super) fn of(caller: Option<&Principal>) -> Self {
        match caller {
            None => Self::Nobody,
            Some(caller) => caller.standing().organization().map_or(Self::Platform, Self::Organization),
        }
    }
}

/// Lets requests in.
#[derive(Clone, Default)]
pub(super) struct Admission(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue<Tenant, Waiter>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { queue: Mutex::new(Queue::new()) }
    }
}

/// How a request that waits learns that it may begin, and how many are in flight then. Dropped, it is sent away.
type Waiter = oneshot::Sender<usize>;

/// What is in flight, and how much may be.
pub(super) struct State {
    pub(super) in_flight: usize,
    pub(super) limit: usize,
}

impl Admission {
    /// Lets a request in, or not, soon.
    pub(super) async fn enter(&self, tenant: Tenant) -> Option<Permit> {
        let mut receiver = None;
        let arrival = {
            let waiter = || {
                let (sender, receiving) = oneshot::channel();
                receiver = Some(receiving);
                sender
            };
            self.0.lock().arrive(tenant, waiter, Instant::now())
        };
        let (until, receiver) = match (arrival, receiver) {
            (Arrival::Begins(together), _) => return Some(self.permit(tenant, together)),
            (Arrival::Waits { until, .. }, Some(receiver)) => (until, receiver),
            // Who waits has made a channel.
            (Arrival::Waits { .. }, None) => return None,
        };
        let mut waiting = Waiting { shared: &self.0, tenant, receiver };
        let together = timeout_at(until.into(), &mut waiting.receiver).await.ok()?.ok()?;
        Some(self.permit(tenant, together))
    }

    pub(super) fn state(&self) -> State {
        let queue = self.0.lock();
        State { in_flight: queue.in_flight(), limit: queue.limit() }
    }

    fn permit(&self, tenant: Tenant, together: usize) -> Permit {
        Permit { shared: Arc::clone(&self.0), tenant, together, begun: Instant::now(), operation: None }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue<Tenant, Waiter>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a place back, and to who is next, if that one is still there.
    fn leave(&self, mut tenant: Tenant, mut sample: Option<Sample<'_>>) {
        loop {
            let next = self.lock().leave(tenant, sample.take());
            let Some((next, waiter, together)) = next else { return };
            match waiter.send(together) {
                Ok(()) => return,
                Err(_) => tenant = next,
            }
        }
    }
}

/// A request that waits to be let in.
struct Waiting<'a> {
    shared: &'a Shared,
    tenant: Tenant,
    receiver: oneshot::Receiver<usize>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Whoever lets it in from now on finds nobody.
        self.receiver.close();
        let waited = self.shared.lock().give_up(self.tenant, oneshot::Sender::is_closed);
        if !waited && self.receiver.try_recv().is_ok() {
            self.shared.leave(self.tenant, None);
        }
    }
}

/// That a request is in flight. It ends when this is dropped.
pub(super) struct Permit {
    shared: Arc<Shared>,
    tenant: Tenant,
    together: usize,
    begun: Instant,
    operation: Option<String>,
}

impl Permit {
    /// Notes what the request asks for: from now on, how long it takes tells something.
    pub(super) fn asks_for(&mut self, operation: &str) {
        self.operation = Some(operation.to_owned());
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (together, begun, ended) = (self.together, self.begun, Instant::now());
        let sample = |operation| Sample { operation, together, begun, ended };
        self.shared.leave(self.tenant, self.operation.as_deref().map(sample));
    }
}

#[cfg(test)]
mod tests;
