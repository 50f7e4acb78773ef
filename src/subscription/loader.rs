//! Which of an owner's subscriptions comes first.

use crate::entity::subscription;
use crate::store::{Order, SortKey};

/// An owner's subscriptions, its current one first. What never ended sorts last in ascending order and so first here.
pub fn current_first() -> Order<subscription::Entity> {
    use subscription::Column::{CreatedAt, EndedAt, Id};
    let newest = |column| SortKey { column, descending: true };
    Order::new(vec![newest(EndedAt), newest(CreatedAt)], Id)
}
