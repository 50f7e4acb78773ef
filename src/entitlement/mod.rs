//! What a subscription grants, feature by feature: a pure function of its row, its tier and the catalogue.
//!
//! What the tier, add-ons and allowances grant adds up. An override replaces all of it; one that leaves its ceiling out
//! keeps the tier's. What nothing grants is not
//! granted, except members and customers, which are unlimited until something limits them. 0 is 0.

pub mod graphql;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::entity::{
    FeatureEnforcement, FeatureKind, FeatureReset, ManagementMode, add_on, feature, subscription, tier_feature,
    usage_grant,
};
use crate::feature::usual_reset;
use crate::graphql::scalar::MAX_SAFE_INT;

/// Key of what limits an organization's active members.
pub const USERS: &str = "users";
/// Key of what limits an organization's customers.
pub const CUSTOMERS: &str = "customers";

/// Whether this program counts it itself, and it is unlimited until something limits it.
pub fn is_counted_here(key: &str) -> bool {
    [USERS, CUSTOMERS].contains(&key)
}

/// What grants a feature, or keeps it from being granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "FeatureSource")]
pub enum Source {
    /// The tier.
    Tier,
    /// What was agreed on for this subscription instead.
    Override,
    /// Add-ons alone: the tier does not grant it.
    AddOn,
    /// Allowances alone: neither the tier nor an add-on grants it.
    Grant,
}

/// What is known of a subscription's features.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The subscription as it is by now.
    pub subscription: &'a subscription::Model,
    /// What its tier grants.
    pub granted: &'a [tier_feature::Model],
    /// What the tier's catalogue declares.
    pub declared: &'a [feature::Model],
    /// Its add-ons.
    pub add_ons: &'a [add_on::Model],
    /// The allowances that are in force.
    pub grants: &'a [usage_grant::Model],
}

/// A feature of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Its key.
    pub key: String,
    /// Shown to people; the key if nobody declared it.
    pub name: String,
    /// How it is measured.
    pub kind: FeatureKind,
    /// What is counted.
    pub unit: Option<String>,
    /// Whether the subscription has it.
    pub granted: bool,
    /// How much there may be, or be used; none for no limit, and for a switch.
    pub limit: Option<i64>,
    /// What says so.
    pub source: Source,
    /// When a meter begins at 0 again.
    pub resets: Option<FeatureReset>,
    /// What happens at the limit.
    pub enforcement: FeatureEnforcement,
}

/// What an override says of a feature: an object of the column that holds them.
struct Instead {
    enabled: bool,
    /// None keeps what the tier grants; a ceiling that is none is no limit.
    ceiling: Option<Option<i64>>,
}

impl Instead {
    fn of(subscription: &subscription::Model, key: &str) -> Option<Self> {
        let instead = subscription.feature_overrides.get(key)?;
        let enabled = instead.get("enabled").and_then(Value::as_bool).unwrap_or(true);
        Some(Self { enabled, ceiling: instead.get("ceiling").map(Value::as_i64) })
    }
}

impl Terms<'_> {
    /// The keys of all features that something is said of, in order.
    fn keys(&self) -> BTreeSet<&str> {
        let overridden = self.subscription.feature_overrides.as_object().into_iter().flat_map(|object| object.keys());
        let mut keys: BTreeSet<_> = overridden.map(String::as_str).collect();
        keys.extend(self.granted.iter().map(|feature| feature.key.as_str()));
        keys.extend(self.added().map(|(grant, _)| grant.key.as_str()));
        keys.extend(self.grants.iter().map(|grant| grant.feature_key.as_str()));
        if self.subscription.customer_id.is_none() {
            keys.extend([USERS, CUSTOMERS]);
        }
        keys
    }

    /// All features that something is said of, by key.
    pub fn all(&self) -> Vec<Entitlement> {
        self.keys().into_iter().filter_map(|key| self.of(key)).collect()
    }

    /// What the subscription grants under this key; none if nothing is known of such a feature.
    pub fn of(&self, key: &str) -> Option<Entitlement> {
        let declared = self.declared.iter().find(|feature| feature.key == key);
        // Another kind of what is counted here limits nothing.
        let by_tier = self.granted.iter().find(|feature| feature.key == key);
        let by_tier = by_tier.filter(|feature| !is_counted_here(key) || feature.kind == FeatureKind::Limit);
        let instead = Instead::of(self.subscription, key);
        let of_override = |instead: &Instead| match instead.ceiling {
            Some(_) => FeatureKind::Limit,
            None => FeatureKind::Switch,
        };
        let kind = if is_counted_here(key) {
            FeatureKind::Limit
        } else {
            let known = by_tier.map(|feature| feature.kind).or(declared.map(|feature| feature.kind));
            let added = || self.added().find(|(grant, _)| grant.key == key).map(|(grant, _)| grant.kind);
            known.or_else(added).or(instead.as_ref().map(of_override))?
        };
        let (granted, limit, source) = self.said(key, kind, by_tier, instead.as_ref());
        Some(Entitlement {
            key: key.to_owned(),
            name: declared.map_or(key, |feature| &feature.name).to_owned(),
            kind,
            unit: declared.and_then(|feature| feature.unit.clone()),
            granted,
            limit: limit.filter(|_| kind != FeatureKind::Switch),
            source,
            resets: declared.filter(|feature| feature.kind == kind).map_or(usual_reset(kind), |feature| feature.resets),
            enforcement: declared.map_or(FeatureEnforcement::Hard, |feature| feature.enforcement),
        })
    }

    /// Whether a feature is granted, up to which limit, and what says so.
    fn said(
        &self,
        key: &str,
        kind: FeatureKind,
        by_tier: Option<&tier_feature::Model>,
        instead: Option<&Instead>,
    ) -> (bool, Option<i64>, Source) {
        if let Some(limit) = self.user_limit().filter(|_| key == USERS) {
            // The default trial's own user limit goes with the tier.
            return match self.subscription.trial_limits_users {
                true => self.with_more(key, kind, (true, Some(limit.into()))),
                false => (true, Some(limit.into()), Source::Override),
            };
        }
        let of_tier = match by_tier {
            Some(feature) if kind == FeatureKind::Switch => (feature.enabled, None),
            Some(feature) => (feature.enabled, feature.ceiling),
            None if is_counted_here(key) => (true, None),
            None => (false, Some(0)),
        };
        match instead {
            Some(Instead { enabled: false, .. }) => (false, Some(0), Source::Override),
            Some(Instead { ceiling: Some(limit), .. }) => (true, *limit, Source::Override),
            Some(Instead { ceiling: None, .. }) => (true, of_tier.1, Source::Override),
            None => self.with_more(key, kind, of_tier),
        }
    }

    /// What the tier grants of a feature, and add-ons and allowances besides. A sum with anything unlimited is unlimited.
    fn with_more(
        &self,
        key: &str,
        kind: FeatureKind,
        (by_tier, limit): (bool, Option<i64>),
    ) -> (bool, Option<i64>, Source) {
        let add = |limit: Option<i64>, more: i64| limit.map(|limit| limit.saturating_add(more).min(MAX_SAFE_INT));
        let (mut granted, mut limit, mut source) = (by_tier, limit, Source::Tier);
        for (grant, quantity) in self.added().filter(|(grant, _)| grant.key == key && grant.kind == kind) {
            limit = grant.ceiling.and_then(|ceiling| add(limit, ceiling.saturating_mul(quantity)));
            source = if granted { source } else { Source::AddOn };
            granted = true;
        }
        let grants = self.grants.iter().filter(|grant| grant.feature_key == key);
        let more = grants.fold(0i64, |sum, grant| sum.saturating_add(grant.amount));
        match granted || more == 0 {
            true => (granted, add(limit, more), source),
            false => (true, add(limit, more), Source::Grant),
        }
    }

    /// What its add-ons grant, and how many there are of each.
    fn added(&self) -> impl Iterator<Item = (&add_on::Grant, i64)> {
        self.subscription.add_ons.0.iter().flat_map(|line| {
            let row = self.add_ons.iter().find(|row| row.id == line.add_on_id);
            row.into_iter().flat_map(|row| &row.features.0).map(|grant| (grant, line.quantity.into()))
        })
    }

    /// The user limit agreed on. That of the default trial does not count while another tier is given.
    fn user_limit(&self) -> Option<i32> {
        let subscription = self.subscription;
        let given = subscription.mode == ManagementMode::Override;
        subscription.user_limit.filter(|_| !(subscription.trial_limits_users && given))
    }
}

#[cfg(test)]
mod tests;
