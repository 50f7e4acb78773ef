//! Payment methods in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, Condition};

use crate::entity::payment_method;
use crate::error::{Error, Result};
use crate::graphql::nested::{OwnerKey, by_owner};
use crate::store::{Order, PageRequest, Scope};

/// The owner's default payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DefaultOf(pub OwnerKey);

impl Loader<DefaultOf> for Scope {
    type Value = payment_method::Model;
    type Error = Error;

    async fn load(&self, keys: &[DefaultOf]) -> Result<HashMap<DefaultOf, payment_method::Model>> {
        let owners: Vec<_> = keys.iter().map(|key| key.0).collect();
        // There is one at most.
        let first = PageRequest::new(Order::new(Vec::new(), payment_method::Column::Id), 1, false, None, None);
        let default = Condition::all().add(payment_method::Column::IsDefault.eq(true));
        let found = by_owner::<payment_method::Entity>().pages(self, &owners, &default, &first).await?;
        let method = |(owner, rows): (_, Vec<_>)| Some((DefaultOf(owner), rows.into_iter().next()?));
        Ok(found.into_iter().filter_map(method).collect())
    }
}
