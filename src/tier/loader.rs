//! The statistics of tiers in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::ColumnTrait;

use super::statistics::{Group, Statistics};
use crate::entity::{TierId, subscription_total};
use crate::error::{Error, Result};
use crate::store::Scope;

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
