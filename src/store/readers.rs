//! The connections that the read path, and the resolvers' nested lists, send their statements over.
//!
//! SeaORM's connections are made for writing and for models: sqlx hands every row over as an object, tests a
//! PostgreSQL connection by a round trip each time it is given back, and moves each row of SQLite from one thread to
//! another. For statements that take no longer than that, it is most of the work. Readers use the databases' own
//! drivers, and fill [`Rows`] from what these receive.

mod postgres;
mod sqlite;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbBackend, DbErr, Statement};
use tokio::sync::Semaphore;

use super::rows::Rows;
use crate::error::{Error, Result};

/// What is told of every statement that is sent.
pub(super) type Notice = Arc<dyn Fn(&Statement) + Send + Sync>;

/// Where reads are sent.
pub(super) struct Readers {
    database: Database,
    /// As many as there may be statements under way.
    permits: Semaphore,
    /// How long to wait until a statement can be sent.
    patience: Duration,
    notice: Notice,
}

enum Database {
    Postgres(Box<postgres::Connections>),
    Sqlite(sqlite::Connections),
}

impl Readers {
    /// At most `count` connections to the database of this pool.
    pub(super) fn new(
        pool: &DatabaseConnection,
        count: usize,
        patience: Duration,
        notice: Notice,
    ) -> Result<Self, DbErr> {
        let (database, permits) = if pool.get_database_backend() == DbBackend::Postgres {
            let options = pool.get_postgres_connection_pool().connect_options();
            (Database::Postgres(Box::new(postgres::Connections::new(&options, count)?)), count * postgres::PIPELINE)
        } else {
            let options = pool.get_sqlite_connection_pool().connect_options();
            (Database::Sqlite(sqlite::Connections::new(options.get_filename(), count)), count)
        };
        Ok(Self { database, permits: Semaphore::new(permits), patience, notice })
    }

    /// Closes the connections.
    pub(super) fn close(&self) {
        self.permits.close();
        match &self.database {
            Database::Postgres(connections) => connections.close(),
            Database::Sqlite(connections) => connections.close(),
        }
    }

    /// The rows that a statement finds.
    pub(super) async fn rows(&self, statement: Statement) -> Result<Rows> {
        let Self { database, permits, patience, notice } = self;
        let _permit = match permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => in_time(*patience, async { permits.acquire().await.map_err(|_| failed("closed")) }).await?,
        };
        notice(&statement);
        match database {
            Database::Postgres(connections) => connections.rows(&statement, *patience).await,
            Database::Sqlite(connections) => connections.rows(statement).await,
        }
    }
}

/// What comes of it before the patience is at its end.
async fn in_time<T>(patience: Duration, future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(patience, future).await.map_err(|_| failed("no connection was free in time"))?
}

/// The fault that a read failed, for the log.
fn failed(what: impl std::fmt::Display) -> Error {
    Error::Internal(format!("database: {what}").into())
}
