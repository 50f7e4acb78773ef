//! What happens to a subscription by itself, whoever asks and whoever notices.

use async_graphql::Enum;
use declare::ToJson;
use sea_orm::EnumIter;

use super::Action;
use crate::entity::SubscriptionStatus::{self, Canceled, Expired};

/// What time does to a subscription.
// In the order in which it happens at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, EnumIter, ToJson)]
#[graphql(name = "SubscriptionEvent")]
pub enum Event {
    /// The override ends by itself.
    OverrideEnds,
    /// The hard end is reached.
    HardEnd,
    /// A cancellation takes effect.
    Cancellation,
    /// A change of tier takes effect.
    TierChange,
    /// A change of tier takes effect at the end of a trial: it goes on with that tier.
    TrialConverts,
    /// The trial is over.
    TrialEnds,
    /// The trial is over, and it goes on with the fallback tier.
    TrialFallsBack,
    /// The period is over and nothing renewed it.
    PeriodEnds,
    /// The period is over and nothing renewed it: access waits for who acts.
    PeriodSuspends,
    /// The period is over, and it goes on with the fallback tier.
    PeriodFallsBack,
    /// The period is over, and the next one costs nothing.
    PeriodRenews,
    /// The period is over, and the next one begins unpaid.
    PaymentDue,
    /// The days of grace are over.
    GraceEnds,
    /// It was suspended for long, and nobody paid.
    UnpaidEnds,
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
            Self::Cancellation | Self::UnpaidEnds => Some(Canceled),
            Self::OverrideEnds
            | Self::TierChange
            | Self::TrialConverts
            | Self::TrialFallsBack
            | Self::PeriodSuspends
            | Self::PeriodFallsBack
            | Self::PeriodRenews
            | Self::PaymentDue
            | Self::GraceEnds
            | Self::Start
            | Self::Resume => None,
        }
    }

    /// Whether it leaves the status as it is.
    pub(super) const fn keeps_status(self) -> bool {
        matches!(self, Self::TierChange | Self::PeriodRenews)
    }

    /// The command that would have done the same by hand.
    pub const fn action(self) -> Action {
        match self {
            Self::OverrideEnds => Action::EndOverride,
            Self::HardEnd | Self::TrialEnds | Self::PeriodEnds | Self::PendingEnds => Action::Expire,
            Self::Cancellation | Self::UnpaidEnds => Action::Cancel,
            Self::TierChange | Self::TrialConverts | Self::TrialFallsBack | Self::PeriodFallsBack => Action::ChangeTier,
            Self::PeriodRenews => Action::Renew,
            Self::PaymentDue => Action::MarkPastDue,
            Self::PeriodSuspends | Self::GraceEnds => Action::Suspend,
            Self::Start => Action::Activate,
            Self::Resume => Action::Resume,
        }
    }

    /// What a caller can do to keep it from happening, if there is anything.
    pub const fn undo(self) -> Option<Action> {
        match self {
            Self::Cancellation => Some(Action::UndoCancel),
            Self::HardEnd => Some(Action::Update),
            Self::TierChange | Self::TrialConverts => Some(Action::ChangeTier),
            Self::TrialEnds | Self::TrialFallsBack | Self::PendingEnds => Some(Action::Activate),
            Self::PeriodEnds | Self::PeriodSuspends | Self::PeriodFallsBack | Self::PaymentDue => Some(Action::Renew),
            Self::GraceEnds | Self::UnpaidEnds => Some(Action::MarkPaid),
            Self::Start => Some(Action::Cancel),
            Self::Resume => Some(Action::Resume),
            Self::OverrideEnds | Self::PeriodRenews => None,
        }
    }

    /// The verb of the audit trail.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::OverrideEnds => "end_override",
            Self::HardEnd | Self::TrialEnds | Self::PeriodEnds | Self::PendingEnds => "expire",
            Self::Cancellation | Self::UnpaidEnds => "cancel",
            Self::TierChange | Self::TrialConverts => "change_tier",
            Self::TrialFallsBack | Self::PeriodFallsBack => "fall_back",
            Self::PeriodRenews => "renew",
            Self::PaymentDue => "mark_past_due",
            Self::PeriodSuspends | Self::GraceEnds => "suspend",
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
            Self::TrialConverts => "The trial ended, and the change of tier took effect.",
            Self::TrialEnds => "The trial ended.",
            Self::TrialFallsBack => "The trial ended, and the fallback tier took its place.",
            Self::PeriodEnds | Self::PeriodSuspends => "The period ended and nothing renewed it.",
            Self::PeriodFallsBack => "The period ended, and the fallback tier took its place.",
            Self::PeriodRenews => "The period ended, and the next one costs nothing.",
            Self::PaymentDue => "The period ended, and the next one is to be paid.",
            Self::GraceEnds => "The days of grace ended.",
            Self::UnpaidEnds => "It was suspended for long, and nobody paid.",
            Self::PendingEnds => "Nobody paid in time.",
            Self::Start => "The start was reached.",
            Self::Resume => "The pause ended.",
        }
    }
}
