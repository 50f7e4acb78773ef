//! The transition table: what moves a subscription, and from which of its states. An action is what a caller asks for,
//! an event is what happens.

use sea_orm::Iterable as _;

use super::{Action, Event, Standing};
use crate::entity::SubscriptionStatus::{
    self, Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing,
};

/// What a row of the table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What a caller asks for, if the rest of the row and the caller's rights allow it.
    Action(Action),
    /// What happens, at the moment that the row's dates give.
    Event(Event),
    /// What a gateway says of a subscription that it bills.
    Report(Standing),
}

impl Cause {
    /// The states that it moves from: the table, row by row.
    pub const fn from(self) -> &'static [SubscriptionStatus] {
        const LIVE: &[SubscriptionStatus] = &[Pending, Trialing, Active, PastDue, Paused, Suspended];
        const ANY: &[SubscriptionStatus] = &[Pending, Trialing, Active, PastDue, Paused, Suspended, Canceled, Expired];
        match self {
            Self::Action(action) => match action {
                Action::Update | Action::Delete | Action::OverrideTier => ANY,
                Action::Activate => &[Pending, Trialing],
                Action::StartTrial => &[Pending],
                Action::Extend
                | Action::ChangeTier
                | Action::ChangeAddOns
                | Action::Cancel
                | Action::Expire
                | Action::EndOverride
                | Action::UndoCancel => LIVE,
                Action::Renew => &[Active, PastDue, Suspended],
                Action::MarkPastDue | Action::Pause => &[Active],
                Action::MarkPaid => &[PastDue, Suspended],
                Action::Suspend => &[Trialing, Active, PastDue],
                Action::Resume => &[Paused, Suspended],
                Action::Reactivate => &[Canceled, Expired],
            },
            // The gateway's word wins, also where it steps back; but nothing brings an ended subscription back.
            Self::Report(_) => LIVE,
            Self::Event(event) => match event {
                Event::OverrideEnds | Event::HardEnd | Event::Cancellation => LIVE,
                // A pause stops the clock of the period.
                Event::TierChange => &[Pending, Active, PastDue, Suspended],
                // A suspension does not.
                Event::TrialConverts | Event::TrialEnds | Event::TrialFallsBack => &[Trialing, Suspended],
                Event::PeriodEnds
                | Event::PeriodSuspends
                | Event::PeriodFallsBack
                | Event::PeriodRenews
                | Event::PaymentDue => &[Active, Suspended],
                Event::UnpaidEnds => &[Suspended],
                Event::GraceEnds => &[PastDue],
                Event::PendingEnds | Event::Start => &[Pending],
                Event::Resume => &[Paused],
            },
        }
    }

    /// The verb of the audit trail under which it moves the status; none if it leaves it as it is.
    const fn moves_as(self) -> Option<&'static str> {
        match self {
            Self::Action(action) => match action {
                Action::Activate => Some("activate"),
                Action::Renew => Some("renew"),
                Action::MarkPastDue => Some("mark_past_due"),
                Action::MarkPaid => Some("mark_paid"),
                Action::StartTrial => Some("start_trial"),
                Action::OverrideTier => Some("override_tier"),
                Action::EndOverride => Some("end_override"),
                Action::Suspend => Some("suspend"),
                Action::Pause => Some("pause"),
                Action::Resume => Some("resume"),
                Action::Cancel => Some("cancel"),
                Action::Reactivate => Some("reactivate"),
                Action::Expire => Some("expire"),
                Action::Update
                | Action::Extend
                | Action::ChangeTier
                | Action::ChangeAddOns
                | Action::UndoCancel
                | Action::Delete => None,
            },
            Self::Report(standing) => Some(standing.verb()),
            Self::Event(event) if event.keeps_status() => None,
            Self::Event(event) => Some(event.verb()),
        }
    }
}

/// The verbs of the audit trail that move the status, each with the states that something under this verb moves from.
pub fn moves() -> impl Iterator<Item = (&'static str, &'static [SubscriptionStatus])> {
    let actions = Action::iter().map(Cause::Action);
    let causes = actions.chain(Event::iter().map(Cause::Event)).chain(Standing::iter().map(Cause::Report));
    causes.filter_map(|cause| Some((cause.moves_as()?, cause.from())))
}
