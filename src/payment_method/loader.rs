//! Payment methods in batches.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::payment_method;
use crate::error::Result;
use crate::graphql::batch::Key;
use crate::graphql::nested::{Owned, OwnerKey};
use crate::store::Scope;

/// The owner's default payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DefaultOf(pub OwnerKey);

impl Key for DefaultOf {
    type Value = payment_method::Model;

    async fn load(scope: &Scope, keys: &[Self]) -> Result<HashMap<DefaultOf, payment_method::Model>> {
        let owners: Vec<_> = keys.iter().map(|key| key.0).collect();
        let query = payment_method::Entity::find()
            .filter(payment_method::Entity::of_owners(&owners))
            .filter(payment_method::Column::IsDefault.eq(true));
        let rows = scope.all(query).await?;
        Ok(rows.into_iter().map(|row| (DefaultOf(payment_method::Entity::owner_of(&row)), row)).collect())
    }
}
