//! What time makes of a subscription: the one function that advances a row.
//!
//! Commands carry out what is due before they take their step, reads ask for the state that it leads to, and lists
//! compare the turns that were foreseen when the row was written. So all of them agree, however late anybody is.

use std::borrow::Cow;

use chrono::TimeDelta;
use sea_orm::Iterable as _;

use super::part::{
    apply_schedule, charge, end, fall_back, first_period, next_period, pause_ends, restore, stops_unpaid, suspend,
};
use super::{Cause, Event};
use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::{
    ManagementMode, PeriodEndPolicy, SubscriptionStatus, SuspensionCause, TrialEndPolicy, subscription,
};

/// Something that is due at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When. What an override held back is due earlier than it happens.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Whether the end of a period that a gateway bills counts, and how much later than it is dated: its events come late.
/// None leaves that end to the gateway, as commands do.
pub type Tolerance = Option<TimeDelta>;

/// What happens to the row next, by time alone: the first event that its state knows, and of those that are due at the
/// same instant the first in their order.
pub fn next_due(row: &subscription::Model, tolerance: Tolerance) -> Option<Due> {
    next_due_but(row, tolerance, None)
}

fn next_due_but(row: &subscription::Model, tolerance: Tolerance, but: Option<Event>) -> Option<Due> {
    if row.ended_at.is_some() {
        return None;
    }
    let known = Event::iter().filter(|event| Some(*event) != but && Cause::Event(*event).from().contains(&row.status));
    let due = known.filter_map(|event| Some(Due { at: event.due_at(row, tolerance)?, event }));
    due.min_by_key(|due| due.at)
}

impl Event {
    /// When it is due, if the row's dates say so.
    fn due_at(self, row: &subscription::Model, tolerance: Tolerance) -> Option<Timestamp> {
        // What time brings to a status is what it brings to one that is only suspended.
        let runs = |status| row.suspended_from.unwrap_or(row.status) == status;
        match self {
            Self::OverrideEnds => row.override_ends_at,
            Self::HardEnd => row.expires_at,
            Self::Cancellation => {
                // A pause stops the clock of the period, and with it what waits for the period's end.
                let paused = row.status == Paused;
                let asked = row.cancel_at.filter(|at| !paused || row.current_period_end.is_some_and(|end| end != *at));
                let overridden = row.mode == ManagementMode::Override;
                let at_end = [
                    row.trial_ends_at.filter(|_| runs(Trialing) && at_trial_end(row) == self),
                    period_end(row, tolerance).filter(|_| runs(Active) && at_period_end(row) == self),
                ];
                asked.into_iter().chain(at_end.into_iter().flatten().filter(|_| !overridden)).min()
            }
            // Time beneath an override runs on, and shows when the override ends.
            _ if row.mode == ManagementMode::Override => None,
            Self::TierChange => row.scheduled_at.filter(|_| !runs(Trialing)),
            Self::TrialConverts => row.scheduled_at.filter(|_| runs(Trialing)),
            Self::TrialEnds | Self::TrialFallsBack => {
                row.trial_ends_at.filter(|_| runs(Trialing) && at_trial_end(row) == self)
            }
            Self::PeriodEnds | Self::PeriodSuspends | Self::PeriodFallsBack | Self::PeriodRenews | Self::PaymentDue => {
                period_end(row, tolerance).filter(|_| runs(Active) && at_period_end(row) == self)
            }
            Self::GraceEnds => row.grace_ends_at,
            Self::UnpaidEnds => row
                .suspended_at
                .filter(|_| row.suspension_cause == Some(SuspensionCause::NonPayment))
                .map(|at| at.plus_days(row.unpaid_days.into())),
            Self::PendingEnds => row.pending_until,
            Self::Start => row.pending_until.is_none().then_some(row.starts_at),
            Self::Resume => row.resumes_at,
        }
    }
}

/// What the end of the trial brings, as agreed on when it began. Who leaves later does not go on to what costs something.
fn at_trial_end(row: &subscription::Model) -> Event {
    match row.trial_end_policy {
        TrialEndPolicy::Fallback if row.fallback_amount_minor == Some(0) => Event::TrialFallsBack,
        _ if row.cancel_at.is_some() => Event::Cancellation,
        TrialEndPolicy::Fallback if row.fallback_tier_id.is_some() => Event::TrialFallsBack,
        TrialEndPolicy::Fallback | TrialEndPolicy::Expire => Event::TrialEnds,
    }
}

/// What the end of the period brings, as agreed on when it began. Who leaves later owes nothing more. What a gateway
/// bills, it renews.
fn at_period_end(row: &subscription::Model) -> Event {
    match row.period_end_policy {
        _ if row.mode == ManagementMode::Gateway => Event::PeriodEnds,
        _ if row.amount_minor == 0 => Event::PeriodRenews,
        PeriodEndPolicy::Downgrade if row.fallback_amount_minor == Some(0) => Event::PeriodFallsBack,
        _ if row.cancel_at.is_some() => Event::Cancellation,
        PeriodEndPolicy::Downgrade if row.fallback_tier_id.is_some() => Event::PeriodFallsBack,
        PeriodEndPolicy::Downgrade | PeriodEndPolicy::Expire => Event::PeriodEnds,
        PeriodEndPolicy::Suspend => Event::PeriodSuspends,
        PeriodEndPolicy::Renew => Event::PaymentDue,
    }
}

fn period_end(row: &subscription::Model, tolerance: Tolerance) -> Option<Timestamp> {
    let end = row.current_period_end?;
    match row.mode {
        ManagementMode::Gateway => {
            let may_be_late = row.status == Active && row.cancel_at.is_none();
            tolerance.map(|tolerance| if may_be_late { end.plus(tolerance) } else { end })
        }
        _ => Some(end),
    }
}

/// Changes the row as what is due does.
pub fn carry_out(row: &mut subscription::Model, Due { at, event }: Due) {
    if let Some(status) = event.ends_as() {
        if event == Event::UnpaidEnds {
            row.cancel_at = Some(at);
            row.canceled_at = Some(at);
        }
        return end(row, status, at);
    }
    match event {
        Event::OverrideEnds => restore(row),
        Event::TierChange => apply_schedule(row),
        Event::TrialConverts | Event::TrialFallsBack => {
            if event == Event::TrialConverts {
                apply_schedule(row)
            } else {
                fall_back(row)
            }
            first_period(row, at);
            charge(row, at);
        }
        Event::PeriodFallsBack => {
            fall_back(row);
            next_period(row, at);
        }
        Event::PeriodRenews | Event::PaymentDue => next_period(row, at),
        Event::PeriodSuspends => stops_unpaid(row, at),
        Event::GraceEnds => suspend(row, SuspensionCause::NonPayment, at),
        Event::Start if row.trial_ends_at.is_some() => row.status = Trialing,
        Event::Start => {
            row.status = Active;
            first_period(row, at);
        }
        _ => pause_ends(row, at),
    }
}

/// What is due by `now`, one after the other, each with the row that it leads to.
pub fn fold(row: &subscription::Model, now: Timestamp, tolerance: Tolerance) -> Vec<(Due, subscription::Model)> {
    let mut done: Vec<(Due, subscription::Model)> = Vec::new();
    loop {
        let state = done.last().map_or(row, |(_, state)| state);
        let Some(due) = next_due(state, tolerance).filter(|due| due.at <= now) else { return done };
        let mut next = state.clone();
        carry_out(&mut next, due);
        done.push((due, settled(next)));
    }
}

/// The row as it is by `now`, and the last of what has become of it by then.
pub fn as_of(
    row: &subscription::Model,
    now: Timestamp,
    tolerance: Tolerance,
) -> (Cow<'_, subscription::Model>, Option<Event>) {
    let (mut state, mut last) = (Cow::Borrowed(row), None);
    while let Some(due) = next_due(&state, tolerance).filter(|due| due.at <= now) {
        carry_out(state.to_mut(), due);
        last = if due.event.keeps_status() { last } else { Some(due.event) };
    }
    (state, last)
}

/// A change of status that time will bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// To what.
    pub status: SubscriptionStatus,
}

/// All changes of status that time will bring, as things stand.
pub fn turns(row: &subscription::Model, tolerance: Tolerance) -> Vec<Turn> {
    let (mut state, mut at) = (Cow::Borrowed(row), Timestamp::from_micros(i64::MIN));
    let mut turns: Vec<Turn> = Vec::new();
    while let Some(due) = next_turn(&state, tolerance) {
        at = at.max(due.at);
        let ends_as = due.event.ends_as();
        let status = ends_as.unwrap_or_else(|| {
            carry_out(state.to_mut(), due);
            state.status
        });
        // What a moment ends with counts.
        turns.pop_if(|turn| turn.at == at);
        if turns.last().map_or(row.status, |turn| turn.status) != status {
            turns.push(Turn { at, status });
        }
        if ends_as.is_some() || state.ended_at.is_some() {
            break;
        }
    }
    turns
}

/// What happens to the row next, but that it renews by itself: whatever else is due comes at its own time.
fn next_turn(row: &subscription::Model, tolerance: Tolerance) -> Option<Due> {
    next_due_but(row, tolerance, Some(Event::PeriodRenews))
}

/// Whether what the tier grants may be used in this status.
pub const fn entitles(status: SubscriptionStatus) -> bool {
    match status {
        Trialing | Active | PastDue => true,
        Pending | Paused | Suspended | Canceled | Expired => false,
    }
}

/// When access ends, given what time will bring: the end of the access that there is, or of the subscription where
/// there is none.
pub fn access_end(row: &subscription::Model, turns: &[Turn]) -> Option<Timestamp> {
    if row.ended_at.is_some() {
        return row.ended_at;
    }
    let ends = |turn: &&Turn| {
        if entitles(row.status) { !entitles(turn.status) } else { matches!(turn.status, Canceled | Expired) }
    };
    turns.iter().find(ends).map(|turn| turn.at)
}

/// The row with what is derived from its dates brought up to date. Every row that is written passes through here.
pub fn settled(mut row: subscription::Model) -> subscription::Model {
    let turns = turns(&row, Some(TimeDelta::zero()));
    row.access_ends_at = access_end(&row, &turns);
    let mut turns = turns;
    // Lists find what has one turn by the end of access. Any other turn counts twice.
    if let [turn] = turns[..]
        && row.access_ends_at != Some(turn.at)
    {
        turns.push(turn);
    }
    let turn = |place: usize| turns.get(place).map(|turn| (turn.at, turn.status)).unzip();
    (row.next_at, row.next_status) = turn(0);
    (row.second_at, row.second_status) = turn(1);
    (row.third_at, row.third_status) = turn(2);
    (row.fourth_at, row.fourth_status) = turn(3);
    (row.fifth_at, row.fifth_status) = turn(4);
    row.due_at = next_due(&row, None).map(|due| due.at);
    row
}
