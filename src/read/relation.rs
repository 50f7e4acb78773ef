//! What a noun's rows refer to, and the lists that belong to them.

use std::marker::PhantomData;

use async_graphql::{Any, Context};
use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{Condition, IdenStatic, Value};
use uuid::Uuid;

use super::arguments::Arguments;
use super::shape::{Field, Object, Readable, object};
use super::{Planned, Unplanned};
use crate::error::Result;
use crate::graphql::context::RequestContext;
use crate::graphql::list::{ListKey, ListRequest, Listed, MAX_SORT_KEYS, PageArgs};
use crate::store::{Extent, KeyColumn, Order, Reading, Scope, Source};

/// An object of another table, of which there is one at most.
pub struct One<E: Readable>(Joined, PhantomData<E>);

impl<E: Readable> One<E> {
    /// The object whose column equals a column of this table. `name` tells it from the other relations of its object.
    pub fn new(name: &'static str, column: E::Column, equals: impl IdenStatic) -> Self {
        let joined = Joined {
            name,
            source: |scope, reading, only| scope.joined::<E>(reading, only),
            values: super::resolve::values::<E>,
            only: Condition::all(),
            object: object::<E>(),
            key: E::KEY.as_str(),
            on: (column.as_str(), equals.as_str()),
            first_by: Vec::new(),
            or_null: false,
            unless: None,
        };
        Self(joined, PhantomData)
    }

    /// Of its rows only those that meet a condition are meant.
    pub fn only(self, only: impl IntoCondition) -> Self {
        Self(Joined { only: self.0.only.add(only.into_condition()), ..self.0 }, PhantomData)
    }

    /// Where several rows fit, the first by this order is meant.
    pub fn first_by(self, order: &Order<E>) -> Self {
        Self(Joined { first_by: order.keys(), ..self.0 }, PhantomData)
    }

    /// A caller without the permission finds null instead of an error.
    pub fn or_null(self) -> Self {
        Self(Joined { or_null: true, ..self.0 }, PhantomData)
    }

    /// Where this column of this table is filled, a value that is computed does not depend on it.
    pub fn unless(self, column: impl IdenStatic) -> Self {
        Self(Joined { unless: Some(column.as_str()), ..self.0 }, PhantomData)
    }

    /// The column of this table that names it.
    pub fn equals(&self) -> &'static str {
        self.0.on.1
    }

    /// A field that shows it.
    pub fn field(self) -> Field {
        Field::One(self.0)
    }

    /// The same without the type of the other table.
    pub fn joined(self) -> Joined {
        self.0
    }
}

type Values =
    for<'a> fn(&'a Context<'_>, Joined, Uuid, &'a [&'static str]) -> BoxFuture<'a, Result<Option<Vec<Value>>>>;

/// A [`One`] without the type of the other table.
pub struct Joined {
    /// Tells it from the other relations of its object.
    pub name: &'static str,
    /// The rows of the other table that meet a condition, to be joined to a reading.
    pub source: fn(&Scope, &Reading, Condition) -> Result<Source>,
    /// The values of columns of the row with this id, for the resolvers.
    pub values: Values,
    /// Which of its rows are meant.
    pub only: Condition,
    /// What its rows are shown as.
    pub object: Object,
    /// Its column that is never null.
    pub key: &'static str,
    /// The column of the other table, and the one of this table that it equals.
    pub on: (&'static str, &'static str),
    /// Which row is meant where several fit: the first by these keys.
    pub first_by: Vec<KeyColumn>,
    /// Whether a caller without the permission finds null instead of an error.
    pub or_null: bool,
    /// Where this column of this table is filled, a value that is computed does not depend on it.
    pub unless: Option<&'static str>,
}

/// All rows of a table that belong to a row: few, which are not paged.
pub struct All<E: Readable> {
    /// The column of the other table.
    pub column: E::Column,
    /// The column of this table that it equals.
    pub equals: &'static str,
    /// Their order.
    pub order: Order<E>,
}

impl<E: Readable> Clone for All<E> {
    fn clone(&self) -> Self {
        Self { column: self.column, equals: self.equals, order: self.order.clone() }
    }
}

impl<E: Readable> All<E> {
    /// A field that shows them.
    pub fn field(self) -> Field {
        let list = List::All { source: |scope| scope.source::<E>(Condition::all()), keys: self.order.keys() };
        Field::Many(Many { object: object::<E>(), on: (self.column.as_str(), self.equals), list })
    }
}

/// Pages of a noun's list that belong to a row.
pub struct Pages<E: Readable> {
    /// Names the list in its cursors.
    pub name: &'static str,
    /// The column of the other table.
    pub column: E::Column,
    /// The column of this table that it equals.
    pub equals: &'static str,
    /// What else must hold of its rows.
    pub only: Option<Expr>,
}

impl<E: Readable + Listed> Pages<E> {
    /// The rows whose column equals a column of this table.
    pub fn new(name: &'static str, column: E::Column, equals: impl IdenStatic) -> Self {
        Self { name, column, equals: equals.as_str(), only: None }
    }

    /// A field that shows them.
    pub fn field(self) -> Field {
        let list = List::Pages { name: self.name, only: self.only, page: Page::of::<E> };
        Field::Many(Many { object: object::<E>(), on: (self.column.as_str(), self.equals), list })
    }
}

/// A list of objects of another table.
pub struct Many {
    /// What its rows are shown as.
    pub object: Object,
    /// The column of the other table, and the one of this table that it equals.
    pub on: (&'static str, &'static str),
    /// Which rows.
    pub list: List,
}

/// Which rows a list has.
pub enum List {
    /// A connection: one page, filtered and sorted as the arguments say.
    Pages {
        /// Names the list in its cursors.
        name: &'static str,
        /// What must hold of its rows.
        only: Option<Expr>,
        /// The page of the list.
        page: PageOf,
    },
    /// All there are, in this order.
    All {
        /// The rows.
        source: fn(&Scope) -> Result<Source>,
        /// The order.
        keys: Vec<KeyColumn>,
    },
}

/// The page of a list that the arguments ask for.
pub type PageOf = fn(&RequestContext, &str, Option<Expr>, Arguments<'_>) -> Planned<Page>;

/// A page of a list, as it was asked for.
pub struct Page {
    /// The list.
    pub list: Source,
    /// The page of it.
    pub page: Source,
    /// The sort keys, in the direction in which rows are fetched.
    pub keys: Vec<KeyColumn>,
    /// How far the page reaches.
    pub extent: Extent,
    /// What its cursors are bound to.
    pub key: ListKey,
}

impl Page {
    /// The page of a noun's list that the arguments ask for. `name` names the list in its cursors.
    pub fn of<E: Listed>(
        request: &RequestContext,
        name: &str,
        only: Option<Expr>,
        arguments: Arguments<'_>,
    ) -> Planned<Self> {
        let given: Option<Any> = arguments.get("where")?;
        let filter: Option<E::Filter> = arguments.get("where")?;
        let order_by: Option<Vec<E::Order>> = arguments.get("orderBy")?;
        if order_by.as_ref().is_some_and(|keys| keys.len() > MAX_SORT_KEYS) {
            return Err(Unplanned::Refused);
        }
        let args = PageArgs {
            first: arguments.get("first")?,
            after: arguments.get("after")?,
            last: arguments.get("last")?,
            before: arguments.get("before")?,
        };
        let given = given.as_ref().map(|Any(value)| value);
        let ListRequest { list: key, found, page } =
            ListRequest::<E>::new(request, name, given, filter.as_ref(), &order_by, &args)?;
        let list = request.scope.source::<E>(found.add_option(only))?;
        Ok(Self { page: list.page(&page), list, keys: page.keys(), extent: page.extent(), key })
    }
}
