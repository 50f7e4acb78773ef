//! The rows that a reading found, from whichever database they came.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use sea_orm::sea_query::{ColumnType, Value, ValueType};
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, Iterable, TryIntoModel};
use uuid::Uuid;

use crate::entity::StoredJson;

type Result<T> = std::result::Result<T, DbErr>;

/// Rows as one table of cells: there is no object for a row or a value.
#[derive(Default)]
pub struct Rows {
    width: usize,
    cells: Vec<Cell>,
    /// What the cells that are no numbers hold, one behind the other.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Cell {
    Null,
    /// An integer or a truth value.
    Integer(i64),
    /// A text, a document or an id: where it begins and ends.
    Bytes(usize, usize),
}

/// One of the rows.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    cells: &'a [Cell],
    bytes: &'a [u8],
}

impl Rows {
    /// No rows yet, of so many columns.
    pub(super) fn new(width: usize) -> Self {
        Self { width, cells: Vec::with_capacity(width), bytes: Vec::new() }
    }

    pub(super) fn push_null(&mut self) {
        self.cells.push(Cell::Null);
    }

    pub(super) fn push_integer(&mut self, value: i64) {
        self.cells.push(Cell::Integer(value));
    }

    pub(super) fn push_bytes(&mut self, value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.cells.push(Cell::Bytes(start, self.bytes.len()));
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The row at this place.
    pub fn row(&self, place: usize) -> Row<'_> {
        Row { cells: &self.cells[place * self.width..][..self.width], bytes: &self.bytes }
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|place| self.row(place))
    }
}

/// The types of a table's columns, in the table's order. SeaORM defines a column anew each time that it is asked, which took
/// more time than to read the cell.
pub(super) fn types_of<E: EntityTrait>() -> &'static [ColumnType] {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, &'static [ColumnType]>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<E>();
    if let Some(types) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return types;
    }
    let define = || E::Column::iter().map(|column| column.def().get_column_type().clone()).collect::<Vec<_>>().leak();
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert_with(|| define())
}

/// A cell does not hold what its column is known to hold.
fn other(expected: &str) -> DbErr {
    DbErr::Type(format!("a cell is no {expected}"))
}

impl<'a> Row<'a> {
    /// Whether a column is null.
    pub fn is_null(self, column: usize) -> bool {
        matches!(self.cells[column], Cell::Null)
    }

    /// An integer, times included, or a truth value.
    pub fn integer(self, column: usize) -> Result<Option<i64>> {
        match self.cells[column] {
            Cell::Null => Ok(None),
            Cell::Integer(value) => Ok(Some(value)),
            Cell::Bytes(..) => Err(other("number")),
        }
    }

    fn bytes(self, column: usize) -> Result<Option<&'a [u8]>> {
        match self.cells[column] {
            Cell::Null => Ok(None),
            Cell::Integer(_) => Err(other("text")),
            Cell::Bytes(start, end) => Ok(Some(&self.bytes[start..end])),
        }
    }

    /// A text, or a document as text.
    pub fn text(self, column: usize) -> Result<Option<&'a str>> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| other("text"));
        self.bytes(column)?.map(text).transpose()
    }

    /// An id.
    pub fn uuid(self, column: usize) -> Result<Option<Uuid>> {
        let uuid = |bytes| Uuid::from_slice(bytes).map_err(|_| other("id"));
        self.bytes(column)?.map(uuid).transpose()
    }

    /// The value of a column of this type.
    pub fn value(self, column: usize, kind: &ColumnType) -> Result<Value> {
        let int = |value: i64| <i32 as TryFrom<i64>>::try_from(value).map_err(|_| other("32-bit integer"));
        Ok(match kind {
            ColumnType::BigInteger => self.integer(column)?.into(),
            ColumnType::Integer => self.integer(column)?.map(int).transpose()?.into(),
            ColumnType::Boolean => self.integer(column)?.map(|value| value != 0).into(),
            ColumnType::Uuid => self.uuid(column)?.into(),
            ColumnType::Json | ColumnType::JsonBinary => {
                let stored = self.text(column)?.map(StoredJson::parse);
                match stored {
                    Some(StoredJson::Unreadable(text)) => text.into(),
                    other => other.into(),
                }
            }
            _ => self.text(column)?.map(str::to_owned).into(),
        })
    }

    /// The row of a table whose columns, in the table's order, are at these places.
    pub fn model<E: EntityTrait>(self, places: impl IntoIterator<Item = usize>) -> Result<E::Model>
    where
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let mut model = E::ActiveModel::default();
        for ((column, kind), place) in E::Column::iter().zip(types_of::<E>()).zip(places) {
            model.try_set(column, self.value(place, kind)?)?;
        }
        model.try_into_model()
    }

    /// What a column holds, as a type of ours; none if it is null.
    pub fn get<T: ValueType>(self, column: usize) -> Result<Option<T>> {
        if self.is_null(column) {
            return Ok(None);
        }
        let value = self.value(column, &T::column_type())?;
        <T as ValueType>::try_from(value).map(Some).map_err(|_| other(std::any::type_name::<T>()))
    }

    /// What a column that is never null holds.
    pub fn known<T: ValueType>(self, column: usize) -> Result<T> {
        self.get(column)?.ok_or_else(|| other(std::any::type_name::<T>()))
    }
}
