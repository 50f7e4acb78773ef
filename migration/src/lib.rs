//! Tessera's database schema, one file per step, the same text for SQLite and PostgreSQL.
//!
//! The tables are written in SQL, because their constraints are what matters here. The few words that differ between
//! the two databases are placeholders that `portable` fills in. Triggers have no common language: a step may have a text for
//! each database besides.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;
pub use sea_orm_migration::{MigrationName, MigratorTrait};

mod closed_set;
mod m20261120_000001_organizations;
mod m20261120_000002_members;
mod m20261120_000003_customers;
mod m20261120_000004_tiers;
mod m20261120_000005_subscriptions;
mod m20261120_000006_payments;
mod m20261120_000007_audit_and_outbox;
mod m20261120_000008_subscription_totals;
mod m20261120_000009_search;
mod m20261120_000010_trail_without_keys;
mod m20261120_000011_catalogues;
mod m20261120_000012_must_hold;
mod m20261127_000013_time;
mod m20261127_000014_first_attempt;
mod m20261127_000015_inactive_members;
mod m20261127_000016_own_subscriptions;
mod m20261127_000017_text_keys;
mod m20261127_000018_calendar;
mod m20261127_000019_flow;
mod m20261127_000020_private_metadata;
mod m20261127_000021_revocations;
mod m20261128_000022_totals_by_row;
mod m20261128_000023_customer_phone;
mod m20261128_000024_trail_by_tenant;
mod m20261128_000025_local_periods;
mod m20261128_000026_ends;
mod m20261128_000027_features;
mod m20261128_000029_usage_windows;
mod m20261128_000030_access;
mod m20261128_000031_usage;
mod m20261128_000032_add_ons;
mod m20261128_000033_proration;
mod m20261128_000034_received_by_hand;
mod m20261128_000035_thresholds;
mod m20261128_000036_tried_tiers;
mod m20261128_000037_gateway_accounts;
mod m20261128_000038_gateway_objects;
mod m20261128_000042_attempts;
mod m20261128_000043_gateway_prices;
mod m20261128_000044_checkouts;
mod m20261128_000047_renewed_ahead;

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
            Box::new(m20261120_000008_subscription_totals::Migration),
            Box::new(m20261120_000009_search::Migration),
            Box::new(m20261120_000010_trail_without_keys::Migration),
            Box::new(m20261120_000011_catalogues::Migration),
            Box::new(m20261120_000012_must_hold::Migration),
            Box::new(m20261127_000013_time::Migration),
            Box::new(m20261127_000014_first_attempt::Migration),
            Box::new(m20261127_000015_inactive_members::Migration),
            Box::new(m20261127_000016_own_subscriptions::Migration),
            Box::new(m20261127_000017_text_keys::Migration),
            Box::new(m20261127_000018_calendar::Migration),
            Box::new(m20261127_000019_flow::Migration),
            Box::new(m20261127_000020_private_metadata::Migration),
            Box::new(m20261127_000021_revocations::Migration),
            Box::new(m20261128_000022_totals_by_row::Migration),
            Box::new(m20261128_000023_customer_phone::Migration),
            Box::new(m20261128_000024_trail_by_tenant::Migration),
            Box::new(m20261128_000025_local_periods::Migration),
            Box::new(m20261128_000026_ends::Migration),
            Box::new(m20261128_000027_features::Migration),
            Box::new(m20261128_000029_usage_windows::Migration),
            Box::new(m20261128_000030_access::Migration),
            Box::new(m20261128_000031_usage::Migration),
            Box::new(m20261128_000032_add_ons::Migration),
            Box::new(m20261128_000033_proration::Migration),
            Box::new(m20261128_000034_received_by_hand::Migration),
            Box::new(m20261128_000035_thresholds::Migration),
            Box::new(m20261128_000036_tried_tiers::Migration),
            Box::new(m20261128_000037_gateway_accounts::Migration),
            Box::new(m20261128_000038_gateway_objects::Migration),
            Box::new(m20261128_000042_attempts::Migration),
            Box::new(m20261128_000043_gateway_prices::Migration),
            Box::new(m20261128_000044_checkouts::Migration),
            Box::new(m20261128_000047_renewed_ahead::Migration),
        ]
    }
}

/// What a step runs: first the text for the database at hand, then the one for both.
#[derive(Clone, Copy, Default)]
struct Sql {
    postgres: &'static str,
    sqlite: &'static str,
    both: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self { both, ..Self::default() }
    }
}

/// Runs the statements, each ended by `;`, after filling in the placeholders:
///
/// | placeholder | PostgreSQL | SQLite |
/// |---|---|---|
/// | `{uuid}` | `uuid` | `BLOB` |
/// | `{text}` | `text COLLATE "C"`, so that order is by bytes as on SQLite | `TEXT` |
/// | `{int}` | `integer` | `INTEGER` |
/// | `{bigint}`, `{time}` (microseconds since 1970) | `bigint` | `INTEGER` |
/// | `{bool}` | `boolean` | `INTEGER` |
/// | `{json}` | `jsonb` | `TEXT` |
/// | `{object}`, which makes a JSON object | `jsonb_build_object` | `json_object` |
/// | `{strict}` | – | `STRICT`: types are checked |
async fn portable(manager: &SchemaManager<'_>, sql: impl Into<Sql>) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    let pick = |on_postgres, on_sqlite| if postgres { on_postgres } else { on_sqlite };
    let sql = sql.into();
    for text in [pick(sql.postgres, sql.sqlite), sql.both] {
        let text = text
            .replace("{uuid}", pick("uuid", "BLOB"))
            .replace("{text}", pick("text COLLATE \"C\"", "TEXT"))
            .replace("{int}", pick("integer", "INTEGER"))
            .replace("{bigint}", pick("bigint", "INTEGER"))
            .replace("{time}", pick("bigint", "INTEGER"))
            .replace("{bool}", pick("boolean", "INTEGER"))
            .replace("{json}", pick("jsonb", "TEXT"))
            .replace("{object}", pick("jsonb_build_object", "json_object"))
            .replace("{strict}", pick("", "STRICT"));
        if postgres {
            for statement in statements(&text) {
                manager.get_connection().execute_unprepared(statement).await?;
            }
        } else {
            // Only SQLite knows where a trigger with a body of statements ends.
            manager.get_connection().execute_unprepared(&text).await?;
        }
    }
    Ok(())
}

/// The statements of a text for PostgreSQL, each up to a `;` at the end of a line that is not in the body of a function,
/// between `$$`. They are sent one by one: a distributed database takes no trigger among other statements.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut is_body) = (text, false);
    std::iter::from_fn(move || {
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            end += line.len();
            is_body ^= line.matches("$$").count() % 2 == 1;
            if !is_body && line.trim_end().ends_with(';') {
                break;
            }
        }
        let (statement, behind) = rest.split_at(end);
        rest = behind;
        Some(statement.trim()).filter(|statement| !statement.is_empty())
    })
}

/// A step: its name is the file's, and it runs whole or not at all on both databases. It is given as two texts of SQL, or
/// as what is done with the manager.
macro_rules! step {
    (|$up_manager:ident| $up:expr, |$down_manager:ident| $down:expr) => {
        use sea_orm_migration::prelude::*;

        #[derive(DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl MigrationTrait for Migration {
            async fn up(&self, $up_manager: &SchemaManager) -> Result<(), DbErr> {
                $up.await
            }

            async fn down(&self, $down_manager: &SchemaManager) -> Result<(), DbErr> {
                $down.await
            }

            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }
        }
    };
    ($up:expr, $down:expr) => {
        crate::step!(|manager| crate::portable(manager, $up), |manager| crate::portable(manager, $down));
    };
}
use step;

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn the_body_of_a_function_is_one_statement() {
        let text =
            "\nDROP TABLE a;\nCREATE FUNCTION f() AS $$\nBEGIN\n    DELETE FROM a;\nEND\n$$;\nDROP TABLE\n    b;\n";
        let function = "CREATE FUNCTION f() AS $$\nBEGIN\n    DELETE FROM a;\nEND\n$$;";
        assert_eq!(statements(text).collect::<Vec<_>>(), ["DROP TABLE a;", function, "DROP TABLE\n    b;"]);
        assert_eq!(statements("").count(), 0);
        assert_eq!(statements("DROP TABLE a").collect::<Vec<_>>(), ["DROP TABLE a"]);
    }
}
