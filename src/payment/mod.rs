//! Payments for subscriptions: what was paid, and what was tried.

pub mod graphql;
pub mod read;
