//! Parts of steps: what several of them, or time, do to a row.

use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, Canceled, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::subscription::{self, AddOns, Overridden, RenewedAhead};
use crate::entity::{ManagementMode, PeriodEndPolicy, SubscriptionStatus, SuspensionCause, TierId, TrialEndPolicy};
use crate::subscription::period::Anchor;
use crate::usage::window;

/// Whether all dates that the row shows can be answered.
pub(super) fn is_in_calendar(row: &subscription::Model) -> bool {
    let dates = [
        row.trial_ends_at,
        row.current_period_end,
        row.expires_at,
        row.cancel_at,
        row.grace_ends_at,
        row.resumes_at,
        row.pending_until,
        row.scheduled_at,
        row.override_ends_at,
    ];
    dates.into_iter().flatten().all(Timestamp::is_in_calendar)
}

/// Starts a period now, and with it the use of its features. What waits for the end of the present one waits for the end of
/// the new one.
pub(super) fn start_period(row: &mut subscription::Model, now: Timestamp) {
    let anchor = Anchor::at(now, row.zone());
    anchor.put(row);
    row.usage_epoch += 1;
    row.current_period_start = Some(now);
    row.stood_still = 0;
    row.renewed_ahead = RenewedAhead::default();
    let end = anchor.end(now, row.billing_cycle);
    move_period_end(row, end);
}

/// Begins the first period, when its time has come. Nothing waits for its end yet; a cancellation may come behind it.
pub(super) fn first_period(row: &mut subscription::Model, now: Timestamp) {
    let anchor = Anchor::at(now, row.zone());
    anchor.put(row);
    row.usage_epoch += 1;
    row.current_period_start = Some(now);
    row.current_period_end = Some(anchor.end(now, row.billing_cycle));
}

/// Begins the period behind the present one, which ends now.
pub(super) fn next_period(row: &mut subscription::Model, now: Timestamp) {
    let end = following_end(row, now);
    row.current_period_start = Some(now);
    row.current_period_end = Some(end);
    row.stood_still = 0;
    row.renewed_ahead = RenewedAhead::default();
    charge(row, now);
}

/// Makes the present period longer by one cycle, and with it what waits for its end. It remembers where the one ends that was
/// the last.
pub(super) fn renew_ahead(row: &mut subscription::Model) {
    if let Some((end, runs_for)) = row.current_period_end.zip(row.runs_for()) {
        row.renewed_ahead.0.push(runs_for);
        let end = following_end(row, end);
        move_period_end(row, end);
    }
}

/// The end of the period behind this one: the anchor's next boundary, or, where the end of this one was moved off the
/// anchor, a whole cycle from there on.
fn following_end(row: &mut subscription::Model, end: Timestamp) -> Timestamp {
    let anchor = Anchor::of(row);
    let anchor = if anchor.is_boundary(end) { anchor } else { Anchor::at(end, row.zone()) };
    anchor.put(row);
    anchor.end(end, row.billing_cycle)
}

/// Waits for the payment of a period that began now, if it costs anything.
pub(super) fn charge(row: &mut subscription::Model, now: Timestamp) {
    if row.amount_minor == 0 {
        return set_underlying(row, Active);
    }
    owes(row, now);
}

/// Waits for a payment from now on, for the days of grace, but not into a second period.
pub(super) fn owes(row: &mut subscription::Model, now: Timestamp) {
    let grace_ends_at = now.plus_days(row.grace_days.into());
    row.past_due_since = Some(now);
    row.grace_ends_at = Some(row.current_period_end.map_or(grace_ends_at, |end| end.min(grace_ends_at)));
    set_underlying(row, PastDue);
}

/// Has what was owed. What was suspended for it goes on; a period that is over is followed by one from now on.
pub(super) fn paid(row: &mut subscription::Model, now: Timestamp) {
    if row.suspension_cause == Some(SuspensionCause::NonPayment) {
        leave_state(row);
        row.status = Active;
    } else {
        row.past_due_since = None;
        row.grace_ends_at = None;
        set_underlying(row, Active);
    }
    if row.current_period_end.is_none_or(|end| end <= now) {
        start_period(row, now);
    }
}

/// Suspends it, because nobody paid for what comes now.
pub(super) fn stops_unpaid(row: &mut subscription::Model, now: Timestamp) {
    owes(row, now);
    row.grace_ends_at = Some(now);
    if row.status != Suspended {
        suspend(row, SuspensionCause::NonPayment, now);
    }
}

/// Gives the row the bare fallback tier, which goes on until somebody decides otherwise.
pub(super) fn fall_back(row: &mut subscription::Model) {
    let (tier_id, amount_minor) = (row.fallback_tier_id.take(), row.fallback_amount_minor.take());
    move_to(row, tier_id.unwrap_or(row.tier_id));
    row.amount_minor = amount_minor.unwrap_or(row.amount_minor);
    row.add_ons = AddOns::default();
    row.period_end_policy = PeriodEndPolicy::Renew;
    row.trial_end_policy = TrialEndPolicy::Expire;
}

/// Gives it a status, or what is suspended.
pub(super) fn set_underlying(row: &mut subscription::Model, status: SubscriptionStatus) {
    match &mut row.suspended_from {
        Some(from) => *from = status,
        None => row.status = status,
    }
}

/// Makes a change of tier that waits happen.
pub(super) fn apply_schedule(row: &mut subscription::Model) {
    move_to(row, row.scheduled_tier_id.unwrap_or(row.tier_id));
    row.amount_minor = row.scheduled_amount_minor.unwrap_or(row.amount_minor);
    row.billing_cycle = row.scheduled_billing_cycle.unwrap_or(row.billing_cycle);
    if row.scheduled_at.is_some() {
        row.add_ons = std::mem::take(&mut row.scheduled_add_ons);
    }
    clear_schedule(row);
}

/// Gives the row another tier. The default trial's own user limit goes with the tier that it was for.
pub(super) fn move_to(row: &mut subscription::Model, tier_id: TierId) {
    if row.trial_limits_users && row.tier_id != tier_id {
        row.user_limit = None;
        row.trial_limits_users = false;
    }
    row.tier_id = tier_id;
}

/// Clears what belongs to the state that is left.
pub(super) fn leave_state(row: &mut subscription::Model) {
    if row.status == Pending {
        // A trial that was only planned has not been had.
        row.trial_started_at = None;
        row.trial_ends_at = None;
    }
    row.suspended_at = None;
    row.suspended_from = None;
    row.suspension_cause = None;
    row.paused_at = None;
    row.resumes_at = None;
    row.past_due_since = None;
    row.grace_ends_at = None;
    row.pending_until = None;
}

pub(super) fn clear_schedule(row: &mut subscription::Model) {
    row.scheduled_tier_id = None;
    row.scheduled_amount_minor = None;
    row.scheduled_billing_cycle = None;
    row.scheduled_at = None;
    row.scheduled_add_ons = AddOns::default();
}

/// Ends it, and with it what was given without payment.
pub(super) fn end(row: &mut subscription::Model, status: SubscriptionStatus, at: Timestamp) {
    if let Some(beneath) = take_tier_back(row) {
        row.mode = beneath.mode;
        row.status = beneath.status;
        row.expires_at = row.expires_at.or(beneath.expires_at);
        row.paused_at = beneath.paused_at;
        row.resumes_at = beneath.resumes_at;
    }
    if let (Some(paused_at), Some(end)) = (row.paused_at, row.current_period_end) {
        // What was left is left for who brings it back. Beneath an override the pause may have been over before.
        let until = row.resumes_at.map_or(at, |resumes_at| resumes_at.min(at));
        row.stood_still += until.since(paused_at).num_microseconds().unwrap_or(0);
        row.current_period_end = Some(end.plus(until.since(paused_at)));
    }
    // What was ordered with payment and never paid stays that.
    let unpaid = row.pending_until;
    leave_state(row);
    clear_schedule(row);
    row.pending_until = unpaid;
    row.status = status;
    row.ended_at = Some(at);
    if status != Canceled {
        row.cancel_at = None;
        row.canceled_at = None;
    }
}

/// Lays an override over the row, or replaces the one that is there.
pub(super) fn lay_over(row: &mut subscription::Model, tier_id: TierId, now: Timestamp) {
    if row.mode != ManagementMode::Override {
        let passed = |at: &Timestamp| *at <= now;
        row.overridden_state = Some(Overridden {
            status: row.status,
            mode: row.mode,
            // One that lies ahead is hard for the override as well.
            expires_at: row.expires_at.take_if(|at| passed(at)),
            cancel_at: row.cancel_at.take(),
            canceled_at: row.canceled_at.take(),
            ended_at: row.ended_at.take(),
            suspended_at: row.suspended_at.take(),
            suspension_cause: row.suspension_cause.take(),
            suspended_from: row.suspended_from.take(),
            paused_at: row.paused_at.take(),
            resumes_at: row.resumes_at.take(),
        });
        row.overridden_tier_id = Some(row.tier_id);
        row.overridden_amount_minor = Some(row.amount_minor);
        row.overridden_billing_cycle = Some(row.billing_cycle);
        row.mode = ManagementMode::Override;
        row.status = Active;
    }
    row.tier_id = tier_id;
    row.amount_minor = 0;
}

/// Gives the tier and price back that an override lies on, and answers what else does.
fn take_tier_back(row: &mut subscription::Model) -> Option<Overridden> {
    row.tier_id = row.overridden_tier_id.take().unwrap_or(row.tier_id);
    row.amount_minor = row.overridden_amount_minor.take().unwrap_or(row.amount_minor);
    row.billing_cycle = row.overridden_billing_cycle.take().unwrap_or(row.billing_cycle);
    row.override_reason = None;
    row.override_ends_at = None;
    row.overridden_state.take()
}

/// Returns to what the override lies on. A suspension and a cancellation that came meanwhile stay.
pub(super) fn restore(row: &mut subscription::Model) {
    let Some(beneath) = take_tier_back(row) else { return };
    let suspended = (row.status == Suspended).then_some((row.suspended_at, row.suspension_cause));
    row.mode = beneath.mode;
    row.status = beneath.status;
    row.ended_at = beneath.ended_at;
    row.expires_at = row.expires_at.or(beneath.expires_at);
    row.suspended_at = beneath.suspended_at;
    row.suspension_cause = beneath.suspension_cause;
    row.suspended_from = beneath.suspended_from;
    row.paused_at = beneath.paused_at;
    row.resumes_at = beneath.resumes_at;
    let earlier = beneath.cancel_at.is_some_and(|at| row.cancel_at.is_none_or(|own| at < own));
    if earlier || row.ended_at.is_some() {
        row.cancel_at = beneath.cancel_at;
        row.canceled_at = beneath.canceled_at;
    }
    if let Some((at, cause)) = suspended
        && matches!(row.status, Trialing | Active | PastDue)
    {
        row.suspended_from = Some(row.status);
        row.status = Suspended;
        row.suspended_at = at;
        row.suspension_cause = cause;
    }
}

/// Suspends it at a moment.
pub(super) fn suspend(row: &mut subscription::Model, cause: SuspensionCause, at: Timestamp) {
    row.suspended_from = Some(row.status);
    row.suspended_at = Some(at);
    row.suspension_cause = Some(cause);
    row.status = Suspended;
}

/// Ends a pause at a moment: the paid time that was left is still left, and a period that waited for this begins.
pub(super) fn pause_ends(row: &mut subscription::Model, at: Timestamp) {
    if let Some(paused_at) = row.paused_at {
        window::stood_still(row, paused_at, at);
    }
    let stood_still = row.paused_at.map_or_else(chrono::TimeDelta::zero, |paused_at| at.since(paused_at));
    leave_state(row);
    row.status = Active;
    match row.current_period_end {
        Some(end) => {
            row.stood_still += stood_still.num_microseconds().unwrap_or(0);
            move_period_end(row, end.plus(stood_still));
        }
        None => start_period(row, at),
    }
}

/// Moves the end of the period, and what waits for it.
pub fn move_period_end(row: &mut subscription::Model, end: Timestamp) {
    let from = row.current_period_end.replace(end);
    carry_along(row, from, end);
}

/// Moves the end of the trial, and what waits for it.
pub fn move_trial_end(row: &mut subscription::Model, end: Timestamp) {
    let from = row.trial_ends_at.replace(end);
    carry_along(row, from, end);
}

/// A cancellation at an end and a change of tier that waits for it move along with it. A cancellation at a date stays,
/// but not behind the end.
fn carry_along(row: &mut subscription::Model, from: Option<Timestamp>, to: Timestamp) {
    let cancel_at = match &mut row.overridden_state {
        Some(beneath) => &mut beneath.cancel_at,
        None => &mut row.cancel_at,
    };
    for waiting in [cancel_at, &mut row.scheduled_at] {
        if let Some(at) = waiting
            && (Some(*at) == from || *at > to)
        {
            *at = to;
        }
    }
}

/// The end of the period or trial of this status.
const fn own_end(
    status: SubscriptionStatus,
    trial_ends_at: Option<Timestamp>,
    period_end: Option<Timestamp>,
) -> Option<Timestamp> {
    match status {
        Trialing => trial_ends_at,
        Active | PastDue | Paused => period_end,
        _ => None,
    }
}

/// The status whose time runs or stands still: what a suspension interrupts, what an override lies on.
pub(super) fn underlying(row: &subscription::Model) -> SubscriptionStatus {
    let (status, suspended_from) = match &row.overridden_state {
        Some(beneath) => (beneath.status, beneath.suspended_from),
        None => (row.status, row.suspended_from),
    };
    suspended_from.unwrap_or(status)
}

/// The end of the period or trial that is not over at `now`, suspended or paused or not.
pub(super) fn end_ahead(row: &subscription::Model, now: Timestamp) -> Option<Timestamp> {
    let now = row.paused_at.unwrap_or(now);
    own_end(underlying(row), row.trial_ends_at, row.current_period_end).filter(|end| *end > now)
}
