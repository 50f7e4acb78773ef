//! PostgreSQL, by tokio-postgres.
//!
//! Statements are pipelined (PostgreSQL manual, 55.2.3): the next one is sent before the answer to the last one has
//! come. Statements that stand alone [share](shared) a few connections that way. A [transaction] has a
//! connection to itself. If it needs `BEGIN` and `COMMIT`, they go together with its first and its last statement.

mod answer;
mod connection;
mod fault;
mod settings;
mod shared;
mod tls;
mod transaction;
mod value;

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolConfig, PoolError, QueueMode, Timeouts};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Statement};

use self::connection::Opener;
pub(super) use self::fault::is_lost;
use self::settings::settings;
use self::shared::Shared;
pub(super) use self::transaction::Transaction;
use super::database::{Limits, Notice};
use super::rows::Rows;

/// An open database.
pub(super) struct Postgres {
    shared: Shared,
    /// The connections of transactions.
    owned: Pool<Opener>,
    notice: Notice,
    patience: Duration,
}

impl Postgres {
    /// The database that these options lead to.
    pub(super) fn new(options: &PgConnectOptions, limits: Limits, notice: Notice) -> Result<Self, DbErr> {
        let opener = settings(options).map_err(|fault| DbErr::Custom(format!("database: {fault}")))?;
        let config = PoolConfig {
            max_size: limits.transactions,
            timeouts: Timeouts { wait: Some(limits.patience), create: Some(limits.patience), recycle: None },
            // The processor's caches still know the connection that was used last.
            queue_mode: QueueMode::Lifo,
        };
        let owned = Pool::builder(opener.clone()).config(config).runtime(Runtime::Tokio1).build();
        let owned = owned.map_err(|error| DbErr::Custom(format!("database: {error}")))?;
        Ok(Self { shared: Shared::new(opener, limits), owned, notice, patience: limits.patience })
    }

    /// Closes the connections when they are not used any more.
    pub(super) fn close(&self) {
        self.shared.close();
        self.owned.close();
    }

    /// The rows that a statement finds, which stands alone.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.notice)(statement);
        self.shared.send(statement).await
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Transaction, DbErr> {
        let connection = self.owned.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            error => fault::unavailable(error),
        })?;
        Ok(Transaction::new(connection, self.notice.clone(), self.patience))
    }
}
