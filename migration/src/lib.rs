//! Tessera's database schema, one file per step, the same text for SQLite and PostgreSQL.
//!
//! The tables are written in SQL, because their constraints are what matters here. The few words that differ between
//! the two databases are placeholders that `portable` fills in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;
pub use sea_orm_migration::{MigrationName, MigratorTrait};

mod m20261120_000001_organizations;
mod m20261120_000002_members;
mod m20261120_000003_customers;
mod m20261120_000004_tiers;
mod m20261120_000005_subscriptions;
mod m20261120_000006_payments;
mod m20261120_000007_audit_and_outbox;

/// Applies the steps in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261120_000001_organizations::Migration),
            Box::new(m20261120_000002_members::Migration),
            Box::new(m20261120_000003_customers::Migration),
            Box::new(m20261120_000004_tiers::Migration),
            Box::new(m20261120_000005_subscriptions::Migration),
            Box::new(m20261120_000006_payments::Migration),
            Box::new(m20261120_000007_audit_and_outbox::Migration),
        ]
    }
}

/// Runs statements that are separated by `;` at the end of a line, after filling in the placeholders:
///
/// | placeholder | PostgreSQL | SQLite |
/// |---|---|---|
/// | `{uuid}` | `uuid` | `BLOB` |
/// | `{text}` | `text COLLATE "C"`, so that order is by bytes as on SQLite | `TEXT` |
/// | `{int}` | `integer` | `INTEGER` |
/// | `{bigint}`, `{time}` (microseconds since 1970) | `bigint` | `INTEGER` |
/// | `{bool}` | `boolean` | `INTEGER` |
/// | `{json}` | `jsonb` | `TEXT` |
/// | `{strict}` | – | `STRICT`: types are checked |
///
/// A statement that begins with `{postgres}` is for PostgreSQL only.
async fn portable(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    let pick = |on_postgres, on_sqlite| if postgres { on_postgres } else { on_sqlite };
    let sql = sql
        .replace("{uuid}", pick("uuid", "BLOB"))
        .replace("{text}", pick("text COLLATE \"C\"", "TEXT"))
        .replace("{int}", pick("integer", "INTEGER"))
        .replace("{bigint}", pick("bigint", "INTEGER"))
        .replace("{time}", pick("bigint", "INTEGER"))
        .replace("{bool}", pick("boolean", "INTEGER"))
        .replace("{json}", pick("jsonb", "TEXT"))
        .replace("{strict}", pick("", "STRICT"));
    for statement in sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        let statement = match statement.strip_prefix("{postgres}") {
            Some(_) if !postgres => continue,
            Some(statement) => statement,
            None => statement,
        };
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// A step: its name is the file's, and it runs whole or not at all on both databases.
macro_rules! step {
    ($up:expr, $down:expr) => {
        use sea_orm_migration::prelude::*;

        #[derive(DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                crate::portable(manager, $up).await
            }

            async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                crate::portable(manager, $down).await
            }

            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }
        }
    };
}
use step;
