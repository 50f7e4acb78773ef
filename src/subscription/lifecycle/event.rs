//! What happens to a subscription by itself, whoever asks and whoever notices.

use sea_orm::EnumIter;

use super::Action;
use crate::entity::SubscriptionStatus::{self, Canceled, Expired};

/// What time does to a subscription, in the order in which it happens at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
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

impl Event {
    /// The status that it ends the subscription with, if it ends it.
    pub(super) const fn ends_as(self) -> Option<SubscriptionStatus> {
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
