//! The scheduler: brings about what time makes due, in its own name.
//!
//! What becomes of a subscription does not depend on it: commands and reads advance a row by the same function
//! ([`crate::subscription::lifecycle::fold()`]). It writes down what has come, so that lists, totals, events and people see it.
//!
//! Any number of them may run. Each looks for what is due without a lock, and carries it out tenant by tenant, with the
//! rows locked that nobody else has locked: who comes second finds nothing due any more. The locks end with the
//! transaction, so there is no lease to run out (docs/adr/0037).

pub mod clock;
pub mod graphql;
mod retention;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

pub use self::retention::Retention;
use crate::auth::Part;
use crate::clock::Timestamp;
use crate::entity::{OrganizationId, SubscriptionId, SubscriptionStatus};
use crate::error::{Error, Result, Trouble};
use crate::store::{DueSubscription, Store};
use crate::subscription::lifecycle::Event;
use crate::subscription::overdue::bring_up_to_date;

/// How often it looks for what is due.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often it looks for what has been kept for long enough.
const RETENTION_INTERVAL: Duration = Duration::from_hours(1);
/// How long it waits when the database cannot be used.
const PAUSE: Duration = Duration::from_secs(5);
/// How many subscriptions it looks for at once.
const FOUND_AT_ONCE: u64 = 512;
/// How many subscriptions of a tenant are written in one transaction.
const WRITTEN_AT_ONCE: usize = 32;

/// When what is not foreseen is due: at once.
const NOT_FORESEEN: Timestamp = Timestamp::from_micros(0);

/// A transition that was carried out.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What happened.
    pub event: Event,
    /// When it was due.
    pub at: Timestamp,
    /// The status that it led to.
    pub status: SubscriptionStatus,
}

/// What a pass has done.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which it was carried out.
    pub transitions: Vec<Transition>,
    /// How many subscriptions were set aside, because theirs failed.
    pub parked: usize,
}

/// Figures of a scheduler, for whoever watches it.
#[derive(Debug, Default)]
pub struct Figures {
    /// Transitions that were carried out.
    pub transitions: AtomicU64,
    /// Transitions that failed, and were set aside.
    pub parked: AtomicU64,
    /// How late the last pass found what is due, in microseconds.
    pub lateness: AtomicU64,
}

/// A scheduler.
#[derive(Clone)]
pub struct Scheduler {
    store: Store,
    retention: Retention,
    has_test_clock: bool,
    figures: Arc<Figures>,
}

impl Scheduler {
    /// A scheduler of a database, which does nothing until it is told to.
    pub fn new(store: Store, retention: Retention, has_test_clock: bool) -> Self {
        Self { store, retention, has_test_clock, figures: Arc::default() }
    }

    /// What it has done so far.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Works until the task is aborted, which does no harm at any moment: what is not committed is not done.
    pub fn start(self) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut deleted = None::<Instant>;
            loop {
                let outcome = async {
                    if self.has_test_clock {
                        self.store.learn_test_clock().await?;
                    }
                    self.pass().await?;
                    if deleted.is_none_or(|then| then.elapsed() >= RETENTION_INTERVAL) {
                        self.retention.delete(&self.store).await?;
                        deleted = Some(Instant::now());
                    }
                    Ok::<_, Error>(())
                };
                let pause = match outcome.await {
                    Ok(()) => INTERVAL,
                    Err(error) => {
                        tracing::warn!(error = error.told_inside(), "what is due cannot be carried out now");
                        PAUSE
                    }
                };
                tokio::time::sleep(pause).await;
            }
        })
    }

    /// Carries out all that is due by now.
    pub async fn pass(&self) -> Result<Report> {
        let (mut report, mut behind) = (Report::default(), None);
        let now = self.store.now();
        loop {
            let due = self.store.system().due(now, behind, FOUND_AT_ONCE).await?;
            if behind.is_none() {
                self.note_lateness(now, &due).await?;
            }
            behind = due.last().copied();
            let is_last = due.len() < usize::try_from(FOUND_AT_ONCE).unwrap_or(usize::MAX);
            for (tenant, waiting) in by_tenant(due) {
                for batch in waiting.chunks(WRITTEN_AT_ONCE) {
                    self.batch(tenant, batch, &mut report).await?;
                }
            }
            // What is still due is somebody else's, or has to wait for something else.
            if is_last {
                return Ok(report);
            }
        }
    }

    /// Notes how late the pass is. What a program wrote that does not foresee, as one before an upgrade, is foreseen first.
    async fn note_lateness(&self, now: Timestamp, due: &[DueSubscription]) -> Result<()> {
        let Some(first) = due.first() else {
            self.figures.lateness.store(0, Ordering::Relaxed);
            return Ok(());
        };
        if first.since == NOT_FORESEEN {
            return Ok(self.store.system().foresee().await?);
        }
        let late = now.since(first.since).num_microseconds().unwrap_or(i64::MAX);
        self.figures.lateness.store(late.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }

    /// Carries out what is due to some subscriptions of a tenant: all of it in one transaction, or each in its own if one
    /// of them fails, so that it keeps no other waiting.
    async fn batch(&self, tenant: OrganizationId, batch: &[DueSubscription], report: &mut Report) -> Result<()> {
        let ids: Vec<_> = batch.iter().map(|waiting| waiting.id).collect();
        match (self.carry_out(tenant, &ids).await, batch) {
            (Ok(transitions), _) => {
                self.figures.transitions.fetch_add(transitions.len() as u64, Ordering::Relaxed);
                report.transitions.extend(transitions);
                Ok(())
            }
            // Nothing can be done now, for nobody.
            (Err(error @ Error::Unavailable(..)), _) if !is_of_a_row(&error) => Err(error),
            (Err(error), [waiting]) if is_of_a_row(&error) => {
                tracing::warn!(subscription = %waiting.id, error = error.told_inside(), "what is due has to wait");
                Ok(())
            }
            (Err(error), [waiting]) => {
                let error = error.told_inside();
                tracing::error!(subscription = %waiting.id, error, "what is due to a subscription cannot be carried out");
                self.figures.parked.fetch_add(1, Ordering::Relaxed);
                report.parked += 1;
                self.store.system().park(*waiting, error).await
            }
            (Err(_), _) => {
                for waiting in batch.chunks(1) {
                    Box::pin(self.batch(tenant, waiting, report)).await?;
                }
                Ok(())
            }
        }
    }

    async fn carry_out(&self, tenant: OrganizationId, ids: &[SubscriptionId]) -> Result<Vec<Transition>> {
        let scope = self.store.acting_as(Part::Scheduler);
        let work = scope.act(tenant, |unit| {
            Box::pin(async move {
                let mut transitions = Vec::new();
                for row in unit.take_due(ids).await? {
                    let id = row.id;
                    let done = bring_up_to_date(unit, row).await?;
                    transitions.extend(done.events.iter().map(|(due, status)| Transition {
                        subscription: id,
                        event: due.event,
                        at: due.at,
                        status: *status,
                    }));
                }
                Ok(transitions)
            })
        });
        work.await
    }

    /// Tries again what is due to a subscription that was set aside. What fails again is set aside again.
    pub async fn retry(&self, tenant: OrganizationId, id: SubscriptionId) -> Result<Report> {
        let mut report = Report::default();
        if let Some(waiting) = self.store.system().due_of(tenant, id, self.store.now()).await? {
            self.batch(tenant, &[waiting], &mut report).await?;
        }
        if report.parked == 0 {
            self.store.system().unpark(tenant, id).await?;
        }
        Ok(report)
    }
}

/// Whether it helps to try again later, and the others need not wait for that.
fn is_of_a_row(error: &Error) -> bool {
    use Trouble::{Contended, Locked, Slow};
    matches!(error, Error::Contended(..) | Error::Unavailable(Locked | Slow | Contended, _))
}

/// In the order in which the first of each tenant is due.
fn by_tenant(due: Vec<DueSubscription>) -> Vec<(OrganizationId, Vec<DueSubscription>)> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<(OrganizationId, Vec<DueSubscription>)> = Vec::new();
    for waiting in due {
        let place = *places.entry(uuid::Uuid::from(waiting.tenant)).or_insert_with(|| {
            groups.push((waiting.tenant, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(waiting);
    }
    groups
}
