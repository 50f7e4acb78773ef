//! One connection, and the statements that are prepared on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use futures_util::future::try_join;
use quick_cache::sync::Cache;
use sea_orm::sea_query::Value;
use sea_orm::{DbErr, Statement, Values};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::answer::{Affected, Answer};
use super::fault::{self, Fault, explained};
use super::value::{Bound, type_of};

/// How many statements a connection keeps prepared, about: the cache divides them among its parts.
const PREPARED: usize = 512;

/// Opens connections.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

/// How old a connection becomes: after that the database may have moved to another address.
pub(super) const LIFETIME: Duration = Duration::from_mins(30);

/// An open connection.
pub(super) struct Connection {
    client: Arc<Client>,
    prepared: Arc<Cache<String, tokio_postgres::Statement>>,
    /// Whether a transaction was begun that is not known to have ended.
    in_transaction: AtomicBool,
}

impl Opener {
    /// Opens a connection, which a task of its own keeps going until it is dropped or lost.
    pub(super) async fn open(&self) -> Result<Connection, DbErr> {
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(|error| {
            let error: Fault = error.into();
            fault::unavailable(explained(&*error))
        })?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = explained(&error), "a connection to the database was lost");
            }
        });
        let prepared = Arc::new(Cache::new(PREPARED));
        Ok(Connection { client: Arc::new(client), prepared, in_transaction: AtomicBool::new(false) })
    }
}

impl Manager for Opener {
    // In a box, because it is moved in and out of the pool.
    type Type = Box<Connection>;
    type Error = DbErr;

    async fn create(&self) -> Result<Box<Connection>, DbErr> {
        self.open().await.map(Box::new)
    }

    async fn recycle(&self, connection: &mut Box<Connection>, metrics: &Metrics) -> RecycleResult<DbErr> {
        if connection.is_closed() || connection.is_in_transaction() || metrics.age() > LIFETIME {
            return Err(RecycleError::message("it was lost, or is in an unknown state, or old"));
        }
        Ok(())
    }
}

impl Connection {
    /// Whether it was lost.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether a transaction was begun that is not known to have ended.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::Relaxed)
    }

    /// Begins a transaction, unless one was begun. `BEGIN` is on its way when this was polled once.
    pub(super) async fn begin(&self) -> Result<(), Fault> {
        if self.in_transaction.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        Ok(self.client.batch_execute("BEGIN").await?)
    }

    /// Ends the transaction by `COMMIT` or `ROLLBACK`.
    pub(super) async fn end(&self, by: &str) -> Result<(), Fault> {
        self.client.batch_execute(by).await?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Runs the last statement of a transaction, which is prepared, and commits. If it fails, or one before it did,
    /// nothing is committed. `COMMIT` goes in the same packet; where nothing was begun the statement is all there is to
    /// commit.
    pub(super) async fn commit(
        &self,
        prepared: &tokio_postgres::Statement,
        statement: &Statement,
    ) -> Result<(), Fault> {
        let last = self.run::<Affected>(prepared, statement);
        if self.is_in_transaction() {
            return try_join(last, self.end("COMMIT")).await.map(drop);
        }
        self.in_transaction.store(true, Ordering::Relaxed);
        let answer = last.await;
        self.in_transaction.store(false, Ordering::Relaxed);
        answer.map(drop)
    }

    /// Sends a statement, and takes its answer.
    pub(super) async fn send<A: Answer>(&self, statement: &Statement) -> Result<A, Fault> {
        let prepared = self.prepare(statement).await?;
        self.run(&prepared, statement).await
    }

    /// The statement, prepared.
    pub(super) async fn prepare(&self, statement: &Statement) -> Result<tokio_postgres::Statement, Fault> {
        if let Some(prepared) = self.prepared.get(&statement.sql) {
            return Ok(prepared);
        }
        let types = values(statement).iter().map(type_of).collect::<Result<Vec<_>, _>>()?;
        let (client, known, sql) = (Arc::clone(&self.client), Arc::clone(&self.prepared), statement.sql.clone());
        // A task of its own: who stopped waiting for the answer would leave a statement behind that nobody knows.
        let preparing = tokio::spawn(async move {
            let prepared = client.prepare_typed(&sql, &types).await?;
            known.insert(sql, prepared.clone());
            Ok::<_, tokio_postgres::Error>(prepared)
        });
        Ok(preparing.await??)
    }

    /// Runs a statement that is prepared. It is on its way when this was polled once: what is sent then comes behind
    /// it.
    pub(super) async fn run<A: Answer>(
        &self,
        prepared: &tokio_postgres::Statement,
        statement: &Statement,
    ) -> Result<A, Fault> {
        // The text says what types its values have: columns have one type.
        debug_assert!(
            values(statement).iter().map(|value| type_of(value).ok()).eq(prepared.params().iter().cloned().map(Some))
        );
        let found = self.client.query_raw(prepared, values(statement).iter().map(Bound)).await?;
        A::take(std::pin::pin!(found), prepared.columns()).await
    }
}

fn values(statement: &Statement) -> &[Value] {
    statement.values.as_ref().map_or(&[], |Values(values)| values)
}
