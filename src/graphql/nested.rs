//! Nested lists: the pages of many parents in one statement, or in one for each kind of parent.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, TryIntoModel};
use uuid::Uuid;

use super::connection::COUNT_CAP;
use super::list::{ListKey, PageArgs};
use crate::entity::{CustomerId, OrganizationId, payment, payment_method, subscription};
use crate::error::{Error, Result};
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

/// How the rows of a list belong to their parents: by the one of these columns that names the parent.
pub struct Belonging<E: EntityTrait, P>(pub Vec<By<E, P>>);

/// A column that names parents, by ids that are unique everywhere: the tenant need not be compared as well.
pub struct By<E: EntityTrait, P> {
    /// The column.
    pub column: E::Column,
    /// What the column holds in the rows of a parent; none of a parent that it does not name.
    pub id: fn(&P) -> Option<Uuid>,
    /// What else must hold of the rows.
    pub only: Condition,
}

impl<E, P> Belonging<E, P>
where
    E: Noun,
    E::ActiveModel: TryIntoModel<E::Model>,
    P: Copy + Eq + Hash,
{
    /// The rows of each parent that come first in a page of its list.
    pub async fn pages(
        &self,
        scope: &Scope,
        parents: &[P],
        found: &Condition,
        page: &PageRequest<E>,
    ) -> Result<HashMap<P, Vec<E::Model>>> {
        let mut pages = HashMap::with_capacity(parents.len());
        for Named { column, rows, ids, parents } in self.named(parents, found) {
            let rows = scope.page_per(rows, page, column, &ids).await?;
            pages.extend(rows.into_iter().filter_map(|(id, rows)| Some((*parents.get(&id)?, rows))));
        }
        Ok(pages)
    }

    /// How long the list of each parent is, counting no further than `cap`.
    async fn lengths(&self, scope: &Scope, parents: &[P], found: &Condition, cap: u64) -> Result<HashMap<P, u64>> {
        let mut lengths = HashMap::with_capacity(parents.len());
        for Named { column, rows, ids, parents } in self.named(parents, found) {
            let counted = scope.count_per::<E>(rows, column, &ids, cap).await?;
            lengths.extend(counted.into_iter().filter_map(|(id, length)| Some((*parents.get(&id)?, length))));
        }
        Ok(lengths)
    }

    /// Each column with the parents that it names; one that names none is left out.
    fn named(&self, parents: &[P], found: &Condition) -> impl Iterator<Item = Named<E, P>> {
        let named = |By { column, id, only }: &By<E, P>| {
            let parents: HashMap<Uuid, P> = parents.iter().filter_map(|parent| Some((id(parent)?, *parent))).collect();
            let rows = Condition::all().add(found.clone()).add(only.clone());
            let ids = parents.keys().copied().collect();
            (!parents.is_empty()).then_some(Named { column: *column, rows, ids, parents })
        };
        self.0.iter().filter_map(named)
    }
}

/// The parents that a column names.
struct Named<E: EntityTrait, P> {
    column: E::Column,
    /// The rows of the list.
    rows: Condition,
    ids: Vec<Uuid>,
    parents: HashMap<Uuid, P>,
}

/// What is asked of every parent alike.
pub struct Asked<E: EntityTrait, P> {
    /// What the list finds, of all parents.
    pub found: Condition,
    /// Which page of it.
    pub page: PageRequest<E>,
    /// How rows belong to parents.
    pub belonging: Belonging<E, P>,
}

/// One parent's page, as a loader's key.
pub struct Nested<E: EntityTrait, P> {
    parent: P,
    list: ListKey,
    args: PageArgs,
    asked: Arc<Asked<E, P>>,
}

impl<E: EntityTrait, P> Nested<E, P> {
    /// The page of `parent` in the list that is asked of every parent.
    pub fn new(parent: P, list: ListKey, args: PageArgs, asked: Arc<Asked<E, P>>) -> Self {
        Self { parent, list, args, asked }
    }

    fn same_list(&self, other: &Self) -> bool {
        self.list == other.list && self.args == other.args
    }
}

impl<E: EntityTrait, P: Clone> Clone for Nested<E, P> {
    fn clone(&self) -> Self {
        Self {
            parent: self.parent.clone(),
            list: self.list.clone(),
            args: self.args.clone(),
            asked: Arc::clone(&self.asked),
        }
    }
}

impl<E: EntityTrait, P: PartialEq> PartialEq for Nested<E, P> {
    fn eq(&self, other: &Self) -> bool {
        self.parent == other.parent && self.same_list(other)
    }
}

impl<E: EntityTrait, P: Eq> Eq for Nested<E, P> {}

impl<E: EntityTrait, P: Hash> Hash for Nested<E, P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parent.hash(state);
        self.list.hash(state);
        self.args.hash(state);
    }
}

impl<E, P> Loader<Nested<E, P>> for Scope
where
    E: Noun,
    E::ActiveModel: TryIntoModel<E::Model>,
    E::Column: Send + Sync,
    E::Model: Clone + Send + Sync,
    P: Copy + Eq + Hash + Send + Sync + 'static,
{
    type Value = Slice<E::Model>;
    type Error = Error;

    async fn load(&self, keys: &[Nested<E, P>]) -> Result<HashMap<Nested<E, P>, Slice<E::Model>>> {
        let mut pages = HashMap::with_capacity(keys.len());
        let mut left: Vec<&Nested<E, P>> = keys.iter().collect();
        // One statement for each list that is asked for: as many as the document names.
        while let Some(first) = left.first().copied() {
            let (same, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|key| key.same_list(first));
            left = others;
            let Asked { found, page, belonging } = &*first.asked;
            let parents: Vec<P> = same.iter().map(|key| key.parent).collect();
            let mut rows = belonging.pages(self, &parents, found, page).await?;
            for key in same {
                pages.insert(key.clone(), page.slice(rows.remove(&key.parent).unwrap_or_default()));
            }
        }
        Ok(pages)
    }
}

/// How long one parent's list is, as a loader's key.
pub struct Length<E: EntityTrait, P>(pub Nested<E, P>);

impl<E: EntityTrait, P: Clone> Clone for Length<E, P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: EntityTrait, P: PartialEq> PartialEq for Length<E, P> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E: EntityTrait, P: Eq> Eq for Length<E, P> {}

impl<E: EntityTrait, P: Hash> Hash for Length<E, P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<E, P> Loader<Length<E, P>> for Scope
where
    E: Noun,
    E::ActiveModel: TryIntoModel<E::Model>,
    E::Column: Send + Sync,
    E::Model: Clone + Send + Sync,
    P: Copy + Eq + Hash + Send + Sync + 'static,
{
    type Value = u64;
    type Error = Error;

    async fn load(&self, keys: &[Length<E, P>]) -> Result<HashMap<Length<E, P>, u64>> {
        let mut lengths = HashMap::with_capacity(keys.len());
        let mut left: Vec<&Length<E, P>> = keys.iter().collect();
        while let Some(first) = left.first().copied() {
            let (same, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|key| key.0.same_list(&first.0));
            left = others;
            let Asked { found, belonging, .. } = &*first.0.asked;
            let parents: Vec<P> = same.iter().map(|key| key.0.parent).collect();
            let counted = belonging.lengths(self, &parents, found, COUNT_CAP + 1).await?;
            for key in same {
                lengths.insert(key.clone(), counted.get(&key.0.parent).copied().unwrap_or(0));
            }
        }
        Ok(lengths)
    }
}

/// Lists by organization.
pub fn by_organization<E: Noun>() -> Belonging<E, OrganizationId> {
    Belonging(vec![By { column: E::tenant(), id: |organization| Some((*organization).into()), only: Condition::all() }])
}

/// Lists by owner.
pub fn by_owner<E: Owned>() -> Belonging<E, OwnerKey> {
    let customer = |owner: &OwnerKey| owner.customer.map(Uuid::from);
    let organization = |owner: &OwnerKey| owner.customer.is_none().then(|| owner.tenant.into());
    let own = Condition::all().add(E::customer().is_null());
    Belonging(vec![
        By { column: E::customer(), id: customer, only: Condition::all() },
        By { column: E::tenant(), id: organization, only: own },
    ])
}
