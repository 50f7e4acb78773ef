//! Effective status: what a subscription is worth at this moment.
//!
//! A pure function of the row, the organization and the clock, evaluated when read, so that no late worker gives
//! access away.

use async_graphql::Enum;
use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::entity::{ManagementMode, SubscriptionStatus, subscription};

/// What the status amounts to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
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
}

/// What the clock makes of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// What the status amounts to.
    pub kind: Kind,
    /// Whether the owner may use what the tier grants.
    pub entitled: bool,
    /// Whether access has run out.
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

/// What is recorded of a subscription, as far as its effective status depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// Its status.
    pub status: SubscriptionStatus,
    /// Who decides about it.
    pub mode: ManagementMode,
    /// The status that a suspension interrupts.
    pub suspended_from: Option<SubscriptionStatus>,
    /// End of the trial.
    pub trial_ends_at: Option<Timestamp>,
    /// End of the period that is paid for.
    pub current_period_end: Option<Timestamp>,
    /// End of the days of grace.
    pub grace_ends_at: Option<Timestamp>,
    /// The hard end.
    pub expires_at: Option<Timestamp>,
    /// When a cancellation takes effect.
    pub cancel_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// End of the administrator's override.
    pub override_ends_at: Option<Timestamp>,
}

impl From<&subscription::Model> for Recorded {
    fn from(row: &subscription::Model) -> Self {
        Self {
            status: row.status,
            mode: row.mode,
            suspended_from: row.suspended_from,
            trial_ends_at: row.trial_ends_at,
            current_period_end: row.current_period_end,
            grace_ends_at: row.grace_ends_at,
            expires_at: row.expires_at,
            cancel_at: row.cancel_at,
            ended_at: row.ended_at,
            override_ends_at: row.override_ends_at,
        }
    }
}

/// When access ends as things stand, whatever the clock says; none for never.
pub fn access_ends_at(row: impl Into<Recorded>) -> Option<Timestamp> {
    let row: Recorded = row.into();
    let bounds = |bounds: [Option<Timestamp>; 3]| bounds.into_iter().flatten().min();
    let status = row.suspended_from.unwrap_or(row.status);
    let entitling =
        matches!(status, SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue);
    if row.mode == ManagementMode::Override && entitling {
        // Given without payment: what is paid for does not end it.
        return bounds([row.override_ends_at, row.cancel_at, row.expires_at]);
    }
    match status {
        SubscriptionStatus::Pending => None,
        SubscriptionStatus::Trialing => bounds([row.trial_ends_at, row.cancel_at, row.expires_at]),
        SubscriptionStatus::Active => bounds([row.current_period_end, row.cancel_at, row.expires_at]),
        SubscriptionStatus::PastDue => bounds([row.grace_ends_at, row.cancel_at, row.expires_at]),
        SubscriptionStatus::Paused | SubscriptionStatus::Suspended => bounds([None, row.cancel_at, row.expires_at]),
        SubscriptionStatus::Canceled | SubscriptionStatus::Expired => row.ended_at,
    }
}

/// Whether a late renewal is tolerated: a gateway's events may arrive after the period's end.
pub fn tolerates_late_renewal(row: Recorded) -> bool {
    row.mode == ManagementMode::Gateway && row.status == SubscriptionStatus::Active && row.cancel_at.is_none()
}

/// The effective status of an owner's subscription at `now`. `exempt` is the organization's flag where the organization
/// itself is the owner.
pub fn effective(row: Option<impl Into<Recorded>>, exempt: bool, now: Timestamp, policy: &Policy) -> Effective {
    let Some(row): Option<Recorded> = row.map(Into::into) else {
        let never = Effective {
            kind: Kind::None,
            entitled: false,
            expired: true,
            expiring_soon: false,
            days_until_expiry: None,
            ends_at: None,
            reason: Reason::NoSubscription,
        };
        return if exempt { EXEMPT } else { never };
    };
    let mut ends_at = access_ends_at(row);
    if tolerates_late_renewal(row) && row.expires_at.is_none_or(|hard_end| Some(hard_end) > ends_at) {
        ends_at = ends_at.map(|end| end.plus(policy.renewal_tolerance));
    }
    let expired = ends_at.is_some_and(|end| end <= now);
    let (kind, reason) = if expired { outcome(row, ends_at) } else { recorded(row) };
    let entitled = !expired && matches!(kind, Kind::Trialing | Kind::Active | Kind::PastDue);
    let effective = Effective {
        kind,
        entitled,
        expired,
        expiring_soon: entitled && ends_at.is_some_and(|end| end <= now.plus(policy.expiring_soon)),
        days_until_expiry: ends_at.map(|end| days_begun(end.since(now))),
        ends_at,
        reason,
    };
    if exempt { EXEMPT } else { effective }
}

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

fn recorded(row: Recorded) -> (Kind, Reason) {
    let kind = match row.status {
        SubscriptionStatus::Pending => Kind::Pending,
        SubscriptionStatus::Trialing => Kind::Trialing,
        SubscriptionStatus::Active => Kind::Active,
        SubscriptionStatus::PastDue => Kind::PastDue,
        SubscriptionStatus::Paused => Kind::Paused,
        SubscriptionStatus::Suspended => Kind::Suspended,
        SubscriptionStatus::Canceled => Kind::Canceled,
        SubscriptionStatus::Expired => Kind::Expired,
    };
    let scheduled = row.cancel_at.is_some() && access_ends_at(row) == row.cancel_at;
    (kind, if scheduled { Reason::Cancellation } else { Reason::AsRecorded })
}

/// What a subscription whose access ran out amounts to, before any worker recorded it.
fn outcome(row: Recorded, ends_at: Option<Timestamp>) -> (Kind, Reason) {
    if row.ended_at.is_some() {
        return recorded(row);
    }
    if row.status == SubscriptionStatus::Suspended {
        return (Kind::Suspended, Reason::AsRecorded);
    }
    if row.expires_at.is_some() && row.expires_at == ends_at {
        return (Kind::Expired, Reason::ExpiryReached);
    }
    if row.cancel_at.is_some() && row.cancel_at == ends_at {
        return (Kind::Canceled, Reason::Cancellation);
    }
    if row.override_ends_at.is_some() && row.override_ends_at == ends_at {
        return (Kind::Expired, Reason::OverrideEnded);
    }
    match row.status {
        SubscriptionStatus::Trialing => (Kind::Expired, Reason::TrialEnded),
        SubscriptionStatus::PastDue => (Kind::Suspended, Reason::GraceEnded),
        _ => (Kind::Expired, Reason::PeriodEnded),
    }
}

#[cfg(test)]
mod tests;
