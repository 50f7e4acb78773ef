//! A transaction.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::try_join;
use sea_orm::{DbErr, Statement};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::answer::{Affected, Answer};
use super::connection::Connection;
use super::fault::{Fault, failed};
use super::member::Member;
use super::{Own, Postgres};
use crate::store::database::Whose;
use crate::store::flush::Flush;
use crate::store::rows::Rows;

/// An open transaction, which is rolled back unless it is committed.
///
/// It is begun by the first statement that locks or writes, over a connection of its own. What it reads before goes over
/// one of those that are shared. One that only reads, and writes everything in its last statement, needs no more than
/// what PostgreSQL does for any statement, and is never begun.
pub(in crate::store) struct Transaction {
    database: Arc<Postgres>,
    whose: Whose,
    /// None until something is locked or written; an error if there was none to be had, which nothing waits for again.
    own: OnceCell<Result<Own, DbErr>>,
    /// Held while a statement is put on its way: several at the same time go in the order in which they were asked for,
    /// so that what is read together with the organization is not older. It is the one of the shared connections that
    /// is read over until then.
    turn: Mutex<Option<Arc<Member>>>,
}

impl Transaction {
    pub(in crate::store) fn new(database: Arc<Postgres>, whose: Whose) -> Self {
        Self { database, whose, own: OnceCell::new(), turn: Mutex::default() }
    }

    async fn own(&self) -> Result<&Connection, DbErr> {
        // In a box, because it is a part of every future that locks or writes.
        let own = self.own.get_or_init(|| Box::pin(self.database.own(self.whose))).await;
        own.as_ref().map(|own| &**own.connection).map_err(Clone::clone)
    }

    /// The rows that a statement finds.
    pub(in crate::store) async fn read(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.database.notice)(statement);
        let turn = self.turn.lock().await;
        match self.own.get() {
            Some(Ok(own)) => answer(turn, &own.connection, statement).await.map_err(failed),
            _ => self.database.shared.send_one(statement, turn).await,
        }
    }

    /// The rows that a statement finds and locks. `BEGIN` goes ahead of it, in the same packet: it is not necessary to
    /// hear of the one before sending the other.
    pub(in crate::store) async fn lock(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.database.notice)(statement);
        let turn = self.turn.lock().await;
        let connection = self.own().await?;
        let both = try_join(connection.begin(), answer(turn, connection, statement)).await;
        both.map(|((), answer)| answer).map_err(failed)
    }

    /// Runs a statement that writes, and is not the last. Tells how many rows it changed.
    pub(in crate::store) async fn write(&self, statement: &Statement) -> Result<u64, DbErr> {
        (self.database.notice)(statement);
        let turn = self.turn.lock().await;
        let connection = self.own().await?;
        let both = try_join(connection.begin(), answer(turn, connection, statement)).await;
        both.map(|((), Affected(rows))| rows).map_err(failed)
    }

    /// Writes what is left, and commits. Whether it was committed is not known when the connection is lost meanwhile.
    pub(in crate::store) async fn commit(mut self, flush: Flush) -> Result<(), DbErr> {
        let own = match self.own.get() {
            None => return self.database.write(flush, self.whose).await,
            Some(own) => own.as_ref().map_err(Clone::clone)?,
        };
        let last = (!flush.is_empty()).then(|| flush.statement(None));
        self.database.commit(&own.connection, last.as_ref()).await?;
        drop(self.own.take());
        Ok(())
    }
}

/// Sends a statement, and takes its answer. The turn is over when the statement is on its way.
pub(super) async fn answer<A: Answer, T>(
    turn: MutexGuard<'_, T>,
    connection: &Connection,
    statement: &Statement,
) -> Result<A, Fault> {
    let prepared = connection.prepare(statement).await?;
    let mut answer = pin!(connection.run(&prepared, statement));
    let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
    drop(turn);
    match first {
        Poll::Ready(answer) => answer,
        Poll::Pending => answer.await,
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let own = self.own.take().and_then(Result::ok);
        let Some(own) = own.filter(|own| own.connection.is_in_transaction()) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        // Somebody else gets the place and the connection when all that it was sent is answered. A connection whose
        // transaction is not known to have ended is not used again.
        runtime.spawn(async move {
            let canceled = own.connection.is_unanswered();
            if canceled {
                own.connection.cancel().await;
            }
            let _ = own.connection.end("ROLLBACK").await;
            if canceled {
                // The request to cancel may come late, and end what somebody else sends.
                own.connection.close();
            }
        });
    }
}
