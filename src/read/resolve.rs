//! How the resolvers read what a declared object shows: the other engine than the planner, from the same declarations.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{Condition, EntityTrait, IdenStatic, Iterable, ModelTrait, QueryFilter, Value};
use uuid::Uuid;

use super::facts::{Cells, Facts, Needs};
use super::json::{Column, read};
use super::relation::{All, Joined, One, Pages};
use super::shape::{Readable, Shows};
use crate::error::{Error, Result};
use crate::graphql::connection::Paged;
use crate::graphql::context::ContextExt;
use crate::graphql::input::parse_id;
use crate::graphql::list::PageArgs;
use crate::graphql::nested;
use crate::store::{First, Noun, Scope};

type ColumnOf<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;

/// The value of a column.
pub fn column<M: ModelTrait, T: Column>(row: &M, column: ColumnOf<M>) -> Result<T> {
    T::read(row.get(column))
}

/// The value of the column of this name.
fn named<M: ModelTrait>(row: &M, name: &str) -> Result<Value> {
    let column = ColumnOf::<M>::iter().find(|column| column.as_str() == name);
    column.map(|column| row.get(column)).ok_or_else(|| Error::Internal(format!("no column {name}").into()))
}

/// The id in the column of this name; none if it is null.
fn id<M: ModelTrait>(row: &M, name: &str) -> Result<Option<Uuid>> {
    let value = named(row, name)?;
    if value == value.as_null() { Ok(None) } else { read(value).map(Some) }
}

/// The id of a row.
pub fn key<M: ModelTrait<Entity: Noun>>(row: &M) -> Value {
    row.get(M::Entity::id())
}

/// An object made of other columns of the row; none where this column is null.
pub fn part<S: Shows>(
    row: &Arc<<S::Entity as EntityTrait>::Model>,
    column: <S::Entity as EntityTrait>::Column,
) -> Result<Option<S>>
where
    <S::Entity as EntityTrait>::Model: ModelTrait<Entity = S::Entity>,
{
    let is_filled = row.get(column) != row.get(column).as_null();
    Ok(is_filled.then(|| S::from(Arc::clone(row))))
}

/// Whether a row names an object of this relation.
pub fn names<M: ModelTrait, E: Readable>(row: &M, one: &One<E>) -> bool {
    id(row, one.equals()).is_ok_and(|id| id.is_some())
}

/// The object that a row refers to.
pub async fn one<M: ModelTrait, E: Readable>(ctx: &Context<'_>, row: &M, one: One<E>) -> Result<Option<E::Shown>> {
    let Some(id) = id(row, one.equals())? else { return Ok(None) };
    Ok(related::<E>(ctx, one.joined(), id).await?.map(Into::into))
}

/// The object with this id.
pub async fn by_id<S: Shows<Entity: Readable<Shown = S> + Noun>>(ctx: &Context<'_>, id: &ID) -> Result<Option<S>> {
    ctx.scope().caller()?;
    let id = parse_id::<<S::Entity as Noun>::Id>("id", id)?;
    Ok(ctx.scope().get::<S::Entity>(id).await?.map(|row| S::from(Arc::new(row))))
}

/// The object of a relation whose column holds this id.
pub async fn found<E: Readable>(ctx: &Context<'_>, one: One<E>, id: impl Into<Uuid>) -> Result<Option<E::Shown>> {
    Ok(related::<E>(ctx, one.joined(), id.into()).await?.map(Into::into))
}

/// All objects of a short list that belong to a row.
pub async fn all<M: ModelTrait, E: Readable>(ctx: &Context<'_>, row: &M, all: All<E>) -> Result<Vec<E::Shown>> {
    let Some(id) = id(row, all.equals)? else { return Ok(Vec::new()) };
    let rows = ctx.loader().load_one(Short { id, all }).await?.unwrap_or_default();
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A page of a list of objects that belong to a row.
pub async fn page<M: ModelTrait, C: Paged>(
    ctx: &Context<'_>,
    row: &M,
    pages: Pages<C::Noun>,
    filter: Option<C::Filter>,
    order_by: Option<Vec<C::Order>>,
    args: PageArgs,
) -> Result<C> {
    let parent = id(row, pages.equals)?.ok_or_else(|| Error::Internal("a parent without an id".into()))?;
    nested::page::<C>(ctx, parent, pages, filter, order_by, args).await
}

/// What a function makes of columns of the row, and of rows that it refers to.
pub async fn computed<M: ModelTrait, T>(
    ctx: &Context<'_>,
    row: &M,
    needs: Needs,
    value: fn(&Facts<'_>) -> Result<T>,
) -> Result<T> {
    let mut values = Vec::new();
    for (joined, names) in needs {
        let found = match joined {
            None => Some(names.iter().map(|name| named(row, name)).collect::<Result<Vec<_>>>()?),
            // What does not matter to the value is not loaded.
            Some(Joined { unless: Some(column), .. }) if id(row, column)?.is_some() => None,
            Some(joined) => match id(row, joined.on.1)? {
                Some(id) => (joined.values)(ctx, joined, id, &names).await?,
                None => None,
            },
        };
        match found {
            Some(found) => values.extend(found.into_iter().map(Some)),
            None => values.extend(names.iter().map(|_| None)),
        }
    }
    value(&Facts { cells: Cells::Loaded(&values), request: ctx.request() })
}

/// The values of these columns of the row that another one refers to.
pub(super) fn values<'a, E: Readable>(
    ctx: &'a Context<'_>,
    joined: Joined,
    id: Uuid,
    names: &'a [&'static str],
) -> BoxFuture<'a, Result<Option<Vec<Value>>>> {
    async move {
        let found = related::<E>(ctx, joined, id).await?;
        found.map(|row| names.iter().map(|name| named(&*row, name)).collect()).transpose()
    }
    .boxed()
}

async fn related<E: Readable>(ctx: &Context<'_>, joined: Joined, id: Uuid) -> Result<Option<Arc<E::Model>>> {
    let or_null = joined.or_null;
    match ctx.loader().load_one(Related::<E> { id, joined: Arc::new(joined), entity: PhantomData }).await {
        Err(Error::Forbidden(_)) if or_null => Ok(None),
        found => found,
    }
}

/// A row that others refer to, as a loader's key.
struct Related<E> {
    id: Uuid,
    joined: Arc<Joined>,
    entity: PhantomData<fn() -> E>,
}

impl<E> Related<E> {
    /// What the rows of one statement have in common: by which column they are found and, unless that is all, by which
    /// relation.
    fn kind(&self) -> (&'static str, &'static str) {
        (self.joined.on.0, if self.joined.is_plain() { "" } else { self.joined.name })
    }
}

impl<E> Clone for Related<E> {
    fn clone(&self) -> Self {
        Self { id: self.id, joined: Arc::clone(&self.joined), entity: PhantomData }
    }
}

impl<E> PartialEq for Related<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.kind(), self.id) == (other.kind(), other.id)
    }
}

impl<E> Eq for Related<E> {}

impl<E> Hash for Related<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind(), self.id).hash(state);
    }
}

impl<E: Readable> Loader<Related<E>> for Scope {
    type Value = Arc<E::Model>;
    type Error = Error;

    async fn load(&self, keys: &[Related<E>]) -> Result<HashMap<Related<E>, Arc<E::Model>>> {
        let mut found = HashMap::with_capacity(keys.len());
        let mut left: Vec<&Related<E>> = keys.iter().collect();
        while let Some(first) = left.first().copied() {
            let (alike, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|key| key.kind() == first.kind());
            left = others;
            let ids: Vec<Uuid> = alike.iter().map(|key| key.id).collect();
            let rows = first.joined.rows::<E>(self, &ids).await?;
            found.extend(alike.into_iter().filter_map(|key| Some((key.clone(), Arc::clone(rows.get(&key.id)?)))));
        }
        Ok(found)
    }
}

impl Joined {
    /// Whether a row is found by one column alone.
    fn is_plain(&self) -> bool {
        self.first_by.is_empty() && self.only.is_empty()
    }

    /// The rows that are meant by these values of the column that the relation is about.
    async fn rows<E: Readable>(&self, scope: &Scope, ids: &[Uuid]) -> Result<HashMap<Uuid, Arc<E::Model>>> {
        let column = self.on.0;
        if self.first_by.is_empty() {
            let these = Expr::col((E::default(), sea_orm::sea_query::Alias::new(column))).is_in(ids.iter().copied());
            let query = E::find().filter(self.only.clone()).filter(these);
            let rows = scope.all(query).await?;
            return rows.into_iter().map(|row| Ok((id(&row, column)?.unwrap_or_default(), Arc::new(row)))).collect();
        }
        let first = First { keys: self.first_by.clone(), limit: Some(1) };
        let rows = scope.first_per::<E>(scope.source::<E>(self.only.clone())?, first, column, ids).await?;
        Ok(rows.into_iter().filter_map(|(id, rows)| Some((id, Arc::new(rows.into_iter().next()?)))).collect())
    }
}

/// A short list, as a loader's key.
struct Short<E: Readable> {
    id: Uuid,
    all: All<E>,
}

impl<E: Readable> Clone for Short<E> {
    fn clone(&self) -> Self {
        Self { id: self.id, all: self.all.clone() }
    }
}

impl<E: Readable> PartialEq for Short<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.all.column.as_str()) == (other.id, other.all.column.as_str())
    }
}

impl<E: Readable> Eq for Short<E> {}

impl<E: Readable> Hash for Short<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.id, self.all.column.as_str()).hash(state);
    }
}

impl<E: Readable> Loader<Short<E>> for Scope {
    type Value = Vec<Arc<E::Model>>;
    type Error = Error;

    async fn load(&self, keys: &[Short<E>]) -> Result<HashMap<Short<E>, Vec<Arc<E::Model>>>> {
        // A table is a short list of one other table.
        let Some(Short { all, .. }) = keys.first() else { return Ok(HashMap::new()) };
        let ids: Vec<Uuid> = keys.iter().map(|key| key.id).collect();
        let first = First { keys: all.order.keys(), limit: None };
        let mut rows =
            self.first_per::<E>(self.source::<E>(Condition::all())?, first, all.column.as_str(), &ids).await?;
        let found = keys
            .iter()
            .filter_map(|key| Some((key.clone(), rows.remove(&key.id)?.into_iter().map(Arc::new).collect())));
        Ok(found.collect())
    }
}
