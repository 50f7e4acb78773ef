//! The applier: fetches objects that somebody wants fetched, and applies what they are like now.
//!
//! It leases an object in a short transaction, fetches it while nothing is locked, and applies it only if the lease still
//! holds. News that came meanwhile wants the object fetched again. One fetch serves all news that came before it, so the
//! order in which news comes does not matter, and news that comes twice changes nothing. Any number of appliers may run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use tessera_gateway::{Checkout, Error as Theirs, Kind, Object, PaymentId, Reference};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::apply::{self, Effect};
use super::intent::Asker;
use super::remote::Remote;
use crate::auth::Part;
use crate::entity::{GatewayAccountId, GatewayObjectKind, SubscriptionId, gateway_account, gateway_object};
use crate::error::{Error, Result};
use crate::gateway_account::Gateways;
use crate::store::{Concerns, ObjectKey, Store, Verdict};

/// How long it waits for more news of the same object.
const GATHER: TimeDelta = TimeDelta::seconds(1);
/// How long it waits for news.
const PAUSE: Duration = Duration::from_secs(1);
/// How much news is queued in one transaction.
const QUEUED_AT_ONCE: u64 = 500;
/// How many objects are leased at once.
const LEASED_AT_ONCE: u64 = 32;
/// How many objects are fetched at once.
const FETCHED_AT_ONCE: usize = 8;
/// How long an object is left to whoever fetches it: longer than a fetch can take.
const LEASE: TimeDelta = TimeDelta::seconds(90);
/// How often an object is tried before it is given up: some six hours.
const TRIES: i32 = 16;
/// The longest time between two tries, in seconds.
const LONGEST: i64 = 3600;
/// How long an object that nobody knows waits for what was asked of its account.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);
/// How often it is looked at meanwhile.
const LOOK: TimeDelta = TimeDelta::minutes(1);

/// How long a caller waits for an object that somebody else fetches.
const NOW: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// An applier.
#[derive(Clone)]
pub struct Applier {
    store: Store,
    gateways: Gateways,
    news: Arc<Notify>,
}

/// What a pass has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How much news was queued.
    pub queued: usize,
    /// How many objects were fetched.
    pub fetched: usize,
}

impl Applier {
    /// An applier, which does nothing until it is told to.
    pub fn new(store: Store, gateways: Gateways) -> Self {
        Self { store, gateways, news: Arc::default() }
    }

    /// What asks the same gateways.
    pub fn asker(&self) -> Asker<'_> {
        Asker { store: &self.store, gateways: &self.gateways }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Has an object fetched and applied now, by whoever comes first, and answers whether that was done in time.
    pub async fn fetch_now(&self, key: &ObjectKey) -> Result<bool> {
        let system = self.store.system();
        let wanted = system.want_object(key, None).await?;
        let until = Instant::now() + NOW;
        loop {
            let now = self.store.real_now();
            if let Some(leased) = system.lease_object(key, now, now.plus(LEASE)).await? {
                self.one(&leased).await?;
            }
            let found = system.gateway_object(key).await?;
            if found.as_ref().is_some_and(|found| found.applied_seq >= wanted) {
                return Ok(true);
            }
            if found.is_none_or(|found| found.error.is_some()) || Instant::now() >= until {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Applies what is waited for of a subscription in an account: what it was linked with a moment ago.
    pub async fn follow(&self, account: GatewayAccountId, subscription: SubscriptionId) -> Result<()> {
        use GatewayObjectKind::{Invoice, Payment, Subscription};
        for kind in [Subscription, Invoice, Payment] {
            for object in self.store.system().objects_of(account, subscription, kind).await? {
                if object.applied_seq < object.wanted_seq {
                    self.fetch_now(&ObjectKey::from(&object)).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells it that there is something to do.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Works until the task is aborted, which does no harm at any moment: what is leased is free again after a while.
    pub fn start(self) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                if let Err(error) = self.pass().await {
                    tracing::warn!(error = error.told_inside(), "news of gateways cannot be applied now");
                }
                if let Err(error) = self.asker().look_after().await {
                    tracing::warn!(
                        error = error.told_inside(),
                        "what was asked of gateways cannot be looked after now"
                    );
                }
                let _ = tokio::time::timeout(PAUSE, self.news.notified()).await;
            }
        })
    }

    /// Queues all news, and applies all objects that are due by now.
    pub async fn pass(&self) -> Result<Report> {
        let mut report = Report::default();
        loop {
            let now = self.store.real_now();
            let queued = self.store.system().queue_events(now, now.plus(GATHER), QUEUED_AT_ONCE).await?;
            report.queued += queued;
            if (queued as u64) < QUEUED_AT_ONCE {
                break;
            }
        }
        loop {
            let now = self.store.real_now();
            let leased = self.store.system().lease_objects(now, now.plus(LEASE), LEASED_AT_ONCE).await?;
            if leased.is_empty() {
                return Ok(report);
            }
            report.fetched += leased.len();
            let mut done = stream::iter(leased.into_iter().map(|leased| {
                let applier = self.clone();
                // A task of its own: a panic is one object's.
                tokio::spawn(async move { applier.one(&leased).await })
            }))
            .buffer_unordered(FETCHED_AT_ONCE);
            while let Some(outcome) = done.next().await {
                match outcome {
                    Ok(outcome) => outcome?,
                    // Its lease runs out.
                    Err(panic) => tracing::error!(%panic, "the application of an object broke off"),
                }
            }
        }
    }

    /// Fetches a leased object, and applies it or says what becomes of it instead.
    async fn one(&self, leased: &gateway_object::Model) -> Result<()> {
        let verdict = match self.attempt(leased).await {
            Ok(verdict) => verdict,
            // Nothing can be written now, for nobody: the lease runs out.
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                let error = error.told_inside();
                tracing::error!(
                    kind = leased.kind.as_str(),
                    id = leased.external_id,
                    error,
                    "an object cannot be applied"
                );
                Some(self.again(leased, error, None))
            }
        };
        let Some(verdict) = verdict else { return Ok(()) };
        self.store.system().give_up_object(leased, &verdict, self.store.real_now()).await
    }

    fn again(&self, leased: &gateway_object::Model, error: String, after: Option<Duration>) -> Verdict {
        if leased.tries + 1 >= TRIES {
            return Verdict::Dead(error);
        }
        let seconds = 1_i64 << leased.tries.clamp(0, 12);
        let wait = after.map_or(0, |after| i64::try_from(after.as_secs()).unwrap_or(LONGEST)).max(seconds).min(LONGEST);
        Verdict::Again(self.store.real_now().plus(TimeDelta::seconds(wait)), error)
    }

    async fn attempt(&self, leased: &gateway_object::Model) -> Result<Option<Verdict>> {
        let account = self.store.system().gateway_account(leased.account_id).await?;
        let account = account.ok_or_else(|| Error::Internal("an object has no account".into()))?;
        let remote = self.gateways.of(&account)?;
        let (kind, id) = (leased.kind.into(), leased.external_id.as_str());
        let object = match remote.call("fetch", |gateway| gateway.fetch(kind, id)).await {
            Ok(object) => Some(object),
            Err(Theirs::NotFound) => None,
            Err(Theirs::RateLimited { retry_after }) => {
                return Ok(Some(self.again(leased, "rate limited".to_owned(), retry_after)));
            }
            Err(error) => return Ok(Some(self.again(leased, error.to_string(), None))),
        };
        let known = Concerns::of(leased).filter(|known| known.subscription.is_some() || !needs_subscription(leased));
        let concerns = match (known, &object) {
            (Some(known), _) => Some(known),
            (None, Some(object)) => self.whose(&account, object).await?.or(Concerns::of(leased)),
            (None, None) => None,
        };
        let is_somebodys = concerns.is_some();
        let concerns = concerns.filter(|known| known.subscription.is_some() || !needs_subscription(leased));
        let Some(concerns) = concerns else {
            return self.unknown(leased, object.as_ref(), is_somebodys).await.map(Some);
        };
        let paid_by = match &object {
            Some(Object::Checkout(checkout)) => self.paid_by(&remote, checkout).await,
            _ => Ok(None),
        };
        let paid_by = match paid_by {
            Ok(paid_by) => paid_by,
            Err(error) => return Ok(Some(self.again(leased, error.to_string(), None))),
        };
        let scope = self.store.acting_as(Part::Gateway);
        let (account, object, paid_by) = (&account, object.as_ref(), paid_by.as_ref());
        scope
            .act(concerns.owner.tenant, |unit| {
                Box::pin(async move {
                    if !unit.holds(leased).await? {
                        return Ok(());
                    }
                    let effect = match object {
                        Some(object) => apply::object(unit, account, object, concerns, paid_by).await?,
                        None => Effect { concerns, skipped: Some("NOT_FOUND") },
                    };
                    unit.finish(leased, effect.concerns, effect.skipped, object.is_none()).await
                })
            })
            .await?;
        // What was registered is wanted at once.
        self.wake();
        Ok(None)
    }

    /// What paid for a page: its money goes back where it came too late.
    async fn paid_by(&self, remote: &Remote, checkout: &Checkout) -> Result<Option<PaymentId>, Theirs> {
        let Some(invoice) = checkout.invoice.as_ref().filter(|_| checkout.paid) else {
            return Ok(checkout.payment.clone());
        };
        match remote.call("fetch", |gateway| gateway.fetch(Kind::Invoice, invoice.as_str())).await? {
            Object::Invoice(invoice) => Ok(invoice.payments.last().cloned()),
            _ => Ok(None),
        }
    }

    /// Whose an object is that nobody has registered: its own name tells, or what it belongs to. Names are believed only
    /// where we gave them, in the same account.
    async fn whose(&self, account: &gateway_account::Model, object: &Object) -> Result<Option<Concerns>> {
        let system = self.store.system();
        if let Some(Reference(reference)) = object.reference()
            && let Some(intent) = system.intent_named(account.id, reference).await?
        {
            let owner = crate::graphql::nested::OwnerKey { tenant: intent.tenant_id, customer: intent.customer_id };
            return Ok(Some(Concerns { owner, subscription: intent.subscription_id, payment: None }));
        }
        let mut owner = None;
        for (kind, id) in object.belongs_to() {
            let key = ObjectKey { account: account.id, kind: kind.into(), id: id.to_owned() };
            let known = system.gateway_object(&key).await?;
            match known.as_ref().and_then(Concerns::of) {
                Some(concerns) if concerns.subscription.is_some() => return Ok(Some(concerns)),
                Some(concerns) => owner = Some(Concerns { payment: None, ..concerns }),
                // Whose that is may be known once it is fetched.
                None if known.is_none() && kind == Kind::Subscription => drop(system.want_object(&key, None).await?),
                None => {}
            }
        }
        Ok(owner)
    }

    /// What becomes of an object that concerns nobody we know, or nobody yet.
    async fn unknown(
        &self,
        leased: &gateway_object::Model,
        object: Option<&Object>,
        is_somebodys: bool,
    ) -> Result<Verdict> {
        if object.is_none() {
            return Ok(Verdict::Skipped("NOT_FOUND"));
        }
        let now = self.store.real_now();
        let until = leased.waits_until.unwrap_or_else(|| now.plus(PATIENCE));
        // What belongs to a customer that we know is of a subscription that is being fetched, or of none of ours.
        let may_be_ours = is_somebodys || self.store.system().has_open_intent(leased.account_id).await?;
        Ok(if may_be_ours && now < until {
            Verdict::Waits(until, now.plus(LOOK))
        } else {
            Verdict::Skipped("UNKNOWN_OBJECT")
        })
    }
}

/// Whether an object concerns a subscription always.
fn needs_subscription(row: &gateway_object::Model) -> bool {
    use crate::entity::GatewayObjectKind::{Customer, Method};
    !matches!(row.kind, Customer | Method)
}
