//! Fresh databases: copies of one that was migrated once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use secrecy::SecretString;
use tempfile::TempDir;
use tessera::clock::Clock;
use tessera::config::DatabaseConfig;
use tessera::store::Store;
use tokio::sync::OnceCell;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Embedded, in a file.
    Sqlite,
    /// The server of `TESSERA_TEST_POSTGRES_URL`.
    Postgres,
}

/// A fresh database, with what must live as long as it does.
pub struct Fresh {
    pub config: DatabaseConfig,
    _dir: Option<TempDir>,
}

fn config(url: String) -> DatabaseConfig {
    DatabaseConfig {
        acquire_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
        lock_timeout: Duration::from_secs(20),
        idle_transaction_timeout: Duration::from_secs(60),
        ..DatabaseConfig::of(SecretString::from(url))
    }
}

async fn migrate(config: &DatabaseConfig) {
    let store = Store::open(config, Clock::system()).await.expect("the template opens");
    store.migrate_up().await.expect("the template migrates");
    store.close().await;
}

/// A migrated database without rows.
pub async fn fresh(backend: Backend) -> Fresh {
    match backend {
        Backend::Sqlite => sqlite().await,
        Backend::Postgres => postgres().await,
    }
}

async fn sqlite() -> Fresh {
    static TEMPLATE: OnceCell<(TempDir, Vec<u8>)> = OnceCell::const_new();
    let (_, template) = TEMPLATE
        .get_or_init(async || {
            let dir = tempfile::tempdir().expect("a directory");
            let file = dir.path().join("template.db");
            migrate(&config(format!("sqlite://{}", file.display()))).await;
            let bytes = std::fs::read(&file).expect("the template is a file");
            (dir, bytes)
        })
        .await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("test.db");
    std::fs::write(&file, template).expect("the copy is written");
    Fresh { config: config(format!("sqlite://{}", file.display())), _dir: Some(dir) }
}

async fn postgres() -> Fresh {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    let template = format!("template_{}", std::process::id());
    TEMPLATE.get_or_init(async || migrate(&create(&template, "").await).await).await;
    Fresh { config: create(&next_name(), &format!("TEMPLATE {template}")).await, _dir: None }
}

/// A database without tables.
pub async fn empty(backend: Backend) -> Fresh {
    match backend {
        Backend::Sqlite => {
            let dir = tempfile::tempdir().expect("a directory");
            Fresh { config: config(format!("sqlite://{}", dir.path().join("test.db").display())), _dir: Some(dir) }
        }
        Backend::Postgres => Fresh { config: create(&next_name(), "").await, _dir: None },
    }
}

fn next_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Connects past the store, to do what no request can.
///
/// Connections get no limits of age: the task with which sqlx watches them counts below zero where a connection is taken
/// and given back at the same moment, and keeps its runtime from ending.
pub async fn connect(url: &str) -> DatabaseConnection {
    pool(url, 10).await
}

/// The same with one connection, for what a session keeps.
pub async fn connect_once(url: &str) -> DatabaseConnection {
    pool(url, 1).await
}

#[expect(clippy::disallowed_methods, reason = "a way past the store")]
async fn pool(url: &str, connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).idle_timeout(None).max_lifetime(None).sqlx_logging(false);
    Database::connect(options).await.expect("the database answers")
}

/// Makes a database on the test server.
#[expect(clippy::disallowed_methods, reason = "tests are told where to create databases")]
async fn create(name: &str, options: &str) -> DatabaseConfig {
    let server = std::env::var("TESSERA_TEST_POSTGRES_URL")
        .expect("TESSERA_TEST_POSTGRES_URL names a PostgreSQL server for tests: run them with `make test`");
    let base = server.rsplit_once('/').expect("a URL with a database").0;
    let admin = connect(&server).await;
    admin.execute_unprepared(&format!("CREATE DATABASE {name} {options}")).await.expect("a database");
    admin.close().await.expect("closes");
    config(format!("{base}/{name}"))
}
