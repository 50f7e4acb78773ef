//! Relay connections: lists that are paged by keyset, nested ones too.
//!
//! Specification: <https://relay.dev/graphql/connections.htm>.

use std::hash::Hash;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, InputType, SimpleObject};
use futures_util::future::BoxFuture;
use sea_orm::{EntityTrait, ModelTrait, QueryFilter, Select};

use super::context::{ContextExt, RequestContext};
use super::list::{ListKey, ListRequest, Listed, PageArgs, given_filter};
use super::scalar::SafeInt;
use crate::error::{Error, Result};
use crate::read::shape::Readable;
use crate::store::{PageRequest, Scope, Slice, Visible};

/// How far a list is counted.
pub const COUNT_CAP: u64 = 10_000;

/// Where a page lies in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there are objects before this page.
    pub has_previous_page: bool,
    /// Whether there are objects behind this page.
    pub has_next_page: bool,
    /// Cursor of the first object: pass it as `before` for the page before this one.
    pub start_cursor: Option<String>,
    /// Cursor of the last object: pass it as `after` for the page behind this one.
    pub end_cursor: Option<String>,
}

/// How many objects a list has.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Count {
    /// The number, at most 10,000.
    pub value: SafeInt,
    /// Whether this is the whole number; false when there are more.
    pub exact: bool,
}

impl Count {
    /// A count that stopped behind [`COUNT_CAP`].
    pub fn capped(found: u64) -> Self {
        Self { value: SafeInt(found.min(COUNT_CAP).cast_signed()), exact: found <= COUNT_CAP }
    }
}

type Counting = dyn for<'r> Fn(&'r Context<'_>) -> BoxFuture<'r, Result<u64>> + Send + Sync;

/// Counts a list when it is asked for its length.
pub struct Counter(Box<Counting>);

impl Counter {
    /// Counts what the query finds.
    pub fn of_list<E>(query: Select<E>) -> Self
    where
        E: Visible,
        Select<E>: Send + Sync,
    {
        Self(Box::new(move |ctx| {
            let query = query.clone();
            Box::pin(async move { ctx.scope().count(query, COUNT_CAP + 1).await })
        }))
    }

    /// Counts one parent's list, together with those of all others.
    pub fn of_key<K>(key: K) -> Self
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        Scope: Loader<K, Value = u64, Error = Error>,
    {
        Self(Box::new(move |ctx| {
            let key = key.clone();
            Box::pin(async move { Ok(ctx.loader().load_one(key).await?.unwrap_or(0)) })
        }))
    }

    /// The number, at most one more than [`COUNT_CAP`].
    pub async fn count(&self, ctx: &Context<'_>) -> Result<u64> {
        (self.0)(ctx).await
    }
}

/// The rows of a page with their cursors, and the page's place in its list.
pub fn edges<E, M>(
    request: &RequestContext,
    list: &ListKey,
    page: &PageRequest<E>,
    slice: Slice<M>,
) -> (Vec<(String, M)>, PageInfo)
where
    E: EntityTrait<Model = M>,
    M: ModelTrait<Entity = E>,
{
    let cursor = |row: &M| list.cursor(request, &page.sort().values(row));
    let edges: Vec<_> = slice.rows.into_iter().map(|row| (cursor(&row), row)).collect();
    let info = PageInfo {
        has_previous_page: slice.has_previous,
        has_next_page: slice.has_next,
        start_cursor: edges.first().map(|(cursor, _)| cursor.clone()),
        end_cursor: edges.last().map(|(cursor, _)| cursor.clone()),
    };
    (edges, info)
}

/// The connection type of a noun.
pub trait Paged: Sized {
    /// The noun.
    type Noun: Listed<Filter = Self::Filter, Order = Self::Order> + Readable;
    /// Which ones to find.
    type Filter: InputType;
    /// One key of a sort.
    type Order: InputType;

    /// A page that was loaded.
    fn of(
        ctx: &Context<'_>,
        list: &ListKey,
        page: &PageRequest<Self::Noun>,
        length: Counter,
        slice: Slice<<Self::Noun as EntityTrait>::Model>,
    ) -> Self;
}

/// The page that the arguments ask for of the list `field`, which needs a token.
pub async fn page<C: Paged>(
    ctx: &Context<'_>,
    field: &str,
    filter: Option<C::Filter>,
    order_by: Option<Vec<C::Order>>,
    args: &PageArgs,
) -> Result<C>
where
    Select<C::Noun>: Send + Sync,
{
    ctx.scope().caller()?;
    let given = given_filter(ctx);
    let ListRequest { list, found, page } =
        ListRequest::<C::Noun>::new(ctx.request(), field, given.as_ref(), filter.as_ref(), &order_by, args)?;
    let query = C::Noun::find().filter(found);
    let slice = ctx.scope().page(query.clone(), &page).await?;
    Ok(C::of(ctx, &list, &page, Counter::of_list(query), slice))
}

/// Makes the connection and edge types of a noun.
macro_rules! connection {
    ($connection:ident, $edge:ident, $object:ident of $entity:ident, $plural:literal, $filter:ident, $order:ident) => {
        impl $crate::graphql::list::Listed for $entity::Entity {
            type Filter = $filter;
            type Order = $order;

            fn condition(
                filter: &$filter,
                request: &$crate::graphql::context::RequestContext,
            ) -> $crate::error::Result<sea_orm::Condition> {
                filter.condition(request)
            }

            fn sort(keys: &Option<Vec<$order>>) -> $crate::store::Order<Self> {
                $order::sort(keys)
            }
        }

        #[doc = concat!("A page of ", $plural, ".")]
        #[derive(async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// The objects with their cursors.
            edges: Vec<$edge>,
            /// Where the page lies in its list.
            page_info: $crate::graphql::connection::PageInfo,
            #[graphql(skip)]
            length: $crate::graphql::connection::Counter,
        }

        /// An object of a page.
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Where the object stands in this list.
            cursor: String,
            /// The object.
            node: $object,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            /// The objects without their cursors.
            async fn nodes(&self) -> Vec<&$object> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }

            /// How many objects the list has under this filter, on all pages. Counted only when asked for, and no
            /// further than 10,000.
            async fn total_count(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> $crate::error::Result<$crate::graphql::connection::Count> {
                use $crate::graphql::connection::Count;
                Ok(Count::capped(self.length.count(ctx).await?))
            }
        }

        impl $crate::graphql::connection::Paged for $connection {
            type Noun = $entity::Entity;
            type Filter = $filter;
            type Order = $order;

            fn of(
                ctx: &async_graphql::Context<'_>,
                list: &$crate::graphql::list::ListKey,
                page: &$crate::store::PageRequest<$entity::Entity>,
                length: $crate::graphql::connection::Counter,
                slice: $crate::store::Slice<$entity::Model>,
            ) -> Self {
                use $crate::graphql::context::ContextExt;
                let (edges, page_info) = $crate::graphql::connection::edges(ctx.request(), list, page, slice);
                let edges = edges.into_iter().map(|(cursor, row)| $edge { cursor, node: row.into() }).collect();
                Self { edges, page_info, length }
            }
        }
    };
}
pub(crate) use connection;

/// Makes a noun's sort fields, and the input that names one with a direction.
macro_rules! sort_order {
    ($order:ident, $field:ident of $entity:ident { $($(#[$doc:meta])* $variant:ident => $column:ident,)* }) => {
        /// What a list can be sorted by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $field {
            $($(#[$doc])* $variant,)*
        }

        /// One key of a sort. The id always ends it.
        #[derive(Clone, Copy, Debug, async_graphql::InputObject)]
        pub struct $order {
            /// What to sort by.
            pub field: $field,
            /// Which end comes first.
            #[graphql(default_with = "ascending()")]
            pub direction: $crate::graphql::scalar::OrderDirection,
        }

        fn ascending() -> $crate::graphql::scalar::OrderDirection {
            $crate::graphql::scalar::OrderDirection::Asc
        }

        impl $order {
            /// The sort that the client asked for; newest first if it did not say.
            pub fn sort(keys: &Option<Vec<Self>>) -> $crate::store::Order<$entity::Entity> {
                use $crate::graphql::scalar::OrderDirection;
                use $crate::store::SortKey;
                let newest = SortKey { column: $entity::Column::CreatedAt, descending: true };
                let keys = match keys.as_deref() {
                    None | Some([]) => vec![newest],
                    Some(keys) => keys
                        .iter()
                        .map(|key| SortKey {
                            column: match key.field {
                                $($field::$variant => $entity::Column::$column,)*
                            },
                            descending: key.direction == OrderDirection::Desc,
                        })
                        .collect(),
                };
                $crate::store::Order::new(keys, $entity::Column::Id)
            }
        }
    };
}
pub(crate) use sort_order;
