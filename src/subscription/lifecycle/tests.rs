use proptest::prelude::*;

use super::*;
use crate::subscription::opening::Terms;
use crate::subscription::testing::{any_life, any_step, at, opened, terms};

fn now() -> Timestamp {
    at("2026-03-01T12:00:00Z")
}

fn after(row: &subscription::Model, step: Step, now: Timestamp) -> subscription::Model {
    apply(row, &step, now).unwrap_or_else(|refusal| panic!("{step:?}: {}", refusal.message))
}

#[test]
fn a_pause_keeps_what_was_left() {
    let row = opened(terms(), now());
    let left = row.current_period_end.expect("a period").since(now().plus_days(10));
    let paused = after(&row, Step::Pause(None), now().plus_days(10));
    let resumed = after(&paused, Step::Resume, now().plus_days(100));
    assert_eq!(resumed.current_period_end.expect("a period").since(now().plus_days(100)), left);
}

#[test]
fn a_pause_moves_a_cancellation_at_the_period_end() {
    let row = after(&opened(terms(), now()), Step::Cancel(CancelAt::PeriodEnd), now());
    let paused = after(&row, Step::Pause(None), now().plus_days(10));
    let resumed = after(&paused, Step::Resume, now().plus_days(100));
    assert_eq!(resumed.cancel_at, resumed.current_period_end);
    assert_eq!(resumed.access_ends_at, resumed.current_period_end);
}

#[test]
fn extending_a_pause_counts_it_once() {
    let row = opened(terms(), now());
    let left = row.current_period_end.expect("a period").since(now().plus_days(10));
    let paused = after(&row, Step::Pause(None), now().plus_days(10));
    let extended = after(&paused, Step::Extend { days: 5 }, now().plus_days(60));
    let resumed = after(&extended, Step::Resume, now().plus_days(70));
    let then = resumed.current_period_end.expect("a period").since(now().plus_days(70));
    assert_eq!(then, left + chrono::TimeDelta::days(5));
}

#[test]
fn extending_a_suspended_trial_moves_its_cancellation() {
    let trial = opened(Terms { trial_days: Some(7), ..terms() }, now());
    let canceled = after(&trial, Step::Cancel(CancelAt::PeriodEnd), now());
    let suspended = after(&canceled, Step::Suspend(SuspensionCause::Operator), now());
    let extended = after(&suspended, Step::Extend { days: 5 }, now());
    assert_eq!(extended.access_ends_at, Some(now().plus_days(12)));
}

#[test]
fn an_override_outlives_what_is_paid_for_and_not_its_own_end() {
    let row = opened(terms(), now());
    let ends_at = Some(now().plus_days(180));
    let step = Step::OverrideTier { tier_id: TierId::generate(), reason: "because".to_owned(), ends_at };
    assert_eq!(after(&row, step, now()).access_ends_at, ends_at);
}

#[test]
fn a_hard_end_in_the_past_starts_nothing() {
    let terms = Terms { requires_payment: true, expires_at: Some(now().plus_days(1)), ..terms() };
    let refused = apply(&opened(terms, now()), &Step::Activate, now().plus_days(2));
    assert_eq!(refused.map_err(|refusal| refusal.code), Err(Code::InvalidDate));
}

#[test]
fn a_suspension_stops_no_clock() {
    let row = opened(terms(), now());
    let suspended = after(&row, Step::Suspend(SuspensionCause::Operator), now());
    assert_eq!(suspended.access_ends_at, row.access_ends_at);
    let resumed = after(&suspended, Step::Resume, now().plus_days(5));
    assert_eq!(resumed.current_period_end, row.current_period_end);
}

#[test]
fn an_extension_moves_a_cancellation_at_the_period_end_and_no_other() {
    let row = opened(terms(), now());
    let at_end = after(&row, Step::Cancel(CancelAt::PeriodEnd), now());
    let extended = after(&at_end, Step::Extend { days: 7 }, now());
    assert_eq!(extended.cancel_at, extended.current_period_end);
    let dated = after(&row, Step::Cancel(CancelAt::Date(now().plus_days(3))), now());
    assert_eq!(after(&dated, Step::Extend { days: 7 }, now()).cancel_at, Some(now().plus_days(3)));
}

#[test]
fn a_gateway_s_subscription_is_left_to_the_gateway() {
    let row = subscription::Model { mode: ManagementMode::Gateway, ..opened(terms(), now()) };
    for step in [Step::Cancel(CancelAt::Now), Step::Extend { days: 1 }, Step::Pause(None), Step::Expire] {
        assert_eq!(apply(&row, &step, now()).map_err(|refusal| refusal.code), Err(Code::GatewayBilled));
    }
    after(&row, Step::Suspend(SuspensionCause::Operator), now());
}

#[test]
fn a_second_override_still_returns_to_the_first_tier() {
    let row = opened(terms(), now());
    let give = |row, reason: &str| {
        let step = Step::OverrideTier { tier_id: TierId::generate(), reason: reason.to_owned(), ends_at: None };
        after(row, step, now())
    };
    let twice = give(&give(&row, "first"), "second");
    let ended = after(&twice, Step::EndOverride, now());
    assert_eq!(
        (ended.tier_id, ended.amount_minor, ended.mode),
        (row.tier_id, row.amount_minor, ManagementMode::Manual)
    );
}

#[test]
fn a_trial_is_given_once() {
    let row = opened(Terms { requires_payment: true, ..terms() }, now());
    let trialing = after(&row, Step::StartTrial { ends_at: now().plus_days(7) }, now());
    assert!(!Action::StartTrial.fits(&trialing, now()));
}

/// The database's constraints, as far as they concern one row.
fn keeps_constraints(row: &subscription::Model) -> bool {
    let both = |a: bool, b: bool| a == b;
    both(matches!(row.status, Canceled | Expired), row.ended_at.is_some())
        && (row.status != Canceled || row.canceled_at.is_some())
        && both(row.cancel_at.is_some(), row.canceled_at.is_some())
        && (row.status != Trialing || row.trial_ends_at.is_some())
        && (!matches!(row.status, Active | PastDue | Paused) || row.current_period_end.is_some())
        && both(row.status == Paused, row.paused_at.is_some())
        && both(row.status == Suspended, row.suspended_at.is_some())
        && both(row.suspended_at.is_some(), row.suspended_from.is_some())
        && both(row.suspended_at.is_some(), row.suspension_cause.is_some())
        && both(row.current_period_start.is_some(), row.current_period_end.is_some())
        && row.current_period_end >= row.current_period_start
        && row.trial_ends_at >= row.trial_started_at
        && row.expires_at.is_none_or(|end| end >= row.starts_at)
        && both(row.scheduled_at.is_some(), row.scheduled_tier_id.is_some())
        && both(row.mode == ManagementMode::Override, row.override_reason.is_some())
        && both(row.mode == ManagementMode::Override, row.overridden_tier_id.is_some())
}

proptest! {
    #[test]
    fn any_life_keeps_the_constraints((row, _) in any_life()) {
        prop_assert!(keeps_constraints(&row), "{row:?}");
        prop_assert_eq!(row.access_ends_at, access_ends_at(&row));
    }

    /// What `allowed` promises, `apply` keeps, except for steps that contradict the row's dates or present tier; what it
    /// does not promise is refused by name.
    #[test]
    fn the_table_is_asked_by_everyone((row, step, now) in any_life().prop_flat_map(|(row, now)| (Just(row), any_step(now), Just(now)))) {
        let promised = allowed(&row, now).contains(&step.action());
        match apply(&row, &step, now) {
            Ok(_) => prop_assert!(promised),
            Err(refusal) if promised => {
                prop_assert!(matches!(refusal.code, Code::Conflict | Code::InvalidDate | Code::IllegalTransition));
                let dated = matches!(
                    step,
                    Step::ChangeTier { .. }
                        | Step::Cancel(CancelAt::Date(_) | CancelAt::PeriodEnd)
                        | Step::Activate
                        | Step::StartTrial { .. }
                );
                prop_assert!(dated, "promised, but refused with {:?}", refusal.code);
            }
            Err(refusal) => prop_assert_eq!(refusal.code, Code::IllegalTransition),
        }
    }

    /// No step changes whose subscription it is, or the currency it is paid in.
    #[test]
    fn what_is_immutable_stays((row, step, now) in any_life().prop_flat_map(|(row, now)| (Just(row), any_step(now), Just(now)))) {
        if let Ok(next) = apply(&row, &step, now) {
            prop_assert_eq!((next.id, next.tenant_id, next.customer_id), (row.id, row.tenant_id, row.customer_id));
            prop_assert_eq!((next.currency, next.created_at), (row.currency, row.created_at));
        }
    }

    /// Undoing a cancellation gives back what was there.
    #[test]
    fn an_undone_cancellation_leaves_no_trace((row, now) in any_life()) {
        let scheduled = apply(&row, &Step::Cancel(CancelAt::PeriodEnd), now);
        if let Ok(scheduled) = scheduled && row.cancel_at.is_none() && row.scheduled_at.is_none() {
            let undone = apply(&scheduled, &Step::UndoCancel, now);
            prop_assert_eq!(undone.ok(), Some(row));
        }
    }
}
