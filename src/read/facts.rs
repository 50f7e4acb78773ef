//! What computed values are computed from, by whichever engine.

use sea_orm::sea_query::ValueType;
use sea_orm::{IdenStatic, Iterable, Value};

use super::relation::Joined;
use super::shape::Readable;
use crate::auth::Permission;
use crate::entity::StoredJson;
use crate::error::{Error, Result};
use crate::graphql::context::RequestContext;
use crate::store::Row;

/// The columns that a value is computed from: of the row itself, or of one that it refers to.
pub type Needs = Vec<(Option<Joined>, Vec<&'static str>)>;

/// Columns of the row itself.
pub fn own(columns: &[impl IdenStatic]) -> Needs {
    vec![(None, names(columns))]
}

/// The names of columns.
pub fn names(columns: &[impl IdenStatic]) -> Vec<&'static str> {
    columns.iter().map(IdenStatic::as_str).collect()
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
