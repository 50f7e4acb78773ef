//! The payment that a subscription waits for while it is past due: made when it falls due, received or dropped with it.
//! It is recorded by hand; what a gateway takes, the gateway reports.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::{Gateway, PaymentId, PaymentStatus, payment, subscription};
use crate::error::Result;
use crate::payment::under_way;
use crate::store::{Change, UnitOfWork};

/// Makes the payments agree with what has just become of a subscription, by `change`: what does it, and why.
pub async fn follow(
    unit: &UnitOfWork<'_>,
    before: &subscription::Model,
    after: &subscription::Model,
    change: impl Fn(&'static str) -> Change,
) -> Result<()> {
    match (before.past_due_since, after.past_due_since) {
        (None, Some(_)) => record(unit, after, PaymentStatus::Pending, change("create")).await,
        (Some(_), None) if after.ended_at.is_some() => match waiting(unit, after).await? {
            Some(waiting) => decide(unit, after, waiting, PaymentStatus::Canceled, change("cancel")).await,
            None => Ok(()),
        },
        (Some(_), None) => match waiting(unit, after).await? {
            Some(waiting) => decide(unit, after, waiting, PaymentStatus::Succeeded, change("succeed")).await,
            None => record(unit, after, PaymentStatus::Succeeded, change("create")).await,
        },
        (None, None) | (Some(_), Some(_)) => Ok(()),
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
    change: Change,
) -> Result<()> {
    let received = status == PaymentStatus::Succeeded;
    let decided = payment::Model {
        status,
        status_changed_at: unit.now(),
        paid_at: received.then(|| unit.now()),
        // A period that was over when it was paid for is followed by another.
        period_start: if received { row.current_period_start } else { waiting.period_start },
        ..waiting.clone()
    };
    unit.update(&waiting, decided, change).await?;
    Ok(())
}

async fn record(unit: &UnitOfWork<'_>, row: &subscription::Model, status: PaymentStatus, change: Change) -> Result<()> {
    use payment::Column::{Attempt, PeriodStart, SubscriptionId};
    let earlier = payment::Entity::find()
        .filter(SubscriptionId.eq(row.id))
        .filter(PeriodStart.eq(row.current_period_start))
        .order_by_desc(Attempt);
    let earlier = unit.payment_of_tenant(earlier).await?;
    if earlier.as_ref().is_some_and(|earlier| under_way().any(|status| status == earlier.status)) {
        return Ok(());
    }
    let now = unit.now();
    let payment = payment::Model {
        tenant_id: row.tenant_id,
        id: PaymentId::generate(),
        subscription_id: row.id,
        customer_id: row.customer_id,
        amount_minor: row.amount_minor,
        currency: row.currency.clone(),
        status,
        gateway: Gateway::Manual,
        gateway_payment_id: None,
        gateway_status: None,
        failure_code: None,
        failure_message: None,
        search_text: None,
        attempt: earlier.map_or(1, |earlier| earlier.attempt + 1),
        return_url: None,
        refunded_minor: 0,
        period_start: row.current_period_start,
        paid_at: (status == PaymentStatus::Succeeded).then_some(now),
        status_changed_at: now,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    unit.insert(payment, change).await?;
    Ok(())
}
