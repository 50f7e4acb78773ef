//! Tiers with their prices and features.

use super::id::Table;
use super::sql::{Column, Sql, same};

/// A dozen for each organization.
const TIERS: u64 = 12_000;

impl Sql {
    /// The large organization sells some to a few; most organizations sell those of the platform, beside their own.
    pub fn tiers(&self) -> String {
        self.insert(
            "tiers",
            TIERS,
            &Self::stamped(vec![
                ("id", self.id(Table::Tier, "n")),
                (
                    "tenant_id",
                    format!(
                        "CASE WHEN n <= 8 THEN {} WHEN n <= 16 THEN NULL WHEN n <= 28 THEN {} WHEN n <= 40 THEN {} \
                         WHEN n <= 52 THEN {} ELSE {} END",
                        self.alpha,
                        self.beta,
                        self.gamma,
                        self.delta,
                        self.id(Table::Organization, "n % 996 + 1")
                    ),
                ),
                ("key", same("'tier-' || n")),
                ("name", same("'Tier ' || n")),
                ("search_text", same("'tier-' || n || ' tier ' || n")),
                ("kind", same("'CUSTOMER'")),
                ("rank", same("n % 40")),
                ("trial_days", same("0")),
                ("public", same("n > 8 AND n % 4 <> 3")),
                ("sort_order", same("n")),
                ("period_end_policy", same("'EXPIRE'")),
            ]),
        )
    }

    /// A monthly and a yearly one for each tier.
    pub fn prices(&self) -> String {
        self.insert(
            "tier_prices",
            TIERS * 2,
            &[
                ("id", self.id(Table::Price, "n")),
                self.of_tier(),
                ("billing_cycle", format!("CASE WHEN n <= {TIERS} THEN 'MONTHLY' ELSE 'YEARLY' END")),
                ("currency", same("'EUR'")),
                ("amount_minor", same("n * 7919 % 97 * 100")),
                ("gateway_prices", same("'{}'")),
            ],
        )
    }

    /// Three for each tier.
    pub fn features(&self) -> String {
        self.insert(
            "tier_features",
            TIERS * 3,
            &[
                ("id", self.id(Table::Feature, "n")),
                self.of_tier(),
                ("key", format!("'feature-' || (n / {TIERS})")),
                ("kind", same("'SWITCH'")),
                ("enabled", same("n % 2 = 0")),
            ],
        )
    }

    /// Three for each catalogue.
    pub fn declared(&self) -> String {
        let organization = self.id(Table::Organization, "n / 3 % 996 + 1");
        self.insert(
            "features",
            996 * 3,
            &Self::stamped(vec![
                ("id", self.id(Table::Declared, "n")),
                (
                    "tenant_id",
                    format!(
                        "CASE WHEN n < 3 THEN {} WHEN n < 6 THEN {} ELSE {organization} END",
                        self.alpha, self.beta
                    ),
                ),
                ("key", same("'declared-' || (n % 3)")),
                ("name", same("'Feature ' || n")),
                ("kind", same("'SWITCH'")),
                ("enforcement", same("'HARD'")),
            ]),
        )
    }

    /// A dozen for each organization, as its tiers.
    pub fn add_ons(&self) -> String {
        let organization = self.id(Table::Organization, "n % 996 + 1");
        self.insert(
            "add_ons",
            TIERS,
            &Self::stamped(vec![
                ("id", self.id(Table::AddOn, "n")),
                (
                    "tenant_id",
                    format!(
                        "CASE WHEN n <= 8 THEN {} WHEN n <= 16 THEN NULL WHEN n <= 28 THEN {} ELSE {organization} END",
                        self.alpha, self.beta
                    ),
                ),
                ("key", same("'addon-' || n")),
                ("name", same("'Add-on ' || n")),
                ("search_text", same("'addon-' || n || ' add-on ' || n")),
                ("kind", same("'CUSTOMER'")),
                ("public", same("n > 8 AND n % 4 <> 3")),
                ("sort_order", same("n")),
                ("max_quantity", same("1")),
                ("tier_ids", same("'[]'")),
                ("prices", same("'[]'")),
                ("features", same("'[]'")),
            ]),
        )
    }

    fn of_tier(&self) -> Column {
        ("tier_id", self.id(Table::Tier, &format!("(n % {TIERS} + 1)")))
    }
}
