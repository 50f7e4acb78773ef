//! Rows for the unit tests of the rules.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::ends::{Ends, Fallback};
use super::lifecycle::{CancelAt, Charging, Offer, Step, apply, fold, settled};
use super::opening::{Opening, Subscriber, Terms, open};
use crate::clock::Timestamp;
use crate::entity::subscription::{AddOnLine, AddOns};
use crate::entity::{
    AddOnId, BillingCycle, Gateway, ManagementMode, OrganizationId, PeriodEndPolicy, Proration, SuspensionCause,
    TierId, TrialEndPolicy, subscription,
};

/// A moment, from its RFC 3339 form.
pub fn at(text: &str) -> Timestamp {
    text.parse::<DateTime<Utc>>().expect("a valid moment").into()
}

/// Terms that leave everything to the tier.
pub fn terms() -> Terms {
    Terms {
        trial_days: None,
        trial_ends_at: None,
        starts_at: None,
        period_end: None,
        expires_at: None,
        requires_payment: false,
        user_limit: None,
        trial_limits_users: false,
        feature_overrides: json!({}),
        external_id: None,
        metadata: json!({}),
        private_metadata: None,
    }
}

/// A new subscription on these terms.
pub fn opened(terms: Terms, now: Timestamp) -> subscription::Model {
    let opening = Opening {
        subscriber: Subscriber { tenant: OrganizationId::generate(), customer: None },
        offer: offer(BillingCycle::Monthly),
        add_ons: AddOns::default(),
        currency: "USD".to_owned(),
        tier_trial_days: 0,
        ends: Ends::EXPIRE,
        terms,
        zone: chrono_tz::Tz::UTC,
        pending_for: chrono::TimeDelta::hours(24),
    };
    open(opening, now, "input.terms").expect("the terms fit")
}

/// A subscription that a gateway bills, paid for March 2026.
pub fn billed() -> subscription::Model {
    let row = opened(terms(), at("2026-03-01T00:00:00Z"));
    let (gateway, id) = (Some(Gateway::Stripe), Some("sub_1".to_owned()));
    settled(subscription::Model { mode: ManagementMode::Gateway, gateway, gateway_subscription_id: id, ..row })
}

/// The row with what is due by `now` carried out, as commands find it.
pub fn up_to_date(row: &subscription::Model, now: Timestamp) -> subscription::Model {
    fold(row, now, None).pop().map_or_else(|| row.clone(), |(_, row)| row)
}

fn offer(billing_cycle: BillingCycle) -> Offer {
    Offer { tier_id: TierId::generate(), amount_minor: 900, billing_cycle }
}

/// A change that is not charged.
pub fn free(at: Timestamp) -> Charging {
    Charging { rule: Proration::None, at }
}

/// Some of an add-on, or none.
fn add_ons(days: i64) -> AddOns {
    let quantity = i32::try_from(days % 3).unwrap_or(0);
    let (key, name) = ("seats".to_owned(), "Seats".to_owned());
    let mut lines = AddOns::default();
    lines.put(AddOnLine { add_on_id: AddOnId::from(uuid::Uuid::nil()), key, name, quantity, unit_amount_minor: 200 });
    lines
}

/// What a random step is made of: its kind, a number of days, and two choices.
pub type Dice = (usize, i64, bool, bool);

/// The step of these dice at this moment.
pub fn step(now: Timestamp, (kind, days, one, other): Dice) -> Step {
    let cycle = if one { BillingCycle::Yearly } else { BillingCycle::Monthly };
    match kind {
        0 => Step::Activate,
        1 => Step::StartTrial { ends_at: now.plus_days(days), of_tier: one },
        2 => Step::Extend { days },
        3 => {
            let rule = if days % 5 == 0 { Proration::Full } else { Proration::Prorate };
            let charging = Charging { rule, at: now };
            Step::ChangeTier { offer: offer(cycle), add_ons: add_ons(days), at_period_end: other, charging }
        }
        4 => {
            let ends_at = one.then(|| now.plus_days(days));
            Step::OverrideTier { tier_id: TierId::generate(), reason: "because".to_owned(), ends_at }
        }
        5 => Step::EndOverride,
        6 => Step::Suspend(SuspensionCause::Operator),
        7 => Step::Pause(one.then(|| now.plus_days(days))),
        8 => Step::Resume,
        9 if one => Step::Cancel(CancelAt::Date(now.plus_days(days))),
        9 => Step::Cancel(if other { CancelAt::Now } else { CancelAt::PeriodEnd }),
        10 => Step::UndoCancel,
        11 => Step::Reactivate,
        12 => Step::Renew,
        13 => Step::MarkPastDue,
        14 => Step::MarkPaid,
        15 => Step::ChangeAddOns {
            now: one.then(|| add_ons(days)),
            later: other.then(|| add_ons(days + 1)),
            charging: free(now),
        },
        _ => Step::Expire,
    }
}

/// Any step at this moment.
pub fn any_step(now: Timestamp) -> impl Strategy<Value = Step> {
    dice().prop_map(move |dice| step(now, dice))
}

/// Dice for any step.
pub fn dice() -> impl Strategy<Value = Dice> {
    (0usize..17, 1i64..60, any::<bool>(), any::<bool>())
}

/// Anything that may be agreed on for the ends.
pub fn any_ends() -> impl Strategy<Value = Ends> {
    let policy = prop_oneof![
        Just(PeriodEndPolicy::Expire),
        Just(PeriodEndPolicy::Suspend),
        Just(PeriodEndPolicy::Downgrade),
        Just(PeriodEndPolicy::Renew),
    ];
    (policy, any::<bool>(), any::<Option<bool>>()).prop_map(|(period, trial_falls_back, fallback_is_free)| {
        let trial = if trial_falls_back { TrialEndPolicy::Fallback } else { TrialEndPolicy::Expire };
        let fallback = fallback_is_free
            .map(|is_free| Fallback { tier_id: TierId::generate(), amount_minor: if is_free { 0 } else { 500 } });
        Ends { period, trial, fallback, ..Ends::EXPIRE }
    })
}

/// A subscription that went through any life: opened on any terms, then any steps with any time between them. The
/// moment is that of the last step.
pub fn any_life() -> impl Strategy<Value = (subscription::Model, Timestamp)> {
    let start = at("2026-01-31T12:00:00Z");
    let opening = prop_oneof![
        Just(terms()),
        (1i64..60).prop_map(|days| Terms { trial_days: Some(days), ..terms() }),
        Just(Terms { requires_payment: true, ..terms() }),
        (1i64..60).prop_map(move |days| Terms { starts_at: Some(start.plus_days(days)), ..terms() }),
        (1i64..60).prop_map(move |days| Terms {
            starts_at: Some(start.plus_days(days)),
            trial_days: Some(days),
            ..terms()
        }),
        (1i64..900).prop_map(move |days| Terms { expires_at: Some(start.plus_days(days)), ..terms() }),
    ];
    (opening, any_ends(), prop::collection::vec((0i64..60, dice()), 0..12)).prop_map(move |(terms, ends, steps)| {
        let mut row = opened(terms, start);
        ends.put(&mut row);
        let mut life = (settled(row), start);
        for (days, dice) in steps {
            let now = life.1.plus_days(days);
            life = (up_to_date(&life.0, now), now);
            if let Ok(next) = apply(&life.0, &step(now, dice), now) {
                life.0 = up_to_date(&next, now);
            }
        }
        life
    })
}
