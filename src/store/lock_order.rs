//! The order in which commands lock rows. Two that lock the same rows in different orders wait for each other, until
//! PostgreSQL ends one of them.

use std::sync::atomic::{AtomicU8, Ordering};

/// First the organization, then the owner, then what it owns; last what others refer to. Rows of the same table are
/// locked by their owners' commands alone.
const ORDER: [&str; 5] = ["organizations", "customers", "subscriptions", "members", "tiers"];

/// The tables that a transaction has locked rows of.
#[derive(Default)]
pub(super) struct LockOrder(AtomicU8);

impl LockOrder {
    /// Takes note of rows that are being locked, or changed. While the program is being tested it is a panic if the
    /// transaction should have locked them earlier.
    pub(super) fn lock(&self, table: &str) {
        if cfg!(debug_assertions) {
            let behind = self.is_behind(table);
            debug_assert!(!behind, "{table} is locked too late: the order is {ORDER:?}");
        }
    }

    /// The place of a table in the order.
    pub(super) fn place(table: &str) -> Option<usize> {
        ORDER.iter().position(|known| *known == table)
    }

    /// Whether rows were locked that come after those of this table, of which none was.
    fn is_behind(&self, table: &str) -> bool {
        let Some(place) = Self::place(table) else { return false };
        let bit = 1 << place;
        let before = self.0.fetch_or(bit, Ordering::Relaxed);
        before & bit == 0 && before > bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_first() {
        let behind = |tables: &[&str]| {
            let order = LockOrder::default();
            tables.iter().map(|table| order.is_behind(table)).collect::<Vec<_>>()
        };
        assert_eq!(behind(&["organizations", "customers", "subscriptions", "customers"]), [false; 4]);
        assert_eq!(behind(&["customers", "organizations"]), [false, true]);
        assert_eq!(behind(&["subscriptions", "payments", "customers"]), [false, false, true]);
    }
}
