//! A transaction, over a connection of its own.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::future::try_join;
use sea_orm::{DbErr, Statement};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::answer::Affected;
use super::connection::{Connection, Opener};
use super::fault::{Fault, failed, is_lost, unavailable};
use crate::store::database::Notice;
use crate::store::rows::Rows;

/// An open transaction, which is rolled back unless it is committed.
///
/// It is begun by the first statement that locks or writes. One that only reads, and writes everything in its last
/// statement, needs no more than what PostgreSQL does for any statement, and is never begun.
pub(in crate::store) struct Transaction {
    /// None at the end.
    connection: Option<Object<Opener>>,
    /// Held while a statement is put on its way: several at the same time go in the order in which they were asked for,
    /// prepared or not.
    turn: Mutex<()>,
    notice: Notice,
    /// How long to wait for the end of a transaction that is rolled back.
    patience: Duration,
}

impl Transaction {
    pub(super) fn new(connection: Object<Opener>, notice: Notice, patience: Duration) -> Self {
        Self { connection: Some(connection), turn: Mutex::new(()), notice, patience }
    }

    fn connection(&self) -> Result<&Connection, Fault> {
        self.connection.as_ref().map(|connection| &***connection).ok_or_else(|| "the transaction is at its end".into())
    }

    /// The rows that a statement finds.
    pub(in crate::store) async fn read(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.notice)(statement);
        let connection = self.connection().map_err(failed)?;
        self.answer(connection, statement).await.map_err(failed)
    }

    /// The rows that a statement finds and locks. `BEGIN` goes ahead of it, in the same packet: it is not necessary to
    /// hear of the one before sending the other.
    pub(in crate::store) async fn lock(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.notice)(statement);
        let connection = self.connection().map_err(failed)?;
        let both = try_join(connection.begin(), self.answer(connection, statement)).await;
        both.map(|((), answer)| answer).map_err(failed)
    }

    async fn answer(&self, connection: &Connection, statement: &Statement) -> Result<Rows, Fault> {
        let turn = self.turn.lock().await;
        let prepared = connection.prepare(statement).await?;
        let mut answer = pin!(connection.run(&prepared, statement));
        let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
        drop(turn);
        match first {
            Poll::Ready(answer) => answer,
            Poll::Pending => answer.await,
        }
    }

    /// Runs a statement that writes, and is not the last. Tells how many rows it changed.
    pub(in crate::store) async fn write(&self, statement: &Statement) -> Result<u64, DbErr> {
        (self.notice)(statement);
        let connection = self.connection().map_err(failed)?;
        connection.begin().await.map_err(failed)?;
        connection.send(statement).await.map(|Affected(rows)| rows).map_err(failed)
    }

    /// Runs a last statement, if there is one, and commits. Whether it was committed is not known when the connection
    /// is lost meanwhile.
    pub(in crate::store) async fn commit(mut self, last: Option<&Statement>) -> Result<(), DbErr> {
        match self.end(last).await.map_err(failed) {
            Ok(()) => {
                drop(self.connection.take());
                Ok(())
            }
            Err(error) if is_lost(&error) => Err(unavailable(format_args!("lost while committing: {error}"))),
            Err(error) => Err(error),
        }
    }

    /// `COMMIT` goes in the same packet as the last statement. If that one fails, or one before it did, it commits
    /// nothing. Where nothing was begun the last statement is all there is to commit.
    async fn end(&self, last: Option<&Statement>) -> Result<(), Fault> {
        let connection = self.connection()?;
        let Some(last) = last else {
            return if connection.is_in_transaction() { connection.end("COMMIT").await } else { Ok(()) };
        };
        (self.notice)(last);
        let prepared = connection.prepare(last).await?;
        if connection.is_in_transaction() {
            let last = connection.run::<Affected>(&prepared, last);
            try_join(last, connection.end("COMMIT")).await.map(drop)
        } else {
            connection.run_alone::<Affected>(&prepared, last).await.map(drop)
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|connection| connection.is_in_transaction()) else {
            return;
        };
        let patience = self.patience;
        // A connection whose transaction is not known to have ended is not used again.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { timeout(patience, connection.end("ROLLBACK")).await });
        }
    }
}
