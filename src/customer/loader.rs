//! Customers in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::{CustomerId, OrganizationId, customer};
use crate::error::{Error, Result};
use crate::store::Scope;

/// A customer by tenant and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CustomerKey(pub OrganizationId, pub CustomerId);

impl Loader<CustomerKey> for Scope {
    type Value = customer::Model;
    type Error = Error;

    async fn load(&self, keys: &[CustomerKey]) -> Result<HashMap<CustomerKey, customer::Model>> {
        let query = customer::Entity::find()
            .filter(customer::Column::TenantId.is_in(keys.iter().map(|key| key.0)))
            .filter(customer::Column::Id.is_in(keys.iter().map(|key| key.1)));
        let rows = self.all(query).await?;
        Ok(rows.into_iter().map(|row| (CustomerKey(row.tenant_id, row.id), row)).collect())
    }
}
