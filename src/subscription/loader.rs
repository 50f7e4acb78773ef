//! Subscriptions in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::entity::{OrganizationId, SubscriptionId, subscription};
use crate::error::{Error, Result};
use crate::graphql::nested::{OwnerKey, by_owner};
use crate::store::{Order, PageRequest, Scope, SortKey};

/// The owner's live subscription, or else its latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CurrentOf(pub OwnerKey);

impl Loader<CurrentOf> for Scope {
    type Value = subscription::Model;
    type Error = Error;

    async fn load(&self, keys: &[CurrentOf]) -> Result<HashMap<CurrentOf, subscription::Model>> {
        let owners: Vec<_> = keys.iter().map(|key| key.0).collect();
        let first = PageRequest::new(current_first(), 1, false, None, None);
        let found = by_owner::<subscription::Entity>().pages(self, &owners, &Condition::all(), &first).await?;
        let current = |(owner, rows): (_, Vec<_>)| Some((CurrentOf(owner), rows.into_iter().next()?));
        Ok(found.into_iter().filter_map(current).collect())
    }
}

/// An owner's subscriptions, its current one first. What never ended sorts last in ascending order and so first here.
pub fn current_first() -> Order<subscription::Entity> {
    use subscription::Column::{CreatedAt, EndedAt, Id};
    let newest = |column| SortKey { column, descending: true };
    Order::new(vec![newest(EndedAt), newest(CreatedAt)], Id)
}

/// A subscription by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ById(pub OrganizationId, pub SubscriptionId);

impl Loader<ById> for Scope {
    type Value = subscription::Model;
    type Error = Error;

    async fn load(&self, keys: &[ById]) -> Result<HashMap<ById, subscription::Model>> {
        use subscription::Column::{Id, TenantId};
        let query = subscription::Entity::find()
            .filter(TenantId.is_in(keys.iter().map(|key| key.0)))
            .filter(Id.is_in(keys.iter().map(|key| key.1)));
        let rows = self.all(query).await?;
        Ok(rows.into_iter().map(|row| (ById(row.tenant_id, row.id), row)).collect())
    }
}
