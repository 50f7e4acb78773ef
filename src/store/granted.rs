//! What the tiers of subscriptions grant, whoever may read tiers and catalogues: who is shown a subscription is shown what
//! it grants.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Select, TryIntoModel};

use super::executor::Executor as _;
use super::{Scope, UnitOfWork};
use crate::entity::{TierId, feature, subscription, tier, tier_feature};
use crate::error::Result;

/// What a tier grants, and what its catalogue declares of that.
#[derive(Debug, Default)]
pub struct Granted {
    /// What the tier grants.
    pub granted: Vec<tier_feature::Model>,
    /// What its catalogue declares of what is granted or overridden.
    pub declared: Vec<feature::Model>,
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
        self.ask(self.store.0.database.all(query)).await
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
    /// What the tiers of these subscriptions grant.
    pub(crate) async fn granted_by(&self, rows: &[&subscription::Model]) -> Result<HashMap<TierId, Granted>> {
        granted(self, rows).await
    }
}

async fn granted(finder: &impl Finder, rows: &[&subscription::Model]) -> Result<HashMap<TierId, Granted>> {
    let ids: BTreeSet<_> = rows.iter().map(|row| row.tier_id).collect();
    let tiers = finder.find(tier::Entity::find().filter(tier::Column::Id.is_in(ids.iter().copied()))).await?;
    let features = tier_feature::Entity::find().filter(tier_feature::Column::TierId.is_in(ids));
    let features = finder.find(features).await?;
    let overridden = rows.iter().filter_map(|row| row.feature_overrides.as_object()).flat_map(|object| object.keys());
    let mut keys: BTreeSet<&str> = overridden.map(String::as_str).collect();
    keys.extend(features.iter().map(|feature| feature.key.as_str()));
    let declared = if keys.is_empty() { Vec::new() } else { finder.find(declared(&tiers, keys)).await? };
    let mut found: HashMap<TierId, Granted> = HashMap::new();
    for tier in tiers {
        let declared = declared.iter().filter(|feature| feature.tenant_id == tier.tenant_id).cloned().collect();
        found.insert(tier.id, Granted { granted: Vec::new(), declared });
    }
    for feature in features {
        found.entry(feature.tier_id).or_default().granted.push(feature);
    }
    Ok(found)
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
