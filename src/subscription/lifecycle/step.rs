//! Steps: what a command does to a subscription, with what it needs to know.

use chrono_tz::Tz;

use super::Action;
use crate::clock::Timestamp;
use crate::entity::subscription::AddOns;
use crate::entity::{BillingCycle, Proration, SuspensionCause, TierId};
use crate::graphql::when::When;

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

/// How a change is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charging {
    /// By which rule.
    pub rule: Proration,
    /// The second that it counts from.
    pub at: Timestamp,
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
        /// Whether these are the tier's own days, which it gives once.
        of_tier: bool,
    },
    /// Move the end of the period, trial or wait by days.
    Extend {
        /// How many, at least 1.
        days: i64,
    },
    /// Renew for one more period.
    Renew,
    /// Record that a payment is owed.
    MarkPastDue,
    /// Record that what was owed is paid.
    MarkPaid,
    /// Move to another tier: now, or at the end of the period.
    ChangeTier {
        /// The tier and its price.
        offer: Offer,
        /// The add-ons that go along.
        add_ons: AddOns,
        /// Whether to wait for the end of the period.
        at_period_end: bool,
        /// How it is charged; FULL begins a new period.
        charging: Charging,
    },
    /// Have other add-ons.
    ChangeAddOns {
        /// From now on; as they are if not given.
        now: Option<AddOns>,
        /// From the end of the period on, or with the change that waits for it; the same as now if not given.
        later: Option<AddOns>,
        /// How it is charged.
        charging: Charging,
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
pub enum CancelAt<Date = Timestamp> {
    /// At once.
    Now,
    /// At the end of the period or trial.
    PeriodEnd,
    /// At a date before that.
    Date(Date),
}

impl CancelAt<When> {
    /// The same with the moment that its day, which still belongs to the subscription, ends at in a time zone.
    pub fn in_zone(self, zone: Tz) -> CancelAt {
        match self {
            Self::Now => CancelAt::Now,
            Self::PeriodEnd => CancelAt::PeriodEnd,
            Self::Date(date) => CancelAt::Date(date.end(zone)),
        }
    }
}

impl Step {
    /// How it is charged, if it is a change that may cost something in the middle of a period.
    pub const fn charging(&self) -> Option<Charging> {
        match self {
            Self::ChangeTier { charging, .. } | Self::ChangeAddOns { charging, .. } => Some(*charging),
            _ => None,
        }
    }

    /// The action that this step carries out.
    pub const fn action(&self) -> Action {
        match self {
            Self::Activate => Action::Activate,
            Self::StartTrial { .. } => Action::StartTrial,
            Self::Extend { .. } => Action::Extend,
            Self::Renew => Action::Renew,
            Self::MarkPastDue => Action::MarkPastDue,
            Self::MarkPaid => Action::MarkPaid,
            Self::ChangeTier { .. } => Action::ChangeTier,
            Self::ChangeAddOns { .. } => Action::ChangeAddOns,
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

    /// The input field that says how far the step reaches, if one does.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Extend { .. } => "input.days",
            _ => "input.id",
        }
    }

    /// The verb of the audit trail.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::StartTrial { .. } => "start_trial",
            Self::Extend { .. } => "extend",
            Self::Renew => "renew",
            Self::MarkPastDue => "mark_past_due",
            Self::MarkPaid => "mark_paid",
            Self::ChangeTier { at_period_end: false, .. } => "change_tier",
            Self::ChangeTier { at_period_end: true, .. } => "schedule_tier_change",
            Self::ChangeAddOns { now: Some(_), .. } => "change_add_ons",
            Self::ChangeAddOns { now: None, .. } => "schedule_add_on_change",
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
