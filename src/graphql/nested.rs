//! Nested lists: the pages of many parents in one statement, or in one for each kind of parent.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::Loader;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic};
use uuid::Uuid;

use super::connection::{COUNT_CAP, Counter, Paged};
use super::context::ContextExt;
use super::list::{ListKey, ListRequest, PageArgs, given_filter};
use crate::entity::{CustomerId, OrganizationId, payment, payment_method, subscription};
use crate::error::{Error, Result};
use crate::read::relation::Pages;
use crate::read::shape::Readable;
use crate::store::{Noun, PageRequest, Scope, Slice};

/// Who a subscription, payment or payment method belongs to: a customer, or the organization itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerKey {
    /// The organization.
    pub tenant: OrganizationId,
    /// The customer; none when the organization itself is the owner.
    pub customer: Option<CustomerId>,
}

/// A table whose rows belong to an owner.
pub trait Owned: Noun {
    /// The column of the customer; null when the organization itself is the owner.
    fn customer() -> Self::Column;

    /// The rows of this owner.
    fn of_owner(owner: OwnerKey) -> Condition {
        let of_tenant = Condition::all().add(Self::tenant().eq(owner.tenant));
        of_tenant.add(match owner.customer {
            Some(customer) => Self::customer().eq(customer),
            None => Self::customer().is_null(),
        })
    }
}

macro_rules! owned {
    ($($noun:ident),*) => {$(
        impl Owned for $noun::Entity {
            fn customer() -> $noun::Column {
                $noun::Column::CustomerId
            }
        }
    )*};
}
owned!(subscription, payment, payment_method);

/// What is asked of every parent alike.
pub struct Asked<E: EntityTrait> {
    /// The rows of the lists.
    rows: Condition,
    /// Which page of them.
    page: PageRequest<E>,
    /// The column that holds the parent's id, which is unique everywhere: the tenant need not be compared as well.
    column: E::Column,
}

/// One parent's page, as a loader's key.
pub struct Nested<E: EntityTrait> {
    parent: Uuid,
    list: ListKey,
    args: PageArgs,
    asked: Arc<Asked<E>>,
}

impl<E: EntityTrait> Nested<E> {
    fn same_list(&self, other: &Self) -> bool {
        let column = |nested: &Self| nested.asked.column.as_str();
        self.list == other.list && self.args == other.args && column(self) == column(other)
    }
}

impl<E: EntityTrait> Clone for Nested<E> {
    fn clone(&self) -> Self {
        let Self { parent, list, args, asked } = self;
        Self { parent: *parent, list: list.clone(), args: args.clone(), asked: Arc::clone(asked) }
    }
}

impl<E: EntityTrait> PartialEq for Nested<E> {
    fn eq(&self, other: &Self) -> bool {
        self.parent == other.parent && self.same_list(other)
    }
}

impl<E: EntityTrait> Eq for Nested<E> {}

impl<E: EntityTrait> Hash for Nested<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parent.hash(state);
        self.list.hash(state);
        self.args.hash(state);
    }
}

/// The keys of each list that is asked for: as many lists as the document names, and one statement for each.
fn lists<'a, E: EntityTrait>(keys: impl Iterator<Item = &'a Nested<E>>) -> Vec<Vec<&'a Nested<E>>> {
    let mut lists: Vec<Vec<&Nested<E>>> = Vec::new();
    for key in keys {
        match lists.iter_mut().find(|list| list[0].same_list(key)) {
            Some(list) => list.push(key),
            None => lists.push(vec![key]),
        }
    }
    lists
}

impl<E: Readable + Noun> Loader<Nested<E>> for Scope {
    type Value = Slice<E::Model>;
    type Error = Error;

    async fn load(&self, keys: &[Nested<E>]) -> Result<HashMap<Nested<E>, Slice<E::Model>>> {
        let mut pages = HashMap::with_capacity(keys.len());
        for list in lists(keys.iter()) {
            let Asked { rows, page, column } = &*list[0].asked;
            let parents: Vec<Uuid> = list.iter().map(|key| key.parent).collect();
            let mut found = self.page_per(rows.clone(), page, *column, &parents).await?;
            for key in list {
                pages.insert(key.clone(), page.slice(found.remove(&key.parent).unwrap_or_default()));
            }
        }
        Ok(pages)
    }
}

/// How long one parent's list is, as a loader's key.
pub struct Length<E: EntityTrait>(Nested<E>);

impl<E: EntityTrait> Clone for Length<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: EntityTrait> PartialEq for Length<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E: EntityTrait> Eq for Length<E> {}

impl<E: EntityTrait> Hash for Length<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<E: Readable + Noun> Loader<Length<E>> for Scope {
    type Value = u64;
    type Error = Error;

    async fn load(&self, keys: &[Length<E>]) -> Result<HashMap<Length<E>, u64>> {
        let mut lengths = HashMap::with_capacity(keys.len());
        for list in lists(keys.iter().map(|key| &key.0)) {
            let Asked { rows, column, .. } = &*list[0].asked;
            let parents: Vec<Uuid> = list.iter().map(|key| key.parent).collect();
            let counted = self.count_per::<E>(rows.clone(), *column, &parents, COUNT_CAP + 1).await?;
            for key in list {
                lengths.insert(Length(key.clone()), counted.get(&key.parent).copied().unwrap_or(0));
            }
        }
        Ok(lengths)
    }
}

/// One parent's page of a list: one statement for the pages of all parents.
pub async fn page<C: Paged>(
    ctx: &Context<'_>,
    parent: Uuid,
    pages: Pages<C::Noun>,
    filter: Option<C::Filter>,
    order_by: Option<Vec<C::Order>>,
    args: PageArgs,
) -> Result<C> {
    let given = given_filter(ctx);
    let ListRequest { list, found, page } =
        ListRequest::<C::Noun>::new(ctx.request(), pages.name, given.as_ref(), filter.as_ref(), &order_by, &args)?;
    let asked = Asked { rows: found.add_option(pages.only), page: page.clone(), column: pages.column };
    let key = Nested { parent, list: list.clone(), args, asked: Arc::new(asked) };
    let slice = ctx.loader().load_one(key.clone()).await?.unwrap_or_else(|| page.slice(Vec::new()));
    Ok(C::of(ctx, &list, &page, Counter::of_key(Length(key)), slice))
}
