use proptest::prelude::*;

use super::*;
use crate::entity::{SuspensionCause, TierId};
use crate::subscription::opening::Terms;
use crate::subscription::testing::free;
use crate::subscription::testing::{any_life, any_step, at, opened, terms, up_to_date};

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
    let row = up_to_date(&opened(terms, now()), now().plus_days(2));
    assert_eq!((row.status, row.ended_at), (Expired, Some(now().plus_days(1))));
    assert_eq!(refused(&row, Step::Activate, now().plus_days(2)), Code::IllegalTransition);
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
    let trialing = after(&row, Step::StartTrial { ends_at: now().plus_days(7), of_tier: true }, now());
    assert!(!Action::StartTrial.fits(&trialing, now()));
}

fn refused(row: &subscription::Model, step: Step, now: Timestamp) -> Code {
    apply(row, &step, now).map(|next| next.status).expect_err("a refusal").code
}

fn given(ends_at: Option<Timestamp>) -> Step {
    Step::OverrideTier { tier_id: TierId::generate(), reason: "because".to_owned(), ends_at }
}

/// The row with an override, and without it again: by hand, or by time.
fn overridden_for_a_while(row: &subscription::Model, days: i64) -> [subscription::Model; 2] {
    let until = now().plus_days(days);
    let by_hand = up_to_date(&after(&after(row, given(None), now()), Step::EndOverride, until), until);
    let by_time = up_to_date(&after(row, given(Some(until)), now()), until);
    [by_hand, by_time]
}

#[test]
fn an_override_returns_to_what_it_lay_on() {
    let paid = opened(terms(), now());
    let trial = opened(Terms { trial_days: Some(30), ..terms() }, now());
    let pending = opened(Terms { starts_at: Some(now().plus_days(20)), trial_days: Some(9), ..terms() }, now());
    let paused = after(&paid, Step::Pause(Some(now().plus_days(20))), now());
    let suspended = after(&paid, Step::Suspend(SuspensionCause::Operator), now());
    let leaving = after(&trial, Step::Cancel(CancelAt::PeriodEnd), now());
    let expired = after(&trial, Step::Expire, now());
    let canceled = after(&paid, Step::Cancel(CancelAt::Now), now());
    for row in [paid, trial, pending, paused, suspended, leaving, expired, canceled] {
        let status = row.status;
        assert_eq!(after(&row, given(None), now()).status, Active, "{status:?}");
        for ended in overridden_for_a_while(&row, 10) {
            assert_eq!(ended, row, "{status:?}");
        }
    }
}

#[test]
fn time_beneath_an_override_runs_on() {
    let trial = opened(Terms { trial_days: Some(7), ..terms() }, now());
    let ends = trial.trial_ends_at;
    let waiting = opened(Terms { requires_payment: true, ..terms() }, now());
    let paused = after(&opened(terms(), now()), Step::Pause(Some(now().plus_days(5))), now());
    for [ended, by_time] in [&trial, &waiting, &paused].map(|row| overridden_for_a_while(row, 10)) {
        assert_eq!(ended, by_time);
    }
    let [ended, _] = overridden_for_a_while(&trial, 10);
    assert_eq!((ended.status, ended.ended_at), (Expired, ends), "when it was due");
    assert_eq!(overridden_for_a_while(&waiting, 10)[0].status, Expired);
    let [resumed, _] = overridden_for_a_while(&paused, 10);
    assert_eq!((resumed.status, resumed.current_period_end), (Active, Some(now().plus_days(31 + 5))));
}

#[test]
fn a_suspension_outlives_the_override_that_it_came_in() {
    let row = after(&opened(terms(), now()), given(Some(now().plus_days(10))), now());
    let suspended = after(&row, Step::Suspend(SuspensionCause::Operator), now().plus_days(1));
    let ended = up_to_date(&suspended, now().plus_days(10));
    assert_eq!((ended.status, ended.suspended_from), (Suspended, Some(Active)));
    let pending = after(&opened(Terms { requires_payment: true, ..terms() }, now()), given(None), now());
    assert_eq!(refused(&pending, Step::Suspend(SuspensionCause::Operator), now()), Code::IllegalTransition);
}

#[test]
fn nobody_revives_an_override_without_giving_one() {
    let row = opened(terms(), now());
    let canceled = after(&after(&row, given(None), now()), Step::Cancel(CancelAt::Now), now().plus_days(3));
    assert_eq!((canceled.mode, canceled.tier_id), (ManagementMode::Manual, row.tier_id));
    let back = after(&canceled, Step::Reactivate, now().plus_days(4));
    assert_eq!((back.mode, back.tier_id, back.amount_minor), (ManagementMode::Manual, row.tier_id, row.amount_minor));
    assert_eq!(back.current_period_end, row.current_period_end, "what was paid for is still there");
}

#[test]
fn an_override_can_be_canceled_at_any_date_it_covers() {
    let row = after(&opened(terms(), now()), given(Some(now().plus_days(90))), now());
    for days in [1, 40, 90] {
        let canceled = after(&row, Step::Cancel(CancelAt::Date(now().plus_days(days))), now());
        assert_eq!(canceled.access_ends_at, Some(now().plus_days(days)));
        assert_eq!(up_to_date(&canceled, now().plus_days(days)).status, Canceled);
    }
    let late = Step::Cancel(CancelAt::Date(now().plus_days(91)));
    assert_eq!(refused(&row, late, now()), Code::InvalidDate);
    assert_eq!(after(&row, Step::Cancel(CancelAt::PeriodEnd), now()).cancel_at, Some(now().plus_days(90)));
    let endless = after(&opened(terms(), now()), given(None), now());
    assert_eq!(refused(&endless, Step::Cancel(CancelAt::PeriodEnd), now()), Code::Conflict);
    after(&endless, Step::Cancel(CancelAt::Date(now().plus_days(900))), now());
}

fn yearly(at_period_end: bool) -> Step {
    let offer = Offer { tier_id: TierId::generate(), amount_minor: 9_000, billing_cycle: BillingCycle::Yearly };
    Step::ChangeTier { offer, add_ons: AddOns::default(), at_period_end, charging: free(now()) }
}

#[test]
fn a_new_cycle_begins_at_resumption() {
    let row = opened(terms(), now());
    let stopped = [Step::Pause(None), Step::Suspend(SuspensionCause::Operator)];
    for stop in stopped {
        let stopped = after(&row, stop, now().plus_days(3));
        let changed = after(&stopped, yearly(false), now().plus_days(5));
        assert_eq!(changed.current_period_end, None);
        assert_eq!(refused(&changed, Step::Extend { days: 3 }, now().plus_days(5)), Code::IllegalTransition);
        let resumed = after(&up_to_date(&changed, now().plus_days(60)), Step::Resume, now().plus_days(60));
        assert_eq!(resumed.current_period_start, Some(now().plus_days(60)));
        assert_eq!(resumed.current_period_end, Some(now().plus_days(60 + 365)));
        let leaving =
            subscription::Model { cancel_at: stopped.current_period_end, canceled_at: Some(now()), ..stopped };
        assert_eq!(refused(&leaving, yearly(false), now().plus_days(5)), Code::Conflict);
    }
}

#[test]
fn a_downgrade_waits_through_a_pause() {
    let row = after(&opened(terms(), now()), Step::Pause(None), now().plus_days(1));
    let waiting = after(&row, yearly(true), now().plus_days(90));
    assert_eq!(waiting.scheduled_at, row.current_period_end);
    let resumed = after(&up_to_date(&waiting, now().plus_days(100)), Step::Resume, now().plus_days(100));
    assert_eq!((resumed.scheduled_at, resumed.tier_id), (resumed.current_period_end, row.tier_id));
    let over = up_to_date(&resumed, now().plus_days(131));
    assert_eq!((over.status, over.billing_cycle), (Expired, BillingCycle::Yearly));
}

#[test]
fn rank_and_cycle_decide_which_way_a_change_goes() {
    use BillingCycle::{Monthly, Yearly};
    let waiting = [((1, Yearly), (9, Monthly)), ((9, Monthly), (1, Monthly)), ((9, Monthly), (1, Yearly))];
    let now = [((1, Monthly), (1, Yearly)), ((1, Monthly), (9, Monthly)), ((1, Yearly), (1, Yearly))];
    assert!(waiting.into_iter().all(|(from, to)| waits(from, to)));
    assert!(!now.into_iter().any(|(from, to)| waits(from, to)));
}

#[test]
fn nothing_is_planned_for_what_ends_before() {
    let row = opened(terms(), now());
    let changing = after(&row, yearly(true), now());
    let dated = after(&changing, Step::Cancel(CancelAt::Date(now().plus_days(3))), now());
    let at_end = after(&changing, Step::Cancel(CancelAt::PeriodEnd), now());
    assert_eq!((dated.scheduled_at, at_end.scheduled_at), (None, None));
    assert_eq!(refused(&at_end, yearly(true), now()), Code::Conflict);
    assert_eq!(refused(&at_end, Step::Cancel(CancelAt::PeriodEnd), now()), Code::Conflict, "asked for already");
}

#[test]
fn a_cancellation_never_lies_behind_the_end() {
    let row = after(&opened(terms(), now()), Step::Cancel(CancelAt::Date(now().plus_days(20))), now());
    let mut shorter = row.clone();
    move_period_end(&mut shorter, now().plus_days(10));
    assert_eq!(shorter.cancel_at, Some(now().plus_days(10)));
    let mut longer = row;
    move_period_end(&mut longer, now().plus_days(100));
    assert_eq!(longer.cancel_at, Some(now().plus_days(20)));
}

#[test]
fn what_waits_for_its_start_begins_by_itself() {
    let starts_at = Some(now().plus_days(10));
    let row = opened(Terms { starts_at, ..terms() }, now());
    assert_eq!(refused(&row, Step::Extend { days: 5 }, now()), Code::IllegalTransition);
    let begun = up_to_date(&row, now().plus_days(15));
    assert_eq!((begun.status, begun.current_period_start, begun.anchor_day), (Active, starts_at, 11));
    let row = opened(Terms { starts_at, trial_days: Some(7), ..terms() }, now());
    let tried = up_to_date(&row, now().plus_days(15));
    assert_eq!((tried.status, tried.trial_ends_at), (Trialing, Some(now().plus_days(17))));
    let over = up_to_date(&row, now().plus_days(17));
    assert_eq!((over.status, over.ended_at), (Expired, Some(now().plus_days(17))));
    let early = after(&row, Step::Activate, now());
    assert_eq!((early.trial_started_at, early.current_period_start), (None, Some(now())));
}

#[test]
fn days_of_grace_end_in_a_suspension_that_only_more_of_them_lift() {
    let mut row = opened(terms(), now());
    row.status = PastDue;
    row.past_due_since = Some(now());
    row.grace_ends_at = Some(now().plus_days(7));
    let over = up_to_date(&row, now().plus_days(8));
    assert_eq!((over.status, over.suspended_at), (Suspended, Some(now().plus_days(7))));
    assert_eq!(over.suspension_cause, Some(SuspensionCause::NonPayment));
    assert_eq!(refused(&over, Step::Resume, now().plus_days(8)), Code::IllegalTransition);
    let extended = after(&over, Step::Extend { days: 3 }, now().plus_days(8));
    assert_eq!(after(&extended, Step::Resume, now().plus_days(8)).status, PastDue);
}

#[test]
fn at_the_same_instant_the_order_is_fixed() {
    let row = opened(terms(), now());
    let end = row.current_period_end;
    let row = subscription::Model {
        expires_at: end,
        cancel_at: end,
        canceled_at: Some(now()),
        ..after(&row, yearly(true), now())
    };
    let first = |row: &subscription::Model| next_due(row, None).map(|due| due.event);
    assert_eq!(first(&row), Some(Event::HardEnd));
    let row = subscription::Model { expires_at: None, ..row };
    assert_eq!(first(&row), Some(Event::Cancellation));
    let row = subscription::Model { cancel_at: None, canceled_at: None, ..row };
    assert_eq!(first(&row), Some(Event::TierChange));
    let overridden = subscription::Model { override_ends_at: end, expires_at: end, ..after(&row, given(end), now()) };
    assert_eq!(first(&overridden), Some(Event::OverrideEnds));
}

/// The database's constraints, as far as they concern one row.
fn keeps_constraints(row: &subscription::Model) -> bool {
    let both = |a: bool, b: bool| a == b;
    both(matches!(row.status, Canceled | Expired), row.ended_at.is_some())
        && (row.status != Canceled || row.canceled_at.is_some())
        && both(row.cancel_at.is_some(), row.canceled_at.is_some())
        && (row.status != Trialing || row.trial_ends_at.is_some())
        && (row.mode == ManagementMode::Override
            || !matches!(row.status, Active | PastDue)
            || row.current_period_end.is_some())
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
        && both(row.mode == ManagementMode::Override, row.overridden_state.is_some())
        && both(row.mode == ManagementMode::Gateway, row.gateway_subscription_id.is_some())
        && !(row.mode == ManagementMode::Override && row.ended_at.is_some())
}

proptest! {
    /// It makes no difference how often somebody looks.
    #[test]
    fn time_passes_alike_in_one_go_and_in_steps((row, now) in any_life(), days in 0i64..900, more in 0i64..900) {
        let (first, then) = (now.plus_days(days), now.plus_days(days + more));
        prop_assert_eq!(up_to_date(&up_to_date(&row, first), then), up_to_date(&row, then));
        prop_assert!(keeps_constraints(&up_to_date(&row, then)));
    }

    /// What is foreseen when a row is written is what comes.
    #[test]
    fn what_is_foreseen_comes((row, now) in any_life(), days in 0i64..900) {
        let then = now.plus_days(days);
        let turns = [
            (row.fifth_at, row.fifth_status), (row.fourth_at, row.fourth_status), (row.third_at, row.third_status), (row.second_at, row.second_status), (row.next_at, row.next_status),
        ];
        let foreseen = turns.into_iter().find(|(at, _)| at.is_some_and(|at| at <= then));
        let foreseen = foreseen.map_or(row.status, |(_, status)| status.expect("a status"));
        prop_assert_eq!(up_to_date(&row, then).status, foreseen);
        prop_assert!(super::turns(&row, None).len() <= 5);
        prop_assert!(row.next_at.is_none() || row.second_at.is_some() || row.next_at == row.access_ends_at);
    }

    #[test]
    fn any_life_keeps_the_constraints((row, _) in any_life()) {
        prop_assert!(keeps_constraints(&row), "{row:?}");
        prop_assert_eq!(&row, &settled(row.clone()));
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
                        | Step::ChangeAddOns { .. }
                        | Step::Cancel(CancelAt::Date(_) | CancelAt::PeriodEnd)
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

#[test]
fn a_pause_that_was_over_beneath_an_override_gives_no_time() {
    let mut row = opened(terms(), at("2026-02-28T12:00:00Z"));
    let steps = [
        ("2026-03-06T12:00:00Z", Step::Pause(Some(at("2026-03-28T12:00:00Z")))),
        (
            "2026-03-27T12:00:00Z",
            Step::OverrideTier { tier_id: TierId::generate(), reason: "because".to_owned(), ends_at: None },
        ),
        ("2026-09-13T00:00:00Z", Step::Cancel(CancelAt::Date(at("2026-10-04T00:00:00Z")))),
    ];
    for (when, step) in steps {
        row = apply(&row, &step, at(when)).expect("it fits");
    }
    let over = up_to_date(&row, at("2026-10-04T00:00:00Z"));
    assert_eq!(over.status, Canceled);
    // 22 days were left when it was resumed.
    assert_eq!(over.current_period_end, Some(at("2026-04-19T12:00:00Z")));
}
