//! Organizations in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::{OrganizationId, organization};
use crate::error::{Error, Result};
use crate::store::Scope;

/// An organization by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationKey(pub OrganizationId);

impl Loader<OrganizationKey> for Scope {
    type Value = organization::Model;
    type Error = Error;

    async fn load(&self, keys: &[OrganizationKey]) -> Result<HashMap<OrganizationKey, organization::Model>> {
        let query = organization::Entity::find().filter(organization::Column::Id.is_in(keys.iter().map(|key| key.0)));
        Ok(self.all(query).await?.into_iter().map(|row| (OrganizationKey(row.id), row)).collect())
    }
}
