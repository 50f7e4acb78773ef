//! The payment that a subscription waits for, for its period or for a change in the middle of one: made when it falls due,
//! received or dropped with it. It is recorded by hand; what a gateway takes, the gateway reports.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::{Gateway, PaymentId, PaymentPurpose, PaymentStatus, payment, subscription};
use crate::error::Result;
use crate::payment::input::Received;
use crate::store::{Change, UnitOfWork};

/// Makes the payments agree with what has just become of a subscription, by `change`: what does it, and why. Answers the
/// payment that was received with it, which `received` tells more of where somebody knows.
pub async fn follow(
    unit: &UnitOfWork<'_>,
    before: &subscription::Model,
    after: &subscription::Model,
    received: Option<&Received>,
    change: impl Fn(&'static str) -> Change,
) -> Result<Option<payment::Model>> {
    match (before.past_due_since, after.past_due_since) {
        (None, Some(_)) => {
            record(unit, after, Wanted::of_period(after, PaymentStatus::Pending), change("create")).await?;
            Ok(None)
        }
        (Some(_), None) if after.ended_at.is_some() => {
            if let Some(waiting) = waiting(unit, after).await? {
                decide(unit, after, waiting, PaymentStatus::Canceled, None, change("cancel")).await?;
            }
            Ok(None)
        }
        (Some(_), None) => {
            let waiting = waiting(unit, after).await?;
            // What a gateway has under way, it reports.
            let is_taken =
                waiting.is_none() && latest(unit, after).await?.is_some_and(|latest| latest.status.is_under_way());
            if is_taken { Ok(None) } else { take_in(unit, after, waiting, received, change).await.map(Some) }
        }
        (None, None) | (Some(_), Some(_)) => Ok(None),
    }
}

/// Records that what is waited for was received, or, where nothing is, what the period costs.
pub async fn take_in(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    waiting: Option<payment::Model>,
    received: Option<&Received>,
    change: impl Fn(&'static str) -> Change,
) -> Result<payment::Model> {
    match waiting {
        Some(waiting) => decide(unit, row, waiting, PaymentStatus::Succeeded, received, change("succeed")).await,
        None => {
            let wanted = Wanted::of_period(row, PaymentStatus::Succeeded);
            let attempt = latest(unit, row).await?.map_or(1, |latest| latest.attempt + 1);
            unit.insert(told(payment(unit, row, wanted, attempt), received), change("create")).await
        }
    }
}

/// The payment with how it was received.
fn told(payment: payment::Model, received: Option<&Received>) -> payment::Model {
    match received {
        Some(received) => {
            payment::Model { received_as: Some(received.received_as), reference: received.reference.clone(), ..payment }
        }
        None => payment,
    }
}

/// What is paid of the period that runs, and what is waited for.
#[derive(Clone, Debug)]
pub struct Balance {
    /// Received and not paid back, in minor units.
    pub paid_minor: i64,
    /// The payment that is waited for.
    pub pending: Option<payment::Model>,
}

impl Balance {
    /// What there is to give back at most.
    pub fn total(&self) -> i64 {
        self.paid_minor.saturating_add(self.pending.as_ref().map_or(0, |payment| payment.amount_minor))
    }
}

/// The balance of the period that runs. Where no payment is known for a period that is not owed, it was settled elsewhere.
pub async fn balance(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<Balance> {
    use payment::Column::{PeriodStart, SubscriptionId};
    let Some(start) = row.current_period_start else { return Ok(Balance { paid_minor: 0, pending: None }) };
    let of_period = payment::Entity::find().filter(SubscriptionId.eq(row.id)).filter(PeriodStart.eq(start));
    let payments = unit.payments_of_tenant(of_period).await?;
    let settled = row.past_due_since.is_none() && payments.iter().all(|one| one.purpose == PaymentPurpose::Change);
    let received = payments.iter().filter(|one| one.paid_at.is_some());
    let received = received.fold(0i64, |sum, one| sum.saturating_add(one.amount_minor - one.refunded_minor));
    // What was renewed ahead was paid for elsewhere.
    let elsewhere = row.renewed_ahead.0.len() as i64 + i64::from(settled);
    let paid_minor = received.saturating_add(row.amount_minor.saturating_mul(elsewhere));
    let is_pending = |one: &payment::Model| one.gateway == Gateway::Manual && one.status == PaymentStatus::Pending;
    Ok(Balance { paid_minor, pending: payments.into_iter().find(is_pending) })
}

/// Adds what a change costs to what is waited for in the period that runs, or takes it off.
pub async fn settle(
    unit: &UnitOfWork<'_>,
    before: Balance,
    after: &subscription::Model,
    cost: i64,
    change: impl Fn(&'static str) -> Change,
) -> Result<()> {
    match before.pending {
        Some(pending) if pending.amount_minor + cost <= 0 => {
            decide(unit, after, pending, PaymentStatus::Canceled, None, change("cancel")).await?;
            Ok(())
        }
        Some(pending) => {
            let amount_minor = pending.amount_minor + cost;
            let next = payment::Model { amount_minor, ..pending.clone() };
            unit.update(&pending, next, change("update")).await?;
            Ok(())
        }
        None if cost > 0 => {
            let wanted = Wanted { amount_minor: cost, purpose: PaymentPurpose::Change, status: PaymentStatus::Pending };
            record(unit, after, wanted, change("create")).await
        }
        None => Ok(()),
    }
}

/// Gives up the payment by hand that is waited for: a gateway collects from now on.
pub async fn give_up(unit: &UnitOfWork<'_>, row: &subscription::Model, change: Change) -> Result<()> {
    if let Some(waiting) = waiting(unit, row).await? {
        decide(unit, row, waiting, PaymentStatus::Canceled, None, change).await?;
    }
    Ok(())
}

/// A payment that is to be recorded.
#[derive(Clone, Copy)]
struct Wanted {
    amount_minor: i64,
    purpose: PaymentPurpose,
    status: PaymentStatus,
}

impl Wanted {
    /// For the period that runs.
    fn of_period(row: &subscription::Model, status: PaymentStatus) -> Self {
        Self { amount_minor: row.amount_minor, purpose: PaymentPurpose::Period, status }
    }
}

/// The payment that is waited for.
async fn waiting(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<Option<payment::Model>> {
    use payment::Column::{CreatedAt, Gateway as Taker, Status, SubscriptionId};
    let waiting = payment::Entity::find()
        .filter(SubscriptionId.eq(row.id))
        .filter(Taker.eq(Gateway::Manual))
        .filter(Status.eq(PaymentStatus::Pending))
        .order_by_desc(CreatedAt);
    unit.payment_of_tenant(waiting).await
}

async fn decide(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    waiting: payment::Model,
    status: PaymentStatus,
    received: Option<&Received>,
    change: Change,
) -> Result<payment::Model> {
    let is_paid = status == PaymentStatus::Succeeded;
    let decided = payment::Model {
        status,
        status_changed_at: unit.now(),
        paid_at: is_paid.then(|| unit.now()),
        // A period that was over when it was paid for is followed by another.
        period_start: if is_paid { row.current_period_start } else { waiting.period_start },
        ..waiting.clone()
    };
    unit.update(&waiting, told(decided, received), change).await
}

async fn record(unit: &UnitOfWork<'_>, row: &subscription::Model, wanted: Wanted, change: Change) -> Result<()> {
    let Wanted { amount_minor, purpose, .. } = wanted;
    let earlier = latest(unit, row).await?;
    match &earlier {
        // What a change costs and what the period costs are waited for together.
        Some(waiting) if waiting.purpose == PaymentPurpose::Change && waiting.status == PaymentStatus::Pending => {
            let amount_minor = waiting.amount_minor + amount_minor;
            unit.update(waiting, payment::Model { amount_minor, purpose, ..waiting.clone() }, change).await?;
            return Ok(());
        }
        Some(earlier) if earlier.status.is_under_way() => return Ok(()),
        _ => {}
    }
    let attempt = earlier.map_or(1, |earlier| earlier.attempt + 1);
    unit.insert(payment(unit, row, wanted, attempt), change).await?;
    Ok(())
}

/// The latest attempt for the period that runs.
async fn latest(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<Option<payment::Model>> {
    use payment::Column::{Attempt, PeriodStart, SubscriptionId};
    let of_period = payment::Entity::find()
        .filter(SubscriptionId.eq(row.id))
        .filter(PeriodStart.eq(row.current_period_start))
        .order_by_desc(Attempt);
    unit.payment_of_tenant(of_period).await
}

fn payment(unit: &UnitOfWork<'_>, row: &subscription::Model, wanted: Wanted, attempt: i32) -> payment::Model {
    let Wanted { amount_minor, purpose, status } = wanted;
    let now = unit.now();
    payment::Model {
        tenant_id: row.tenant_id,
        id: PaymentId::generate(),
        subscription_id: row.id,
        customer_id: row.customer_id,
        amount_minor,
        currency: row.currency.clone(),
        status,
        gateway: Gateway::Manual,
        gateway_account_id: None,
        gateway_payment_id: None,
        gateway_metadata: None,
        gateway_status: None,
        failure_code: None,
        failure_message: None,
        search_text: None,
        attempt,
        return_url: None,
        refunded_minor: 0,
        received_as: None,
        reference: None,
        purpose,
        period_start: row.current_period_start,
        paid_at: (status == PaymentStatus::Succeeded).then_some(now),
        status_changed_at: now,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}
