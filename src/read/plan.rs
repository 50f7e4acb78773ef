//! What a query comes to: statements, and what is written from their rows.

use async_graphql::Pos;
use uuid::Uuid;

use super::arguments::Arguments;
use super::facts::Facts;
use super::json::Json;
use super::relation::Page;
use super::shape::WriteColumn;
use crate::error::Result;
use crate::store::{Reading, Rows, Source};

/// A field of the answer.
pub struct Entry<T> {
    /// Its key and a colon, as JSON.
    pub key: Vec<u8>,
    /// How its value is made.
    pub value: T,
}

/// How a value is written from a row.
pub enum Value<'a> {
    /// JSON that is known beforehand.
    Known(Vec<u8>),
    /// A column.
    Column(usize, WriteColumn),
    /// An object; null where this column is.
    Object(Option<usize>, Vec<Entry<Value<'a>>>),
    /// The first of these whose column is filled; null where none is.
    OneOf(Vec<(usize, Value<'a>)>),
    /// The list of this place among the statement's lists.
    Many(usize),
    /// The outcome of a function of these columns; none of a row that the caller cannot see.
    Computed { value: fn(&Facts<'_>) -> Result<Json>, columns: Vec<Option<usize>>, selected: Selected<'a> },
}

/// What is selected from a computed value.
pub enum Selected<'a> {
    /// A scalar.
    All,
    /// These fields of an object.
    Fields(Vec<Entry<SelectedField<'a>>>),
    /// What is written from the row that stands there.
    Row(Box<Value<'a>>),
}

/// A field that is selected from a computed value.
pub struct SelectedField<'a> {
    pub name: &'a str,
    pub arguments: Arguments<'a>,
    pub selected: Selected<'a>,
}

/// A statement, and the statements behind it.
pub struct Statement<'a> {
    pub reading: Reading,
    pub lists: Vec<ListBelow<'a>>,
}

/// A list that belongs to each row of a statement.
pub struct ListBelow<'a> {
    /// The column of the row that the list's rows refer to.
    pub parent: usize,
    pub list: ListPlan<'a>,
}

/// A list: its statement, and how it is written.
pub struct ListPlan<'a> {
    pub statement: Statement<'a>,
    pub shown: Shown<'a>,
}

/// How a list is written.
pub enum Shown<'a> {
    /// As a plain list of objects.
    All(Vec<Entry<Value<'a>>>),
    /// As a connection.
    Pages(Box<Connection<'a>>),
}

/// How a connection is written.
pub struct Connection<'a> {
    pub page: Page,
    /// Where the sort keys are among the columns of a row, if cursors are asked for.
    pub cursor: Vec<usize>,
    pub fields: Vec<Entry<ConnectionField<'a>>>,
}

/// A field of a connection.
pub enum ConnectionField<'a> {
    Known(Vec<u8>),
    Nodes(Vec<Entry<Value<'a>>>),
    Edges(Vec<Entry<EdgeField<'a>>>),
    PageInfo(Vec<Entry<PageInfoField>>),
    TotalCount(Vec<Entry<CountField>>),
}

/// A field of an edge.
pub enum EdgeField<'a> {
    Known(Vec<u8>),
    Cursor,
    Node(Vec<Entry<Value<'a>>>),
}

/// A field of `PageInfo`.
pub enum PageInfoField {
    Known(Vec<u8>),
    HasPreviousPage,
    HasNextPage,
    StartCursor,
    EndCursor,
}

/// A field of `Count`.
pub enum CountField {
    Known(Vec<u8>),
    Value,
    Exact,
}

/// A field of the query itself.
pub struct RootField<'a> {
    pub plan: RootPlan<'a>,
    /// Its key in the answer, and where it stands in the document.
    pub place: (&'a str, Pos),
}

/// What a field of the query itself is.
pub enum RootPlan<'a> {
    /// JSON that is known beforehand.
    Known(Vec<u8>),
    /// What is written from the one row of a statement; null if there is none.
    One { statement: Statement<'a>, value: Value<'a>, is_caller: bool },
    /// A connection.
    Pages(ListPlan<'a>),
    /// An object that is no row.
    Parts(Vec<Entry<RootPlan<'a>>>),
    /// For each of these places the row of that kind with that id, of those that the kind has; null if there is none.
    Several { kinds: Vec<(ListPlan<'a>, Vec<Uuid>)>, places: Vec<(usize, usize)> },
    /// What all rows of a statement add up to.
    Folded { statement: Statement<'a>, of: Source, value: fn(&Rows) -> Result<Json>, selected: Selected<'a> },
}
