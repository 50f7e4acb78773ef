//! What a noun says of itself so that it can be read in bulk: one entry for each field of its GraphQL type.

use async_graphql::ID;
use sea_orm::sea_query::ValueType;
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{ColumnTrait, Condition, IdenStatic, Iterable, TryIntoModel};
use uuid::Uuid;

use super::arguments::Arguments;
use super::json::{Column, Json, WriteJson, write_column};
use super::{Planned, Unplanned};
use crate::entity::TypedId;
use crate::error::{Error, Result};
use crate::graphql::connection::{ListKey, Listed, MAX_SORT_KEYS, PageArgs, page_request};
use crate::graphql::context::RequestContext;
use crate::store::{Extent, KeyColumn, Noun, Order, Reading, Row, Rows, Scope, Source, Visible};

/// A table whose rows are objects of the API.
pub trait Readable: Visible {
    /// Name of the GraphQL type.
    const OBJECT: &'static str;

    /// The interface that it implements, if any.
    const INTERFACE: Option<&'static str> = Some("Node");

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
    /// The interface it implements, if any.
    pub interface: Option<&'static str>,
}

/// What the rows of a table are shown as.
pub fn object<E: Readable>() -> Object {
    Object { name: E::OBJECT, field: E::field, interface: E::INTERFACE }
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
    /// Name of the union.
    pub union: &'static str,
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
        let key = ListKey::new(request, name, &filter, &order_by);
        let found = E::found(filter.as_ref(), request)?;
        let page = page_request::<E>(request, &key, &args, E::sort(&order_by))?;
        let list = request.scope.source::<E>(found.add_option(only))?;
        Ok(Self { page: list.page(&page), list, keys: page.keys(), extent: page.extent(), key })
    }
}

/// Where a query starts.
pub enum Root {
    /// One object; null where there is none.
    One(fn(&RequestContext, Arguments<'_>) -> Planned<Option<Found>>),
    /// A list.
    Pages(Object, fn(&RequestContext, Arguments<'_>) -> Planned<Page>),
    /// A value that all rows of a statement add up to.
    Folded(fn(&RequestContext, Arguments<'_>) -> Planned<Folded>),
    /// An object that is no row; null where there is none.
    Parts(fn(&RequestContext) -> Planned<Option<Parts>>),
    /// Objects of several kinds.
    Several(fn(&RequestContext, Arguments<'_>) -> Planned<Several>),
}

/// Objects of several kinds by their ids.
#[derive(Default)]
pub struct Several {
    /// What there is to find.
    pub kinds: Vec<Kind>,
    /// For each object its kind, and its place among the ids of that.
    pub places: Vec<(usize, usize)>,
}

/// Objects of a kind.
pub struct Kind {
    /// The rows of the kind.
    pub source: Source,
    /// What they are shown as.
    pub object: Object,
    /// Their column with the id.
    pub id: &'static str,
    /// The ids of those that are wanted.
    pub ids: Vec<Uuid>,
}

impl Several {
    /// Adds the object of a noun with this id.
    pub fn add<E: Readable + Noun>(&mut self, request: &RequestContext, id: Uuid) -> Result<()> {
        let known = self.kinds.iter().position(|kind| kind.object.name == E::OBJECT);
        let kind = match known {
            Some(kind) => kind,
            None => {
                let source = request.scope.source::<E>(Condition::all())?;
                self.kinds.push(Kind { source, object: object::<E>(), id: E::id().as_str(), ids: Vec::new() });
                self.kinds.len() - 1
            }
        };
        let ids = &mut self.kinds[kind].ids;
        let place = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        });
        self.places.push((kind, place));
        Ok(())
    }
}

/// An object that is no row, such as the caller: each of its fields is read by itself.
pub struct Parts {
    /// Name of the GraphQL type.
    pub object: &'static str,
    /// Its fields.
    pub field: fn(&RequestContext, &str) -> Planned<Part>,
}

/// A field of such an object.
pub enum Part {
    /// JSON that is known beforehand.
    Known(Vec<u8>),
    /// An object by its key; null where there is none.
    One(Option<Found>),
}

/// A field whose value is known beforehand.
pub fn known<T: WriteJson + ?Sized>(value: &T) -> Part {
    let mut json = Vec::new();
    value.write_json(&mut json);
    Part::Known(json)
}

/// A value that all rows of a statement add up to.
pub struct Folded {
    /// The statement.
    pub reading: Reading,
    /// What the rows belong to. Asked for where there are none: without it the value is null.
    pub of: Source,
    /// What the rows add up to.
    pub value: fn(&Rows) -> Result<Json>,
    /// How a field of the value that shows a [row](Json::Row) is read from it, however deep it lies.
    pub field: fn(&str) -> Option<Field>,
}

/// The object that a query starts from.
pub struct Found {
    /// Its row, by a key.
    pub row: Source,
    /// What the row is shown as.
    pub object: Object,
    /// The field of it that is asked for; none for the object itself.
    pub field: Option<&'static str>,
    /// Whether it is the caller itself: where it is gone, the resolvers know what to say.
    pub is_caller: bool,
}

impl Found {
    /// The row of a noun with the id in the argument `id`.
    pub fn by_id<E: Readable + Noun, T: TypedId + Into<sea_orm::Value>>(
        request: &RequestContext,
        arguments: Arguments<'_>,
    ) -> Planned<Option<Self>> {
        let id: ID = arguments.get("id")?;
        let id = T::parse(&id).ok_or(Unplanned)?;
        Ok(Some(Self::of::<E>(request, E::id().eq(id))?))
    }

    /// The row of a noun that fits.
    pub fn of<E: Readable>(request: &RequestContext, fits: impl IntoCondition) -> Planned<Self> {
        let row = request.scope.source::<E>(Condition::all().add(fits.into_condition()))?;
        Ok(Self { row, object: object::<E>(), field: None, is_caller: false })
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

/// A function of the whole row.
pub fn computed_from_row<E: Readable>(value: fn(&Facts<'_>) -> Result<Json>) -> Option<Field> {
    computed(&E::Column::iter().collect::<Vec<_>>(), value)
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

impl Facts<'_> {
    /// The value of the `index`th needed column; none if it is null or in a row that is not there.
    pub fn get<T: ValueType>(&self, index: usize) -> Result<Option<T>> {
        match self.columns[index] {
            Some(column) => Ok(self.row.get(column)?),
            None => Ok(None),
        }
    }

    /// Whether there is an `index`th needed column.
    pub fn has(&self, index: usize) -> bool {
        index < self.columns.len()
    }

    /// The value of the `index`th needed column, which is never null.
    pub fn filled<T: ValueType>(&self, index: usize) -> Result<T> {
        self.get(index)?.ok_or_else(|| Error::Internal("a column is null".into()))
    }

    /// The whole row, of a value that is [computed from it](computed_from_row).
    pub fn model<E: Readable>(&self) -> Result<E::Model>
    where
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let places: Option<Vec<usize>> = self.columns.iter().copied().collect();
        let places = places.ok_or_else(|| Error::Internal("a column is missing".into()))?;
        Ok(self.row.model::<E>(places)?)
    }
}
