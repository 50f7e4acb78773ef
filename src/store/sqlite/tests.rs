//! What was acknowledged is there, whatever fails; and who left is in nobody's way.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use rusqlite::ErrorCode;
use sea_orm::DbBackend;
use tempfile::TempDir;

use super::*;

/// Never ends by itself.
const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

const SCHEMA: &str = "
CREATE TABLE parents (id INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);";

struct Fixture {
    dir: TempDir,
    database: Sqlite,
}

async fn open(file: &Path, limit: Duration) -> Result<Sqlite, DbErr> {
    let patience = Duration::from_secs(30);
    let url = format!("sqlite://{}", file.display());
    let config = DatabaseConfig {
        max_connections: 2,
        acquire_timeout: patience,
        statement_timeout: limit,
        ..DatabaseConfig::of(url.into())
    };
    let limits = Limits { transactions: 1, groups: 0, reads: 1, patience, lock_timeout: patience };
    Sqlite::open(file, &config, limits, std::sync::Arc::new(|_: &Statement| {})).await
}

impl Fixture {
    async fn new(limit: Duration) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("test.db");
        let database = open(&file, limit).await.expect("opened");
        let fixture = Self { dir, database };
        fixture.another().execute_batch(SCHEMA).expect("the tables are made");
        fixture
    }

    /// Another connection, which does not wait for locks.
    fn another(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.dir.path().join("test.db")).expect("opened");
        connection.busy_timeout(Duration::ZERO).expect("set");
        connection
    }

    async fn begin(&self) -> Transaction {
        self.database.begin().await.expect("its turn")
    }

    /// Writes a row, and hears that it is committed.
    async fn acknowledged(&self, id: i32) {
        let transaction = self.begin().await;
        transaction.execute(insert(id)).await.expect("written");
        transaction.commit().await.expect("committed");
    }

    /// The rows that another connection finds, which can also write.
    fn stored(&self) -> Vec<i32> {
        let another = self.another();
        another.execute_batch("BEGIN IMMEDIATE; ROLLBACK").expect("nobody holds the lock");
        let mut rows = another.prepare("SELECT id FROM parents ORDER BY id").expect("prepared");
        rows.query_map((), |row| row.get(0)).expect("found").collect::<Result<_, _>>().expect("integers")
    }
}

fn statement(sql: impl Into<String>) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}

fn insert(id: i32) -> Statement {
    statement(format!("INSERT INTO parents (id) VALUES ({id})"))
}

/// Gives up on something that does not end by itself, once it has begun.
async fn give_up<T>(unending: impl Future<Output = T>) {
    let mut unending = pin!(unending);
    for _ in 0..100 {
        let pending = poll_fn(|context| Poll::Ready(unending.as_mut().poll(context).is_pending())).await;
        assert!(pending, "it ends");
        tokio::task::yield_now().await;
    }
}

const LONG: Duration = Duration::from_secs(600);

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = Fixture::new(Duration::from_secs(30)).await;
    fixture.acknowledged(1).await;
    for file in ["test.db", "test.db-wal", "test.db-shm"] {
        let mode = std::fs::metadata(fixture.dir.path().join(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing_open() {
    let fixture = Fixture::new(LONG).await;
    for round in 0..3 {
        let transaction = fixture.begin().await;
        transaction.execute(insert(100 + round)).await.expect("written");
        transaction.execute(statement("INSERT INTO children (parent) VALUES (99)")).await.expect("checked later");
        let error = transaction.commit().await.expect_err("there is no such parent");
        assert_eq!(refused_with(&error), Some(ErrorCode::ConstraintViolation));
        fixture.acknowledged(round).await;
    }
    assert_eq!(fixture.stored(), [0, 1, 2]);
}

#[tokio::test]
async fn a_transaction_that_sqlite_ended_is_not_gone_on_with() {
    let fixture = Fixture::new(LONG).await;
    for round in 0..3 {
        let transaction = fixture.begin().await;
        transaction.execute(insert(100)).await.expect("written");
        transaction.execute(statement("ROLLBACK")).await.expect("what SQLite does by itself");
        transaction.execute(insert(101)).await.expect_err("it would be a transaction of its own");
        transaction.read(statement("SELECT 1")).await.map(drop).expect_err("nor is anything read");
        transaction.commit().await.expect_err("nothing is committed");
        fixture.acknowledged(round).await;
    }
    assert_eq!(fixture.stored(), [0, 1, 2]);
}

#[tokio::test]
async fn a_full_database_takes_writes_when_there_is_room_again() {
    let fixture = Fixture::new(LONG).await;
    let large = statement("INSERT INTO parents (id, text) VALUES (100, hex(zeroblob(1000000)))");
    for round in 0..3 {
        let transaction = fixture.begin().await;
        transaction.read(statement("PRAGMA max_page_count = 10")).await.expect("set");
        let error = transaction.execute(large.clone()).await.expect_err("there is no room");
        assert_eq!(refused_with(&error), Some(ErrorCode::DiskFull));
        drop(transaction);
        let transaction = fixture.begin().await;
        transaction.read(statement("PRAGMA max_page_count = 1000000")).await.expect("set");
        transaction.commit().await.expect("ended");
        fixture.acknowledged(round).await;
    }
    assert_eq!(fixture.stored(), [0, 1, 2]);
    fixture.database.close().await;
    assert_eq!(fixture.stored(), [0, 1, 2]);
}

#[tokio::test]
async fn what_is_given_up_is_rolled_back() {
    let fixture = Fixture::new(LONG).await;
    let transaction = fixture.begin().await;
    transaction.execute(insert(100)).await.expect("written");
    drop(transaction);
    let transaction = fixture.begin().await;
    transaction.execute(insert(101)).await.expect("written");
    give_up(transaction.execute(statement(format!("INSERT INTO parents (id) {ENDLESS}")))).await;
    drop(transaction);
    fixture.acknowledged(1).await;
    assert_eq!(fixture.stored(), [1]);
}

#[tokio::test]
async fn who_came_first_writes_first_and_who_left_is_skipped() {
    let fixture = Fixture::new(LONG).await;
    let first = fixture.begin().await;
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(fixture.begin())).collect();
    for turn in &mut waiting {
        assert!(poll_fn(|context| Poll::Ready(turn.as_mut().poll(context).is_pending())).await, "one at a time");
    }
    drop(waiting.remove(1));
    drop(first);
    for (place, turn) in waiting.into_iter().enumerate() {
        let transaction = turn.await;
        transaction.execute(insert(i32::try_from(place).expect("few"))).await.expect("written");
        transaction.commit().await.expect("committed");
        assert_eq!(fixture.stored().len(), place + 1);
    }
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_interrupted() {
    let fixture = Fixture::new(LONG).await;
    for _ in 0..3 {
        give_up(fixture.database.read(statement(ENDLESS))).await;
        assert_eq!(fixture.database.read(statement("SELECT 1")).await.expect("the only thread is free").len(), 1);
    }
}

#[tokio::test]
async fn statements_have_a_time_limit() {
    let fixture = Fixture::new(Duration::from_millis(20)).await;
    let interrupted = |error: &DbErr| refused_with(error) == Some(ErrorCode::OperationInterrupted);
    let error = fixture.database.read(statement(ENDLESS)).await.map(drop).expect_err("it does not end");
    assert!(interrupted(&error) && error.to_string().contains("longer than a statement may"), "{error}");
    let transaction = fixture.begin().await;
    assert!(interrupted(&transaction.read(statement(ENDLESS)).await.map(drop).expect_err("it does not end")));
    drop(transaction);
    fixture.acknowledged(1).await;
    assert_eq!(fixture.stored(), [1]);
}

#[tokio::test]
async fn it_is_told_whether_something_can_be_written() {
    let fixture = Fixture::new(LONG).await;
    let only_reads = fixture.begin().await;
    only_reads.read(statement("PRAGMA query_only = ON")).await.expect("set");
    drop(only_reads);
    assert!(matches!(fixture.database.writable().await, Err(Unwritable::ReadOnly(_))));
    // Its connection was closed, for it could not commit.
    fixture.database.writable().await.expect("it can be written");
}

#[tokio::test]
async fn what_is_no_database_is_told_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("test.db");
    std::fs::write(&file, vec![b'x'; 8192]).expect("written");
    let opened = open(&file, LONG).await;
    let error = opened.map(drop).expect_err("it is no database");
    assert!(error.to_string().contains("the file is no SQLite database"), "{error}");
}
