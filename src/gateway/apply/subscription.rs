//! What a gateway says of a subscription that it bills.

use tessera_gateway::{Cancellation, Kind, Reference, Subscription, SubscriptionStatus};

use super::{Effect, Place, moment};
use crate::entity::subscription as row;
use crate::error::Result;
use crate::gateway::intent::Wanted;
use crate::gateway::request::Request;
use crate::store::{Change, Concerns};
use crate::subscription::lifecycle::{Report, Standing, report};
use crate::subscription::overdue::bring_up_to_date;

/// What it says, in our words; none of a status that we do not know.
fn told(object: &Subscription) -> Option<Report> {
    let standing = match &object.status {
        SubscriptionStatus::Pending => Standing::Pending,
        SubscriptionStatus::Trialing => Standing::Trialing,
        SubscriptionStatus::Active => Standing::Active,
        SubscriptionStatus::PastDue => Standing::PastDue,
        SubscriptionStatus::Unpaid => Standing::Unpaid,
        SubscriptionStatus::Paused => Standing::Paused,
        SubscriptionStatus::Canceled => Standing::Canceled,
        SubscriptionStatus::Expired => Standing::Expired,
        SubscriptionStatus::Unknown(_) => return None,
    };
    let at_period_end = object.period_end.filter(|_| object.cancel_at_period_end);
    Some(Report {
        standing,
        period: object.period_start.zip(object.period_end).map(|(start, end)| (moment(start), moment(end))),
        trial_ends_at: object.trial_end.map(moment),
        cancel_at: object.cancel_at.or(at_period_end).map(moment),
        ended_at: object.ended_at.map(moment),
    })
}

/// Makes our subscription agree with it.
pub(super) async fn apply(place: Place<'_, '_>, object: &Subscription, concerns: Concerns) -> Result<Effect> {
    let Some(found) = place.subscription(concerns, object.id.as_str()).await? else {
        return Ok(Effect { concerns, skipped: Some("NOT_BILLED_BY_IT") });
    };
    let Some(told) = told(object) else {
        tracing::error!(id = %object.id, status = ?object.status, "a gateway says what is not known here");
        return Ok(Effect { concerns, skipped: Some("UNKNOWN_STATUS") });
    };
    let found = bring_up_to_date(place.unit, found).await?.row;
    if found.ended_at.is_some() && told.standing.is_live() {
        end_there(place, &found, object).await?;
        return Ok(Effect::applied(concerns));
    }
    let next = report(&found, &told, place.unit.now());
    place.unit.update(&found, next, Change::new(told.standing.verb())).await?;
    if let Some(invoice) = &object.latest_invoice {
        place.want_new(Kind::Invoice, invoice.as_str(), concerns).await?;
    }
    Ok(Effect::applied(concerns))
}

/// What ended here is ended there.
async fn end_there(place: Place<'_, '_>, found: &row::Model, object: &Subscription) -> Result<()> {
    let wanted = Wanted {
        request: Request::Cancel(object.id.clone(), Cancellation::Now),
        reference: Reference(found.id.to_string()),
        owner: crate::graphql::nested::OwnerKey { tenant: found.tenant_id, customer: found.customer_id },
        subscription: Some(found.id),
    };
    place.ask(&wanted).await
}
