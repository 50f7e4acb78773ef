//! Payments for subscriptions: what was paid, and what was tried.

pub mod graphql;
pub mod input;
pub mod mutation;
mod receive;

use sea_orm::Iterable as _;

use crate::entity::PaymentStatus;

/// The statuses of payments that are under way: a gateway may still take them.
pub fn under_way() -> impl Iterator<Item = PaymentStatus> {
    PaymentStatus::iter().filter(|status| match status {
        PaymentStatus::Pending | PaymentStatus::Processing => true,
        PaymentStatus::Succeeded
        | PaymentStatus::Failed
        | PaymentStatus::Canceled
        | PaymentStatus::PartiallyRefunded
        | PaymentStatus::Refunded => false,
    })
}
