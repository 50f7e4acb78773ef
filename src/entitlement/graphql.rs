//! The type `GrantedFeature`, and how the features of many subscriptions are found at once.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, SimpleObject};

use super::{Entitlement, Source};
use crate::entity::{FeatureEnforcement, FeatureKind, FeatureReset, subscription};
use crate::error::{Error, Result};
use crate::graphql::context::ContextExt;
use crate::graphql::scalar::SafeInt;
use crate::store::Scope;
use crate::subscription::lifecycle::as_of;

/// A feature of a subscription: what its tier grants of it, and what was agreed on instead.
#[derive(Clone, SimpleObject)]
pub struct GrantedFeature {
    /// Such as `ai.queries`.
    key: String,
    /// Shown to people; the key if the catalogue does not declare it.
    name: String,
    /// How it is measured.
    kind: FeatureKind,
    /// What is counted, such as `GB`.
    unit: Option<String>,
    /// Whether the subscription has it. Whether it may be used now is said by `effectiveStatus`.
    granted: bool,
    /// Whether there is no limit; false for a switch.
    unlimited: bool,
    /// How much there may be, or be used until it begins at 0 again; null where it is unlimited, and for a switch.
    limit: Option<SafeInt>,
    /// What says so.
    source: Source,
    /// When a meter begins at 0 again; null for the other kinds.
    resets: Option<FeatureReset>,
    /// What happens at the limit.
    enforcement: FeatureEnforcement,
}

impl From<Entitlement> for GrantedFeature {
    fn from(feature: Entitlement) -> Self {
        let Entitlement { key, name, kind, unit, granted, limit, source, resets, enforcement } = feature;
        let unlimited = kind != FeatureKind::Switch && limit.is_none();
        Self { key, name, kind, unit, granted, unlimited, limit: limit.map(SafeInt), source, resets, enforcement }
    }
}

/// What a subscription grants by now. Seen by whoever sees the subscription.
pub async fn features(ctx: &Context<'_>, row: &Arc<subscription::Model>) -> Result<Vec<GrantedFeature>> {
    let now = as_of(row, ctx.scope().now(), Some(ctx.settings().policy.renewal_tolerance)).0.into_owned();
    let found = ctx.loader().load_one(FeaturesOf(Arc::new(now))).await?;
    Ok(found.unwrap_or_default().into_iter().map(Into::into).collect())
}

/// The features of a subscription, as it is by now.
#[derive(Clone)]
pub struct FeaturesOf(Arc<subscription::Model>);

impl PartialEq for FeaturesOf {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for FeaturesOf {}

impl Hash for FeaturesOf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl Loader<FeaturesOf> for Scope {
    type Value = Vec<Entitlement>;
    type Error = Error;

    async fn load(&self, keys: &[FeaturesOf]) -> Result<HashMap<FeaturesOf, Vec<Entitlement>>> {
        let rows: Vec<_> = keys.iter().map(|key| &*key.0).collect();
        let granted = self.granted_by(&rows).await?;
        Ok(keys.iter().map(|key| (key.clone(), granted.terms(&key.0).all())).collect())
    }
}
