//! Parts of steps: what several of them do to a row.

use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, PastDue, Trialing};
use crate::entity::{ManagementMode, subscription};
use crate::subscription::period;

/// Starts a period now. What waits for the end of the present one waits for the end of the new one.
pub(super) fn start_period(row: &mut subscription::Model, now: Timestamp) {
    row.anchor_day = period::anchor_day(now);
    row.current_period_start = Some(now);
    let end = period::period_end(now, row.billing_cycle, row.anchor_day);
    move_period_end(row, end);
}

/// Makes a change of tier that waits happen.
pub(super) fn apply_schedule(row: &mut subscription::Model) {
    row.tier_id = row.scheduled_tier_id.unwrap_or(row.tier_id);
    row.amount_minor = row.scheduled_amount_minor.unwrap_or(row.amount_minor);
    row.billing_cycle = row.scheduled_billing_cycle.unwrap_or(row.billing_cycle);
    clear_schedule(row);
}

/// Clears what belongs to the state that is left.
pub(super) fn leave_state(row: &mut subscription::Model) {
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
}

pub(super) fn end_override(row: &mut subscription::Model) {
    row.mode = ManagementMode::Manual;
    row.tier_id = row.overridden_tier_id.take().unwrap_or(row.tier_id);
    row.amount_minor = row.overridden_amount_minor.take().unwrap_or(row.amount_minor);
    row.billing_cycle = row.overridden_billing_cycle.take().unwrap_or(row.billing_cycle);
    row.override_reason = None;
    row.override_ends_at = None;
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

/// A cancellation at an end and a change of tier that waits for it move along with it; a cancellation at a date stays.
fn carry_along(row: &mut subscription::Model, from: Option<Timestamp>, to: Timestamp) {
    for waiting in [&mut row.cancel_at, &mut row.scheduled_at] {
        if waiting.is_some() && *waiting == from {
            *waiting = Some(to);
        }
    }
}

/// The end of the period or trial that runs.
pub(super) fn running_end(row: &subscription::Model) -> Option<Timestamp> {
    match row.status {
        Trialing => row.trial_ends_at,
        Active | PastDue => row.current_period_end,
        _ => None,
    }
}
