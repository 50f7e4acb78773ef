//! One connection, and the statements that are prepared on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use futures_util::future::try_join;
use quick_cache::sync::Cache;
use sea_orm::sea_query::Value;
use sea_orm::{DbErr, Statement, Values};
use tokio::task::AbortHandle;
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
    config: Config,
    tls: MakeRustlsConnect,
    schema: Arc<AtomicU64>,
}

/// How old a connection becomes: after that the database may have moved to another address.
pub(super) const LIFETIME: Duration = Duration::from_mins(30);

/// An open connection.
pub(super) struct Connection {
    client: Arc<Client>,
    /// What keeps it going.
    driver: AbortHandle,
    tls: MakeRustlsConnect,
    prepared: Arc<Cache<String, tokio_postgres::Statement>>,
    /// How often a prepared statement was found to be older than the schema, over any connection.
    schema: Arc<AtomicU64>,
    /// As often by when its own were prepared.
    prepared_for: AtomicU64,
    /// Whether a transaction was begun that is not known to have ended.
    in_transaction: AtomicBool,
    /// How many statements were sent whose answers have not come.
    unanswered: AtomicUsize,
}

/// A statement whose answer has not come. It stays so if nobody waits for the answer any more.
struct Sent<'a>(&'a AtomicUsize);

impl<'a> Sent<'a> {
    fn over(connection: &'a Connection) -> Self {
        connection.unanswered.fetch_add(1, Ordering::Relaxed);
        Self(&connection.unanswered)
    }

    fn answered(self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Opener {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect) -> Self {
        Self { config, tls, schema: Arc::default() }
    }

    /// The same with another time limit for locks.
    pub(super) fn waiting_for(mut self, lock_timeout: Duration) -> Self {
        let others = self.config.get_options().unwrap_or_default();
        let options = format!("{others} -c lock_timeout={}", lock_timeout.as_millis());
        self.config.options(options);
        self
    }

    /// Opens a connection, which a task of its own keeps going until it is dropped or lost.
    pub(super) async fn open(&self) -> Result<Connection, DbErr> {
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(|error| {
            let error: Fault = error.into();
            fault::away(explained(&*error))
        })?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                // What it is to requests is told where they fail.
                tracing::debug!(error = explained(&error), "a connection to the database was lost");
            }
        });
        Ok(Connection {
            client: Arc::new(client),
            driver: driver.abort_handle(),
            tls: self.tls.clone(),
            prepared: Arc::new(Cache::new(PREPARED)),
            prepared_for: AtomicU64::new(self.schema.load(Ordering::Relaxed)),
            schema: Arc::clone(&self.schema),
            in_transaction: AtomicBool::new(false),
            unanswered: AtomicUsize::new(0),
        })
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

    /// Gives it up: whoever waits for an answer hears that it was lost.
    pub(super) fn close(&self) {
        self.driver.abort();
    }

    /// Whether it was sent a statement whose answer has not come.
    pub(super) fn is_unanswered(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) > 0
    }

    /// Waits until everything that was sent before is answered, or the connection is lost.
    pub(super) async fn settled(&self) {
        let _ = self.client.batch_execute("").await;
    }

    /// Asks the database to end what the connection is running at that moment, whosever it is: it is for those that have
    /// the connection to themselves, and do not use it again.
    pub(super) async fn cancel(&self) {
        if let Err(error) = self.client.cancel_token().cancel_query(self.tls.clone()).await {
            tracing::debug!(error = explained(&error), "a statement could not be canceled");
        }
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
        let schema = self.schema.load(Ordering::Relaxed);
        if self.prepared_for.load(Ordering::Relaxed) != schema {
            self.prepared_for.store(schema, Ordering::Relaxed);
            self.prepared.clear();
        }
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
        let sent = Sent::over(self);
        let prepared = preparing.await;
        sent.answered();
        Ok(prepared??)
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
        let sent = Sent::over(self);
        let answer = async {
            let found = self.client.query_raw(prepared, values(statement).iter().map(Bound)).await?;
            A::take(std::pin::pin!(found), prepared.columns()).await
        };
        let answer = answer.await;
        sent.answered();
        if answer.as_ref().is_err_and(fault::is_out_of_date) {
            // So are others by now, over this connection and the others.
            self.schema.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

fn values(statement: &Statement) -> &[Value] {
    statement.values.as_ref().map_or(&[], |Values(values)| values)
}
