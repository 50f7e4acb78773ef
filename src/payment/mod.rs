//! Payments for subscriptions: what was paid, and what was tried.

pub mod graphql;
pub mod input;
pub mod instructions;
pub mod mutation;
mod receive;
mod status;

pub use status::{moves, under_way};
