//! Each step of the schema, up and down, on a database full of example data.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use secrecy::ExposeSecret;
use tessera::clock::Clock;
use tessera::demo::{Size, seed_of};
use tessera::store::Store;

use crate::support::{Backend, Fresh, connect_once, fresh};

/// Every table, column, constraint, index and trigger.
const SCHEMA_OF_SQLITE: &str = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
    WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1";
const SCHEMA_OF_POSTGRES: &str = "
    SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
        FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1";

async fn texts(database: &DatabaseConnection, sql: &str) -> Vec<String> {
    let asked = Statement::from_string(database.get_database_backend(), sql);
    let rows = database.query_all_raw(asked).await.expect("the schema is readable");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

const EMPTY: [&str; 0] = [];

fn difference<'a>(one: &'a [String], other: &'a [String]) -> Vec<&'a str> {
    let only = |one: &'a [String], other: &'a [String]| one.iter().filter(|text| !other.contains(text));
    only(one, other).chain(only(other, one)).map(String::as_str).collect()
}

async fn full(backend: Backend) -> (Fresh, DatabaseConnection) {
    let fresh = fresh(backend).await;
    let store = Store::open(&fresh.config, Clock::system()).await.expect("it opens");
    seed_of(&store, store.now(), Size { acme: 20, globex: 5, others: 2 }).await.expect("the data is made");
    store.close().await;
    // One connection: on SQLite another one may still look at the schema from before a step.
    let database = connect_once(fresh.config.url.expose_secret()).await;
    (fresh, database)
}

/// Gives payments other statuses for those that earlier versions do not know.
async fn forget_statuses(database: &DatabaseConnection) {
    for (status, unused) in [("SUCCEEDED", "DISPUTED"), ("PROCESSING", "REQUIRES_ACTION")] {
        let unused = format!("UPDATE payments SET status = '{status}' WHERE status = '{unused}'");
        database.execute_unprepared(&unused).await.expect("another status");
    }
}

async fn every_step_goes_up_and_down(backend: Backend) {
    let (_fresh, database) = full(backend).await;
    let schema = match backend {
        Backend::Sqlite => SCHEMA_OF_SQLITE,
        Backend::Postgres => SCHEMA_OF_POSTGRES,
    };
    for table in ["subscriptions", "payments", "payment_methods"] {
        // A value that is used cannot be taken away.
        let unused = format!("UPDATE {table} SET gateway = 'STRIPE' WHERE gateway = 'FLOW'");
        database.execute_unprepared(&unused).await.expect("another gateway");
    }
    forget_statuses(&database).await;
    for step in Migrator::migrations().iter().rev() {
        let name = step.name();
        let before = texts(&database, schema).await;
        Migrator::down(&database, Some(1)).await.unwrap_or_else(|error| panic!("{name} does not go down: {error}"));
        let below = texts(&database, schema).await;
        Migrator::up(&database, Some(1)).await.unwrap_or_else(|error| panic!("{name} does not go up: {error}"));
        assert_eq!(
            difference(&texts(&database, schema).await, &before),
            EMPTY,
            "{name} is another one the second time"
        );
        Migrator::down(&database, Some(1)).await.expect("it went down before");
        assert_eq!(difference(&texts(&database, schema).await, &below), EMPTY, "{name} leaves something");
        if backend == Backend::Sqlite {
            assert_eq!(texts(&database, "PRAGMA integrity_check").await, ["ok"], "{name}");
            assert!(texts(&database, "SELECT \"table\" FROM pragma_foreign_key_check").await.is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn every_step_goes_up_and_down_on_sqlite() {
    every_step_goes_up_and_down(Backend::Sqlite).await;
}

#[tokio::test]
async fn every_step_goes_up_and_down_on_postgres() {
    every_step_goes_up_and_down(Backend::Postgres).await;
}

/// What a set does not have any more, no row may have.
async fn a_value_that_is_used_stays(backend: Backend) {
    let (_fresh, database) = full(backend).await;
    let used = texts(&database, "SELECT gateway FROM payment_methods WHERE gateway = 'FLOW'").await;
    assert!(!used.is_empty(), "the example data has no such payment method");
    forget_statuses(&database).await;
    let applied = Migrator::get_applied_migrations(&database).await.expect("they are known").len();
    let position = Migrator::migrations().iter().position(|step| step.name().ends_with("_flow")).expect("there is one");
    let steps = u32::try_from(applied - position).expect("few");
    assert!(Migrator::down(&database, Some(steps)).await.is_err());
    assert_eq!(Migrator::get_applied_migrations(&database).await.expect("they are known").len(), position + 1);
    assert!(database.execute_unprepared("UPDATE payment_methods SET gateway = 'FLUX'").await.is_err());
    database.execute_unprepared("UPDATE payment_methods SET gateway = 'FLOW'").await.expect("it is still a gateway");
}

#[tokio::test]
async fn a_value_that_is_used_stays_on_sqlite() {
    a_value_that_is_used_stays(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_value_that_is_used_stays_on_postgres() {
    a_value_that_is_used_stays(Backend::Postgres).await;
}
