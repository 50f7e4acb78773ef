//! PostgreSQL, by tokio-postgres.
//!
//! Statements are pipelined (PostgreSQL manual, 55.2.3): the next one is sent before the answer to the last one has
//! come. Statements that stand alone [share](shared) a few connections that way. A [transaction] has a
//! connection to itself as soon as it locks or writes; `BEGIN` and `COMMIT` go together with its first and its last
//! statement. Those that write everything at their end, and lock nothing before, are [written together](group_commit)
//! over connections that wait for nobody. A read that meets a lock [waits](patient) for it over a connection of its own.
//! Another connection [watches](watch) whether the database can be reached and written.

mod answer;
mod connection;
mod fault;
mod gates;
mod group_commit;
mod member;
mod patient;
mod settings;
mod shared;
mod tls;
mod transaction;
mod value;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Object, Pool, PoolConfig, PoolError, QueueMode, Timeouts};
use deadpool::{Runtime, Status};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Statement};

use self::connection::{Connection, Opener};
pub(super) use self::fault::{is_lost, is_stale};
use self::gates::{Gates, Passed};
use self::group_commit::GroupCommit;
use self::settings::settings;
use self::shared::Shared;
pub(super) use self::transaction::Transaction;
use self::watch::Watch;
use super::database::{Connections, Limits, Notice, Whose};
use super::rows::Rows;
use super::trouble::{Trouble, troubled};
use super::writable::Unwritable;
use crate::config::DatabaseConfig;

/// How long a statement waits for a lock where others wait behind it: longer than commands hold one that do not wait
/// themselves. What waits longer does so over a connection of its own.
const LOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// An open database.
pub(super) struct Postgres {
    shared: Arc<Shared>,
    /// The connections of transactions.
    owned: Pool<Opener>,
    /// The connections of what is written together, which do not wait for what others have locked.
    hasty: Pool<Opener>,
    gates: Gates,
    group_commit: GroupCommit,
    watch: Watch,
    notice: Notice,
    limits: Limits,
}

/// A connection of a transaction, and its place among those that may have one.
struct Own {
    connection: Object<Opener>,
    _passed: Passed,
}

impl Postgres {
    /// The database that these options lead to.
    pub(super) fn new(
        options: &PgConnectOptions,
        config: &DatabaseConfig,
        limits: Limits,
        notice: Notice,
    ) -> Result<Self, DbErr> {
        let unusable = |fault| DbErr::Custom(format!("database: {fault}"));
        let opener = settings(options, config).map_err(unusable)?;
        let watch = Watch::new(opener.clone(), limits.patience);
        Ok(Self {
            shared: Arc::new(Shared::new(opener.clone(), limits)),
            hasty: pool(opener.clone().waiting_for(LOCK_TIMEOUT), limits.groups, limits)?,
            owned: pool(opener, limits.transactions, limits)?,
            group_commit: GroupCommit::new(limits),
            gates: Gates::new(limits),
            watch,
            notice,
            limits,
        })
    }

    /// Finds out whether the database can be reached.
    pub(super) async fn connect(&self) -> Result<(), DbErr> {
        self.watch.connect().await
    }

    /// Finds out whether something can be written: also whether there is room, unless that is known.
    pub(super) async fn writable(&self, has_room: bool) -> Result<(), Unwritable> {
        self.watch.writable().await?;
        if has_room { Ok(()) } else { self.watch.rehearse().await }
    }

    /// Closes the connections when they are not used any more.
    pub(super) fn close(&self) {
        self.shared.close();
        self.owned.close();
        self.hasty.close();
        self.group_commit.close();
        self.watch.close();
    }

    /// How the connections of transactions are used.
    pub(super) fn connections(&self) -> Connections {
        let [owned, hasty] = [&self.owned, &self.hasty].map(Pool::status);
        let in_use = |status: &Status| status.size.saturating_sub(status.available);
        Connections {
            limit: owned.max_size + hasty.max_size,
            in_use: in_use(&owned) + in_use(&hasty),
            waiting: owned.waiting + hasty.waiting,
        }
    }

    /// The rows that a statement finds, which stands alone.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.notice)(statement);
        self.shared.send(statement).await
    }

    /// The rows of a statement that finds single rows by their keys, and takes no time.
    pub(super) async fn look_up(&self, statement: &Statement) -> Result<Rows, DbErr> {
        (self.notice)(statement);
        self.shared.send_point(statement).await
    }

    /// A connection for somebody alone, who may wait for what others have locked.
    async fn own(&self, whose: Whose) -> Result<Own, DbErr> {
        let passed = self.gates.pass(whose).await?;
        Ok(Own { connection: free(&self.owned).await?, _passed: passed })
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
            Err(error) if is_lost(&error) => {
                Err(troubled(Trouble::Unknown, format_args!("lost while committing: {error}")))
            }
            outcome => outcome,
        }
    }
}

/// So many connections, opened when they are needed.
fn pool(opener: Opener, size: usize, limits: Limits) -> Result<Pool<Opener>, DbErr> {
    let config = PoolConfig {
        max_size: size,
        timeouts: Timeouts { wait: Some(limits.patience), create: Some(limits.patience), recycle: None },
        // The processor's caches still know the connection that was used last.
        queue_mode: QueueMode::Lifo,
    };
    let pool = Pool::builder(opener).config(config).runtime(Runtime::Tokio1).build();
    pool.map_err(|error| DbErr::Custom(format!("database: {error}")))
}

/// One of them. It is an error of connections if none is free in time.
async fn free(pool: &Pool<Opener>) -> Result<Object<Opener>, DbErr> {
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => troubled(Trouble::Busy, error),
        error => fault::away(error),
    })
}
