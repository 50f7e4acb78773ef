//! The database: where statements are sent, and transactions begin.
//!
//! SeaORM migrates it, by sqlx, which also knows all that an address can say. Everything else goes past that: sqlx makes
//! an object of each row, tests a PostgreSQL connection by a round trip each time it is given back, moves each row of
//! SQLite from one thread to another, and goes on with a connection of SQLite whose commit failed.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{DbBackend, DbErr, EntityTrait, RuntimeErr, Statement, TryIntoModel};
use secrecy::ExposeSecret;

use super::executor::Executor;
use super::flush::Flush;
use super::postgres::{self, Postgres};
use super::reading::{Lock, Source};
use super::rows::Rows;
use super::sqlite::{self, Sqlite};
use super::text::Text;
use crate::config::DatabaseConfig;

/// What is told of every statement that is sent.
pub(super) type Notice = Arc<dyn Fn(&Statement) + Send + Sync>;

/// How the connections are used that requests have to themselves: those of transactions, and on SQLite those of reads too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connections {
    /// How many there may be.
    pub limit: usize,
    /// How many somebody has.
    pub in_use: usize,
    /// How many requests wait for one; not known on SQLite.
    pub waiting: usize,
}

/// How much of the database is used at once.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How many connections transactions have.
    pub(super) transactions: usize,
    /// How many connections reads have that stand alone.
    pub(super) reads: usize,
    /// How long to wait for one.
    pub(super) patience: Duration,
}

impl Limits {
    /// The configured connections, divided: transactions and reads need one each.
    pub(super) fn of(config: &DatabaseConfig) -> Self {
        let all = config.max_connections as usize;
        let most = match is_postgres(config) {
            // Reads share theirs, and need fewer.
            true => all - (all * 3).div_ceil(8),
            // One writes, and another one migrates.
            false => 2,
        };
        let transactions = most.min(all.saturating_sub(1)).max(1);
        Self { transactions, reads: all.saturating_sub(transactions).max(1), patience: config.acquire_timeout }
    }
}

fn is_postgres(config: &DatabaseConfig) -> bool {
    config.url.expose_secret().starts_with("postgres")
}

/// An open database. By itself it only reads: a statement that finds its connection lost is sent again.
pub(super) enum Database {
    Postgres(Arc<Postgres>),
    Sqlite(Box<Sqlite>),
}

impl Database {
    /// Opens the database that the configuration names. What is wrong with it is found out here.
    pub(super) async fn open(config: &DatabaseConfig, notice: Notice) -> Result<Self, DbErr> {
        let (url, limits) = (config.url.expose_secret(), Limits::of(config));
        let unusable = |error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
        if is_postgres(config) {
            let options: PgConnectOptions = url.parse().map_err(unusable)?;
            let limit = config.statement_timeout.as_millis().to_string();
            // Statements are prepared and find their rows by index: planning one anew for its values would cost more
            // than running it.
            let set = [("plan_cache_mode", "force_generic_plan"), ("statement_timeout", &limit)];
            let database = Postgres::new(&options.options(set), limits, notice)?;
            database.connect().await?;
            return Ok(Self::Postgres(Arc::new(database)));
        }
        let options: SqliteConnectOptions = url.parse().map_err(unusable)?;
        Ok(Self::Sqlite(Box::new(Sqlite::open(options.get_filename(), config, limits, notice).await?)))
    }

    /// Closes the connections when they are not used any more.
    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(database) => database.close(),
            Self::Sqlite(database) => database.close().await,
        }
    }

    /// The rows of a statement that finds single rows by their keys, and is done in microseconds.
    pub(super) async fn look_up(&self, statement: Statement) -> Result<Rows, DbErr> {
        match self {
            Self::Postgres(database) => database.read(&statement).await,
            Self::Sqlite(database) => database.look_up(statement).await,
        }
    }

    /// How the connections are used.
    pub(super) fn connections(&self) -> Connections {
        match self {
            Self::Postgres(database) => database.connections(),
            Self::Sqlite(database) => database.connections(),
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Transaction, DbErr> {
        Ok(match self {
            Self::Postgres(database) => Transaction::Postgres(postgres::Transaction::new(Arc::clone(database))),
            Self::Sqlite(database) => Transaction::Sqlite(database.begin().await?),
        })
    }
}

/// An open transaction, which is rolled back unless it is committed.
pub(super) enum Transaction {
    Postgres(postgres::Transaction),
    Sqlite(sqlite::Transaction),
}

impl Transaction {
    /// The one row of a source, locked until the end of the transaction.
    pub(super) async fn lock<E>(&self, source: &Source, lock: Lock) -> Result<Option<E::Model>, DbErr>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let statement = Text::statement(self.backend(), |text| text.models::<E>(source, Some(lock)));
        let rows = match self {
            Self::Postgres(transaction) => transaction.lock(&statement).await?,
            Self::Sqlite(transaction) => transaction.read(statement).await?,
        };
        rows.iter().next().map(|row| row.model::<E>(0..)).transpose()
    }

    /// Runs a statement, and tells how many rows it changed.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.write(&statement).await,
            Self::Sqlite(transaction) => transaction.execute(statement).await,
        }
    }

    /// Writes what is left, and commits.
    pub(super) async fn commit(self, flush: Flush) -> Result<(), DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.commit(flush).await,
            Self::Sqlite(transaction) => {
                debug_assert!(flush.is_empty(), "SQLite is sent each write as it comes");
                transaction.commit().await
            }
        }
    }
}

macro_rules! executors {
    ($($executor:ty),*) => {$(
        impl Executor for $executor {
            fn backend(&self) -> DbBackend {
                match self {
                    Self::Postgres(_) => DbBackend::Postgres,
                    Self::Sqlite(_) => DbBackend::Sqlite,
                }
            }

            async fn rows(&self, statement: Statement) -> Result<Rows, DbErr> {
                match self {
                    Self::Postgres(executor) => executor.read(&statement).await,
                    Self::Sqlite(executor) => executor.read(statement).await,
                }
            }
        }
    )*};
}
executors!(Database, Transaction);
