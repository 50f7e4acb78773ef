//! What callers can ask for.

use async_graphql::Enum;
use declare::ToJson;
use sea_orm::{EnumIter, Iterable as _};

use super::Cause;
use super::part::{end_ahead, underlying};
use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, PastDue, Pending, Suspended, Trialing};
use crate::entity::{ManagementMode, subscription};

/// Something a person can do with a subscription.
// In the order in which a screen shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, EnumIter, ToJson)]
#[graphql(name = "SubscriptionAction")]
pub enum Action {
    /// Change dates, limits, references and metadata.
    Update,
    /// Start paid time: convert a trial, or accept a pending subscription without payment.
    Activate,
    /// Start the trial of a pending subscription.
    StartTrial,
    /// Move the end of the period, trial or wait.
    Extend,
    /// Renew for one more period, paid elsewhere.
    Renew,
    /// Record that a payment is owed.
    MarkPastDue,
    /// Record that what was owed is paid, elsewhere.
    MarkPaid,
    /// Move to another tier or cycle.
    ChangeTier,
    /// Have more or fewer add-ons.
    ChangeAddOns,
    /// Give a tier without payment.
    OverrideTier,
    /// Return to what the override lies on.
    EndOverride,
    /// Shut off; read only until resumed.
    Suspend,
    /// Pause at the owner's wish.
    Pause,
    /// Lift a suspension or pause.
    Resume,
    /// Cancel now or later.
    Cancel,
    /// Take back a cancellation that has not taken effect.
    UndoCancel,
    /// Bring an ended subscription back.
    Reactivate,
    /// End now, without a cancellation.
    Expire,
    /// Remove a subscription that was made by mistake.
    Delete,
}

impl Action {
    /// Whether the row's state, mode and dates allow the action at `now`. What is due by then has been carried out.
    pub fn fits(self, row: &subscription::Model, now: Timestamp) -> bool {
        let overridden = row.mode == ManagementMode::Override;
        let detail = match self {
            Self::EndOverride => overridden,
            // Given time is no paid time that could stand still.
            Self::ChangeTier | Self::ChangeAddOns | Self::Pause => !overridden,
            // A pause stops the clock of the period.
            Self::Renew => {
                !overridden && row.current_period_end.is_some() && matches!(underlying(row), Active | PastDue)
            }
            Self::MarkPastDue => !overridden && row.amount_minor > 0,
            Self::MarkPaid => !overridden && underlying(row) == PastDue,
            Self::UndoCancel => row.cancel_at.is_some(),
            Self::StartTrial => row.trial_started_at.is_none_or(|planned| planned > now),
            // What is paid for or tried beneath an override, if it is not over there.
            Self::Extend if overridden => matches!(underlying(row), Trialing | Active) && end_ahead(row, now).is_some(),
            Self::Extend => match underlying(row) {
                Pending => row.pending_until.is_some(),
                Trialing => true,
                _ => row.current_period_end.is_some(),
            },
            // Otherwise the suspension would be lost when the override ends.
            Self::Suspend if overridden => matches!(underlying(row), Trialing | Active | PastDue),
            // The days of grace run on meanwhile.
            Self::Resume if row.suspended_from == Some(PastDue) => row.grace_ends_at.is_some_and(|end| end > now),
            _ => true,
        };
        detail && Cause::Action(self).from().contains(&row.status)
    }

    /// What to do first, where the state does not say it.
    pub(super) fn way_out(self, row: &subscription::Model) -> &'static str {
        let overridden = row.mode == ManagementMode::Override;
        match self {
            Self::Extend if row.ended_at.is_some() => ": bring it back, or subscribe anew",
            Self::Extend if row.status == Pending => " and only waits for its start: activate it first",
            Self::Extend
            | Self::Suspend
            | Self::ChangeTier
            | Self::ChangeAddOns
            | Self::Pause
            | Self::Renew
            | Self::MarkPastDue
            | Self::MarkPaid
                if overridden =>
            {
                " and overridden: end the override first"
            }
            Self::Extend if row.current_period_end.is_none() => " and its period begins at resumption: resume it first",
            Self::MarkPastDue if row.amount_minor == 0 => " and costs nothing",
            Self::Resume if row.status == Suspended => {
                " and its days of grace are over: mark it paid, or extend it first"
            }
            Self::StartTrial if row.status == Pending => " and has had its trial",
            _ => "",
        }
    }

    /// Whether a gateway that bills the subscription would have to carry the action out.
    pub const fn concerns_gateway(self) -> bool {
        !matches!(self, Self::Update | Self::Suspend | Self::Resume)
    }
}

/// The actions that the row's state allows at `now`.
pub fn allowed(row: &subscription::Model, now: Timestamp) -> Vec<Action> {
    Action::iter().filter(|action| action.fits(row, now)).collect()
}
