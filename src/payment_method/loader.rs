//! Payment methods in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::payment_method;
use crate::error::{Error, Result};
use crate::graphql::context::Batch;
use crate::graphql::nested::{Owned, OwnerKey};

/// The owner's default payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DefaultOf(pub OwnerKey);

impl Loader<DefaultOf> for Batch {
    type Value = payment_method::Model;
    type Error = Error;

    async fn load(&self, keys: &[DefaultOf]) -> Result<HashMap<DefaultOf, payment_method::Model>> {
        let owners: Vec<_> = keys.iter().map(|key| key.0).collect();
        let query = payment_method::Entity::find()
            .filter(payment_method::Entity::of_owners(&owners))
            .filter(payment_method::Column::IsDefault.eq(true));
        let rows = self.0.all(query).await?;
        Ok(rows.into_iter().map(|row| (DefaultOf(payment_method::Entity::owner_of(&row)), row)).collect())
    }
}
