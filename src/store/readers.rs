//! The connections that reads are sent over.
//!
//! On PostgreSQL they are a few of our own. sqlx's pool tests a connection by a round trip each time it is given back,
//! in a task of its own: for a statement that takes no longer than a round trip, that is twice the work. A reader is
//! put back only by a statement that came to its end; one whose request was dropped halfway is closed. One that was lost
//! while nobody used it, because the database was restarted, is replaced, and the statement is sent again.
//!
//! SQLite has no round trips: there, readers and writers share the pool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgRow, PgSeverity};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions as _, Connection as _};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement,
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// What is told of every statement that was sent.
pub(super) type Notice = Arc<dyn Fn(&Statement) + Send + Sync>;

/// Where reads are sent.
#[derive(Clone)]
pub(super) enum Readers {
    /// Over connections of their own.
    Own(Arc<Own>),
    /// Over the pool that writes are sent over too.
    Shared(DatabaseConnection),
}

/// Connections that are used for nothing but reads.
pub(super) struct Own {
    options: PgConnectOptions,
    /// How long to wait for a connection.
    patience: Duration,
    /// As many as there may be connections.
    permits: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
    notice: Notice,
}

impl Readers {
    /// At most `count` connections like those of the pool.
    pub(super) fn new(pool: &DatabaseConnection, count: u32, patience: Duration, notice: Notice) -> Self {
        if pool.get_database_backend() != DbBackend::Postgres {
            return Self::Shared(pool.clone());
        }
        let options = PgConnectOptions::clone(&pool.get_postgres_connection_pool().connect_options());
        let permits = Semaphore::new(usize::try_from(count).unwrap_or(1).max(1));
        Self::Own(Arc::new(Own { options, patience, permits, idle: Mutex::default(), notice }))
    }

    /// Closes the connections.
    pub(super) async fn close(&self) {
        if let Self::Own(own) = self {
            own.permits.close();
            for connection in own.take_all() {
                // The database closes what cannot be closed in order.
                let _ = connection.close().await;
            }
        }
    }
}

impl Own {
    fn take_all(&self) -> Vec<PgConnection> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn connect(&self) -> Result<PgConnection, DbErr> {
        self.options.connect().await.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
    }

    /// A connection, with the permit to use it, and whether it was used before.
    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, PgConnection, bool), DbErr> {
        let closed = |_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        let permit = self.permits.acquire().await.map_err(closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(match idle {
            Some(connection) => (permit, connection, true),
            None => (permit, self.connect().await?, false),
        })
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (_permit, connection, used) = timeout(self.patience, self.acquire()).await.map_err(|_| TOO_LATE)??;
        match self.send(connection, &statement).await {
            // It was lost while it was idle, and so, most likely, were the others. A read can be sent again.
            Err(error) if used && is_lost(&error) => {
                drop(self.take_all());
                let connection = timeout(self.patience, self.connect()).await.map_err(|_| TOO_LATE)??;
                read(self.send(connection, &statement).await)
            }
            outcome => read(outcome),
        }
    }

    async fn send(&self, mut connection: PgConnection, statement: &Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        let values = SqlxValues(statement.values.clone().unwrap_or_else(|| sea_orm::Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), values);
        let outcome = query.fetch_all(&mut connection).await;
        (self.notice)(statement);
        if outcome.as_ref().err().is_none_or(|error| !is_lost(error)) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        outcome
    }
}

/// Whether the connection cannot be used any more: all is lost but what the database refused, and after a fatal refusal
/// (it shuts down, or somebody ended the session) it closes the connection.
fn is_lost(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = error else { return true };
    let severity = refusal.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::severity);
    matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
}

const TOO_LATE: DbErr = DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);

fn read(outcome: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<QueryResult>, DbErr> {
    let rows = outcome.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What a reader does not do.
fn no_read() -> DbErr {
    DbErr::Custom("a reader was asked to write".to_owned())
}

#[async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Own(_) => DbBackend::Postgres,
            Self::Shared(pool) => pool.get_database_backend(),
        }
    }

    async fn execute_raw(&self, _: Statement) -> Result<ExecResult, DbErr> {
        Err(no_read())
    }

    async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
        Err(no_read())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Own(own) => own.rows(statement).await,
            Self::Shared(pool) => pool.query_all_raw(statement).await,
        }
    }
}
