//! Reading from PostgreSQL: a few connections, each of which takes several statements at once.
//!
//! Statements are pipelined (PostgreSQL manual, 55.2.3): the next one is sent before the answer to the last one has
//! come. Under load neither side sleeps between two statements, and both send and receive several at a time.

mod settings;
mod value;

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use quick_cache::sync::Cache;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Statement, Values};
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::settings::settings;
use self::value::{Bound, Found, type_of};
use super::{failed, in_time};
use crate::error::Result;
use crate::store::rows::Rows;

/// How many statements a connection has at once at most.
pub(super) const PIPELINE: usize = 64;

/// A connection whose last answer was so long in coming, or that has been silent for so long, is behind: it has a
/// statement that takes its time, or too many.
///
/// Small statements are answered much faster, though dozens of them stand in a row. With less time a connection would
/// be thought behind whenever its process had to wait for a core; the next one would take its load, a process more
/// would want a core, and so on: a fifth fewer points a second, and a p99 three times as long.
const BEHIND: Duration = Duration::from_micros(1500);

/// How many statements a connection keeps prepared, about: the cache divides them among its parts.
const PREPARED: usize = 512;

/// Why a statement failed.
type Fault = Box<dyn std::error::Error + Send + Sync>;

pub(super) struct Connections {
    config: Config,
    tls: MakeRustlsConnect,
    /// How many there may be.
    count: usize,
    open: Mutex<Vec<Arc<Connection>>>,
    /// Held by who opens a connection.
    opening: tokio::sync::Mutex<()>,
}

struct Connection {
    client: Client,
    prepared: Cache<String, tokio_postgres::Statement>,
    /// How many statements are under way.
    load: AtomicUsize,
    /// When the connection was last heard of: it answered, or took up work. In nanoseconds since it was opened.
    heard: AtomicU64,
    /// How long the last answer was in coming, in nanoseconds; 0 if none came since the connection was idle.
    delay: AtomicU64,
    opened: Instant,
}

/// A connection, while a statement uses it.
struct Use {
    connection: Arc<Connection>,
    /// Whether the connection is new.
    first: bool,
    /// The connection's age when the statement was sent.
    since: u64,
}

impl Use {
    fn of(connection: &Arc<Connection>, first: bool) -> Self {
        let since = connection.age();
        if connection.load.fetch_add(1, Ordering::Relaxed) == 0 {
            connection.heard.store(since, Ordering::Relaxed);
            connection.delay.store(0, Ordering::Relaxed);
        }
        Self { connection: Arc::clone(connection), first, since }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let now = self.connection.age();
        self.connection.heard.store(now, Ordering::Relaxed);
        self.connection.delay.store(now.saturating_sub(self.since), Ordering::Relaxed);
        self.connection.load.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    pub(super) fn new(options: &PgConnectOptions, count: usize) -> Result<Self, DbErr> {
        let (config, tls) = settings(options).map_err(|fault| DbErr::Custom(format!("database: {fault}")))?;
        Ok(Self { config, tls, count, open: Mutex::default(), opening: tokio::sync::Mutex::default() })
    }

    pub(super) fn close(&self) {
        self.open().clear();
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that a statement finds.
    ///
    /// A connection may have been lost while nobody used it, because the database was restarted. A read can be sent
    /// again, and is, over the others and in the end over a new one; what fails over a new one has failed.
    pub(super) async fn rows(&self, statement: &Statement, patience: Duration) -> Result<Rows> {
        loop {
            let used = match self.pick(false) {
                Some(used) => used,
                // In a box, like preparing: these futures are large, and rarely needed.
                None => Box::pin(in_time(patience, self.acquire())).await?,
            };
            match used.connection.rows(statement).await {
                Err(fault) if !used.first && is_lost(&*fault) => {
                    self.open().retain(|connection| !Arc::ptr_eq(connection, &used.connection));
                }
                outcome => return outcome.map_err(|fault| failed(explained(&*fault))),
            }
        }
    }

    /// The first connection that keeps up with what it is given, so that under load statements travel together; if
    /// none does, the one with the fewest statements, once no more can be opened or if `busy` will do.
    fn pick(&self, busy: bool) -> Option<Use> {
        let mut open = self.open();
        open.retain(|connection| !connection.client.is_closed());
        if let Some(connection) = open.iter().find(|connection| connection.keeps_up()) {
            return Some(Use::of(connection, false));
        }
        let best = open.iter().min_by_key(|connection| connection.load.load(Ordering::Relaxed))?;
        (busy || open.len() >= self.count).then(|| Use::of(best, false))
    }

    /// A connection: a new one, unless another request is opening one and a busy one can be used meanwhile.
    async fn acquire(&self) -> Result<Use> {
        let _turn = match self.opening.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.pick(true) {
                Some(used) => return Ok(used),
                None => self.opening.lock().await,
            },
        };
        if let Some(used) = self.pick(false) {
            return Ok(used);
        }
        let (client, connection) =
            self.config.connect(self.tls.clone()).await.map_err(|fault| failed(explained(&fault)))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = explained(&error), "a connection for reading was lost");
            }
        });
        let connection = Arc::new(Connection::new(client));
        let used = Use::of(&connection, true);
        self.open().push(connection);
        Ok(used)
    }
}

impl Connection {
    fn new(client: Client) -> Self {
        Self {
            client,
            prepared: Cache::new(PREPARED),
            load: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            delay: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether it is idle, or has room and answers in time.
    fn keeps_up(&self) -> bool {
        let silent = || self.age().saturating_sub(self.heard.load(Ordering::Relaxed));
        let wait = || Duration::from_nanos(silent().max(self.delay.load(Ordering::Relaxed)));
        match self.load.load(Ordering::Relaxed) {
            0 => true,
            load => load < PIPELINE && wait() < BEHIND,
        }
    }

    async fn rows(&self, statement: &Statement) -> Result<Rows, Fault> {
        let values = statement.values.as_ref().map_or(&[][..], |Values(values)| values);
        let prepared = match self.prepared.get(&statement.sql) {
            Some(prepared) => prepared,
            None => {
                let types = values.iter().map(type_of).collect::<Result<Vec<_>, _>>()?;
                let prepared = Box::pin(self.client.prepare_typed(&statement.sql, &types)).await?;
                self.prepared.insert(statement.sql.clone(), prepared.clone());
                prepared
            }
        };
        let width = prepared.columns().len();
        let mut found = std::pin::pin!(self.client.query_raw(&prepared, values.iter().map(Bound)).await?);
        let mut rows = Rows::new(width);
        while let Some(row) = found.try_next().await? {
            for column in 0..width {
                match row.try_get(column)? {
                    None => rows.push_null(),
                    Some(Found::Integer(value)) => rows.push_integer(value),
                    Some(Found::Bytes(bytes)) => rows.push_bytes(bytes),
                }
            }
        }
        Ok(rows)
    }
}

/// Whether the connection cannot be used any more: it broke, or the database ends it with what it says (it shuts down,
/// or somebody ended the session).
fn is_lost(fault: &(dyn std::error::Error + 'static)) -> bool {
    let Some(error) = fault.downcast_ref::<tokio_postgres::Error>() else { return false };
    match error.as_db_error().map(DbError::parsed_severity) {
        Some(severity) => matches!(severity, Some(Severity::Fatal | Severity::Panic)),
        None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
    }
}

/// All that an error says: by itself it names only what was being done.
fn explained(mut error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    while let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
        error = cause;
    }
    text
}
