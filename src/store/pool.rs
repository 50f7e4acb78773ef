//! The pool of connections for writing and for what the resolvers read without a reader.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx;
use sea_orm::sqlx::postgres::{PgDatabaseError, PgSeverity};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, TransactionOptions, TransactionTrait,
};

/// SeaORM's pool.
///
/// Its connections are not tested before each use, which would cost a round trip. One that was lost while nobody used
/// it, because the database was restarted, shows that only when it is used: where nothing can have happened yet, which
/// is when rows are read and when a transaction begins, the next connection is tried.
#[derive(Clone)]
pub(super) struct Pool {
    pub(super) inner: DatabaseConnection,
    /// How many connections there are at most.
    pub(super) size: u32,
}

/// Does what reads or begins, over again for as long as it finds lost connections.
macro_rules! resend {
    ($pool:expr, $attempt:expr) => {{
        let mut lost = 0;
        loop {
            match $attempt.await {
                Err(error) if lost < $pool.size && is_lost(&error) => lost += 1,
                outcome => break outcome,
            }
        }
    }};
}

impl Pool {
    /// Begins a transaction.
    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        resend!(self, self.inner.begin_with_options(options))
    }
}

#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        resend!(self, self.inner.query_one_raw(statement.clone()))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        resend!(self, self.inner.query_all_raw(statement.clone()))
    }
}

/// Whether the connection broke, or the database ended it with what it says (it shuts down, or somebody ended the
/// session).
fn is_lost(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    match &**source {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(refusal) => {
            let severity = refusal.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::severity);
            matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
        }
        _ => false,
    }
}
