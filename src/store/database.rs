//! The database: where statements are sent, and transactions begin.
//!
//! SeaORM migrates it, by sqlx, which also knows all that an address can say. Everything else goes past that: sqlx makes
//! an object of each row, tests a PostgreSQL connection by a round trip each time it is given back, moves each row of
//! SQLite from one thread to another, and goes on with a connection of SQLite whose commit failed.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{DbBackend, DbErr, EntityTrait, QueryTrait as _, RuntimeErr, Select, Statement, TryIntoModel};
use secrecy::ExposeSecret;
use uuid::Uuid;

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
    /// How many connections transactions have that may wait for what others have locked.
    pub(super) transactions: usize,
    /// How many connections there are to write with what waits for nobody, on PostgreSQL.
    pub(super) groups: usize,
    /// How many connections reads have that stand alone.
    pub(super) reads: usize,
    /// How long to wait for one.
    pub(super) patience: Duration,
    /// How long a transaction may wait for what others have locked.
    pub(super) lock_timeout: Duration,
}

impl Limits {
    /// The configured connections, divided: there is one of each kind at least.
    pub(super) fn of(config: &DatabaseConfig) -> Self {
        let all = config.max_connections as usize;
        let rest = |taken: usize| all.saturating_sub(taken).max(1);
        let (transactions, groups, reads) = if is_postgres(config) {
            // Reads share theirs and groups are few, whatever the load: who waits for locks gets the others.
            let three_of_ten = (all * 3).div_ceil(10);
            let groups = three_of_ten.min(rest(three_of_ten + 1));
            (rest(three_of_ten + groups), groups, three_of_ten)
        } else {
            // One writes, and another one migrates.
            let transactions = 2.min(rest(1));
            (transactions, 0, rest(transactions))
        };
        Self { transactions, groups, reads, patience: config.acquire_timeout, lock_timeout: config.lock_timeout }
    }
}

fn is_postgres(config: &DatabaseConfig) -> bool {
    config.url.expose_secret().starts_with("postgres")
}

/// Whose a transaction is: some of all transactions, few of each tenant and one that changes a row wait for locks at
/// the same time.
#[derive(Clone, Copy, Default)]
pub(super) struct Whose {
    /// The tenant; nil for the platform.
    pub(super) tenant: Uuid,
    /// The row that it changes.
    pub(super) row: Option<Uuid>,
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
            let database = Postgres::new(&options, config, limits, notice)?;
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
            Self::Postgres(database) => database.look_up(&statement).await,
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

    /// Begins a transaction of someone.
    pub(super) async fn begin(&self, whose: Whose) -> Result<Transaction, DbErr> {
        Ok(match self {
            Self::Postgres(database) => {
                Transaction::Postgres(Box::new(postgres::Transaction::new(Arc::clone(database), whose)))
            }
            Self::Sqlite(database) => Transaction::Sqlite(database.begin().await?),
        })
    }
}

/// An open transaction, which is rolled back unless it is committed.
pub(super) enum Transaction {
    Postgres(Box<postgres::Transaction>),
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

    /// The rows that a query finds and locks until the end of the transaction. SQLite locks everything.
    pub(super) async fn lock_all<E>(&self, query: Select<E>) -> Result<Vec<E::Model>, DbErr>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let statement = self.backend().build(query.as_query());
        let rows = match self {
            Self::Postgres(transaction) => transaction.lock(&statement).await?,
            Self::Sqlite(transaction) => transaction.read(statement).await?,
        };
        rows.iter().map(|row| row.model::<E>(0..)).collect()
    }

    /// Runs a statement, and tells how many rows it changed.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.write(&statement).await,
            Self::Sqlite(transaction) => transaction.execute(statement).await,
        }
    }

    /// Runs a statement that writes, and answers the rows that it gives back.
    pub(super) async fn returning(&self, statement: Statement) -> Result<Rows, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.lock(&statement).await,
            Self::Sqlite(transaction) => transaction.read(statement).await,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_divided() {
        for (all, expected) in
            [(1, [1, 1, 1]), (3, [1, 1, 1]), (4, [1, 1, 2]), (8, [2, 3, 3]), (10, [4, 3, 3]), (40, [16, 12, 12])]
        {
            let config = DatabaseConfig { max_connections: all, ..DatabaseConfig::of("postgres://localhost/x".into()) };
            let Limits { transactions, groups, reads, .. } = Limits::of(&config);
            assert_eq!([transactions, groups, reads], expected, "{all}");
        }
        let config = DatabaseConfig::of("sqlite:x".into());
        let Limits { transactions, reads, .. } = Limits::of(&config);
        assert_eq!((transactions, reads), (2, 6));
    }
}
