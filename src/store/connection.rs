//! Opening the database, and telling its errors apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, Database, DbBackend, DbErr, RuntimeErr, SqlErr, Statement};
use secrecy::ExposeSecret;

use super::pool::Pool;
use super::readers::{Notice, Readers};
use super::reading::Filters;
use crate::clock::{Clock, Timestamp};
use crate::config::DatabaseConfig;

/// An open database, shared by all requests.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Opened>);

/// What belongs to an open database.
pub(super) struct Opened {
    pub(super) connection: Pool,
    pub(super) readers: Readers,
    /// What the read path filters its tables by.
    pub(super) filters: Filters,
    clock: Clock,
    statements: Arc<AtomicU64>,
    observer: Arc<OnceLock<Observer>>,
}

/// What is shown every statement that was sent.
type Observer = Box<dyn Fn(&Statement) + Send + Sync>;

impl Store {
    /// Opens the database that the configuration names. Creates an SQLite file that is missing.
    pub async fn open(config: &DatabaseConfig, clock: Clock) -> Result<Self, DbErr> {
        let url = config.url.expose_secret();
        let mut options = ConnectOptions::new(url);
        // Half of them are the readers', and each needs one.
        let readers = (config.max_connections / 2).max(1);
        let connections = (config.max_connections - readers).max(1);
        options
            .max_connections(connections)
            .acquire_timeout(config.acquire_timeout)
            .connect_timeout(config.acquire_timeout)
            .sqlx_logging(false)
            .test_before_acquire(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
                sqlite
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // With WAL, NORMAL keeps the database whole at any crash but may forget the last commits when
                    // the machine loses power; an acknowledged write must not be lost.
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(std::time::Duration::from_secs(5))
            });
        if url.starts_with("postgres") {
            options.statement_timeout(config.statement_timeout);
            // Statements are prepared and find their rows by index: planning one anew for its values would cost more
            // than running it.
            options.map_sqlx_postgres_opts(|postgres| postgres.options([("plan_cache_mode", "force_generic_plan")]));
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that opens connections")]
        let mut connection = match Database::connect(options).await {
            Ok(connection) => connection,
            Err(error) => return Err(cause(url).await.unwrap_or(error)),
        };
        let statements = Arc::new(AtomicU64::new(0));
        let observer = Arc::new(OnceLock::<Observer>::new());
        let (counter, observing) = (Arc::clone(&statements), Arc::clone(&observer));
        let notice: Notice = Arc::new(move |statement| {
            counter.fetch_add(1, Ordering::Relaxed);
            if let Some(observe) = observing.get() {
                observe(statement);
            }
        });
        let noticed = Arc::clone(&notice);
        connection.set_metric_callback(move |info| noticed(info.statement));
        let readers = Readers::new(&connection, readers as usize, config.acquire_timeout, notice)?;
        let connection = Pool { inner: connection, size: connections };
        Ok(Self(Arc::new(Opened { connection, readers, filters: Filters::default(), clock, statements, observer })))
    }

    /// Applies the migrations that are missing and names them.
    pub async fn migrate_up(&self) -> Result<Vec<String>, DbErr> {
        let missing = self.migration_status().await?.into_iter().filter(|(_, applied)| !applied);
        let missing: Vec<_> = missing.map(|(name, _)| name).collect();
        if !missing.is_empty() {
            Migrator::up(&self.0.connection.inner, None).await?;
        }
        Ok(missing)
    }

    /// Every migration of this program with whether it is applied. Newer ones, which a later version applied while
    /// this one still runs, do not matter: migrations keep what the version before them needs.
    pub async fn migration_status(&self) -> Result<Vec<(String, bool)>, DbErr> {
        let known = Migrator::migrations();
        let applied = match Migrator::get_migration_models(&self.0.connection.inner).await {
            Ok(applied) => applied,
            // The table of applied migrations itself is made by the first migration.
            Err(_) if self.0.connection.inner.ping().await.is_ok() => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_applied = |name: &str| applied.iter().any(|row| row.version == name);
        Ok(known.iter().map(|step| (step.name().to_owned(), is_applied(step.name()))).collect())
    }

    /// Closes all connections.
    pub async fn close(self) -> Result<(), DbErr> {
        self.0.readers.close();
        self.0.connection.inner.clone().close().await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.0.connection.inner.ping().await
    }

    /// How many statements were sent since the start.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// Shows every statement from now on, with its values, to an observer, of which there can be one; false if there
    /// is one already. The values are the tenants' data: they belong into no log.
    pub fn observe(&self, observer: impl Fn(&Statement) + Send + Sync + 'static) -> bool {
        self.0.observer.set(Box::new(observer)).is_ok()
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock that `now` asks.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.0.connection.inner.get_database_backend()
    }
}

/// Why PostgreSQL cannot be reached. The pool tries again until its time is up and forgets what was wrong; one plain
/// connection says it.
async fn cause(url: &str) -> Option<DbErr> {
    use sea_orm::sqlx::{ConnectOptions as _, postgres::PgConnectOptions};
    let options: PgConnectOptions = url.parse().ok()?;
    let error = options.connect().await.err()?;
    Some(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

/// Whether a statement failed only because another transaction was faster, so that trying again makes sense: unique
/// violations (the next try finds the row and refuses by name), serialization failures, deadlocks, a busy SQLite.
pub(crate) fn is_contention(error: &DbErr) -> bool {
    if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
        return true;
    }
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    let code = source.as_database_error().and_then(|error| error.code());
    // PostgreSQL: serialization_failure, deadlock_detected. SQLite: BUSY and its extended forms.
    matches!(code.as_deref(), Some("40001" | "40P01" | "5" | "261" | "517"))
}
