//! Reading past sqlx, which moves each row from one thread to another: a thread reads a statement to its last row.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use sea_orm::sea_query::Value;
use sea_orm::{DbErr, Statement, Values};
use tokio::sync::{Semaphore, oneshot};

use super::failed;
use crate::store::rows::Rows;

/// How many statements a connection keeps prepared.
const PREPARED: usize = 256;

/// How long to wait for a lock, which readers of a write-ahead log need only when it is set up or recovered.
const BUSY: Duration = Duration::from_secs(5);

/// Threads with a connection each, of which any that is idle takes the next statement.
///
/// Not the runtime's blocking threads: it starts new ones whenever all are busy for a moment, and what each keeps of the
/// memory it used adds up.
pub(super) struct Readers {
    file: Arc<Path>,
    at_hand: AtHand,
    /// How many there may be.
    count: usize,
    started: Arc<AtomicUsize>,
    idle: Arc<AtomicUsize>,
    /// None once they are closed.
    queue: Mutex<Option<Sender<Job>>>,
    jobs: Receiver<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Job {
    statement: Statement,
    answer: oneshot::Sender<rusqlite::Result<Rows>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Readers {
    pub(super) fn new(file: &Path, count: usize) -> Self {
        let (queue, jobs) = crossbeam_channel::unbounded();
        Self {
            file: file.into(),
            at_hand: AtHand { idle: Mutex::default(), permits: Semaphore::new(AT_HAND as usize) },
            count,
            started: Arc::default(),
            idle: Arc::default(),
            queue: Mutex::new(Some(queue)),
            jobs,
            threads: Mutex::default(),
        }
    }

    /// Waits until the threads have ended, which they do when they have nothing left to do. The last connection to be
    /// closed puts the log into the file, and one that only reads cannot.
    pub(super) async fn close(&self) {
        lock(&self.queue).take();
        self.at_hand.close().await;
        let threads = std::mem::take(&mut *lock(&self.threads));
        let ended = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        drop(ended.await);
    }

    /// The rows of a statement that takes microseconds, found on this thread. None where no connection is free for it.
    pub(super) fn look_up(&self, statement: &Statement) -> Option<Result<Rows, DbErr>> {
        match self.at_hand.read(&self.file, statement)? {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
            rows => Some(rows.map_err(failed)),
        }
    }

    pub(super) async fn rows(&self, statement: Statement) -> Result<Rows, DbErr> {
        let (answer, answered) = oneshot::channel();
        {
            let queue = lock(&self.queue);
            let queue = queue.as_ref().ok_or_else(|| failed("closed"))?;
            self.start_another().map_err(failed)?;
            queue.send(Job { statement, answer }).map_err(failed)?;
        }
        answered.await.map_err(failed)?.map_err(failed)
    }

    /// Starts a thread if none is idle and there may be more.
    fn start_another(&self) -> std::io::Result<()> {
        if self.idle.load(Ordering::Relaxed) == 0 && self.started.load(Ordering::Relaxed) < self.count {
            let (file, jobs, idle) = (Arc::clone(&self.file), self.jobs.clone(), Arc::clone(&self.idle));
            let started = Started::count(&self.started);
            let thread = std::thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
                serve(&file, &jobs, &idle);
                drop(started);
            })?;
            lock(&self.threads).push(thread);
        }
        Ok(())
    }
}

/// How many connections are at hand: as many as the cores of a small machine.
const AT_HAND: u32 = 2;

/// Connections that are used on whatever thread needs one.
struct AtHand {
    idle: Mutex<Vec<Connection>>,
    /// As many as are not in use.
    permits: Semaphore,
}

impl AtHand {
    /// The rows of a statement. None if all connections are in use, or none can be opened.
    fn read(&self, file: &Path, statement: &Statement) -> Option<rusqlite::Result<Rows>> {
        let _permit = self.permits.try_acquire().ok()?;
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open(file, Duration::ZERO).ok()?,
        };
        let rows = read(&connection, statement);
        lock(&self.idle).push(connection);
        Some(rows)
    }

    /// Closes them when none is in use any more.
    async fn close(&self) {
        let _all = self.permits.acquire_many(AT_HAND).await;
        self.permits.close();
        lock(&self.idle).clear();
    }
}

/// A thread, until it ends: should one panic, another takes its place.
struct Started(Arc<AtomicUsize>);

impl Started {
    fn count(started: &Arc<AtomicUsize>) -> Self {
        started.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(started))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads what is asked for until there will be nothing more.
fn serve(file: &Path, jobs: &Receiver<Job>, idle: &AtomicUsize) {
    let mut known = None;
    loop {
        idle.fetch_add(1, Ordering::Relaxed);
        let job = jobs.recv();
        idle.fetch_sub(1, Ordering::Relaxed);
        let Ok(Job { statement, answer }) = job else { return };
        let rows = match &known {
            Some(connection) => read(connection, &statement),
            None => open(file, BUSY).and_then(|connection| read(known.insert(connection), &statement)),
        };
        // Nobody waits for it when the request was given up.
        let _ = answer.send(rows);
    }
}

/// A connection that can only read, and waits so long for a lock.
fn open(file: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(patience)?;
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
