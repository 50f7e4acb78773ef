//! Connections past sqlx, which moves each row from one thread to another.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{OpenFlags, Params};
use sea_orm::sea_query::Value;
use sea_orm::{Statement, Values};

use super::lock;
use crate::store::rows::Rows;

/// How many statements a connection keeps prepared. Each takes some ten thousand bytes.
const PREPARED: usize = 32;

/// How many KiB of the file a connection keeps. The system keeps more of it, for all of them.
const CACHE: i64 = 1024;

/// After how many instructions of its machine SQLite asks whether to go on: some tens of microseconds.
const INSTRUCTIONS: i32 = 4096;

/// How long to wait for a lock, which readers of a write-ahead log need only when it is set up or recovered.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// An open connection.
pub(super) struct Connection {
    sqlite: rusqlite::Connection,
    current: Arc<Mutex<Option<Current>>>,
}

/// The work that a connection does, as far as it has limits.
struct Current {
    until: Instant,
    caller: Weak<()>,
}

impl Current {
    fn is_over(&self) -> bool {
        self.caller.strong_count() == 0 || Instant::now() >= self.until
    }
}

impl Connection {
    /// One that can only read, and waits so long for a lock.
    pub(super) fn reading(file: &Path, patience: Duration) -> rusqlite::Result<Self> {
        Self::open(file, OpenFlags::SQLITE_OPEN_READ_ONLY, patience)
    }

    /// One that writes. A file that is missing is created.
    pub(super) fn writing(file: &Path) -> rusqlite::Result<Self> {
        create(file);
        let connection = Self::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, BUSY)?;
        // With a write-ahead log, NORMAL keeps the database whole at any crash but may forget the last commits when the
        // machine loses power; an acknowledged write must not be lost.
        connection.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
        Ok(connection)
    }

    fn open(file: &Path, access: OpenFlags, patience: Duration) -> rusqlite::Result<Self> {
        let sqlite = rusqlite::Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        sqlite.busy_timeout(patience)?;
        // Plans that depend on values are made anew for each value, which costs a third of a page.
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        sqlite.set_prepared_statement_cache_capacity(PREPARED);
        sqlite.pragma_update(None, "cache_size", -CACHE)?;
        let current = Arc::<Mutex<Option<Current>>>::default();
        let watched = Arc::clone(&current);
        let is_over = move || lock(&watched).as_ref().is_some_and(Current::is_over);
        // Not an interrupt from outside: one that comes between two statements stops the wrong one, or none.
        sqlite.progress_handler(INSTRUCTIONS, Some(is_over))?;
        Ok(Self { sqlite, current })
    }

    /// Does work that is interrupted when it takes longer than this, or when the caller has left.
    pub(super) fn within<T>(&self, limit: Duration, caller: Weak<()>, work: impl FnOnce(&Self) -> T) -> T {
        *lock(&self.current) = Some(Current { until: Instant::now() + limit, caller });
        let done = work(self);
        *lock(&self.current) = None;
        done
    }

    /// Whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        self.sqlite.is_autocommit()
    }

    /// Runs statements without values that find nothing.
    pub(super) fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.sqlite.execute_batch(sql)
    }

    /// Writes about as much to the log as a command does, in a transaction that is not to be committed.
    pub(super) fn rehearse(&self) -> rusqlite::Result<()> {
        self.run("CREATE TABLE rehearsal (bytes BLOB); INSERT INTO rehearsal VALUES (zeroblob(262144))")?;
        self.sqlite.cache_flush()
    }

    /// All rows of a statement.
    pub(super) fn read(&self, statement: &Statement) -> rusqlite::Result<Rows> {
        let mut prepared = self.sqlite.prepare_cached(&statement.sql)?;
        let width = prepared.column_count();
        let mut found = prepared.query(values(statement))?;
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

    /// Runs a statement that finds nothing, and tells how many rows it changed.
    pub(super) fn execute(&self, statement: &Statement) -> rusqlite::Result<u64> {
        Ok(self.sqlite.prepare_cached(&statement.sql)?.execute(values(statement))? as u64)
    }
}

/// Makes the file, if it is missing, so that its owner alone can read it: SQLite would let everyone. The files beside it
/// get the same rights from SQLite. What cannot be made is told of when it is opened.
fn create(file: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(file);
}

fn values(statement: &Statement) -> impl Params + use<'_> {
    let values = statement.values.as_ref().map_or(&[][..], |Values(values)| values);
    rusqlite::params_from_iter(values.iter().map(Bound))
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
            Value::Json(None) => None,
            Value::Json(Some(value)) => return Ok(value.to_string().into()),
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
