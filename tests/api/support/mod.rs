//! What tests stand on: a fresh database each, two tenants of the same shape, and a client for every role.

mod callers;
mod client;
mod database;
mod dice;
pub mod estate;
pub mod introspection;
mod invariants;
mod program;
mod refusals;
mod rows;
mod seed;
mod told;
mod world;

pub use client::{Answer, Client, USER_ERROR, race};
pub use on_both::on_both;

pub use database::{Backend, Fresh, connect, connect_once, empty, fresh};
pub use dice::Dice;
pub use program::{PROGRAM, Program};
pub use rows::{Payer, card, each, payment};
pub use told::{Told, ask, reference};
pub use world::{Tenant, World, at};

/// Runs a test in a world of its own on this database, and checks the invariants afterwards.
pub async fn run(backend: Backend, test: impl AsyncFnOnce(&World)) {
    let world = World::new(backend).await;
    test(&world).await;
    world.check_invariants().await;
}
