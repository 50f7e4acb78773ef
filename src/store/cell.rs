//! Values of a row, read from where the database put them; none is null.

use sea_orm::QueryResult;
use sea_orm::sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Reads a value that is stored as the database's own type `$type`: from where it is in the row, and without asking
/// the database's catalogue whether the types agree, because the statement was written for this column.
macro_rules! cells {
    ($($(#[$doc:meta])* $name:ident -> $type:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(row: &QueryResult, column: usize) -> Result<Option<$type>> {
            let value = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
                (Some(row), _) => row.try_get_unchecked(column),
                (_, Some(row)) => row.try_get_unchecked(column),
                (None, None) => return Err(Error::Internal("a row of another database".into())),
            };
            value.map_err(|error| Error::Internal(format!("database: {error}").into()))
        }
    )*};
}

cells! {
    /// A text.
    text -> &str;
    /// A 64-bit integer, times included.
    bigint -> i64;
    /// A 32-bit integer.
    int -> i32;
    /// A truth value.
    bool -> bool;
    /// An id.
    uuid -> Uuid;
}

/// Whether a column of a row is null.
pub fn is_null(row: &QueryResult, column: usize) -> Result<bool> {
    let null = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
        (Some(row), _) => row.try_get_raw(column).map(|value| value.is_null()),
        (_, Some(row)) => row.try_get_raw(column).map(|value| value.is_null()),
        (None, None) => return Err(Error::Internal("a row of another database".into())),
    };
    null.map_err(|error| Error::Internal(format!("database: {error}").into()))
}
