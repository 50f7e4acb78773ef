//! Access: may this owner do this now, how much is left, and until when does the answer hold?
//!
//! The rules are pure: what a state amounts to ([`mode_of`]), what a feature does in it ([`feature_access`]), and how long the answer
//! holds ([`validity`]).

pub mod graphql;
mod read;

use async_graphql::Enum;
use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::entitlement::Entitlement;
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::{AccessMode, FeatureEnforcement, FeatureKind, OperationalStatus, subscription, tier};

/// How long an answer holds at most.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// When to ask again though it still holds.
const REFRESH: TimeDelta = TimeDelta::minutes(5);

/// Why access is what it is: of all that hold, the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "AccessReason")]
pub enum Reason {
    /// The owner, or the customer's organization, is closed for good.
    OwnerTerminated,
    /// The owner, or the customer's organization, is shut off for now.
    OwnerSuspended,
    /// The organization is exempt: it has access whatever its subscription says.
    ExemptOrganization,
    /// There is no subscription.
    NoSubscription,
    /// It waits for its first payment or its start.
    Pending,
    /// It is tried.
    Trialing,
    /// It is paid for, or costs nothing.
    Active,
    /// A renewal is unpaid, within the days of grace.
    PastDue,
    /// It is paused at the owner's wish.
    Paused,
    /// It is shut off, or unpaid beyond the days of grace.
    Suspended,
    /// It was canceled.
    Canceled,
    /// The trial is over, and nothing came of it.
    TrialEnded,
    /// What was paid for is over.
    Expired,
}

/// Why a feature may be used or not: of all that hold, the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "FeatureAccessReason")]
pub enum FeatureReason {
    /// Nothing is known of such a feature.
    FeatureUnknown,
    /// The owner has no access, or may only read: `reason` of the whole says why.
    NoAccess,
    /// The subscription does not grant it.
    NotGranted,
    /// What there is may be used, and does not grow.
    Limited,
    /// As much is used as may be.
    LimitReached,
    /// It may be used beyond its limit, which is reached.
    OverSoftLimit,
    /// It may be used.
    Granted,
}

/// What the access of an owner depends on.
#[derive(Clone, Copy, Debug)]
pub struct OwnerState<'a> {
    /// The operational status of the owner, or of the customer's organization if that is worse.
    pub status: OperationalStatus,
    /// Whether it is an exempt organization.
    pub exempt: bool,
    /// The subscription as it is by now, and its tier.
    pub subscription: Option<(&'a subscription::Model, &'a tier::Model)>,
}

/// How much access an owner has, and why.
pub fn mode_of(owner: OwnerState<'_>) -> (AccessMode, Reason) {
    match owner.status {
        OperationalStatus::Terminated => return (AccessMode::None, Reason::OwnerTerminated),
        OperationalStatus::Suspended => return (AccessMode::None, Reason::OwnerSuspended),
        OperationalStatus::Active => {}
    }
    if owner.exempt {
        return (AccessMode::Full, Reason::ExemptOrganization);
    }
    let Some((row, tier)) = owner.subscription else { return (AccessMode::None, Reason::NoSubscription) };
    match row.status {
        Pending => (AccessMode::None, Reason::Pending),
        Trialing => (AccessMode::Full, Reason::Trialing),
        Active => (AccessMode::Full, Reason::Active),
        PastDue => (tier.grace_access, Reason::PastDue),
        Paused => (AccessMode::ReadOnly, Reason::Paused),
        Suspended => (AccessMode::ReadOnly, Reason::Suspended),
        Canceled => (AccessMode::None, Reason::Canceled),
        // What was never paid for was tried.
        Expired if row.trial_ends_at.is_some() && row.current_period_end.is_none() => {
            (tier.after_trial_access, Reason::TrialEnded)
        }
        Expired => (AccessMode::None, Reason::Expired),
    }
}

/// Whether anything may be done but reading.
pub const fn is_allowed(mode: AccessMode) -> bool {
    match mode {
        AccessMode::Full | AccessMode::Limited => true,
        AccessMode::ReadOnly | AccessMode::None => false,
    }
}

/// Whether a feature may be used now, and why. `left` is how much is left of it; none where it is unlimited.
pub fn feature_access(mode: AccessMode, feature: Option<&Entitlement>, left: Option<i64>) -> (bool, FeatureReason) {
    let Some(feature) = feature else { return (false, FeatureReason::FeatureUnknown) };
    let is_full = left.is_some_and(|left| left <= 0);
    match (feature.kind, feature.enforcement) {
        _ if !is_allowed(mode) => (false, FeatureReason::NoAccess),
        _ if !feature.granted => (false, FeatureReason::NotGranted),
        (FeatureKind::Limit, _) if mode == AccessMode::Limited => (false, FeatureReason::Limited),
        (FeatureKind::Switch, _) => (true, FeatureReason::Granted),
        (_, FeatureEnforcement::Hard) if is_full => (false, FeatureReason::LimitReached),
        (_, FeatureEnforcement::Soft) if is_full => (true, FeatureReason::OverSoftLimit),
        _ => (true, FeatureReason::Granted),
    }
}

/// Until when an answer holds: the first of these moments that lies ahead, and no longer than a day; and when to ask again.
pub fn validity(now: Timestamp, moments: impl IntoIterator<Item = Option<Timestamp>>) -> (Timestamp, Timestamp) {
    let ahead = moments.into_iter().flatten().filter(|moment| *moment > now);
    let valid_until = ahead.min().map_or(now.plus(LONGEST), |moment| moment.min(now.plus(LONGEST)));
    (valid_until, valid_until.min(now.plus(REFRESH)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlement::Source;
    use crate::subscription::testing::at;

    fn feature(kind: FeatureKind, enforcement: FeatureEnforcement, granted: bool) -> Entitlement {
        Entitlement {
            key: "queries".to_owned(),
            name: "Queries".to_owned(),
            kind,
            unit: None,
            granted,
            limit: Some(10),
            source: Source::Tier,
            resets: None,
            enforcement,
        }
    }

    #[test]
    fn a_feature_is_judged_by_the_first_reason_that_holds() {
        use FeatureEnforcement::{Hard, Soft};
        use FeatureKind::{Limit, Meter, Switch};
        let judged = |mode, kind, enforcement, granted, left| {
            feature_access(mode, Some(&feature(kind, enforcement, granted)), left)
        };
        assert_eq!(feature_access(AccessMode::Full, None, None), (false, FeatureReason::FeatureUnknown));
        for mode in [AccessMode::None, AccessMode::ReadOnly] {
            assert_eq!(judged(mode, Meter, Soft, true, Some(5)), (false, FeatureReason::NoAccess));
        }
        assert_eq!(judged(AccessMode::Full, Meter, Hard, false, Some(5)), (false, FeatureReason::NotGranted));
        assert_eq!(judged(AccessMode::Full, Meter, Hard, true, Some(0)), (false, FeatureReason::LimitReached));
        assert_eq!(judged(AccessMode::Full, Meter, Soft, true, Some(0)), (true, FeatureReason::OverSoftLimit));
        assert_eq!(judged(AccessMode::Limited, Meter, Hard, true, Some(1)), (true, FeatureReason::Granted));
        assert_eq!(judged(AccessMode::Limited, Limit, Hard, true, Some(1)), (false, FeatureReason::Limited));
        assert_eq!(judged(AccessMode::Full, Switch, Hard, true, None), (true, FeatureReason::Granted));
    }

    #[test]
    fn an_answer_holds_to_the_next_moment_and_no_longer_than_a_day() {
        let now = at("2026-03-01T12:00:00Z");
        assert_eq!(validity(now, []), (at("2026-03-02T12:00:00Z"), at("2026-03-01T12:05:00Z")));
        let moments = [Some(at("2026-03-01T11:00:00Z")), None, Some(at("2026-03-01T12:03:00Z"))];
        assert_eq!(validity(now, moments), (at("2026-03-01T12:03:00Z"), at("2026-03-01T12:03:00Z")));
    }
}
