//! Payment methods in batches.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, Condition};

use crate::entity::payment_method;
use crate::error::Result;
use crate::graphql::batch::Key;
use crate::graphql::nested::{OwnerKey, by_owner};
use crate::store::{Order, PageRequest, Scope};

/// The owner's default payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DefaultOf(pub OwnerKey);

impl Key for DefaultOf {
    type Value = payment_method::Model;

    async fn load(scope: &Scope, keys: &[Self]) -> Result<HashMap<DefaultOf, payment_method::Model>> {
        let owners: Vec<_> = keys.iter().map(|key| key.0).collect();
        // There is one at most.
        let first = PageRequest::new(Order::new(Vec::new(), payment_method::Column::Id), 1, false, None, None);
        let default = Condition::all().add(payment_method::Column::IsDefault.eq(true));
        let found = by_owner::<payment_method::Entity>().pages(scope, &owners, &default, &first).await?;
        let method = |(owner, rows): (_, Vec<_>)| Some((DefaultOf(owner), rows.into_iter().next()?));
        Ok(found.into_iter().filter_map(method).collect())
    }
}
