//! Reading from SQLite: a connection is used by one thread until the last row is read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};
use sea_orm::sea_query::Value;
use sea_orm::{Statement, Values};

use super::failed;
use crate::error::Result;
use crate::store::rows::Rows;

/// How many statements a connection keeps prepared.
const PREPARED: usize = 256;

/// How long to wait for a lock, which readers of a write-ahead log need only when it is set up or recovered.
const BUSY: Duration = Duration::from_secs(5);

pub(super) struct Connections {
    file: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Connections {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: Arc::new(file.to_owned()), idle: Arc::default() }
    }

    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) async fn rows(&self, statement: Statement) -> Result<Rows> {
        let (file, idle) = (Arc::clone(&self.file), Arc::clone(&self.idle));
        let read = move || {
            let known = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match known {
                Some(connection) => connection,
                None => open(&file)?,
            };
            let rows = read(&connection, &statement);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            rows
        };
        tokio::task::spawn_blocking(read).await.map_err(failed)?.map_err(failed)
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    // Plans that depend on values are made anew for each value, which costs a third of a page.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

fn read(connection: &Connection, statement: &Statement) -> rusqlite::Result<Rows> {
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
                ValueRef::Real(_) => return Err(rusqlite::Error::IntegralValueOutOfRange(column, 0)),
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
            Value::String(value) => value.as_ref().map(|value| ValueRef::Text(value.as_bytes())),
            Value::Uuid(value) => value.as_ref().map(|value| ValueRef::Blob(value.as_bytes())),
            other => return Err(rusqlite::Error::ToSqlConversionFailure(format!("{other:?} is not bound").into())),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}
