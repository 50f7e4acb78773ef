//! What a gateway says of a page on which something is bought.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use tessera_gateway::{Cancellation, Checkout, CheckoutStatus, Kind, PaymentId as Attempt, Reference, SubscriptionId};

use super::{Effect, Place, moment};
use crate::checkout::{close, named};
use crate::entity::{CheckoutState, Gateway, checkout, organization, subscription};
use crate::error::Result;
use crate::gateway::intent::Wanted;
use crate::gateway::request::Request;
use crate::graphql::nested::{Owned as _, OwnerKey};
use crate::store::{Change, Concerns};
use crate::subscription::lifecycle::{Billing, Offer, bill};
use crate::subscription::overdue::bring_up_to_date;
use crate::subscription::owed;

/// Makes our attempt agree with it; what was paid for, the subscription has from now on, or the money goes back.
pub(super) async fn apply(
    place: Place<'_, '_>,
    object: &Checkout,
    concerns: Concerns,
    paid_by: Option<&Attempt>,
) -> Result<Effect> {
    let unit = place.unit;
    let skipped = |reason| Ok(Effect { concerns, skipped: Some(reason) });
    let Some(id) = object.reference.as_ref().and_then(|Reference(reference)| named(reference)) else {
        return skipped("NOT_OURS");
    };
    match concerns.owner.customer {
        Some(_) => place.lock_owner(concerns).await?,
        None => drop(unit.lock::<organization::Entity>(concerns.owner.tenant).await?),
    }
    let Some(ours) = concerns.subscription else { return skipped("NOT_OURS") };
    let Some(row) = unit.lock::<subscription::Entity>(ours).await? else { return skipped("DELETED") };
    let found = unit.lock::<checkout::Entity>(id).await?;
    let Some(mut attempt) = found.filter(|found| found.account_id == place.account.id && found.subscription_id == ours)
    else {
        return skipped("NOT_OURS");
    };
    let concerns = Concerns { payment: Some(attempt.payment_id), ..concerns };
    if attempt.session_id.is_none() {
        let (session_id, expires_at) = (Some(object.id.to_string()), Some(moment(object.expires_at)));
        let next = checkout::Model { session_id, expires_at, ..attempt.clone() };
        attempt = unit.update(&attempt, next, Change::new("open")).await?;
    }
    match (&object.status, &object.subscription) {
        (CheckoutStatus::Expired, _) => close(unit, attempt, CheckoutState::Expired).await?,
        (CheckoutStatus::Complete, Some(sold)) if object.paid => {
            complete(place, attempt, row, concerns, (sold, object, paid_by)).await?;
        }
        // Its money is on its way, or it can still be used.
        (CheckoutStatus::Complete | CheckoutStatus::Open, _) => {}
        (CheckoutStatus::Unknown(word), _) => {
            tracing::error!(id = %object.id, status = word, "a gateway says what is not known here");
            return skipped("UNKNOWN_STATUS");
        }
    }
    Ok(Effect::applied(concerns))
}

async fn complete(
    place: Place<'_, '_>,
    attempt: checkout::Model,
    row: subscription::Model,
    concerns: Concerns,
    (sold, object, paid_by): (&SubscriptionId, &Checkout, Option<&Attempt>),
) -> Result<()> {
    let unit = place.unit;
    let of_subscription = Concerns { payment: None, ..concerns };
    if row.gateway_subscription_id.as_deref() != Some(sold.as_str()) {
        let row = bring_up_to_date(unit, row).await?.row;
        let is_taken = row.ended_at.is_none() && row.gateway_subscription_id.is_some();
        if is_taken || (row.ended_at.is_some() && has_another(place, &row).await?) {
            return give_back(place, attempt, sold, paid_by).await;
        }
        let of_tier = attempt.amount_minor - attempt.add_ons.amount_minor();
        let offer = Offer { tier_id: attempt.tier_id, amount_minor: of_tier, billing_cycle: attempt.billing_cycle };
        let billing = Billing {
            gateway: Gateway::from(place.account.kind),
            account: place.account.id,
            id: sold.to_string(),
            offer,
            add_ons: attempt.add_ons.clone(),
        };
        let next = bill(&row, billing, unit.now());
        let next = subscription::Model { purchaser: Some(attempt.purchaser.clone()), ..next };
        let row = unit.update(&row, next, Change::new("bill")).await?;
        owed::give_up(unit, &row, Change::new("cancel")).await?;
        // News of them may have come before, and found that they concern nothing.
        unit.want_again(place.account.id, row.id).await?;
        place.want(Kind::Subscription, sold.as_str(), of_subscription).await?;
        if let Some(invoice) = &object.invoice {
            place.want(Kind::Invoice, invoice.as_str(), concerns).await?;
        }
    }
    if attempt.state != CheckoutState::Completed {
        let next = checkout::Model { state: CheckoutState::Completed, state_changed_at: unit.now(), ..attempt.clone() };
        unit.update(&attempt, next, Change::new("complete")).await?;
    }
    Ok(())
}

/// Whether the owner of a subscription that ended has another one that lives.
async fn has_another(place: Place<'_, '_>, row: &subscription::Model) -> Result<bool> {
    let owner = OwnerKey { tenant: row.tenant_id, customer: row.customer_id };
    let live = subscription::Entity::find()
        .filter(subscription::Entity::of_owner(owner))
        .filter(subscription::Column::EndedAt.is_null());
    Ok(place.unit.one(live).await?.is_some())
}

/// Ends what was bought too late, and gives its money back.
async fn give_back(
    place: Place<'_, '_>,
    attempt: checkout::Model,
    sold: &SubscriptionId,
    paid_by: Option<&Attempt>,
) -> Result<()> {
    let unit = place.unit;
    let wanted = |request| Wanted {
        request,
        reference: Reference(attempt.id.to_string()),
        owner: OwnerKey { tenant: attempt.tenant_id, customer: attempt.customer_id },
        subscription: Some(attempt.subscription_id),
    };
    place.ask(&wanted(Request::Cancel(sold.clone(), Cancellation::Now))).await?;
    if let Some(payment) = paid_by {
        let reference = Reference(attempt.id.to_string());
        let refund = tessera_gateway::NewRefund { reference, payment: payment.clone(), amount: None };
        place.ask(&wanted(Request::Refund(refund))).await?;
    }
    close(unit, attempt, CheckoutState::Superseded).await
}
