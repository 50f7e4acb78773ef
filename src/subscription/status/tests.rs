use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::entity::{Gateway, ManagementMode, TierId};
use crate::subscription::lifecycle::{Step, apply};
use crate::subscription::opening::Terms;
use crate::subscription::testing::{any_life, at, opened, terms, up_to_date};

const POLICY: Policy = Policy { expiring_soon: TimeDelta::days(7), renewal_tolerance: TimeDelta::hours(24) };

fn now() -> Timestamp {
    at("2026-03-01T12:00:00Z")
}

#[test]
fn no_subscription_entitles_to_nothing() {
    let effective = effective(None, false, now(), &POLICY);
    assert_eq!((effective.kind, effective.entitled, effective.expired), (Kind::None, false, true));
}

#[test]
fn an_exempt_organization_is_always_entitled() {
    let mut row = opened(Terms { trial_days: Some(1), ..terms() }, now());
    row.status = SubscriptionStatus::Suspended;
    for row in [None, Some(&row)] {
        let effective = effective(row, true, now().plus_days(1_000), &POLICY);
        assert_eq!((effective.kind, effective.entitled, effective.ends_at), (Kind::Active, true, None));
    }
}

#[test]
fn the_last_microsecond_is_still_access() {
    let row = opened(Terms { trial_days: Some(1), ..terms() }, now());
    let end = row.trial_ends_at.expect("a trial");
    let just_before = Timestamp::from_micros(end.micros() - 1);
    assert!(effective(Some(&row), false, just_before, &POLICY).entitled);
    assert_eq!(effective(Some(&row), false, just_before, &POLICY).days_until_expiry, Some(1));
    assert!(!effective(Some(&row), false, end, &POLICY).entitled);
}

#[test]
fn a_hard_end_wins_over_what_is_paid() {
    let row = opened(Terms { expires_at: Some(now().plus_days(3)), ..terms() }, now());
    let effective = effective(Some(&row), false, now().plus_days(3), &POLICY);
    assert_eq!((effective.kind, effective.reason), (Kind::Expired, Reason::ExpiryReached));
}

#[test]
fn a_gateway_may_be_late_and_a_person_may_not() {
    let mut row = opened(terms(), now());
    let end = row.current_period_end.expect("a period");
    assert!(effective(Some(&row), false, end, &POLICY).expired);
    row.mode = ManagementMode::Gateway;
    row.gateway = Some(Gateway::Stripe);
    assert!(!effective(Some(&row), false, end, &POLICY).expired);
    assert!(effective(Some(&row), false, end.plus(POLICY.renewal_tolerance), &POLICY).expired);
    row.cancel_at = Some(end);
    assert!(effective(Some(&row), false, end, &POLICY).expired, "a cancellation is not renewed");
}

#[test]
fn grace_entitles_and_then_suspends() {
    let mut row = opened(terms(), now());
    row.status = SubscriptionStatus::PastDue;
    row.past_due_since = Some(now());
    row.grace_ends_at = Some(now().plus_days(7));
    assert!(effective(Some(&row), false, now().plus_days(6), &POLICY).entitled);
    let over = effective(Some(&row), false, now().plus_days(7), &POLICY);
    assert_eq!((over.kind, over.entitled, over.reason), (Kind::Suspended, false, Reason::GraceEnded));
    let end = now().plus_days(7 + 30);
    assert_eq!((over.expired, over.ends_at), (false, Some(end)), "a payment brings it back until it is canceled");
}

#[test]
fn a_gateway_s_tolerance_is_not_for_a_hard_end() {
    let mut row = opened(terms(), now());
    let end = row.current_period_end.expect("a period");
    row.mode = ManagementMode::Gateway;
    row.expires_at = Some(end.plus(TimeDelta::hours(1)));
    let entitled = |at| effective(Some(&row), false, at, &POLICY).entitled;
    assert!(entitled(end));
    assert!(!entitled(end.plus(TimeDelta::hours(1))));
}

#[test]
fn what_ended_beneath_an_override_gives_no_access_behind_it() {
    let row = opened(Terms { trial_days: Some(1), ..terms() }, now());
    let ends_at = Some(now().plus_days(5));
    let step = Step::OverrideTier { tier_id: TierId::generate(), reason: "because".to_owned(), ends_at };
    let row = apply(&row, &step, now()).expect("given");
    let before = effective(Some(&row), false, now().plus_days(4), &POLICY);
    assert_eq!((before.entitled, before.ends_at), (true, ends_at));
    let over = effective(Some(&row), false, now().plus_days(5), &POLICY);
    assert_eq!((over.kind, over.entitled, over.reason), (Kind::Expired, false, Reason::TrialEnded));
}

proptest! {
    /// What is answered does not depend on whether anybody recorded it, apart from the reason.
    #[test]
    fn the_record_makes_no_difference((row, now) in any_life(), days in 0i64..900) {
        let now = now.plus_days(days);
        let read = effective(Some(&row), false, now, &POLICY);
        let recorded = effective(Some(&up_to_date(&row, now)), false, now, &POLICY);
        prop_assert_eq!(Effective { reason: read.reason, ..recorded }, read);
    }

    /// The parts of the answer agree with each other.
    #[test]
    fn the_answer_is_consistent((row, now) in any_life(), days in 0i64..2_000) {
        let now = now.plus_days(days);
        let effective = effective(Some(&row), false, now, &POLICY);
        prop_assert_eq!(effective.expired, effective.ends_at.is_some_and(|end| end <= now));
        prop_assert!(!(effective.entitled && effective.expired));
        prop_assert!(!effective.expiring_soon || effective.entitled);
        prop_assert_eq!(effective.days_until_expiry.is_some(), effective.ends_at.is_some());
        prop_assert_eq!(effective.days_until_expiry == Some(0), effective.expired);
        prop_assert_eq!(
            effective.entitled,
            matches!(effective.kind, Kind::Trialing | Kind::Active | Kind::PastDue)
        );
        if effective.expiring_soon {
            prop_assert!(effective.days_until_expiry <= Some(7));
        }
    }
}
