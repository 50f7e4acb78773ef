//! A connection apart from those of requests, which asks how the database is.

use std::time::Duration;

use sea_orm::{DbBackend, DbErr, Statement};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

use super::connection::{Connection, Opener};
use super::fault::{away, failed, is_lost, refused_with};
use crate::store::rows::Rows;
use crate::store::writable::Unwritable;

/// The connection, which is opened when it is needed.
pub(super) struct Watch {
    opener: Opener,
    /// None before, and while it is used.
    connection: Mutex<Option<Connection>>,
    patience: Duration,
}

impl Watch {
    pub(super) fn new(opener: Opener, patience: Duration) -> Self {
        Self { opener, connection: Mutex::default(), patience }
    }

    /// Closes the connection if nobody uses it.
    pub(super) fn close(&self) {
        drop(self.connection.try_lock().map(|mut connection| connection.take()));
    }

    /// Finds out whether the database can be reached.
    pub(super) async fn connect(&self) -> Result<(), DbErr> {
        self.ask("SELECT 1").await.map(drop)
    }

    /// Finds out whether something can be written.
    pub(super) async fn writable(&self) -> Result<(), Unwritable> {
        let asked = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'";
        let rows = self.ask(asked).await?;
        let Some(row) = rows.iter().next() else { return Ok(()) };
        match (row.integer(0)?, row.integer(1)?) {
            (Some(1), _) => Err(Unwritable::ReadOnly("it is a standby")),
            (_, Some(1)) => Err(Unwritable::ReadOnly("default_transaction_read_only is on")),
            _ => Ok(()),
        }
    }

    /// Writes about as much as a command does, and takes it back.
    pub(super) async fn rehearse(&self) -> Result<(), Unwritable> {
        let written = "CREATE TEMPORARY TABLE rehearsal ON COMMIT DROP AS \
                       SELECT repeat(md5(number::text), 60) FROM generate_series(1, 128) AS number";
        match self.ask(written).await {
            Ok(_) => Ok(()),
            Err(error) => match refused_with(&error) {
                Some(SqlState::DISK_FULL) => Err(Unwritable::Full),
                // Whoever may not make temporary tables may write all the same.
                Some(_) => Ok(()),
                None => Err(error.into()),
            },
        }
    }

    /// The rows that a statement finds, before the patience is at its end.
    async fn ask(&self, sql: &str) -> Result<Rows, DbErr> {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let answer = timeout(self.patience, self.send(&statement)).await;
        answer.map_err(|_| away(format_args!("the server did not answer within {:?}", self.patience)))?
    }

    /// Sends a statement, and again over a new connection where the last one was lost.
    async fn send(&self, statement: &Statement) -> Result<Rows, DbErr> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.take() {
            match connection.send(statement).await.map_err(failed) {
                Err(error) if is_lost(&error) => {}
                answer => {
                    *kept = Some(connection);
                    return answer;
                }
            }
        }
        let connection = self.opener.open().await?;
        let answer = connection.send(statement).await.map_err(failed);
        *kept = Some(connection);
        answer
    }
}
