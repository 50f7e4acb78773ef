//! The subscription state machine: the one place that knows which step leads where.
//!
//! Every step is a pure function from a row and a moment to the changed row or a refusal. Mutations and
//! `availableActions` ask the same table.

mod action;
mod part;

pub use self::action::{Action, allowed};
use self::part::{apply_schedule, clear_schedule, end_override, leave_state, running_end, start_period};
pub use self::part::{move_period_end, move_trial_end};
use super::status::access_ends_at;
use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::{BillingCycle, ManagementMode, SuspensionCause, TierId, subscription};
use crate::error::{Code, Facts, Refusal};

/// What a tier costs on the terms that were chosen.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The tier.
    pub tier_id: TierId,
    /// In minor units of the subscription's currency.
    pub amount_minor: i64,
    /// How often.
    pub billing_cycle: BillingCycle,
}

/// A step with what it needs to know.
#[derive(Clone, Debug)]
pub enum Step {
    /// Start paid time now.
    Activate,
    /// Start the trial now.
    StartTrial {
        /// When it ends.
        ends_at: Timestamp,
    },
    /// Move the end of the period, trial or wait by days.
    Extend {
        /// How many, at least 1.
        days: i64,
    },
    /// Move to another tier: now, or at the end of the period.
    ChangeTier {
        /// The tier and its price.
        offer: Offer,
        /// Whether to wait for the end of the period.
        at_period_end: bool,
    },
    /// Give a tier without payment.
    OverrideTier {
        /// The tier.
        tier_id: TierId,
        /// Why.
        reason: String,
        /// When the override ends by itself.
        ends_at: Option<Timestamp>,
    },
    /// Return to the tier from before the override.
    EndOverride,
    /// Shut off.
    Suspend(SuspensionCause),
    /// Pause, with a date to resume if given.
    Pause(Option<Timestamp>),
    /// Lift a suspension or pause.
    Resume,
    /// Cancel.
    Cancel(CancelAt),
    /// Take a scheduled cancellation back.
    UndoCancel,
    /// Bring an ended subscription back.
    Reactivate,
    /// End now.
    Expire,
}

/// When a cancellation takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelAt {
    /// At once.
    Now,
    /// At the end of the period or trial.
    PeriodEnd,
    /// At a date before that.
    Date(Timestamp),
}

impl Step {
    /// The action that this step carries out.
    pub const fn action(&self) -> Action {
        match self {
            Self::Activate => Action::Activate,
            Self::StartTrial { .. } => Action::StartTrial,
            Self::Extend { .. } => Action::Extend,
            Self::ChangeTier { .. } => Action::ChangeTier,
            Self::OverrideTier { .. } => Action::OverrideTier,
            Self::EndOverride => Action::EndOverride,
            Self::Suspend(_) => Action::Suspend,
            Self::Pause(_) => Action::Pause,
            Self::Resume => Action::Resume,
            Self::Cancel(_) => Action::Cancel,
            Self::UndoCancel => Action::UndoCancel,
            Self::Reactivate => Action::Reactivate,
            Self::Expire => Action::Expire,
        }
    }

    /// The verb of the audit trail.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::StartTrial { .. } => "start_trial",
            Self::Extend { .. } => "extend",
            Self::ChangeTier { at_period_end: false, .. } => "change_tier",
            Self::ChangeTier { at_period_end: true, .. } => "schedule_tier_change",
            Self::OverrideTier { .. } => "override_tier",
            Self::EndOverride => "end_override",
            Self::Suspend(_) => "suspend",
            Self::Pause(_) => "pause",
            Self::Resume => "resume",
            Self::Cancel(CancelAt::Now) => "cancel",
            Self::Cancel(_) => "schedule_cancel",
            Self::UndoCancel => "undo_cancel",
            Self::Reactivate => "reactivate",
            Self::Expire => "expire",
        }
    }
}

/// The refusal of an action that the row's state does not allow.
pub fn illegal(row: &subscription::Model, action: Action, now: Timestamp) -> Refusal {
    let allowed = allowed(row, now);
    let message = format!(
        "{} is not possible while the subscription is {}.",
        async_graphql::resolver_utils::enum_value(action),
        row.status.as_str()
    );
    Refusal::new(Code::IllegalTransition, message).with(Facts::IllegalTransition { state: row.status, allowed })
}

/// The refusal of what a gateway would have to carry out.
pub fn gateway_billed() -> Refusal {
    let message = "A payment gateway bills this subscription, and no gateway is configured to carry this out.";
    Refusal::new(Code::GatewayBilled, message)
}

/// The row after the step, or why the step is refused.
pub fn apply(row: &subscription::Model, step: &Step, now: Timestamp) -> Result<subscription::Model, Refusal> {
    let action = step.action();
    if row.mode == ManagementMode::Gateway && action.concerns_gateway() {
        return Err(gateway_billed());
    }
    if !action.fits(row, now) {
        return Err(illegal(row, action, now));
    }
    let starts = matches!(step, Step::Activate | Step::StartTrial { .. });
    if starts && row.expires_at.is_some_and(|end| end <= now) {
        let message = "The subscription's hard end lies in the past: move `expiresAt` first.";
        return Err(Refusal::new(Code::InvalidDate, message).at("input.id"));
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
        Step::StartTrial { ends_at } => {
            leave_state(&mut next);
            next.status = Trialing;
            next.starts_at = now;
            next.trial_started_at = Some(now);
            next.trial_ends_at = Some(*ends_at);
        }
        Step::Extend { days } => extend(&mut next, *days, now),
        Step::ChangeTier { offer, at_period_end } => change_tier(&mut next, *offer, *at_period_end, now)?,
        Step::OverrideTier { tier_id, reason, ends_at } => {
            if row.ended_at.is_some() {
                revive(&mut next, now);
            }
            next.overridden_tier_id = next.overridden_tier_id.or(Some(row.tier_id));
            next.overridden_amount_minor = next.overridden_amount_minor.or(Some(row.amount_minor));
            next.overridden_billing_cycle = next.overridden_billing_cycle.or(Some(row.billing_cycle));
            next.mode = ManagementMode::Override;
            next.tier_id = *tier_id;
            next.amount_minor = 0;
            next.override_reason = Some(reason.clone());
            next.override_ends_at = *ends_at;
            clear_schedule(&mut next);
        }
        Step::EndOverride => end_override(&mut next),
        Step::Suspend(cause) => {
            next.suspended_from = Some(row.status);
            next.suspended_at = Some(now);
            next.suspension_cause = Some(*cause);
            next.status = Suspended;
        }
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
        Step::Expire => {
            leave_state(&mut next);
            clear_schedule(&mut next);
            next.status = Expired;
            next.ended_at = Some(now);
        }
    }
    Ok(settled(next))
}

/// The row with what is derived from its dates brought up to date. Every row that is written passes through here.
pub fn settled(mut row: subscription::Model) -> subscription::Model {
    row.access_ends_at = access_ends_at(&row);
    row
}

fn extend(row: &mut subscription::Model, days: i64, now: Timestamp) {
    // From now on where the end has passed: an extension that ends in the past would extend nothing. A pause stops the
    // clock, so there the moment is that of the pause.
    let from = row.paused_at.unwrap_or(now);
    let later = |end: Timestamp| end.max(from).plus_days(days);
    match row.suspended_from.unwrap_or(row.status) {
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
    at_period_end: bool,
    now: Timestamp,
) -> Result<(), Refusal> {
    let unchanged = row.tier_id == offer.tier_id && row.billing_cycle == offer.billing_cycle;
    if unchanged && row.scheduled_at.is_some() {
        clear_schedule(row);
        return Ok(());
    }
    if unchanged {
        let message = "The subscription has this tier and cycle already.";
        return Err(Refusal::new(Code::Conflict, message).at("input.tierId"));
    }
    match running_end(row) {
        Some(end) if at_period_end && end > now => {
            row.scheduled_tier_id = Some(offer.tier_id);
            row.scheduled_amount_minor = Some(offer.amount_minor);
            row.scheduled_billing_cycle = Some(offer.billing_cycle);
            row.scheduled_at = Some(end);
        }
        _ if at_period_end => {
            let message = "There is no period to wait for the end of: change the tier now.";
            return Err(Refusal::new(Code::Conflict, message).at("input.timing"));
        }
        _ => {
            clear_schedule(row);
            let new_cycle = row.billing_cycle != offer.billing_cycle;
            row.tier_id = offer.tier_id;
            row.amount_minor = offer.amount_minor;
            row.billing_cycle = offer.billing_cycle;
            if new_cycle && matches!(row.status, Active | PastDue) {
                start_period(row, now);
            }
        }
    }
    Ok(())
}

fn resume(row: &mut subscription::Model, now: Timestamp) {
    if let Some(paused_at) = row.paused_at {
        // The pause stopped the clock: the paid time that was left is still left.
        let stood_still = now.since(paused_at);
        if let Some(end) = row.current_period_end {
            move_period_end(row, end.plus(stood_still));
        }
        leave_state(row);
        row.status = Active;
    } else {
        row.status = row.suspended_from.unwrap_or(Active);
        row.suspended_from = None;
        row.suspended_at = None;
        row.suspension_cause = None;
    }
}

fn cancel(row: &mut subscription::Model, when: CancelAt, now: Timestamp) -> Result<(), Refusal> {
    let period_end = running_end(row);
    let at = match when {
        CancelAt::Now => {
            leave_state(row);
            clear_schedule(row);
            row.status = Canceled;
            row.canceled_at = Some(now);
            row.cancel_at = Some(now);
            row.ended_at = Some(now);
            return Ok(());
        }
        CancelAt::PeriodEnd => period_end,
        CancelAt::Date(at) => {
            let end = period_end.filter(|end| at > *end);
            if at <= now || end.is_some() {
                let message = "The date lies in the past or behind the end of the period.";
                return Err(Refusal::new(Code::InvalidDate, message).at("input.at"));
            }
            period_end.and(Some(at))
        }
    };
    match at {
        // Asked for again: nothing changes, not even since when it is asked for.
        Some(at) if row.cancel_at == Some(at) => Ok(()),
        Some(at) if at > now => {
            row.cancel_at = Some(at);
            row.canceled_at = Some(now);
            clear_schedule(row);
            Ok(())
        }
        _ => {
            let mut refusal = illegal(row, Action::Cancel, now);
            refusal.message = "There is no period to wait for the end of: cancel now instead.".to_owned();
            Err(refusal)
        }
    }
}

fn revive(row: &mut subscription::Model, now: Timestamp) {
    leave_state(row);
    row.status = Active;
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
