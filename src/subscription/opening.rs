//! How a subscription begins.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;

use super::ends::Ends;
use super::lifecycle::{Offer, settled};
use super::period::Anchor;
use crate::clock::Timestamp;
use crate::entity::subscription::{AddOns, RenewedAhead, TriedTiers};
use crate::entity::{
    CustomerId, ManagementMode, OrganizationId, StoredJson, SubscriptionId, SubscriptionStatus, subscription,
};
use crate::error::{Code, Result};
use crate::graphql::input::Check;
use crate::graphql::when::When;

/// What is agreed on when a subscription begins, besides tier and price.
///
/// Dates may be given as days, of which the organization's time zone makes moments ([`Terms::in_zone`]).
#[derive(Clone, Debug)]
pub struct Terms<Date = Timestamp> {
    /// Days of trial instead of the tier's; 0 for none.
    pub trial_days: Option<i64>,
    /// End of the trial; wins over days.
    pub trial_ends_at: Option<Date>,
    /// When it starts; now if not given.
    pub starts_at: Option<Date>,
    /// End of the first period; one cycle after the start if not given.
    pub period_end: Option<Date>,
    /// Hard end.
    pub expires_at: Option<Date>,
    /// Whether access waits for the first payment.
    pub requires_payment: bool,
    /// How many active members; what the tier says if not given.
    pub user_limit: Option<i32>,
    /// Whether that is the default trial's own limit, which goes with a change of tier.
    pub trial_limits_users: bool,
    /// Features that differ from the tier's.
    pub feature_overrides: Value,
    /// The integrator's own key.
    pub external_id: Option<String>,
    /// Free-form object of the integrator.
    pub metadata: Value,
    /// The same of those who manage it.
    pub private_metadata: Option<StoredJson>,
}

impl Terms<When> {
    /// The terms with the moments that their days are in a time zone.
    pub fn in_zone(self, zone: Tz) -> Terms {
        let end = |date: Option<When>| date.map(|date| date.end(zone));
        Terms {
            trial_ends_at: end(self.trial_ends_at),
            starts_at: self.starts_at.map(|date| date.start(zone)),
            period_end: end(self.period_end),
            expires_at: end(self.expires_at),
            trial_days: self.trial_days,
            requires_payment: self.requires_payment,
            user_limit: self.user_limit,
            trial_limits_users: self.trial_limits_users,
            feature_overrides: self.feature_overrides,
            external_id: self.external_id,
            metadata: self.metadata,
            private_metadata: self.private_metadata,
        }
    }
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
    /// What it has besides the tier.
    pub add_ons: AddOns,
    /// Currency of the price, ISO 4217.
    pub currency: String,
    /// Days of trial that the tier gives.
    pub tier_trial_days: i32,
    /// What comes at the end of a trial or period.
    pub ends: Ends,
    /// What was agreed on besides.
    pub terms: Terms,
    /// The time zone that its periods are counted in.
    pub zone: Tz,
    /// How long it waits for its first payment.
    pub pending_for: TimeDelta,
}

/// A new subscription, or what contradicts itself in its terms. `path` is where the terms stand in the input.
///
/// A start in the past opens the period that contains now, counted from the start. Nothing is over when it is made.
pub fn open(opening: Opening, now: Timestamp, path: &str) -> Result<subscription::Model> {
    let Opening { subscriber, offer, add_ons, currency, tier_trial_days, ends, terms, zone, pending_for } = opening;
    let starts_at = terms.starts_at.unwrap_or(now);
    let trial_ends_at = trial_end(&terms, tier_trial_days, starts_at, now);
    check(&terms, starts_at, now, path)?;

    let later = starts_at > now;
    let status = if terms.requires_payment || later {
        SubscriptionStatus::Pending
    } else if trial_ends_at.is_some() {
        SubscriptionStatus::Trialing
    } else {
        SubscriptionStatus::Active
    };
    let anchor = Anchor::at(starts_at, zone);
    let (from, to) = anchor.containing(starts_at, offer.billing_cycle, now);
    let (from, to) = terms.period_end.map_or((from, to), |end| (starts_at, end));
    // What waits for its start has its trial then; what waits for its payment has none.
    let trial_ends_at = trial_ends_at.filter(|_| !terms.requires_payment);
    let active = status == SubscriptionStatus::Active;
    let pending_until = terms.requires_payment.then(|| starts_at.max(now).plus(pending_for));
    let mut check = Check::new();
    check.in_calendar(&format!("{path}.startsAt"), trial_ends_at.or(pending_until).or(active.then_some(to)));
    check.finish()?;
    Ok(settled(subscription::Model {
        tenant_id: subscriber.tenant,
        id: SubscriptionId::generate(),
        customer_id: subscriber.customer,
        tier_id: offer.tier_id,
        status,
        mode: ManagementMode::Manual,
        amount_minor: offer.amount_minor.saturating_add(add_ons.amount_minor()),
        currency,
        billing_cycle: offer.billing_cycle,
        starts_at,
        trial_started_at: trial_ends_at.map(|_| starts_at),
        trial_ends_at,
        tried_tiers: TriedTiers::default(),
        current_period_start: active.then_some(from),
        current_period_end: active.then_some(to),
        stood_still: 0,
        renewed_ahead: RenewedAhead::default(),
        time_zone: anchor.zone().name().to_owned(),
        anchor_day: anchor.day(),
        anchor_time: anchor.micros(),
        period_end_policy: ends.period,
        trial_end_policy: ends.trial,
        fallback_tier_id: ends.fallback.map(|fallback| fallback.tier_id),
        fallback_amount_minor: ends.fallback.map(|fallback| fallback.amount_minor),
        grace_days: ends.patience.grace_days,
        unpaid_days: ends.patience.unpaid_days,
        expires_at: terms.expires_at,
        cancel_at: None,
        canceled_at: None,
        ended_at: None,
        past_due_since: None,
        grace_ends_at: None,
        suspended_at: None,
        suspension_cause: None,
        suspended_by: None,
        suspended_from: None,
        paused_at: None,
        resumes_at: None,
        pending_until,
        scheduled_tier_id: None,
        scheduled_amount_minor: None,
        scheduled_billing_cycle: None,
        scheduled_at: None,
        override_reason: None,
        override_ends_at: None,
        overridden_tier_id: None,
        overridden_amount_minor: None,
        overridden_billing_cycle: None,
        overridden_state: None,
        user_limit: terms.user_limit,
        trial_limits_users: terms.trial_limits_users,
        feature_overrides: terms.feature_overrides,
        add_ons,
        scheduled_add_ons: AddOns::default(),
        usage_epoch: 0,
        usage_shift: 0,
        gateway: None,
        gateway_account_id: None,
        gateway_subscription_id: None,
        external_id: terms.external_id,
        search_text: None,
        metadata: terms.metadata.into(),
        private_metadata: terms.private_metadata,
        purchaser: None,
        payment_status: None,
        payment_status_at: None,
        last_renewed_by: None,
        access_ends_at: None,
        next_at: None,
        next_status: None,
        second_at: None,
        second_status: None,
        third_at: None,
        third_status: None,
        fourth_at: None,
        fourth_status: None,
        fifth_at: None,
        fifth_status: None,
        due_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
        deleted_at: None,
    }))
}

/// What contradicts itself or the clock in the terms.
fn check(terms: &Terms, starts_at: Timestamp, now: Timestamp, path: &str) -> Result<()> {
    let at = |field: &str| format!("{path}.{field}");
    let mut check = Check::new();
    let days_end = terms.trial_days.filter(|days| *days > 0).map(|days| starts_at.plus_days(days));
    for (field, end) in [
        ("currentPeriodEnd", terms.period_end),
        ("trialEndsAt", terms.trial_ends_at),
        ("trialDays", days_end.filter(|_| terms.trial_ends_at.is_none())),
        ("expiresAt", terms.expires_at),
    ] {
        let path = at(field);
        check.ordered(&path, terms.starts_at, end);
        if end.is_some_and(|end| terms.starts_at.is_none_or(|start| end >= start) && end <= starts_at.max(now)) {
            let message = "This has passed, or comes with the start: the subscription would be over when it begins.";
            check.refuse(&path, Code::InvalidDate, message);
        }
    }
    let trial =
        [("trialDays", terms.trial_days.is_some_and(|days| days > 0)), ("trialEndsAt", terms.trial_ends_at.is_some())];
    for (field, _) in trial.into_iter().filter(|(_, given)| terms.requires_payment && *given) {
        let message = "A subscription that waits for its payment has no trial: start one with startTrial instead.";
        check.refuse(&at(field), Code::Conflict, message);
    }
    if terms.period_end.is_some() && (terms.requires_payment || starts_at > now) {
        let message = "A subscription that begins PENDING has no period yet: say it when it starts.";
        check.refuse(&at("currentPeriodEnd"), Code::Conflict, message);
    } else if terms.period_end.is_some() && trial.iter().any(|(_, given)| *given) {
        let message = "A subscription that begins with a trial has no period yet: say it when the trial converts.";
        check.refuse(&at("currentPeriodEnd"), Code::Conflict, message);
    }
    check.finish()
}

/// When the trial ends: explicit end, else explicit days, else the tier's days, if they are not used up. An explicit
/// period is paid time.
fn trial_end(terms: &Terms, tier_trial_days: i32, starts_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if terms.trial_ends_at.is_some() {
        return terms.trial_ends_at;
    }
    let days = match terms.trial_days {
        Some(days) => days,
        None if terms.period_end.is_some() => 0,
        None => i64::from(tier_trial_days),
    };
    Some(starts_at.plus_days(days)).filter(|end| days > 0 && *end > now)
}
