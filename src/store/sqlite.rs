//! SQLite: written to by sqlx, [read](connection) past it, by [threads](readers) or [on the spot](at_hand).

mod at_hand;
mod connection;
mod readers;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::{Decode, Row as _, TypeInfo as _, ValueRef as _};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _, sqlx,
};
use tokio::sync::Semaphore;

use self::at_hand::AtHand;
use self::readers::Readers;
use super::database::{Limits, Notice};
use super::rows::Rows;

/// An open database.
pub(super) struct Sqlite {
    /// SeaORM's pool, for transactions. It tells of their statements by itself.
    pool: DatabaseConnection,
    at_hand: AtHand,
    readers: Readers,
    /// As many as there are readers.
    permits: Semaphore,
    /// How long to wait for a reader.
    patience: Duration,
    notice: Notice,
}

impl Sqlite {
    /// The database of this pool.
    pub(super) fn new(pool: DatabaseConnection, limits: Limits, notice: Notice) -> Self {
        let (at_hand, readers) = {
            let options = pool.get_sqlite_connection_pool().connect_options();
            (AtHand::new(options.get_filename()), Readers::new(options.get_filename(), limits.reads))
        };
        Self { pool, at_hand, readers, permits: Semaphore::new(limits.reads), patience: limits.patience, notice }
    }

    /// Closes what reads.
    pub(super) async fn close(&self) {
        self.permits.close();
        self.at_hand.close().await;
        self.readers.close().await;
    }

    /// The rows that a statement finds.
    pub(super) async fn read(&self, statement: Statement) -> Result<Rows, DbErr> {
        let _permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(self.patience, self.permits.acquire())
                .await
                .map_err(|_| failed("no connection was free in time"))?
                .map_err(failed)?,
        };
        (self.notice)(&statement);
        self.readers.rows(statement).await
    }

    /// The rows of a statement that finds single rows by their keys. It takes less time than to hand it to another
    /// thread, and so is not handed over while a connection is at hand.
    pub(super) async fn look_up(&self, statement: Statement) -> Result<Rows, DbErr> {
        match self.at_hand.rows(&statement) {
            Some(rows) => {
                (self.notice)(&statement);
                rows
            }
            None => self.read(statement).await,
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Transaction, DbErr> {
        let options = TransactionOptions {
            // A deferred transaction that reads before it writes loses its write to "database is locked".
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.pool.begin_with_options(options).await.map(Transaction)
    }
}

/// An open transaction, which is rolled back unless it is committed.
pub(super) struct Transaction(DatabaseTransaction);

impl Transaction {
    /// The rows that a statement finds.
    pub(super) async fn read(&self, statement: Statement) -> Result<Rows, DbErr> {
        let found = self.0.query_all_raw(statement).await?;
        let found: Vec<_> = found.iter().filter_map(QueryResult::try_as_sqlite_row).collect();
        let mut rows = Rows::new(found.first().map_or(0, |row| row.len()));
        for row in found {
            for column in 0..row.len() {
                let cell = row.try_get_raw(column).map_err(failed)?;
                match cell.type_info().name() {
                    _ if cell.is_null() => rows.push_null(),
                    "INTEGER" => rows.push_integer(Decode::<sqlx::Sqlite>::decode(cell).map_err(failed)?),
                    "TEXT" | "BLOB" => rows.push_bytes(Decode::<sqlx::Sqlite>::decode(cell).map_err(failed)?),
                    other => return Err(failed(format_args!("a column of type {other} is not read"))),
                }
            }
        }
        Ok(rows)
    }

    /// Runs a statement, and tells how many rows it changed.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        Ok(self.0.execute_raw(statement).await?.rows_affected())
    }

    /// Commits what was done.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.0.commit().await
    }
}

/// The error that a read failed.
fn failed(what: impl std::fmt::Display) -> DbErr {
    DbErr::Query(RuntimeErr::Internal(what.to_string()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
