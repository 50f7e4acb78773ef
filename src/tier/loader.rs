//! Tiers, their prices, features and statistics in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::statistics::{Group, Statistics};
use crate::entity::{TierId, subscription_total, tier, tier_feature, tier_price};
use crate::error::{Error, Result};
use crate::store::{Order, Scope, SortKey};

/// A tier by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TierKey(pub TierId);

impl Loader<TierKey> for Scope {
    type Value = tier::Model;
    type Error = Error;

    async fn load(&self, keys: &[TierKey]) -> Result<HashMap<TierKey, tier::Model>> {
        let query = tier::Entity::find().filter(tier::Column::Id.is_in(keys.iter().map(|key| key.0)));
        let rows = self.all(query).await?;
        Ok(rows.into_iter().map(|row| (TierKey(row.id), row)).collect())
    }
}

/// The prices of a tier, by currency and cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PricesOf(pub TierId);

/// The order of a tier's prices. Currency and cycle are unique; the id only ends the sort.
pub fn prices_first() -> Order<tier_price::Entity> {
    use tier_price::Column::{BillingCycle, Currency, Id};
    let key = |column| SortKey { column, descending: false };
    Order::new(vec![key(Currency), key(BillingCycle)], Id)
}

/// The order of a tier's features.
pub fn features_first() -> Order<tier_feature::Entity> {
    use tier_feature::Column::{Id, Key};
    Order::new(vec![SortKey { column: Key, descending: false }], Id)
}

impl Loader<PricesOf> for Scope {
    type Value = Vec<tier_price::Model>;
    type Error = Error;

    async fn load(&self, keys: &[PricesOf]) -> Result<HashMap<PricesOf, Vec<tier_price::Model>>> {
        use tier_price::Column::{BillingCycle, Currency, TierId};
        let query = tier_price::Entity::find()
            .filter(TierId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(Currency)
            .order_by_asc(BillingCycle);
        let mut prices: HashMap<_, Vec<_>> = HashMap::new();
        for row in self.all(query).await? {
            prices.entry(PricesOf(row.tier_id)).or_default().push(row);
        }
        Ok(prices)
    }
}

/// The features of a tier, by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeaturesOf(pub TierId);

impl Loader<FeaturesOf> for Scope {
    type Value = Vec<tier_feature::Model>;
    type Error = Error;

    async fn load(&self, keys: &[FeaturesOf]) -> Result<HashMap<FeaturesOf, Vec<tier_feature::Model>>> {
        use tier_feature::Column::{Key, TierId};
        let query = tier_feature::Entity::find().filter(TierId.is_in(keys.iter().map(|key| key.0))).order_by_asc(Key);
        let mut features: HashMap<_, Vec<_>> = HashMap::new();
        for row in self.all(query).await? {
            features.entry(FeaturesOf(row.tier_id)).or_default().push(row);
        }
        Ok(features)
    }
}

/// What the subscriptions of a tier that the caller can see amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsOf(pub TierId);

impl Loader<StatisticsOf> for Scope {
    type Value = Statistics;
    type Error = Error;

    async fn load(&self, keys: &[StatisticsOf]) -> Result<HashMap<StatisticsOf, Statistics>> {
        let of_tiers = subscription_total::Column::TierId.is_in(keys.iter().map(|key| key.0));
        let mut groups: HashMap<_, Vec<Group>> = HashMap::new();
        for group in Group::all(self, of_tiers).await? {
            groups.entry(StatisticsOf(group.tier_id)).or_default().push(group);
        }
        Ok(groups.into_iter().map(|(key, groups)| (key, Statistics::of(&groups))).collect())
    }
}
