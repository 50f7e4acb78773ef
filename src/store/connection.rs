//! Opening the database, and telling its errors apart.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::sea_query::Query;
use sea_orm::{ConnectOptions, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement, sqlx};
use secrecy::ExposeSecret;

use super::database::{Database, Limits, Notice};
use super::executor::Executor as _;
use super::postgres::is_lost;
use super::reading::Filters;
use crate::clock::{Clock, Timestamp};
use crate::config::DatabaseConfig;
use crate::entity::OrganizationId;

/// How long SeaORM's connection to PostgreSQL is kept when nothing is set up any more.
const SET_UP: Duration = Duration::from_secs(5);

/// An open database, shared by all requests.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Opened>);

/// What belongs to an open database.
pub(super) struct Opened {
    pub(super) database: Database,
    /// SeaORM's own connections, of which PostgreSQL has one, for setting up.
    set_up: DatabaseConnection,
    /// What the read path filters its tables by.
    pub(super) filters: Filters,
    /// Organizations that were found to have a limit on what they make.
    pub(super) limited: RwLock<HashSet<(OrganizationId, &'static str)>>,
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
        let limits = Limits::of(config);
        options
            .max_connections(limits.transactions as u32)
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
                    .busy_timeout(Duration::from_secs(5))
            });
        if url.starts_with("postgres") {
            options.max_connections(1).idle_timeout(SET_UP).statement_timeout(config.statement_timeout);
            // Statements are prepared and find their rows by index: planning one anew for its values would cost more
            // than running it.
            options.map_sqlx_postgres_opts(|postgres| postgres.options([("plan_cache_mode", "force_generic_plan")]));
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that opens connections")]
        let mut set_up = match sea_orm::Database::connect(options).await {
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
        set_up.set_metric_callback(move |info| noticed(info.statement));
        let database = Database::new(&set_up, limits, notice)?;
        Ok(Self(Arc::new(Opened {
            database,
            set_up,
            filters: Filters::default(),
            limited: RwLock::default(),
            clock,
            statements,
            observer,
        })))
    }

    /// Applies the migrations that are missing and names them, and makes up for what only the program can derive: the
    /// keys of rows that an earlier version of it made, and what time will bring.
    pub async fn migrate_up(&self) -> Result<Vec<String>, DbErr> {
        let missing = self.migration_status().await?.into_iter().filter(|(_, applied)| !applied);
        let missing: Vec<_> = missing.map(|(name, _)| name).collect();
        if !missing.is_empty() {
            Migrator::up(&self.0.set_up, None).await?;
        }
        if !self.keys_are_current().await? {
            self.system().refold().await?;
        }
        self.system().foresee().await?;
        Ok(missing)
    }

    /// Every migration of this program with whether it is applied. Newer ones, which a later version applied while
    /// this one still runs, do not matter: migrations keep what the version before them needs.
    pub async fn migration_status(&self) -> Result<Vec<(String, bool)>, DbErr> {
        let known = Migrator::migrations();
        let applied = Query::select().column("version").from(Migrator::migration_table_name()).take();
        let applied: Vec<String> = match self.0.database.select(&applied).await {
            Ok(rows) => rows
                .iter()
                .filter_map(|row| row.text(0).transpose())
                .map(|name| name.map(str::to_owned))
                .collect::<Result<_, _>>()?,
            // The table of applied migrations itself is made by the first migration.
            Err(_) if self.ping().await.is_ok() => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_applied = |name: &str| applied.iter().any(|applied| applied == name);
        Ok(known.iter().map(|step| (step.name().to_owned(), is_applied(step.name()))).collect())
    }

    /// Closes all connections.
    pub async fn close(self) -> Result<(), DbErr> {
        self.0.database.close().await;
        self.0.set_up.clone().close().await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.0.database.rows(Statement::from_string(self.backend(), "SELECT 1")).await.map(drop)
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
        self.0.database.backend()
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

/// Whether a statement failed only because another transaction was faster or the connection was lost, so that trying
/// again makes sense: unique violations (the next try finds the row and refuses by name), serialization failures,
/// deadlocks, a busy SQLite.
pub(crate) fn is_contention(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(refused) = &**source else { return is_lost(error) };
    // PostgreSQL: serialization_failure, deadlock_detected. SQLite: BUSY and its extended forms.
    let code = refused.code();
    refused.is_unique_violation() || matches!(code.as_deref(), Some("40001" | "40P01" | "5" | "261" | "517"))
}
