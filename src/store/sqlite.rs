//! SQLite: one thread [writes](writer); what reads are other [threads](readers), or it is done [on the spot](at_hand).

mod at_hand;
mod connection;
mod fault;
mod readers;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::ErrorCode;
use sea_orm::{DbErr, Statement};

use self::at_hand::AtHand;
use self::fault::refused_with;
use self::readers::Readers;
pub(super) use self::writer::Transaction;
use self::writer::Writer;
use super::database::{Connections, Limits, Notice};
use super::rows::Rows;
use super::writable::Unwritable;
use crate::config::DatabaseConfig;

/// An open database.
pub(super) struct Sqlite {
    at_hand: AtHand,
    readers: Readers,
    writer: Writer,
    notice: Notice,
}

impl Sqlite {
    /// Opens the database in this file.
    pub(super) async fn open(
        file: &Path,
        config: &DatabaseConfig,
        limits: Limits,
        notice: Notice,
    ) -> Result<Self, DbErr> {
        let (limit, patience) = (config.statement_timeout, limits.patience);
        let database = Self {
            at_hand: AtHand::new(file),
            readers: Readers::new(file, limits.reads, limit, patience),
            writer: Writer::new(file, limit, patience, Notice::clone(&notice)),
            notice,
        };
        database.writer.open().await?;
        Ok(database)
    }

    /// Closes all connections. The last one puts the log into the file: one that only reads cannot.
    pub(super) async fn close(&self) {
        self.at_hand.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }

    /// How the connections are used.
    pub(super) fn connections(&self) -> Connections {
        let in_use = self.readers.in_use() + usize::from(self.writer.is_in_use());
        Connections { limit: self.readers.count() + 1, in_use, waiting: 0 }
    }

    /// The rows that a statement finds.
    pub(super) async fn read(&self, statement: Statement) -> Result<Rows, DbErr> {
        let permit = self.readers.permit().await?;
        (self.notice)(&statement);
        self.readers.rows(statement, permit).await
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
        self.writer.begin().await
    }

    /// Finds out whether something can be committed.
    pub(super) async fn writable(&self) -> Result<(), Unwritable> {
        self.writer.check().await.map_err(|error| match refused_with(&error) {
            Some(ErrorCode::ReadOnly) => Unwritable::ReadOnly("its file cannot be written"),
            Some(ErrorCode::DiskFull) => Unwritable::Full,
            _ => Unwritable::Failed(error),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
