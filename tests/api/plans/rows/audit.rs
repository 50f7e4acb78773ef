//! The audit log.

use super::CUSTOMERS;
use super::id::Table;
use super::sql::{Sql, same};

impl Sql {
    /// Three events of each customer.
    pub fn audit_events(&self) -> String {
        let concerned = format!("(n % {CUSTOMERS} + 1)");
        self.insert(
            "audit_events",
            CUSTOMERS * 3,
            &[
                (
                    "tenant_id",
                    format!("CASE WHEN n % 500 = 0 THEN {} ELSE {} END", self.platform(), self.tenant(&concerned)),
                ),
                ("id", self.id(Table::AuditEvent, "n")),
                ("actor", same("CASE WHEN n % 3 = 0 THEN 'worker' ELSE 'person-' || (n % 2000) || '@example.org' END")),
                ("actor_role", same("'ADMIN'")),
                (
                    "action",
                    same(
                        "CASE WHEN n % 3000 = 5 THEN 'customer.terminate' WHEN n % 20 = 0 THEN 'tier.update' \
                         WHEN n % 2 = 0 THEN 'subscription.renew' ELSE 'customer.update' END",
                    ),
                ),
                (
                    "entity_type",
                    same("CASE WHEN n % 20 = 0 THEN 'tier' WHEN n % 2 = 0 THEN 'subscription' ELSE 'customer' END"),
                ),
                ("entity_id", self.id(Table::Customer, &concerned)),
                ("changes", same("'{}'")),
                ("created_at", Self::made("n")),
            ],
        )
    }
}
