//! Bringing the schema up to date: the one thing that sqlx and SeaORM do themselves.

use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};
use secrecy::ExposeSecret;

use super::executor::Executor as _;
use super::{Store, contention};
use crate::config::DatabaseConfig;

/// The number of the lock that whoever migrates a PostgreSQL holds: "tessera" in ASCII.
const LOCK: i64 = 0x0074_6573_7365_7261;

/// How long to wait before asking again whether another program is done.
const AGAIN: Duration = Duration::from_millis(100);

impl Store {
    /// Applies the migrations that are missing and names them, and makes up for what only the program can derive: the
    /// keys of rows that an earlier version of it made, and what time will bring. Of several programs that do so at once
    /// one migrates, and the others wait for it and find nothing to do.
    pub async fn migrate_up(&self) -> Result<Vec<String>, DbErr> {
        let connection = connect(&self.0.config).await?;
        let missing = match self.backend() {
            DbBackend::Sqlite => {
                let transaction = begin(&connection).await?;
                let missing = self.missing_migrations().await?;
                if !missing.is_empty() {
                    Migrator::up(&transaction, None).await?;
                }
                transaction.commit().await?;
                missing
            }
            _ => {
                lock(&connection).await?;
                let missing = self.missing_migrations().await?;
                if !missing.is_empty() {
                    Migrator::up(&connection, None).await?;
                }
                missing
            }
        };
        if !self.keys_are_current().await? {
            self.system().refold().await?;
        }
        self.system().foresee().await?;
        connection.close().await?;
        Ok(missing)
    }

    /// The names of the migrations that are missing.
    pub async fn missing_migrations(&self) -> Result<Vec<String>, DbErr> {
        let known = self.migration_status().await?.into_iter();
        Ok(known.filter(|(_, applied)| !applied).map(|(name, _)| name).collect())
    }

    /// Every migration of this program with whether it is applied. Newer ones, which a later version applied while
    /// this one still runs, do not matter: migrations keep what the version before them needs.
    pub async fn migration_status(&self) -> Result<Vec<(String, bool)>, DbErr> {
        let known = Migrator::migrations();
        let applied = if self.has_migrations().await? { self.applied_migrations().await? } else { Vec::new() };
        let is_applied = |name: &str| applied.iter().any(|applied| applied == name);
        Ok(known.iter().map(|step| (step.name().to_owned(), is_applied(step.name()))).collect())
    }

    async fn applied_migrations(&self) -> Result<Vec<String>, DbErr> {
        let asked = Statement::from_string(self.backend(), "SELECT version FROM seaql_migrations");
        let rows = self.0.database.rows(asked).await?;
        rows.iter().filter_map(|row| row.text(0).transpose()).map(|name| name.map(str::to_owned)).collect()
    }

    /// Whether the table of applied migrations is there: the first migration makes it.
    async fn has_migrations(&self) -> Result<bool, DbErr> {
        let asked = match self.backend() {
            DbBackend::Sqlite => {
                "SELECT count(*) FILTER (WHERE name = 'seaql_migrations'), count(*) FROM sqlite_schema"
            }
            _ => "SELECT count(*), 0::bigint FROM pg_class WHERE oid = to_regclass('seaql_migrations')",
        };
        let rows = self.0.database.rows(Statement::from_string(self.backend(), asked)).await?;
        let Some(row) = rows.iter().next() else { return Ok(false) };
        match (row.integer(0)?, row.integer(1)?) {
            (Some(0), Some(1..)) => Err(DbErr::Custom("the file is the database of another program".to_owned())),
            (known, _) => Ok(known != Some(0)),
        }
    }
}

async fn connect(config: &DatabaseConfig) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(config.url.expose_secret());
    // Without a limit for statements: an index of a large table takes its time.
    options.max_connections(1).acquire_timeout(config.acquire_timeout).connect_timeout(config.acquire_timeout);
    options.sqlx_logging(false);
    // With limits of age a task of sqlx watches the connections. It counts below zero where one is taken and given back at
    // the same moment, and the program does not end.
    options.idle_timeout(None).max_lifetime(None);
    // While a step waits for a lock, everybody who comes waits behind it.
    let lock_timeout = config.lock_timeout.as_millis().to_string();
    options.map_sqlx_postgres_opts(move |postgres| postgres.options([("lock_timeout", &lock_timeout)]));
    #[expect(clippy::disallowed_methods, reason = "one of the two places that open connections")]
    sea_orm::Database::connect(options).await
}

/// A transaction that keeps other programs from writing: each step becomes a part of it.
async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let immediate =
        || TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let mut waits = false;
    loop {
        match connection.begin_with_options(immediate()).await {
            Err(error) if contention(&error).is_some() => wait(&mut waits).await,
            begun => return begun,
        }
    }
}

/// Takes the lock of those who migrate. It is given back with the connection, of which there is one.
async fn lock(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let asked = || Statement::from_string(DbBackend::Postgres, format!("SELECT pg_try_advisory_lock({LOCK}) AS taken"));
    let mut waits = false;
    loop {
        let answer = connection.query_one_raw(asked()).await?;
        if answer.map(|row| row.try_get::<bool>("", "taken")).transpose()? == Some(true) {
            return Ok(());
        }
        wait(&mut waits).await;
    }
}

/// Waits before another try, and tells of it the first time.
async fn wait(waits: &mut bool) {
    if !std::mem::replace(waits, true) {
        tracing::warn!("another program migrates the database, or keeps it locked: waiting for it");
    }
    tokio::time::sleep(AGAIN).await;
}
