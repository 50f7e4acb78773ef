//! What a noun says of itself so that it can be read in bulk: one entry for each field of its GraphQL type.

use async_graphql::Any;
use sea_orm::sea_query::{Expr, ValueType};
use sea_orm::{Condition, IdenStatic, Iterable, TryIntoModel};

use super::arguments::Arguments;
use super::json::{Column, Json, write_column};
use super::{Planned, Unplanned};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::graphql::context::RequestContext;
use crate::graphql::list::{ListKey, ListRequest, Listed, MAX_SORT_KEYS, PageArgs};
use crate::store::{Extent, KeyColumn, Order, Reading, Row, Scope, Source, Visible};

/// A table whose rows are objects of the API.
pub trait Readable: Visible {
    /// Name of the GraphQL type.
    const OBJECT: &'static str;

    /// A column that is never null.
    const KEY: Self::Column;

    /// How the field of this name is read; none if the resolvers have to.
    fn field(name: &str) -> Option<Field>;
}

/// The GraphQL type that the rows of a table, or some of their columns, are shown as.
#[derive(Clone, Copy)]
pub struct Object {
    /// Name of the type.
    pub name: &'static str,
    /// Its fields.
    pub field: fn(&str) -> Option<Field>,
}

/// What the rows of a table are shown as.
pub fn object<E: Readable>() -> Object {
    Object { name: E::OBJECT, field: E::field }
}

/// How a field is read from a row.
pub enum Field {
    /// The value of a column.
    Column(&'static str, WriteColumn),
    /// An object made of columns of the same row; null where this column is.
    Part(Object, Option<&'static str>),
    /// The object that this one refers to.
    One(One),
    /// One of two objects.
    Either(Box<Either>),
    /// A list of objects that belong to this one.
    Many(Many),
    /// A function of the row and the request.
    Computed(Computed),
}

/// Writes the value of a column as JSON.
pub type WriteColumn = fn(Row<'_>, usize, &mut Vec<u8>) -> Result<()>;

/// An object of another table, of which there is one at most.
pub struct One {
    /// Tells it from the other relations of its object.
    pub name: &'static str,
    /// The rows of the other table that meet a condition, to be joined to a reading.
    pub source: fn(&Scope, &Reading, Condition) -> Result<Source>,
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
}

/// One of two objects, a union: which one is told by whether a column is filled.
pub struct Either {
    /// The column.
    pub by: &'static str,
    /// The object where it is filled.
    pub filled: One,
    /// The object where it is null.
    pub null: One,
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
    Pages(fn(&RequestContext, Arguments<'_>) -> Planned<Page>),
    /// All there are, in this order.
    All {
        /// The rows.
        source: fn(&Scope) -> Result<Source>,
        /// The order.
        keys: Vec<KeyColumn>,
    },
}

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
            return Err(Unplanned);
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

/// A value that is computed.
pub struct Computed {
    /// The columns that it needs: of the row itself, or of one that it refers to.
    pub needs: Vec<(Option<One>, Vec<&'static str>)>,
    /// The function.
    pub value: fn(&Facts<'_>) -> Result<Json>,
}

/// The value of a column.
pub fn column<T: Column>(column: impl IdenStatic) -> Option<Field> {
    Some(Field::Column(column.as_str(), write_column::<T>))
}

/// An object of another table, found by a column of it that equals a column of this one.
pub fn one<E: Readable>(name: &'static str, column: E::Column, equals: impl IdenStatic) -> One {
    One {
        name,
        source: |scope, reading, only| scope.joined::<E>(reading, only),
        only: Condition::all(),
        object: object::<E>(),
        key: E::KEY.as_str(),
        on: (column.as_str(), equals.as_str()),
        first_by: Vec::new(),
        or_null: false,
    }
}

/// Pages of a noun's list that belong to a row.
pub fn pages<E: Readable>(
    column: E::Column,
    equals: impl IdenStatic,
    list: fn(&RequestContext, Arguments<'_>) -> Planned<Page>,
) -> Option<Field> {
    let on = (column.as_str(), equals.as_str());
    Some(Field::Many(Many { object: object::<E>(), on, list: List::Pages(list) }))
}

/// All rows of a table that belong to a row, in this order.
pub fn all<E: Readable>(column: E::Column, equals: impl IdenStatic, order: fn() -> Order<E>) -> Option<Field> {
    let list = List::All { source: |scope| scope.source::<E>(Condition::all()), keys: order().keys() };
    let on = (column.as_str(), equals.as_str());
    Some(Field::Many(Many { object: object::<E>(), on, list }))
}

/// A function of columns of the row.
pub fn computed<C: IdenStatic>(columns: &[C], value: fn(&Facts<'_>) -> Result<Json>) -> Option<Field> {
    let columns = columns.iter().map(IdenStatic::as_str).collect();
    Some(Field::Computed(Computed { needs: vec![(None, columns)], value }))
}

/// The notes of those who manage an object; null for who does not.
pub fn private(facts: &Facts<'_>, manage: Permission) -> Result<Json> {
    let shown = crate::graphql::json::private(facts.request.scope.caller()?, manage, facts.get(0)?);
    Ok(shown.map(Json::Document).into())
}

/// What a computed value is computed from.
pub struct Facts<'a> {
    pub(super) row: Row<'a>,
    /// Where the needed columns are, in the order of [`Computed::needs`].
    pub(super) columns: &'a [Option<usize>],
    /// The request.
    pub request: &'a RequestContext,
    /// The arguments of the field.
    pub arguments: Arguments<'a>,
}

/// Some columns of a row, which may belong to rows that are not there.
#[derive(Clone, Copy)]
pub struct Cells<'a> {
    /// The row.
    pub row: Row<'a>,
    /// Where the columns are.
    pub columns: &'a [Option<usize>],
}

impl<'a> Cells<'a> {
    /// Those from the `first`th on.
    pub fn from(self, first: usize) -> Self {
        Self { columns: &self.columns[first..], ..self }
    }

    /// The value of the `index`th column; none if it is null or in a row that is not there.
    pub fn get<T: ValueType>(self, index: usize) -> Result<Option<T>> {
        match self.columns[index] {
            Some(column) => Ok(self.row.get(column)?),
            None => Ok(None),
        }
    }

    /// The value of the `index`th column, which is never null.
    pub fn filled<T: ValueType>(self, index: usize) -> Result<T> {
        self.get(index)?.ok_or_else(|| Error::Internal("a column is null".into()))
    }
}

impl<'a> Facts<'a> {
    /// The needed columns.
    pub fn cells(&self) -> Cells<'a> {
        Cells { row: self.row, columns: self.columns }
    }

    /// The value of the `index`th needed column; none if it is null or in a row that is not there.
    pub fn get<T: ValueType>(&self, index: usize) -> Result<Option<T>> {
        self.cells().get(index)
    }

    /// Whether there is an `index`th needed column.
    pub fn has(&self, index: usize) -> bool {
        index < self.columns.len()
    }

    /// The value of the `index`th needed column, which is never null.
    pub fn filled<T: ValueType>(&self, index: usize) -> Result<T> {
        self.cells().filled(index)
    }

    /// The whole row, of a value that is computed from it: its columns are the first ones that are needed.
    pub fn model<E: Readable>(&self) -> Result<E::Model>
    where
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let places: Option<Vec<usize>> = self.columns.iter().take(E::Column::iter().count()).copied().collect();
        let places = places.ok_or_else(|| Error::Internal("a column is missing".into()))?;
        Ok(self.row.model::<E>(places)?)
    }
}
