//! How a subscription begins.

use chrono::TimeDelta;
use serde_json::Value;

use super::lifecycle::{Offer, settled};
use super::period;
use crate::clock::Timestamp;
use crate::entity::{CustomerId, ManagementMode, OrganizationId, SubscriptionId, SubscriptionStatus, subscription};
use crate::error::{Code, Result};
use crate::graphql::input::Check;

/// What is agreed on when a subscription begins, besides tier and price.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Days of trial instead of the tier's; 0 for none.
    pub trial_days: Option<i64>,
    /// End of the trial; wins over days.
    pub trial_ends_at: Option<Timestamp>,
    /// When it starts; now if not given.
    pub starts_at: Option<Timestamp>,
    /// End of the first period; one cycle after the start if not given.
    pub period_end: Option<Timestamp>,
    /// Hard end.
    pub expires_at: Option<Timestamp>,
    /// Whether access waits for the first payment.
    pub requires_payment: bool,
    /// How many active members; what the tier says if not given.
    pub user_limit: Option<i32>,
    /// Features that differ from the tier's.
    pub feature_overrides: Value,
    /// The integrator's own key.
    pub external_id: Option<String>,
    /// Free-form object of the integrator.
    pub metadata: Value,
}

/// Who subscribes: a customer of the organization, or the organization itself.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber {
    /// The organization.
    pub tenant: OrganizationId,
    /// The customer, if it is the owner.
    pub customer: Option<CustomerId>,
}

/// Everything a subscription begins with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Who subscribes.
    pub subscriber: Subscriber,
    /// To what, at which price.
    pub offer: Offer,
    /// Currency of the price, ISO 4217.
    pub currency: String,
    /// Days of trial that the tier gives.
    pub tier_trial_days: i32,
    /// What was agreed on besides.
    pub terms: Terms,
    /// How long it waits for its first payment.
    pub pending_for: TimeDelta,
}

/// A new subscription, or what contradicts itself in its terms. `path` is where the terms stand in the input.
pub fn open(opening: Opening, now: Timestamp, path: &str) -> Result<subscription::Model> {
    let Opening { subscriber, offer, currency, tier_trial_days, terms, pending_for } = opening;
    let starts_at = terms.starts_at.unwrap_or(now);
    let trial_ends_at = trial_end(&terms, tier_trial_days, starts_at);
    let at = |field: &str| format!("{path}.{field}");
    let mut check = Check::new();
    check.ordered(&at("currentPeriodEnd"), Some(starts_at), terms.period_end);
    check.ordered(&at("trialEndsAt"), Some(starts_at), terms.trial_ends_at);
    check.ordered(&at("expiresAt"), Some(starts_at), terms.expires_at);
    if terms.trial_ends_at.is_some_and(|end| end <= now) {
        check.refuse(&at("trialEndsAt"), Code::InvalidDate, "The end of a new trial must lie in the future.");
    }
    let pending = terms.requires_payment || starts_at > now;
    let dated = [
        ("trialDays", terms.trial_days.is_some_and(|days| days > 0)),
        ("trialEndsAt", terms.trial_ends_at.is_some()),
        ("currentPeriodEnd", terms.period_end.is_some()),
    ];
    for (field, _) in dated.iter().filter(|(_, given)| pending && *given) {
        let message = "A subscription that begins PENDING has no trial or period yet: say it when it starts.";
        check.refuse(&at(field), Code::Conflict, message);
    }
    check.finish()?;

    let status = if pending {
        SubscriptionStatus::Pending
    } else if trial_ends_at.is_some() {
        SubscriptionStatus::Trialing
    } else {
        SubscriptionStatus::Active
    };
    let anchor_day = period::anchor_day(starts_at);
    let first_end = terms.period_end.unwrap_or_else(|| period::period_end(starts_at, offer.billing_cycle, anchor_day));
    let trialing = status == SubscriptionStatus::Trialing;
    let active = status == SubscriptionStatus::Active;
    Ok(settled(subscription::Model {
        tenant_id: subscriber.tenant,
        id: SubscriptionId::generate(),
        customer_id: subscriber.customer,
        tier_id: offer.tier_id,
        status,
        mode: ManagementMode::Manual,
        amount_minor: offer.amount_minor,
        currency,
        billing_cycle: offer.billing_cycle,
        starts_at,
        trial_started_at: trialing.then_some(starts_at),
        trial_ends_at: trial_ends_at.filter(|_| trialing),
        current_period_start: active.then_some(starts_at),
        current_period_end: active.then_some(first_end),
        anchor_day,
        expires_at: terms.expires_at,
        cancel_at: None,
        canceled_at: None,
        ended_at: None,
        past_due_since: None,
        grace_ends_at: None,
        suspended_at: None,
        suspension_cause: None,
        suspended_from: None,
        paused_at: None,
        resumes_at: None,
        pending_until: terms.requires_payment.then(|| starts_at.max(now).plus(pending_for)),
        scheduled_tier_id: None,
        scheduled_amount_minor: None,
        scheduled_billing_cycle: None,
        scheduled_at: None,
        override_reason: None,
        override_ends_at: None,
        overridden_tier_id: None,
        overridden_amount_minor: None,
        overridden_billing_cycle: None,
        user_limit: terms.user_limit,
        feature_overrides: terms.feature_overrides,
        gateway: None,
        gateway_subscription_id: None,
        external_id: terms.external_id,
        search_text: None,
        metadata: terms.metadata.into(),
        last_renewed_by: None,
        access_ends_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
        deleted_at: None,
    }))
}

/// When the trial ends: explicit end, else explicit days, else the tier's days. An explicit period is paid time.
fn trial_end(terms: &Terms, tier_trial_days: i32, starts_at: Timestamp) -> Option<Timestamp> {
    if terms.trial_ends_at.is_some() {
        return terms.trial_ends_at;
    }
    let days = match terms.trial_days {
        Some(days) => days,
        None if terms.period_end.is_some() => 0,
        None => i64::from(tier_trial_days),
    };
    (days > 0).then(|| starts_at.plus_days(days))
}
