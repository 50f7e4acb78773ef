//! What tests stand on: a fresh database each, two tenants of the same shape, and a client for every role.

mod callers;
mod client;
mod database;
pub mod estate;
pub mod introspection;
mod invariants;
mod refusals;
mod rows;
mod seed;
mod told;
mod world;

pub use client::{Answer, Client, USER_ERROR, race};
pub use database::{Backend, Fresh, connect, connect_once, empty, fresh};
pub use rows::{Payer, card, each, payment};
pub use told::{Told, ask, reference};
pub use world::{Tenant, World, at};

/// Runs each test on SQLite and on PostgreSQL, in a world of its own, and checks the database's invariants afterwards.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[expect(clippy::allow_attributes, reason = "not every test needs what its module imports")]
            #[allow(unused_imports, reason = "not every test needs what its module imports")]
            use super::*;

            async fn run($world: &$crate::support::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let world = $crate::support::World::new($crate::support::Backend::Sqlite).await;
                run(&world).await;
                world.check_invariants().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let world = $crate::support::World::new($crate::support::Backend::Postgres).await;
                run(&world).await;
                world.check_invariants().await;
            }
        }
    )*};
}
pub(crate) use on_both;
