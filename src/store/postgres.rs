//! PostgreSQL, by tokio-postgres.
//!
//! Statements are pipelined (PostgreSQL manual, 55.2.3): the next one is sent before the answer to the last one has
//! come. Statements that stand alone [share](shared) a few connections that way. A [transaction] has a
//! connection to itself as soon as it locks or writes; `BEGIN` and `COMMIT` go together with its first and its last
//! statement. Those that write everything at their end, and lock nothing before, are [written together](group_commit).
//! How the database is, is asked over a connection [apart](watch).

mod answer;
mod connection;
mod fault;
mod group_commit;
mod settings;
mod shared;
mod tls;
mod transaction;
mod value;
mod watch;

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolConfig, PoolError, QueueMode, Timeouts};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Statement};

use self::connection::{Connection, Opener};
pub(super) use self::fault::is_lost;
use self::group_commit::GroupCommit;
use self::settings::settings;
use self::shared::Shared;
pub(super) use self::transaction::Transaction;
use self::watch::Watch;
use super::database::{Connections, Limits, Notice};
use super::rows::Rows;
use super::writable::Unwritable;

/// An open database.
pub(super) struct Postgres {
    shared: Shared,
    /// The connections of transactions.
    owned: Pool<Opener>,
    group_commit: GroupCommit,
    watch: Watch,
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
        let group_commit = GroupCommit::new(limits);
        let watch = Watch::new(opener.clone(), limits.patience);
        let shared = Shared::new(opener, limits);
        Ok(Self { shared, owned, group_commit, watch, notice, patience: limits.patience })
    }

    /// Finds out whether the database can be reached.
    pub(super) async fn connect(&self) -> Result<(), DbErr> {
        self.watch.connect().await
    }

    /// Finds out whether something can be written.
    pub(super) async fn writable(&self) -> Result<(), Unwritable> {
        self.watch.writable().await
    }

    /// Closes the connections when they are not used any more.
    pub(super) fn close(&self) {
        self.shared.close();
        self.owned.close();
        self.group_commit.close();
        self.watch.close();
    }

    /// How the connections of transactions are used.
    pub(super) fn connections(&self) -> Connections {
        let status = self.owned.status();
        let in_use = status.size.saturating_sub(status.available);
        Connections { limit: status.max_size, in_use, waiting: status.waiting }
    }

    /// The rows that a statement finds, which stands alone.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.notice)(statement);
        self.shared.send(statement).await
    }

    /// A connection for somebody alone. It is an error of connections if none is free in time.
    async fn own(&self) -> Result<Object<Opener>, DbErr> {
        self.owned.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            error => fault::unavailable(error),
        })
    }

    /// Runs the last statement of a connection's transaction, if there is one, and commits. It is an error of connections
    /// if it is not known whether it was committed.
    async fn commit(&self, connection: &Connection, last: Option<&Statement>) -> Result<(), DbErr> {
        let ended = match last {
            None => connection.end("COMMIT").await,
            Some(last) => {
                (self.notice)(last);
                let prepared = connection.prepare(last).await.map_err(fault::failed)?;
                connection.commit(&prepared, last).await
            }
        };
        match ended.map_err(fault::failed) {
            Err(error) if is_lost(&error) => Err(fault::unavailable(format_args!("lost while committing: {error}"))),
            outcome => outcome,
        }
    }
}
