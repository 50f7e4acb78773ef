//! What a gateway says of an attempt to collect money.

use tessera_gateway::{Payment, PaymentStatus as Theirs};

use super::{Effect, Place};
use crate::entity::{PaymentStatus, payment};
use crate::error::Result;
use crate::store::{Change, Concerns};

/// Where the payment stands, by its attempt. Whether it is due at all, its invoice says.
fn status(object: &Payment, before: &payment::Model) -> PaymentStatus {
    match &object.status {
        Theirs::Succeeded if object.refunded.minor >= before.amount_minor && object.refunded.minor > 0 => {
            PaymentStatus::Refunded
        }
        Theirs::Succeeded if object.refunded.minor > 0 => PaymentStatus::PartiallyRefunded,
        Theirs::Succeeded if before.status == PaymentStatus::Disputed => PaymentStatus::Disputed,
        Theirs::Succeeded => PaymentStatus::Succeeded,
        // An attempt that failed says nothing of money that came by another one, or of an invoice that was given up.
        _ if before.paid_at.is_some() || before.status == PaymentStatus::Canceled => before.status,
        Theirs::Failed => PaymentStatus::Failed,
        Theirs::RequiresAction => PaymentStatus::RequiresAction,
        Theirs::Processing => PaymentStatus::Processing,
        Theirs::Pending | Theirs::Canceled | Theirs::Unknown(_) => before.status,
    }
}

/// Makes our payment agree with it.
pub(super) async fn apply(place: Place<'_, '_>, object: &Payment, concerns: Concerns) -> Result<Effect> {
    let skipped = |reason| Ok(Effect { concerns, skipped: Some(reason) });
    let Some(id) = concerns.payment else { return skipped("NO_PAYMENT") };
    place.lock_owner(concerns).await?;
    let Some(before) = place.unit.lock::<payment::Entity>(id).await? else { return skipped("NO_PAYMENT") };
    if before.gateway_account_id != Some(place.account.id) {
        return skipped("NOT_BILLED_BY_IT");
    }
    let now = place.unit.now();
    let status = Some(status(object, &before)).filter(|status| before.status.may_become(*status));
    let status = status.unwrap_or(before.status);
    let failure = object.failure.clone().filter(|_| status == PaymentStatus::Failed);
    let (failure_code, failure_message) = failure.map(|failure| (failure.code, failure.message)).unwrap_or_default();
    let next = payment::Model {
        status,
        gateway_payment_id: Some(object.id.to_string()),
        gateway_status: Some(object.word.clone()),
        failure_code,
        failure_message,
        refunded_minor: object.refunded.minor.clamp(0, before.amount_minor),
        paid_at: status.is_paid().then(|| before.paid_at.unwrap_or(now)),
        status_changed_at: if status == before.status { before.status_changed_at } else { now },
        ..before.clone()
    };
    let verb = if status == before.status { "update" } else { status.verb() };
    place.unit.update(&before, next, Change::new(verb)).await?;
    Ok(Effect::applied(concerns))
}
