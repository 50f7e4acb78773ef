//! Rows in the numbers and proportions of production: a thousand organizations, one with more than half of everything.

mod audit;
mod customers;
mod id;
mod organizations;
mod payments;
mod sql;
mod tiers;

use sea_orm::{ConnectionTrait, DatabaseConnection};

pub use self::id::{customer, letters, organization, subscription, tier};
use self::sql::{Sql, same};
use crate::support::{Backend, World};

/// Customers; everything else is counted by them.
const CUSTOMERS: u64 = 20_000;

/// Customers of the organization with 60 % of all, of one with 2 %, and of one of the many others, a reseller.
pub const OF_LARGE: u64 = 20;
pub const OF_MIDDLING: u64 = 1_004;
pub const OF_RESELLER: u64 = 1_013;

/// What fills the tables, in this order.
fn statements(sql: &Sql) -> Vec<String> {
    vec![
        sql.organizations(),
        sql.tiers(),
        sql.prices(),
        sql.features(),
        sql.declared(),
        sql.add_ons(),
        sql.members(),
        sql.customers(),
        sql.subscriptions(),
        sql.ended_subscriptions(),
        sql.own_subscriptions(),
        sql.payments(),
        sql.methods(),
        sql.further_methods(),
        sql.methods_of_organizations(),
        sql.audit_events(),
        sql.pick(same("VACUUM ANALYZE"), same("ANALYZE")),
    ]
}

/// Fills the database of the world.
pub async fn fill(world: &World, database: &DatabaseConnection, backend: Backend) {
    let sql = Sql::new(world, backend);
    let hurry = match backend {
        Backend::Postgres => "SET gin_pending_list_limit = '256MB'; SET maintenance_work_mem = '256MB'",
        Backend::Sqlite => "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000",
    };
    for statement in [hurry.to_owned()].into_iter().chain(statements(&sql)) {
        database.execute_unprepared(&statement).await.unwrap_or_else(|error| panic!("{error} of {statement}"));
    }
}
