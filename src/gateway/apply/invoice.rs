//! What a gateway says of an invoice: a payment for a period, and with it the period.

use tessera_gateway::{Invoice, Kind, PaymentStatus as Theirs};

use super::{Effect, Place, moment};
use crate::entity::{PaymentId, PaymentPurpose, PaymentStatus, payment, subscription};
use crate::error::Result;
use crate::store::{Change, Concerns};
use crate::subscription::lifecycle::paid_period;
use crate::subscription::overdue::bring_up_to_date;

/// Where the payment stands, by its invoice; none of a status that we do not know. What the attempt itself said is more
/// exact while the money is under way.
fn status(object: &Invoice, before: Option<&payment::Model>) -> Option<PaymentStatus> {
    let under_way = before
        .map(|before| before.status)
        .filter(|status| matches!(status, PaymentStatus::RequiresAction | PaymentStatus::Processing));
    Some(match &object.status {
        Theirs::Succeeded => match before.filter(|before| before.refunded_minor > 0) {
            Some(before) if before.refunded_minor >= object.due.minor => PaymentStatus::Refunded,
            Some(_) => PaymentStatus::PartiallyRefunded,
            None if before.is_some_and(|before| before.status == PaymentStatus::Disputed) => PaymentStatus::Disputed,
            None => PaymentStatus::Succeeded,
        },
        Theirs::Canceled => PaymentStatus::Canceled,
        Theirs::Failed => under_way.unwrap_or(PaymentStatus::Failed),
        Theirs::Pending => under_way.unwrap_or(PaymentStatus::Pending),
        Theirs::RequiresAction => PaymentStatus::RequiresAction,
        Theirs::Processing => PaymentStatus::Processing,
        Theirs::Unknown(_) => return None,
    })
}

/// Makes our payment agree with it, and our subscription with its period once that is paid.
pub(super) async fn apply(place: Place<'_, '_>, object: &Invoice, concerns: Concerns) -> Result<Effect> {
    let skipped = |reason| Ok(Effect { concerns, skipped: Some(reason) });
    let Some(billed) = &object.subscription else { return skipped("NO_SUBSCRIPTION") };
    if object.draft {
        return skipped("DRAFT");
    }
    let Some(found) = place.subscription(concerns, billed.as_str()).await? else { return skipped("NOT_BILLED_BY_IT") };
    let mut found = bring_up_to_date(place.unit, found).await?.row;
    let before = match concerns.payment {
        Some(id) => place.unit.lock::<payment::Entity>(id).await?,
        None => None,
    };
    let Some(status) = status(object, before.as_ref()) else {
        tracing::error!(id = %object.id, status = ?object.status, "a gateway says what is not known here");
        return skipped("UNKNOWN_STATUS");
    };
    if status.is_paid()
        && let Some((start, end)) = object.period
    {
        let next = paid_period(&found, (moment(start), moment(end)), place.unit.now());
        let next = subscription::Model { last_renewed_by: Some("gateway".to_owned()), ..next };
        if next.current_period_end != found.current_period_end {
            found = place.unit.update(&found, next, Change::new("renew")).await?;
        }
    }
    let payment = put(place, object, &found, before, status).await?;
    let concerns = Concerns { payment: Some(payment), ..concerns };
    if let Some(newest) = object.payments.last() {
        place.want_new(Kind::Payment, newest.as_str(), concerns).await?;
    }
    Ok(Effect::applied(concerns))
}

async fn put(
    place: Place<'_, '_>,
    object: &Invoice,
    found: &subscription::Model,
    before: Option<payment::Model>,
    status: PaymentStatus,
) -> Result<PaymentId> {
    let unit = place.unit;
    let paid_at = object.paid_at.map_or(unit.now(), moment);
    let period_start = object.period.map(|(start, _)| moment(start));
    if let Some(before) = before {
        // What does not come after it, somebody else has heard of since.
        let status = if before.status.may_become(status) { status } else { before.status };
        let next = payment::Model {
            amount_minor: object.due.minor,
            status,
            period_start: before.period_start.or(period_start),
            paid_at: status.is_paid().then(|| before.paid_at.unwrap_or(paid_at)),
            status_changed_at: if status == before.status { before.status_changed_at } else { unit.now() },
            ..before.clone()
        };
        let verb = if status == before.status { "update" } else { status.verb() };
        unit.update(&before, next, Change::new(verb)).await?;
        return Ok(before.id);
    }
    let now = unit.now();
    let row = payment::Model {
        tenant_id: found.tenant_id,
        id: PaymentId::generate(),
        subscription_id: found.id,
        customer_id: found.customer_id,
        amount_minor: object.due.minor,
        currency: object.due.currency.clone(),
        status,
        gateway: place.account.kind.into(),
        gateway_account_id: Some(place.account.id),
        gateway_payment_id: object.payments.last().map(ToString::to_string),
        gateway_status: None,
        gateway_metadata: None,
        failure_code: None,
        failure_message: None,
        search_text: None,
        attempt: place.attempts(found, period_start).await? + 1,
        return_url: None,
        refunded_minor: 0,
        received_as: None,
        reference: None,
        purpose: if object.period.is_some() { PaymentPurpose::Period } else { PaymentPurpose::Change },
        period_start,
        paid_at: status.is_paid().then_some(paid_at),
        status_changed_at: now,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    Ok(unit.insert(row, Change::new("create")).await?.id)
}
