//! Customers, and the subscriptions that they and organizations have.

use super::CUSTOMERS;
use super::id::Table;
use super::sql::{Column, Sql, same};

impl Sql {
    /// The customers.
    pub fn customers(&self) -> String {
        self.insert(
            "customers",
            CUSTOMERS,
            &Self::stamped(vec![
                ("tenant_id", self.tenant("n")),
                ("id", self.id(Table::Customer, "n")),
                ("name", format!("'Customer ' || {}", self.letters("n + 7"))),
                ("name_key", format!("'customer ' || {}", self.letters("n + 7"))),
                ("email", format!("{} || '@example.org'", self.letters("n"))),
                ("external_ref", same("CASE WHEN n % 4 = 0 THEN 'ref-' || n END")),
                ("status", same("CASE n % 50 WHEN 0 THEN 'SUSPENDED' WHEN 1 THEN 'TERMINATED' ELSE 'ACTIVE' END")),
                (
                    "search_text",
                    format!(
                        "'customer ' || {} || ' ' || {} || '@example.org'",
                        self.letters("n + 7"),
                        self.letters("n")
                    ),
                ),
                ("metadata", same("'{}'")),
                ("deleted_at", same("CASE WHEN n % 100 = 7 THEN 1 END")),
            ]),
        )
    }

    /// The subscription that each customer has now.
    pub fn subscriptions(&self) -> String {
        let statuses = "CASE n % 20 WHEN 0 THEN 'PENDING' WHEN 1 THEN 'TRIALING' WHEN 2 THEN 'TRIALING' \
            WHEN 3 THEN 'PAST_DUE' WHEN 4 THEN 'SUSPENDED' \
            ELSE CASE WHEN n % 500 = 6 THEN 'PAUSED' ELSE 'ACTIVE' END END";
        let of_customer = self.subscription(
            Some(self.id(Table::Customer, "n")),
            self.tenant("n"),
            self.id(Table::Subscription, "n"),
            statuses,
        );
        self.insert("subscriptions", CUSTOMERS, &[of_customer, gateway_id("sub")].concat())
    }

    /// The subscription that every fourth customer had before.
    pub fn ended_subscriptions(&self) -> String {
        let ended = self.subscription(
            Some(self.id(Table::Customer, "n * 4")),
            self.tenant("n * 4"),
            self.id(Table::Ended, "n"),
            "CASE WHEN n % 5 = 0 THEN 'EXPIRED' ELSE 'CANCELED' END",
        );
        self.insert("subscriptions", CUSTOMERS / 4, &[ended, gateway_id("ended")].concat())
    }

    /// The subscriptions of organizations.
    pub fn own_subscriptions(&self) -> String {
        let own = self.subscription(None, self.id(Table::Organization, "n"), self.id(Table::Own, "n"), "'ACTIVE'");
        self.insert("subscriptions", 996, &[own, gateway_id("own")].concat())
    }

    /// All that subscriptions have but their ids at the gateway.
    fn subscription(&self, customer: Option<String>, tenant: String, id: String, status: &str) -> Vec<Column> {
        let end = format!("{} + (n * 7919 % 400 - 5) * 86400000000", self.now);
        let period = |value: String| format!("CASE WHEN {status} <> 'PENDING' THEN {value} END");
        let live = |value: String| format!("CASE WHEN {status} NOT IN ('CANCELED', 'EXPIRED') THEN {value} END");
        let only = |wanted: &str, value: &str| format!("CASE WHEN {status} = '{wanted}' THEN {value} END");
        let trial = format!("CASE WHEN {status} = 'TRIALING' THEN {} END", Self::made("n"));
        Self::stamped(vec![
            ("tenant_id", tenant),
            ("id", id),
            ("customer_id", customer.unwrap_or_else(|| same("NULL"))),
            (
                "tier_id",
                format!(
                    "CASE WHEN n % 5 < 3 THEN {} ELSE {} END",
                    self.id(Table::Tier, "n % 12 + 1"),
                    self.id(Table::Tier, "n % 8 + 9")
                ),
            ),
            ("status", same(status)),
            ("mode", same("CASE WHEN n % 3 = 0 THEN 'GATEWAY' ELSE 'MANUAL' END")),
            ("amount_minor", same("n * 7919 % 97 * 100")),
            ("currency", same("'EUR'")),
            ("billing_cycle", same("CASE WHEN n % 5 = 0 THEN 'YEARLY' ELSE 'MONTHLY' END")),
            ("starts_at", Self::made("n")),
            ("trial_started_at", trial.clone()),
            ("trial_ends_at", trial),
            ("current_period_start", period(Self::made("n"))),
            ("current_period_end", period(end.clone())),
            ("anchor_day", same("1")),
            ("past_due_since", only("PAST_DUE", "1")),
            ("grace_ends_at", only("PAST_DUE", "1")),
            ("suspended_at", only("SUSPENDED", "1")),
            ("suspension_cause", only("SUSPENDED", "'OPERATOR'")),
            ("suspended_from", only("SUSPENDED", "'ACTIVE'")),
            ("paused_at", only("PAUSED", "1")),
            ("canceled_at", only("CANCELED", "1")),
            ("cancel_at", only("CANCELED", "1")),
            ("ended_at", format!("CASE WHEN {status} IN ('CANCELED', 'EXPIRED') THEN {} END", Self::made("n"))),
            ("feature_overrides", same("'{}'")),
            ("gateway", same("CASE WHEN n % 3 = 0 THEN 'STRIPE' END")),
            ("external_id", same("CASE WHEN n % 3 = 1 THEN 'external-' || n END")),
            ("search_text", same("CASE WHEN n % 3 = 1 THEN 'external-' || n END")),
            ("purchaser", same("'purchaser-' || n")),
            ("metadata", same("'{}'")),
            ("access_ends_at", period(end.clone())),
            ("next_at", live(end.clone())),
            ("next_status", live(same("CASE WHEN n % 7 = 0 THEN 'PENDING' ELSE 'EXPIRED' END"))),
            ("second_at", live(format!("CASE WHEN n % 7 = 0 THEN {end} + 86400000000 END"))),
            ("second_status", live(same("CASE WHEN n % 7 = 0 THEN 'EXPIRED' END"))),
            ("deleted_at", same("CASE WHEN n % 200 = 11 THEN 1 END")),
        ])
    }
}

/// The ids that the gateway knows every third of them by.
fn gateway_id(kind: &str) -> Vec<Column> {
    let id = format!("CASE WHEN n % 3 = 0 THEN '{kind}-' || n END");
    vec![("gateway_subscription_id", id)]
}
