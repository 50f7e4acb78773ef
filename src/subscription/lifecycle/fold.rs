//! What time makes of a subscription: the one function that advances a row.
//!
//! Commands carry out what is due before they take their step, reads ask for the state that it leads to, and lists
//! compare the turns that were foreseen when the row was written. So all of them agree, however late anybody is.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::Action;
use super::part::{apply_schedule, end, pause_ends, restore, start_period, suspend};
use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Trialing};
use crate::entity::{ManagementMode, SubscriptionStatus, SuspensionCause, subscription};

/// What time does to a subscription, in the order in which it happens at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The override ends by itself.
    OverrideEnds,
    /// The hard end is reached.
    HardEnd,
    /// A cancellation takes effect.
    Cancellation,
    /// A change of tier takes effect.
    TierChange,
    /// The trial is over.
    TrialEnds,
    /// The period is over and nothing renewed it.
    PeriodEnds,
    /// The days of grace are over.
    GraceEnds,
    /// Nobody paid in time.
    PendingEnds,
    /// The start is reached.
    Start,
    /// The pause is over.
    Resume,
}

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

/// What happens to the row next, by time alone.
pub fn next_due(row: &subscription::Model, tolerance: Tolerance) -> Option<Due> {
    if row.ended_at.is_some() {
        return None;
    }
    let due = |event, at: Option<Timestamp>| at.map(|at| Due { at, event });
    let overridden = row.mode == ManagementMode::Override;
    // A pause stops the clock of the period, and with it what waits for the period's end.
    let stands_still =
        row.status == Paused && (row.current_period_end.is_none() || row.cancel_at == row.current_period_end);
    let whole = [
        due(Event::OverrideEnds, row.override_ends_at),
        due(Event::HardEnd, row.expires_at),
        due(Event::Cancellation, row.cancel_at.filter(|_| !stands_still)),
    ];
    // Time beneath an override runs on, and shows when the override ends.
    let beneath = if overridden {
        [None, None]
    } else {
        let own = match row.suspended_from.unwrap_or(row.status) {
            Trialing => due(Event::TrialEnds, row.trial_ends_at),
            Active => due(Event::PeriodEnds, period_end(row, tolerance)),
            PastDue if row.status == PastDue => due(Event::GraceEnds, row.grace_ends_at),
            Pending if row.pending_until.is_some() => due(Event::PendingEnds, row.pending_until),
            Pending => due(Event::Start, Some(row.starts_at)),
            Paused => due(Event::Resume, row.resumes_at),
            _ => None,
        };
        [due(Event::TierChange, row.scheduled_at.filter(|_| row.status != Paused)), own]
    };
    // The first of those that are due at the same instant.
    whole.into_iter().chain(beneath).flatten().min_by_key(|due| due.at)
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

impl Event {
    /// The status that it ends the subscription with, if it ends it.
    const fn ends_as(self) -> Option<SubscriptionStatus> {
        match self {
            Self::HardEnd | Self::TrialEnds | Self::PeriodEnds | Self::PendingEnds => Some(Expired),
            Self::Cancellation => Some(Canceled),
            Self::OverrideEnds | Self::TierChange | Self::GraceEnds | Self::Start | Self::Resume => None,
        }
    }

    /// The command that would have done the same by hand.
    pub const fn action(self) -> Action {
        match self {
            Self::OverrideEnds => Action::EndOverride,
            Self::HardEnd | Self::TrialEnds | Self::PeriodEnds | Self::PendingEnds => Action::Expire,
            Self::Cancellation => Action::Cancel,
            Self::TierChange => Action::ChangeTier,
            Self::GraceEnds => Action::Suspend,
            Self::Start => Action::Activate,
            Self::Resume => Action::Resume,
        }
    }

    /// The verb of the audit trail.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::OverrideEnds => "end_override",
            Self::HardEnd | Self::TrialEnds | Self::PeriodEnds | Self::PendingEnds => "expire",
            Self::Cancellation => "cancel",
            Self::TierChange => "change_tier",
            Self::GraceEnds => "suspend",
            Self::Start => "start",
            Self::Resume => "resume",
        }
    }

    /// Why, for the audit trail.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OverrideEnds => "The override ended.",
            Self::HardEnd => "The hard end was reached.",
            Self::Cancellation => "The cancellation took effect.",
            Self::TierChange => "The change of tier took effect.",
            Self::TrialEnds => "The trial ended.",
            Self::PeriodEnds => "The period ended and nothing renewed it.",
            Self::GraceEnds => "The days of grace ended.",
            Self::PendingEnds => "Nobody paid in time.",
            Self::Start => "The start was reached.",
            Self::Resume => "The pause ended.",
        }
    }
}

/// Changes the row as what is due does.
pub fn carry_out(row: &mut subscription::Model, Due { at, event }: Due) {
    if let Some(status) = event.ends_as() {
        return end(row, status, at);
    }
    match event {
        Event::OverrideEnds => restore(row),
        Event::TierChange => apply_schedule(row),
        Event::GraceEnds => suspend(row, SuspensionCause::NonPayment, at),
        Event::Start if row.trial_ends_at.is_some() => row.status = Trialing,
        Event::Start => {
            row.status = Active;
            start_period(row, at);
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
        // A tier is no status.
        last = if due.event == Event::TierChange { last } else { Some(due.event) };
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
    while let Some(due) = next_due(&state, tolerance) {
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

/// Whether what the tier grants may be used in this status.
pub const fn entitles(status: SubscriptionStatus) -> bool {
    matches!(status, Trialing | Active | PastDue)
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
    let turn = |place: usize| turns.get(place).map(|turn| (turn.at, turn.status)).unzip();
    (row.next_at, row.next_status) = turn(0);
    (row.second_at, row.second_status) = turn(1);
    (row.third_at, row.third_status) = turn(2);
    row
}
