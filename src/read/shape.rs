//! What a noun says of itself so that it can be read in bulk: one entry for each field of its GraphQL type.

use std::sync::Arc;

use async_graphql::{Any, Context, OutputType};
use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, ValueType};
use sea_orm::{Condition, EntityTrait, IdenStatic, Iterable, ModelTrait, TryIntoModel, Value};
use uuid::Uuid;

use super::arguments::Arguments;
use super::json::{Column, Json, write_column};
use super::{Planned, Unplanned};
use crate::auth::Permission;
use crate::entity::StoredJson;
use crate::error::{Error, Result};
use crate::graphql::context::RequestContext;
use crate::graphql::list::{ListKey, ListRequest, Listed, MAX_SORT_KEYS, PageArgs};
use crate::store::{Extent, KeyColumn, Order, Reading, Row, Scope, Source, Visible};

/// A GraphQL object that shows a row, or some columns of it: what `#[object]` declares.
pub trait Shows: From<Arc<<Self::Entity as EntityTrait>::Model>> + OutputType {
    /// The table.
    type Entity: Visible;

    /// Name of the GraphQL type.
    const NAME: &'static str;

    /// The row.
    fn row(&self) -> &Arc<<Self::Entity as EntityTrait>::Model>;

    /// How the field of this name is read; none if the resolvers have to.
    fn field(name: &str) -> Option<Field>;
}

/// A table whose rows are objects of the API.
pub trait Readable:
    Visible<Model: ModelTrait<Entity = Self> + Send + Sync, ActiveModel: TryIntoModel<Self::Model>, Column: Send + Sync>
{
    /// The GraphQL type that shows a row.
    type Shown: Shows<Entity = Self>;

    /// A column that is never null.
    const KEY: Self::Column;
}

/// The GraphQL type that the rows of a table, or some of their columns, are shown as.
#[derive(Clone, Copy)]
pub struct Object {
    /// Name of the type.
    pub name: &'static str,
    /// Its fields.
    pub field: fn(&str) -> Option<Field>,
}

/// The GraphQL type of these objects.
fn shown<S: Shows>() -> Object {
    Object { name: S::NAME, field: S::field }
}

/// What the rows of a table are shown as.
pub fn object<E: Readable>() -> Object {
    shown::<E::Shown>()
}

/// How a field is read from a row.
pub enum Field {
    /// The value of a column.
    Column(&'static str, WriteColumn),
    /// An object made of columns of the same row; null where this column is.
    Part(Object, &'static str),
    /// The object that this one refers to.
    One(Joined),
    /// A member of a union or interface: the first one that the row names.
    OneOf(Vec<Joined>),
    /// A list of objects that belong to this one.
    Many(Many),
    /// A function of the row and the request.
    Computed(Computed),
}

/// Writes the value of a column as JSON.
pub type WriteColumn = fn(Row<'_>, usize, &mut Vec<u8>) -> Result<()>;

/// An object of another table, of which there is one at most.
pub struct One<E: Readable> {
    /// Tells it from the other relations of its object.
    pub name: &'static str,
    /// The column of the other table.
    pub column: E::Column,
    /// The column of this table that it equals.
    pub equals: &'static str,
    /// Which of its rows are meant.
    pub only: Condition,
    /// Which row is meant where several fit: the first by this order.
    pub first_by: Option<Order<E>>,
    /// Whether a caller without the permission finds null instead of an error.
    pub or_null: bool,
    /// Where this column of this table is filled, a value that is computed does not depend on it.
    pub unless: Option<&'static str>,
}

impl<E: Readable> One<E> {
    /// The object whose column equals a column of this table.
    pub fn new(name: &'static str, column: E::Column, equals: impl IdenStatic) -> Self {
        let equals = equals.as_str();
        Self { name, column, equals, only: Condition::all(), first_by: None, or_null: false, unless: None }
    }

    /// A field that shows it.
    pub fn field(self) -> Field {
        Field::One(self.joined())
    }

    /// The same without the type of the other table.
    pub fn joined(self) -> Joined {
        Joined {
            name: self.name,
            source: |scope, reading, only| scope.joined::<E>(reading, only),
            values: super::resolve::values::<E>,
            only: self.only,
            object: object::<E>(),
            key: E::KEY.as_str(),
            on: (self.column.as_str(), self.equals),
            first_by: self.first_by.map(|order| order.keys()).unwrap_or_default(),
            or_null: self.or_null,
            unless: self.unless,
        }
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

/// The columns that a value is computed from: of the row itself, or of one that it refers to.
pub type Needs = Vec<(Option<Joined>, Vec<&'static str>)>;

/// A value that is computed.
pub struct Computed {
    /// The columns that it needs.
    pub needs: Needs,
    /// The function.
    pub value: fn(&Facts<'_>) -> Result<Json>,
}

/// The value of a column.
pub fn column<T: Column>(column: impl IdenStatic) -> Field {
    Field::Column(column.as_str(), write_column::<T>)
}

/// An object made of columns of the row; null where this column is.
pub fn part<S: Shows>(column: impl IdenStatic) -> Field {
    Field::Part(shown::<S>(), column.as_str())
}

/// Columns of the row itself.
pub fn own(columns: &[impl IdenStatic]) -> Needs {
    vec![(None, names(columns))]
}

/// The names of columns.
pub fn names(columns: &[impl IdenStatic]) -> Vec<&'static str> {
    columns.iter().map(IdenStatic::as_str).collect()
}

/// A value that is computed from columns.
pub fn computed(needs: Needs, value: fn(&Facts<'_>) -> Result<Json>) -> Field {
    Field::Computed(Computed { needs, value })
}

/// The notes of those who manage an object, in the first column; null for who does not.
pub fn private(facts: &Facts<'_>, manage: Permission) -> Result<Option<StoredJson>> {
    Ok(crate::graphql::json::private(facts.request.scope.caller()?, manage, facts.get(0)?))
}

/// What a computed value is computed from.
pub struct Facts<'a> {
    /// The needed columns, in the order of [`Needs`].
    pub cells: Cells<'a>,
    /// The request.
    pub request: &'a RequestContext,
}

/// Some columns of rows, which may not be there.
#[derive(Clone, Copy)]
pub enum Cells<'a> {
    /// Columns of a row that the read path found.
    Read {
        /// The row.
        row: Row<'a>,
        /// Where the columns are.
        columns: &'a [Option<usize>],
    },
    /// Values of rows that the resolvers loaded.
    Loaded(&'a [Option<Value>]),
}

impl<'a> Cells<'a> {
    /// Those from the `first`th on.
    pub fn from(self, first: usize) -> Self {
        match self {
            Self::Read { row, columns } => Self::Read { row, columns: &columns[first..] },
            Self::Loaded(values) => Self::Loaded(&values[first..]),
        }
    }

    /// How many there are.
    fn count(self) -> usize {
        match self {
            Self::Read { columns, .. } => columns.len(),
            Self::Loaded(values) => values.len(),
        }
    }

    /// The value of the `index`th column; none if it is null or in a row that is not there.
    pub fn get<T: ValueType>(self, index: usize) -> Result<Option<T>> {
        match self {
            Self::Read { row, columns } => match columns[index] {
                Some(column) => Ok(row.get(column)?),
                None => Ok(None),
            },
            Self::Loaded(values) => match &values[index] {
                Some(value) if *value != value.as_null() => {
                    let read = T::try_from(value.clone());
                    read.map(Some).map_err(|_| Error::Internal("a column of another type".into()))
                }
                _ => Ok(None),
            },
        }
    }

    /// The value of the `index`th column, which is never null.
    pub fn filled<T: ValueType>(self, index: usize) -> Result<T> {
        self.get(index)?.ok_or_else(|| Error::Internal("a column is null".into()))
    }

    /// The whole row, of a value that is computed from it: its columns are the first ones that are needed.
    pub fn model<E: Readable>(self) -> Result<E::Model> {
        let missing = || Error::Internal("a column is missing".into());
        let Self::Read { row, columns } = self else { return Err(missing()) };
        let places: Option<Vec<usize>> = columns.iter().take(E::Column::iter().count()).copied().collect();
        Ok(row.model::<E>(places.ok_or_else(missing)?)?)
    }
}

impl Facts<'_> {
    /// The value of the `index`th needed column; none if it is null or in a row that is not there.
    pub fn get<T: ValueType>(&self, index: usize) -> Result<Option<T>> {
        self.cells.get(index)
    }

    /// Whether there is an `index`th needed column.
    pub fn has(&self, index: usize) -> bool {
        index < self.cells.count()
    }

    /// The value of the `index`th needed column, which is never null.
    pub fn filled<T: ValueType>(&self, index: usize) -> Result<T> {
        self.cells.filled(index)
    }
}
