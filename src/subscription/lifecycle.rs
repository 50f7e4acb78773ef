//! The subscription state machine: the one place that knows which step leads where.
//!
//! Every step is a pure function from a row and a moment to the changed row or a refusal, and so is what time does
//! ([`fold()`]). Both ask one table ([`Cause`]): of *actions*, which a caller asks for and `availableActions` shows, and of
//! *events*, which happen.

mod action;
mod agree;
mod event;
mod fold;
mod part;
mod report;
mod step;
mod table;

pub use self::action::{Action, allowed};
pub use self::agree::contradicts_itself;
pub use self::event::Event;
pub use self::fold::{Due, Tolerance, Turn, access_end, as_of, carry_out, entitles, fold, next_due, settled, turns};
use self::part::{
    apply_schedule, clear_schedule, end, end_ahead, lay_over, leave_state, pause_ends, restore, start_period,
};
pub use self::part::{move_period_end, move_trial_end};
pub use self::report::{Billing, Report, Standing, bill, paid_period, report};
pub use self::step::{CancelAt, Charging, Offer, Step};
pub use self::table::{Cause, moves};
use super::period::{self, Anchor};
use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::subscription::{AddOns, RenewedAhead};
use crate::entity::{BillingCycle, ManagementMode, Proration, subscription};
use crate::error::{Code, Facts, Refusal};
use crate::graphql::scalar::OUTSIDE;

/// The refusal of an action that the row's state does not allow.
pub fn illegal(row: &subscription::Model, action: Action, now: Timestamp) -> Refusal {
    let message = format!(
        "{} is not possible while the subscription is {}{}.",
        async_graphql::resolver_utils::enum_value(action),
        row.status.as_str(),
        action.way_out(row),
    );
    let allowed = allowed(row, now);
    Refusal::new(Code::IllegalTransition, message)
        .at("input.id")
        .with(Facts::IllegalTransition { state: row.status, allowed })
}

/// The refusal of what a gateway would have to carry out.
pub fn gateway_billed() -> Refusal {
    let message = "A payment gateway bills this subscription, and no gateway is configured to carry this out.";
    Refusal::new(Code::GatewayBilled, message).at("input.id")
}

fn conflict(path: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Conflict, message).at(path)
}

/// The row after the step, or why the step is refused. What is due by `now` has been carried out before.
pub fn apply(row: &subscription::Model, step: &Step, now: Timestamp) -> Result<subscription::Model, Refusal> {
    let action = step.action();
    if row.mode == ManagementMode::Gateway && action.concerns_gateway() {
        return Err(gateway_billed());
    }
    if !action.fits(row, now) {
        return Err(illegal(row, action, now));
    }
    let mut next = row.clone();
    match step {
        Step::Activate => {
            leave_state(&mut next);
            // The trial ends here: what was scheduled for its end happens now, but to keep it is no longer to leave.
            next.cancel_at = None;
            next.canceled_at = None;
            apply_schedule(&mut next);
            next.status = Active;
            next.starts_at = row.starts_at.min(now);
            start_period(&mut next, now);
        }
        Step::StartTrial { ends_at, of_tier } => {
            leave_state(&mut next);
            next.status = Trialing;
            next.starts_at = now;
            Anchor::at(now, row.zone()).put(&mut next);
            next.trial_started_at = Some(now);
            next.trial_ends_at = Some(*ends_at);
            if *of_tier {
                next.tried_tiers.add(row.tier_id);
            }
        }
        Step::Extend { days } => extend(&mut next, *days, now),
        Step::Renew if part::underlying(row) == Active => part::renew_ahead(&mut next),
        Step::Renew | Step::MarkPaid => part::paid(&mut next, now),
        Step::MarkPastDue => part::owes(&mut next, now),
        Step::ChangeTier { offer, add_ons, at_period_end, charging } => {
            change_tier(&mut next, *offer, add_ons, (*at_period_end, charging.rule == Proration::Full), now)?;
        }
        Step::ChangeAddOns { now: at_once, later, .. } => {
            change_add_ons(&mut next, at_once.as_ref(), later.as_ref(), now)?;
        }
        Step::OverrideTier { tier_id, reason, ends_at } => {
            lay_over(&mut next, *tier_id, now);
            next.override_reason = Some(reason.clone());
            next.override_ends_at = *ends_at;
        }
        Step::EndOverride => restore(&mut next),
        Step::Suspend(cause) => part::suspend(&mut next, *cause, now),
        Step::Pause(Some(resumes_at)) if *resumes_at <= now => {
            return Err(Refusal::new(Code::InvalidDate, "The date must lie in the future.").at("input.resumesAt"));
        }
        Step::Pause(resumes_at) => {
            next.status = Paused;
            next.paused_at = Some(now);
            next.resumes_at = *resumes_at;
        }
        Step::Resume => resume(&mut next, now),
        Step::Cancel(when) => cancel(&mut next, *when, now)?,
        Step::UndoCancel => {
            next.cancel_at = None;
            next.canceled_at = None;
        }
        Step::Reactivate => revive(&mut next, now),
        Step::Expire => end(&mut next, Expired, now),
    }
    let next = settled(next);
    if !part::is_in_calendar(&next) {
        return Err(Refusal::new(Code::InvalidDate, OUTSIDE).at(step.path()));
    }
    if next == *row {
        return Err(conflict("input.id", "Nothing would change: the subscription is like this already."));
    }
    Ok(next)
}

/// Whether a step renewed the subscription: it made paid time longer, or began it anew.
pub fn renews(step: &Step, before: &subscription::Model, after: &subscription::Model) -> bool {
    match step {
        Step::Activate | Step::Reactivate | Step::Renew | Step::MarkPaid => true,
        Step::Extend { .. } => after.current_period_end > before.current_period_end,
        Step::ChangeTier { .. } => {
            after.current_period_end.is_some() && after.current_period_end != before.current_period_end
        }
        Step::Resume => before.current_period_end.is_none() && after.current_period_end.is_some(),
        _ => false,
    }
}

/// Whether a change of tier and cycle waits for the end of what is paid for, unless the caller says otherwise: to a
/// shorter cycle, or to a tier of lower rank. The one place that knows which way a change goes.
pub fn waits((from_rank, from): (i32, BillingCycle), (to_rank, to): (i32, BillingCycle)) -> bool {
    period::months(to) < period::months(from) || to_rank < from_rank
}

/// Whether what runs is its trial, suspended or not.
pub fn is_tried(row: &subscription::Model) -> bool {
    part::underlying(row) == Trialing
}

/// Whether its owner was given the days of trial of its tier, and none are planned.
pub fn has_had_trial(row: &subscription::Model) -> bool {
    row.trial_started_at.is_none() && row.tried_tiers.has(row.tier_id)
}

/// Until when it is paid for, if that is not over: also where it is suspended or paused meanwhile.
pub fn paid_until(row: &subscription::Model, now: Timestamp) -> Option<Timestamp> {
    end_ahead(row, now).filter(|_| !is_tried(row))
}

fn extend(row: &mut subscription::Model, days: i64, now: Timestamp) {
    // From now on where the end has passed: an extension that ends in the past would extend nothing. A pause stops the
    // clock, so there the moment is that of the pause.
    let from = row.paused_at.unwrap_or(now);
    let later = |end: Timestamp| end.max(from).plus_days(days);
    match part::underlying(row) {
        Pending => row.pending_until = row.pending_until.map(later),
        Trialing => {
            if let Some(end) = row.trial_ends_at {
                move_trial_end(row, later(end));
            }
        }
        _ => {
            if let Some(end) = row.current_period_end {
                move_period_end(row, later(end));
            }
        }
    }
    row.grace_ends_at = row.grace_ends_at.map(later);
}

fn change_tier(
    row: &mut subscription::Model,
    offer: Offer,
    add_ons: &AddOns,
    (at_period_end, restarts): (bool, bool),
    now: Timestamp,
) -> Result<(), Refusal> {
    let unchanged = row.tier_id == offer.tier_id && row.billing_cycle == offer.billing_cycle;
    if unchanged && row.scheduled_at.is_some() {
        clear_schedule(row);
        return Ok(());
    }
    if unchanged {
        return Err(conflict("input.tierId", "The subscription has this tier and cycle already."));
    }
    if at_period_end {
        return schedule(row, offer, add_ons, now);
    }
    clear_schedule(row);
    let begins = (restarts || row.billing_cycle != offer.billing_cycle) && row.current_period_end.is_some();
    part::move_to(row, offer.tier_id);
    row.amount_minor = offer.amount_minor.saturating_add(add_ons.amount_minor());
    row.add_ons = add_ons.clone();
    row.billing_cycle = offer.billing_cycle;
    match row.status {
        Active | PastDue if begins => start_period(row, now),
        Paused | Suspended if begins && row.cancel_at.is_some() => {
            let message = "A new period begins when the subscription is resumed, and its cancellation refers to the \
                present one: undo the cancellation first.";
            return Err(conflict("input.billingCycle", message));
        }
        Paused | Suspended if begins => {
            // Without a period, one begins at resumption.
            row.current_period_start = None;
            row.current_period_end = None;
            row.renewed_ahead = RenewedAhead::default();
        }
        _ => {}
    }
    Ok(())
}

/// Lets a tier with add-ons wait for the end of the period or trial.
fn schedule(row: &mut subscription::Model, offer: Offer, add_ons: &AddOns, now: Timestamp) -> Result<(), Refusal> {
    let Some(end) = end_ahead(row, now) else {
        return Err(conflict("input.timing", "There is no period to wait for the end of: change it now."));
    };
    for (at, way_out) in [(row.cancel_at, "undo the cancellation first"), (row.expires_at, "change it now")] {
        if let Some(at) = at.filter(|at| *at <= end) {
            let message = format!("The subscription ends at {at}, so nothing would come of it: {way_out}.");
            return Err(conflict("input.timing", message));
        }
    }
    row.scheduled_tier_id = Some(offer.tier_id);
    row.scheduled_amount_minor = Some(offer.amount_minor.saturating_add(add_ons.amount_minor()));
    row.scheduled_billing_cycle = Some(offer.billing_cycle);
    row.scheduled_at = Some(end);
    row.scheduled_add_ons = add_ons.clone();
    Ok(())
}

/// Has these add-ons from now on, and others from the end of the period on, or with the change that waits for it.
fn change_add_ons(
    row: &mut subscription::Model,
    at_once: Option<&AddOns>,
    later: Option<&AddOns>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let of_tier = row.amount_minor - row.add_ons.amount_minor();
    if let Some(lines) = at_once {
        row.amount_minor = of_tier.saturating_add(lines.amount_minor());
        row.add_ons = lines.clone();
    }
    let present = Offer { tier_id: row.tier_id, amount_minor: of_tier, billing_cycle: row.billing_cycle };
    let waiting = match (row.scheduled_tier_id, row.scheduled_amount_minor, row.scheduled_billing_cycle) {
        (Some(tier_id), Some(amount), Some(billing_cycle)) => {
            let amount_minor = amount - row.scheduled_add_ons.amount_minor();
            Some(Offer { tier_id, amount_minor, billing_cycle })
        }
        _ => None,
    };
    let Some(lines) = later else { return Ok(()) };
    let same =
        waiting.is_none_or(|offer| offer.tier_id == present.tier_id && offer.billing_cycle == present.billing_cycle);
    if same && *lines == row.add_ons {
        clear_schedule(row);
        return Ok(());
    }
    if waiting.is_none() && is_tried(row) {
        let message = "Nothing is paid for yet that could be waited for the end of: change it now.";
        return Err(conflict("input.timing", message));
    }
    schedule(row, waiting.unwrap_or(present), lines, now)
}

fn resume(row: &mut subscription::Model, now: Timestamp) {
    if row.status == Paused {
        return pause_ends(row, now);
    }
    row.status = row.suspended_from.take().unwrap_or(Active);
    row.suspended_at = None;
    row.suspension_cause = None;
    let paid = matches!(row.status, Active | PastDue) && row.mode != ManagementMode::Override;
    if paid && row.current_period_end.is_none() {
        start_period(row, now);
    }
}

fn cancel(row: &mut subscription::Model, when: CancelAt, now: Timestamp) -> Result<(), Refusal> {
    let Some(last) = last_moment(row, now) else {
        if when == CancelAt::Now {
            cancel_now(row, now);
            return Ok(());
        }
        let mut refusal = illegal(row, Action::Cancel, now).at("input.timing");
        refusal.message = "There is no period to wait for the end of: cancel now instead.".to_owned();
        return Err(refusal);
    };
    let at = match (when, last) {
        (CancelAt::Now, _) => {
            cancel_now(row, now);
            return Ok(());
        }
        (CancelAt::PeriodEnd, Some(end)) => end,
        (CancelAt::PeriodEnd, None) => {
            let message = "The override has no end to wait for: cancel now, or at a date.";
            return Err(conflict("input.timing", message));
        }
        (CancelAt::Date(at), last) => {
            if at <= now || last.is_some_and(|end| at > end) {
                let message = "The date lies in the past or behind the end of what is paid for or given.";
                return Err(Refusal::new(Code::InvalidDate, message).at("input.at"));
            }
            at
        }
    };
    if row.cancel_at == Some(at) {
        let message = "The subscription is canceled for this moment already: cancel now, or undo it.";
        return Err(conflict("input.timing", message));
    }
    row.cancel_at = Some(at);
    row.canceled_at = Some(now);
    if row.scheduled_at.is_some_and(|scheduled| scheduled >= at) {
        clear_schedule(row);
    }
    Ok(())
}

fn cancel_now(row: &mut subscription::Model, now: Timestamp) {
    end(row, Canceled, now);
    row.canceled_at = Some(now);
    row.cancel_at = Some(now);
}

/// The last moment that a cancellation can wait for: the end of the period or trial, or of the access that an override
/// gives, which may have none. None where nothing runs that could be waited for.
#[expect(clippy::option_option, reason = "no end to wait for is not the same as no end")]
fn last_moment(row: &subscription::Model, now: Timestamp) -> Option<Option<Timestamp>> {
    match row.status {
        Active if row.mode == ManagementMode::Override => {
            let lasting = subscription::Model { cancel_at: None, canceled_at: None, ..row.clone() };
            Some(access_end(&lasting, &turns(&lasting, None)))
        }
        // A hard end comes whatever is paid.
        Trialing | Active | PastDue => {
            end_ahead(row, now).map(|end| Some(row.expires_at.map_or(end, |hard| hard.min(end))))
        }
        _ => None,
    }
}

fn revive(row: &mut subscription::Model, now: Timestamp) {
    leave_state(row);
    row.status = Active;
    row.starts_at = row.starts_at.min(now);
    row.cancel_at = None;
    row.canceled_at = None;
    row.ended_at = None;
    row.expires_at = row.expires_at.filter(|end| *end > now);
    if row.current_period_end.is_none_or(|end| end <= now) {
        start_period(row, now);
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod year;
