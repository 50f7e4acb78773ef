//! What subscriptions grant by their tiers and by allowances, whoever may read tiers and catalogues: who is shown a
//! subscription is shown what it grants.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Select, TryIntoModel};

use super::executor::Executor as _;
use super::{Scope, UnitOfWork};
use crate::clock::Timestamp;
use crate::entitlement::Terms;
use crate::entity::{AddOnId, SubscriptionId, TierId, add_on, feature, subscription, tier, tier_feature, usage_grant};
use crate::error::Result;

/// What some subscriptions grant.
#[derive(Debug, Default)]
pub struct Granted {
    tiers: HashMap<TierId, OfTier>,
    grants: HashMap<SubscriptionId, Vec<usage_grant::Model>>,
    /// The add-ons of all of them.
    add_ons: Vec<add_on::Model>,
}

#[derive(Debug, Default)]
struct OfTier {
    tier: Option<tier::Model>,
    features: Vec<tier_feature::Model>,
    /// What the tier's catalogue declares of what is granted or overridden.
    declared: Vec<feature::Model>,
}

impl Granted {
    /// The tier of one of these subscriptions.
    pub fn tier(&self, subscription: &subscription::Model) -> Option<&tier::Model> {
        self.tiers.get(&subscription.tier_id)?.tier.as_ref()
    }

    /// What is known of the features of one of these subscriptions.
    pub fn terms<'a>(&'a self, subscription: &'a subscription::Model) -> Terms<'a> {
        let tier = self.tiers.get(&subscription.tier_id);
        Terms {
            subscription,
            granted: tier.map_or(&[], |tier| &tier.features),
            declared: tier.map_or(&[], |tier| &tier.declared),
            add_ons: &self.add_ons,
            grants: self.grants.get(&subscription.id).map_or(&[], Vec::as_slice),
        }
    }
}

/// What finds rows whoever may see them.
trait Finder: Sync {
    fn find<E>(&self, query: Select<E>) -> impl Future<Output = Result<Vec<E::Model>>> + Send
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>;
}

impl Finder for Scope {
    async fn find<E>(&self, query: Select<E>) -> Result<Vec<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        self.all_unseen(query).await
    }
}

impl Finder for UnitOfWork<'_> {
    async fn find<E>(&self, query: Select<E>) -> Result<Vec<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        Ok(self.settled().await?.all(query).await?)
    }
}

impl Scope {
    /// What these subscriptions grant now.
    pub(crate) async fn granted_by(&self, rows: &[&subscription::Model]) -> Result<Granted> {
        granted(self, rows, self.now()).await
    }
}

impl UnitOfWork<'_> {
    /// These add-ons, whoever may see them.
    pub(crate) async fn add_ons(&self, ids: impl IntoIterator<Item = AddOnId>) -> Result<Vec<add_on::Model>> {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        if ids.is_empty() { Ok(Vec::new()) } else { self.find(named(ids)).await }
    }

    /// What these subscriptions grant now.
    pub(crate) async fn granted_by(&self, rows: &[&subscription::Model]) -> Result<Granted> {
        granted(self, rows, self.now()).await
    }
}

async fn granted(finder: &impl Finder, rows: &[&subscription::Model], now: Timestamp) -> Result<Granted> {
    let ids: BTreeSet<_> = rows.iter().map(|row| row.tier_id).collect();
    let tiers = finder.find(tier::Entity::find().filter(tier::Column::Id.is_in(ids.iter().copied()))).await?;
    let features = tier_feature::Entity::find().filter(tier_feature::Column::TierId.is_in(ids));
    let features = finder.find(features).await?;
    let grants = finder.find(in_force(rows, now)).await?;
    let add_ons: BTreeSet<_> = rows.iter().flat_map(|row| &row.add_ons.0).map(|line| line.add_on_id).collect();
    let add_ons = if add_ons.is_empty() { Vec::new() } else { finder.find(named(add_ons)).await? };
    let overridden = rows.iter().filter_map(|row| row.feature_overrides.as_object()).flat_map(|object| object.keys());
    let mut keys: BTreeSet<&str> = overridden.map(String::as_str).collect();
    keys.extend(features.iter().map(|feature| feature.key.as_str()));
    keys.extend(add_ons.iter().flat_map(|row| &row.features.0).map(|grant| grant.key.as_str()));
    keys.extend(grants.iter().map(|grant| grant.feature_key.as_str()));
    let declared = if keys.is_empty() { Vec::new() } else { finder.find(declared(&tiers, keys)).await? };
    let mut found = Granted { add_ons, ..Granted::default() };
    for tier in tiers {
        let declared = declared.iter().filter(|feature| feature.tenant_id == tier.tenant_id).cloned().collect();
        found.tiers.insert(tier.id, OfTier { features: Vec::new(), declared, tier: Some(tier) });
    }
    for feature in features {
        found.tiers.entry(feature.tier_id).or_default().features.push(feature);
    }
    for grant in grants {
        found.grants.entry(grant.subscription_id).or_default().push(grant);
    }
    Ok(found)
}

fn named(ids: BTreeSet<AddOnId>) -> Select<add_on::Entity> {
    add_on::Entity::find().filter(add_on::Column::Id.is_in(ids))
}

/// The allowances of these subscriptions that are not over.
fn in_force(rows: &[&subscription::Model], now: Timestamp) -> Select<usage_grant::Entity> {
    use usage_grant::Column::{ExpiresAt, SubscriptionId, TenantId};
    let tenants: BTreeSet<_> = rows.iter().map(|row| row.tenant_id).collect();
    usage_grant::Entity::find()
        .filter(TenantId.is_in(tenants))
        .filter(SubscriptionId.is_in(rows.iter().map(|row| row.id)))
        .filter(Condition::any().add(ExpiresAt.is_null()).add(ExpiresAt.gt(now)))
}

/// The features with these keys, of the catalogues that these tiers are of.
fn declared(tiers: &[tier::Model], keys: BTreeSet<&str>) -> Select<feature::Entity> {
    use feature::Column::{Key, TenantId};
    let of_platform = tiers.iter().any(|tier| tier.tenant_id.is_none()).then(|| TenantId.is_null());
    let tenants: BTreeSet<_> = tiers.iter().filter_map(|tier| tier.tenant_id).collect();
    let of_tenants = (!tenants.is_empty()).then(|| TenantId.is_in(tenants));
    let catalogues = Condition::any().add_option(of_platform).add_option(of_tenants);
    feature::Entity::find().filter(Key.is_in(keys)).filter(catalogues)
}
