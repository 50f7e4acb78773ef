//! Organizations in batches.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::{OrganizationId, organization};
use crate::error::Result;
use crate::graphql::batch::Key;
use crate::store::Scope;

/// An organization by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationKey(pub OrganizationId);

impl Key for OrganizationKey {
    type Value = organization::Model;

    async fn load(scope: &Scope, keys: &[Self]) -> Result<HashMap<OrganizationKey, organization::Model>> {
        let query = organization::Entity::find().filter(organization::Column::Id.is_in(keys.iter().map(|key| key.0)));
        Ok(scope.all(query).await?.into_iter().map(|row| (OrganizationKey(row.id), row)).collect())
    }
}
