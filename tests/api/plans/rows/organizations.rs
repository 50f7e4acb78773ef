//! Organizations and their members.

use super::CUSTOMERS;
use super::id::Table;
use super::sql::{Sql, same};

impl Sql {
    /// The organizations beside those of the world.
    pub fn organizations(&self) -> String {
        self.insert(
            "organizations",
            996,
            &Self::stamped(vec![
                ("id", self.id(Table::Organization, "n")),
                ("parent_id", format!("CASE WHEN n <= 2 THEN {} END", self.gamma)),
                ("name", format!("'Organization ' || {}", self.letters("n"))),
                ("name_key", format!("'organization ' || {}", self.letters("n"))),
                ("slug", same("'organization-' || n")),
                ("search_text", format!("'organization ' || {} || ' organization-' || n", self.letters("n"))),
                ("status", same("CASE n % 50 WHEN 0 THEN 'SUSPENDED' WHEN 1 THEN 'TERMINATED' ELSE 'ACTIVE' END")),
                ("exempt", same("n % 100 = 2")),
                ("subscription_management", same("'PLATFORM_MANAGED'")),
                ("default_currency", same("'EUR'")),
                ("time_zone", same("'UTC'")),
                ("metadata", same("'{}'")),
                ("deleted_at", same("CASE WHEN n % 200 = 3 THEN 1 END")),
            ]),
        )
    }

    /// As many members as customers.
    pub fn members(&self) -> String {
        self.insert(
            "members",
            CUSTOMERS,
            &Self::stamped(vec![
                ("tenant_id", self.tenant("n")),
                ("id", self.id(Table::Member, "n")),
                ("email", format!("{} || '@example.org'", self.letters("n"))),
                ("name", format!("'Member ' || {}", self.letters("n + 7"))),
                ("name_key", format!("'member ' || {}", self.letters("n + 7"))),
                (
                    "search_text",
                    format!("'member ' || {} || ' ' || {} || '@example.org'", self.letters("n + 7"), self.letters("n")),
                ),
                ("role", same("CASE WHEN n % 3000 = 1 THEN 'RESELLER' WHEN n % 10 = 0 THEN 'ADMIN' ELSE 'WORKER' END")),
                ("active", same("n % 20 <> 0")),
            ]),
        )
    }
}
