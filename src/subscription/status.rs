//! Effective status: what a subscription is worth at this moment.
//!
//! A pure function of the row, the organization and the clock, evaluated when read: the state that time has led to by
//! now ([`as_of`]), so that no late scheduler gives access away.

use async_graphql::Enum;
use chrono::TimeDelta;
use declare::ToJson;

use super::lifecycle::{Event, access_end, as_of, entitles, turns};
use crate::clock::Timestamp;
use crate::entity::{SubscriptionStatus, subscription};

/// What the status amounts to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, ToJson)]
#[graphql(name = "EffectiveStatusKind")]
pub enum Kind {
    /// There is no subscription.
    None,
    /// Waits for its first payment or its start.
    Pending,
    /// In its trial.
    Trialing,
    /// Paid for, or exempt.
    Active,
    /// Unpaid, within the days of grace.
    PastDue,
    /// Paused at the owner's wish.
    Paused,
    /// Shut off, or unpaid beyond the days of grace.
    Suspended,
    /// Ended by a cancellation.
    Canceled,
    /// Ended by time.
    Expired,
}

/// Why the status is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, ToJson)]
#[graphql(name = "EffectiveStatusReason")]
pub enum Reason {
    /// The organization is exempt: its subscription never expires.
    ExemptOrganization,
    /// There is no subscription.
    NoSubscription,
    /// The recorded status holds.
    AsRecorded,
    /// The trial is over.
    TrialEnded,
    /// The period is over and nothing renewed it.
    PeriodEnded,
    /// The hard end set by an administrator is reached.
    ExpiryReached,
    /// A cancellation is scheduled, or its date is reached.
    Cancellation,
    /// The days of grace are over.
    GraceEnded,
    /// The administrator's override is over.
    OverrideEnded,
    /// It was suspended for long, and nobody paid.
    LongUnpaid,
    /// Nobody paid in time.
    PendingEnded,
    /// The start is reached.
    Started,
    /// The pause is over.
    PauseEnded,
}

/// What the clock makes of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// What the status amounts to.
    pub kind: Kind,
    /// Whether the owner may use what the tier grants.
    pub entitled: bool,
    /// Whether the subscription is over.
    pub expired: bool,
    /// Whether access runs out within the days of warning.
    pub expiring_soon: bool,
    /// Days until access runs out, begun ones included; 0 once it has, none if it never does.
    pub days_until_expiry: Option<i64>,
    /// When access runs or ran out.
    pub ends_at: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
}

/// The settings that effective status depends on.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long before the end a subscription counts as expiring soon.
    pub expiring_soon: TimeDelta,
    /// How long a renewal by a gateway may be late before access ends.
    pub renewal_tolerance: TimeDelta,
}

/// The effective status of an owner's subscription at `now`. `exempt` is the organization's flag where the organization
/// itself is the owner.
pub fn effective(row: Option<&subscription::Model>, exempt: bool, now: Timestamp, policy: &Policy) -> Effective {
    let Some(row) = row.filter(|_| !exempt) else {
        return if exempt { EXEMPT } else { NEVER };
    };
    let tolerance = Some(policy.renewal_tolerance);
    let (state, last) = as_of(row, now, tolerance);
    let ends_at = access_end(&state, &turns(&state, tolerance));
    let entitled = entitles(state.status);
    let leaves = state.ended_at.is_none() && state.cancel_at.is_some() && state.cancel_at == ends_at;
    Effective {
        kind: state.status.into(),
        entitled,
        expired: state.ended_at.is_some(),
        expiring_soon: entitled && ends_at.is_some_and(|end| end <= now.plus(policy.expiring_soon)),
        days_until_expiry: ends_at.map(|end| days_begun(end.since(now))),
        ends_at,
        reason: if leaves { Reason::Cancellation } else { last.map_or(Reason::AsRecorded, Reason::from) },
    }
}

/// What an owner without a subscription has.
const NEVER: Effective = Effective {
    kind: Kind::None,
    entitled: false,
    expired: true,
    expiring_soon: false,
    days_until_expiry: None,
    ends_at: None,
    reason: Reason::NoSubscription,
};

/// What an exempt organization's subscription is worth, whatever is recorded.
const EXEMPT: Effective = Effective {
    kind: Kind::Active,
    entitled: true,
    expired: false,
    expiring_soon: false,
    days_until_expiry: None,
    ends_at: None,
    reason: Reason::ExemptOrganization,
};

fn days_begun(left: TimeDelta) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = left.num_seconds().max(0);
    let begun = i64::from(left > TimeDelta::seconds(seconds));
    (seconds + begun + DAY - 1) / DAY
}

impl From<SubscriptionStatus> for Kind {
    fn from(status: SubscriptionStatus) -> Self {
        match status {
            SubscriptionStatus::Pending => Self::Pending,
            SubscriptionStatus::Trialing => Self::Trialing,
            SubscriptionStatus::Active => Self::Active,
            SubscriptionStatus::PastDue => Self::PastDue,
            SubscriptionStatus::Paused => Self::Paused,
            SubscriptionStatus::Suspended => Self::Suspended,
            SubscriptionStatus::Canceled => Self::Canceled,
            SubscriptionStatus::Expired => Self::Expired,
        }
    }
}

impl From<Event> for Reason {
    fn from(event: Event) -> Self {
        match event {
            Event::OverrideEnds => Self::OverrideEnded,
            Event::HardEnd => Self::ExpiryReached,
            Event::Cancellation => Self::Cancellation,
            Event::TierChange | Event::PeriodRenews => Self::AsRecorded,
            Event::TrialConverts | Event::TrialEnds | Event::TrialFallsBack => Self::TrialEnded,
            Event::PeriodEnds | Event::PeriodSuspends | Event::PeriodFallsBack | Event::PaymentDue => Self::PeriodEnded,
            Event::GraceEnds => Self::GraceEnded,
            Event::UnpaidEnds => Self::LongUnpaid,
            Event::PendingEnds => Self::PendingEnded,
            Event::Start => Self::Started,
            Event::Resume => Self::PauseEnded,
        }
    }
}

#[cfg(test)]
mod tests;
