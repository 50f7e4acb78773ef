//! Connections that read past sqlx, which moves each row from one thread to another.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, OpenFlags};
use sea_orm::sea_query::Value;
use sea_orm::{Statement, Values};

use crate::store::rows::Rows;

/// How many statements a connection keeps prepared.
const PREPARED: usize = 256;

/// A connection that can only read, and waits so long for a lock.
pub(super) fn open(file: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(patience)?;
    // Plans that depend on values are made anew for each value, which costs a third of a page.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

/// All rows of a statement.
pub(super) fn read(connection: &Connection, statement: &Statement) -> rusqlite::Result<Rows> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let width = prepared.column_count();
    let values = statement.values.as_ref().map_or(&[][..], |Values(values)| values);
    let mut found = prepared.query(rusqlite::params_from_iter(values.iter().map(Bound)))?;
    let mut rows = Rows::new(width);
    while let Some(row) = found.next()? {
        for column in 0..width {
            match row.get_ref(column)? {
                ValueRef::Null => rows.push_null(),
                ValueRef::Integer(value) => rows.push_integer(value),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => rows.push_bytes(bytes),
                ValueRef::Real(_) => {
                    let name = row.as_ref().column_name(column)?.to_owned();
                    return Err(rusqlite::Error::InvalidColumnType(column, name, Type::Real));
                }
            }
        }
    }
    Ok(rows)
}

/// A value of a statement, as SQLite stores it.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self.0 {
            Value::Bool(value) => value.map(|value| ValueRef::Integer(value.into())),
            Value::Int(value) => value.map(|value| ValueRef::Integer(value.into())),
            Value::BigInt(value) => value.map(ValueRef::Integer),
            Value::BigUnsigned(value) => value.map(i64::try_from).transpose().map_err(unbound)?.map(ValueRef::Integer),
            Value::String(value) => value.as_ref().map(|value| ValueRef::Text(value.as_bytes())),
            Value::Uuid(value) => value.as_ref().map(|value| ValueRef::Blob(value.as_bytes())),
            other => {
                return Err(unbound(format!("a value of this type is not bound: {:?}", std::mem::discriminant(other))));
            }
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

fn unbound(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(why.into())
}
