//! What an object at a gateway, as it is now, makes of our rows. The gateway's word wins, also where it steps back; what only
//! we know stays on top.
//!
//! Each object changes only what it is the authority on, so that the order in which they are fetched does not matter: a
//! subscription its standing, an invoice its payment and the period that it paid for, a payment how its attempt went.

mod checkout;
mod invoice;
mod payment;
mod subscription;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use tessera_gateway::{Kind, Object, PaymentId, Seconds};

use crate::clock::Timestamp;
use crate::entity::{customer, gateway_account, payment as payments, subscription as subscriptions};
use crate::error::Result;
use crate::gateway::intent::Wanted;
use crate::store::{Concerns, ObjectKey, UnitOfWork};

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What of ours it concerns, as is known by now.
    pub concerns: Concerns,
    /// Why it changes nothing of ours, if it does not.
    pub skipped: Option<&'static str>,
}

impl Effect {
    fn applied(concerns: Concerns) -> Self {
        Self { concerns, skipped: None }
    }
}

/// Where an object is applied.
#[derive(Clone, Copy)]
pub(super) struct Place<'p, 'e> {
    unit: &'p UnitOfWork<'e>,
    account: &'p gateway_account::Model,
}

impl Place<'_, '_> {
    /// Locks the customer that an object concerns, before anything of it.
    async fn lock_owner(self, concerns: Concerns) -> Result<()> {
        if let Some(id) = concerns.owner.customer {
            self.unit.lock::<customer::Entity>(id).await?;
        }
        Ok(())
    }

    /// The subscription that an object concerns, locked, if the account bills it by this id.
    async fn subscription(self, concerns: Concerns, id: &str) -> Result<Option<subscriptions::Model>> {
        let Some(ours) = concerns.subscription else { return Ok(None) };
        self.lock_owner(concerns).await?;
        let found = self.unit.lock::<subscriptions::Entity>(ours).await?;
        let account = Some(self.account.id);
        Ok(found.filter(|row| row.gateway_account_id == account && row.gateway_subscription_id.as_deref() == Some(id)))
    }

    /// Has an object fetched, whatever was applied of it before.
    async fn want(self, kind: Kind, id: &str, concerns: Concerns) -> Result<()> {
        let key = ObjectKey { account: self.account.id, kind: kind.into(), id: id.to_owned() };
        self.unit.register(&key, concerns, true).await
    }

    /// Has an object fetched of which nothing was applied to what it concerns.
    async fn want_new(self, kind: Kind, id: &str, concerns: Concerns) -> Result<()> {
        let key = ObjectKey { account: self.account.id, kind: kind.into(), id: id.to_owned() };
        let known = self.unit.gateway_object(&key).await?;
        let is_new = known.is_none_or(|known| {
            known.applied_seq == 0
                || known.subscription_id != concerns.subscription
                || known.payment_id != concerns.payment.or(known.payment_id)
        });
        self.unit.register(&key, concerns, is_new).await
    }

    /// Has a gateway asked for something when all of this is written.
    async fn ask(self, wanted: &Wanted) -> Result<()> {
        self.unit.record_intent(&wanted.intent(self.account, self.unit.real_now())?).await
    }

    /// How many attempts there are at a period.
    async fn attempts(self, row: &subscriptions::Model, period_start: Option<Timestamp>) -> Result<i32> {
        use payments::Column::{Attempt, PeriodStart, SubscriptionId};
        let of_period = payments::Entity::find()
            .filter(SubscriptionId.eq(row.id))
            .filter(match period_start {
                Some(start) => PeriodStart.eq(start),
                None => PeriodStart.is_null(),
            })
            .order_by_desc(Attempt);
        Ok(self.unit.payment_of_tenant(of_period).await?.map_or(0, |latest| latest.attempt))
    }
}

fn moment(seconds: Seconds) -> Timestamp {
    Timestamp::from_micros(seconds.0.saturating_mul(1_000_000))
}

/// Makes our rows agree with an object. `paid_by` is what paid for a page, where it was paid.
pub(super) async fn object(
    unit: &UnitOfWork<'_>,
    account: &gateway_account::Model,
    object: &Object,
    concerns: Concerns,
    paid_by: Option<&PaymentId>,
) -> Result<Effect> {
    let place = Place { unit, account };
    match object {
        Object::Subscription(object) => subscription::apply(place, object, concerns).await,
        Object::Invoice(object) => invoice::apply(place, object, concerns).await,
        Object::Payment(object) => payment::apply(place, object, concerns).await,
        // What it says of itself, we have told it.
        Object::Customer(_) => Ok(Effect::applied(concerns)),
        Object::Checkout(object) => checkout::apply(place, object, concerns, paid_by).await,
        Object::Refund(_) | Object::Dispute(_) | Object::Method(_) => {
            Ok(Effect { concerns, skipped: Some("NOTHING_TO_DO") })
        }
    }
}
