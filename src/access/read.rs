//! Finding what access depends on, for many owners at once.
//!
//! Who may ask for an owner's access is told it whatever else it may read: every member of an organization, of which it
//! need not see the subscription.

use std::collections::HashMap;

use super::{FeatureReason, OwnerState, feature_access, is_allowed, mode_of, validity};
use crate::access::graphql::{Access, FeatureAccess};
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entitlement::{Entitlement, Source};
use crate::entity::subscription;
use crate::error::{Error, Result};
use crate::store::{Counters, Granted, OwnerFound, Scope};
use crate::subscription::lifecycle::{as_of, next_due};
use crate::subscription::status::Policy;
use crate::tier::Unlock;
use crate::usage::OwnerId;
use crate::usage::window::window;

/// The access of these owners, by their ids; none for who does not exist for the caller. Without keys all that is known of
/// their features.
pub async fn access(
    scope: &Scope,
    policy: &Policy,
    owners: &[OwnerId],
    keys: Option<&[String]>,
) -> Result<HashMap<OwnerId, Access>> {
    if !scope.caller()?.may(Permission::EntitlementsRead) {
        return Err(Error::Forbidden(Permission::EntitlementsRead));
    }
    let now = scope.now();
    let found = scope.owners(owners).await?;
    let states: HashMap<OwnerId, subscription::Model> = found
        .iter()
        .filter_map(|(id, owner)| {
            let row = owner.subscription.as_ref()?;
            Some((*id, as_of(row, now, Some(policy.renewal_tolerance)).0.into_owned()))
        })
        .collect();
    let rows: Vec<_> = states.values().collect();
    let (granted, counters) = scope.granted_and_counted(&rows, keys).await?;
    let answer = |(id, owner): (OwnerId, OwnerFound)| {
        let state = states.get(&id);
        let features: Vec<Option<Entitlement>> = match (state, keys) {
            (Some(state), Some(keys)) => keys.iter().map(|key| granted.terms(state).of(key)).collect(),
            (Some(state), None) => granted.terms(state).all().into_iter().map(Some).collect(),
            (None, keys) => keys.unwrap_or_default().iter().map(|_| None).collect(),
        };
        let asked = keys.map(|keys| keys.to_vec());
        let names = asked.unwrap_or_else(|| features.iter().flatten().map(|feature| feature.key.clone()).collect());
        (id, one(id, &owner, state, names.into_iter().zip(features), (&granted, &counters), now))
    };
    Ok(found.into_iter().map(answer).collect())
}

fn one(
    id: OwnerId,
    owner: &OwnerFound,
    state: Option<&subscription::Model>,
    features: impl Iterator<Item = (String, Option<Entitlement>)>,
    (granted, counters): (&Granted, &Counters),
    now: Timestamp,
) -> Access {
    let tier = state.and_then(|state| granted.tier(state));
    let (mode, reason) =
        mode_of(OwnerState { status: owner.status, exempt: owner.exempt, subscription: state.zip(tier) });
    let mut resets = Vec::new();
    let features: Vec<_> = features
        .map(|(key, feature)| {
            let Some((state, found)) = state.zip(feature.as_ref()) else {
                let state = state.filter(|_| is_allowed(mode));
                let unlock = state.and_then(|state| unlock(owner, state, FeatureReason::NotGranted, &key, 1));
                return FeatureAccess::unknown(key, feature_access(mode, None, None)).unlocked_by(unlock);
            };
            let window = window(state, found.kind, found.resets, now);
            let counted = counters.counted(state, &found.key, &window);
            let limit = found.limit.filter(|_| !owner.exempt);
            let left = limit.map(|limit| (limit - counted.used - counted.held).max(0));
            resets.push(window.end);
            let judged = feature_access(mode, Some(found), left);
            let needed = counted.used.saturating_add(counted.held).saturating_add(1);
            let unlock = (found.source != Source::Override).then(|| unlock(owner, state, judged.1, &key, needed));
            FeatureAccess::of(found, judged, limit, left, counted, window.end).unlocked_by(unlock.flatten())
        })
        .collect();
    // Everything that time changes is due some time; an allowance ends by itself.
    let due = state.and_then(|state| next_due(state, None)).map(|due| due.at);
    let allowance_ends = state.into_iter().flat_map(|state| granted.allowance_ends(state.id)).map(Some);
    let (valid_until, refresh_after) = validity(now, resets.into_iter().chain([due]).chain(allowance_ends));
    Access {
        owner: id,
        mode,
        reason,
        plan: tier.map(|tier| tier.name.clone()),
        plan_key: tier.map(|tier| tier.key.clone()),
        features,
        changed: (owner.version, state.map_or(0, |state| state.version), tier.map_or(0, |tier| tier.version)),
        valid_until,
        refresh_after,
    }
}

/// What a tier must be to allow a feature that is refused for this reason.
fn unlock(
    owner: &OwnerFound,
    state: &subscription::Model,
    reason: FeatureReason,
    feature: &str,
    needed: i64,
) -> Option<Unlock> {
    let helps = matches!(reason, FeatureReason::NotGranted | FeatureReason::LimitReached);
    helps.then(|| Unlock::of(state, owner.above, feature, needed)).flatten()
}
