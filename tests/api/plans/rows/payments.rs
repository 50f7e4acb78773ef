//! Payments and payment methods.

use super::CUSTOMERS;
use super::id::Table;
use super::sql::{Column, Sql, same};

impl Sql {
    /// Four payments of each customer.
    pub fn payments(&self) -> String {
        let payer = format!("(n % {CUSTOMERS} + 1)");
        self.insert(
            "payments",
            CUSTOMERS * 4,
            &Self::stamped(vec![
                ("tenant_id", self.tenant(&payer)),
                ("id", self.id(Table::Payment, "n")),
                ("subscription_id", self.id(Table::Subscription, &payer)),
                ("customer_id", self.id(Table::Customer, &payer)),
                ("amount_minor", same("n * 7919 % 97 * 100")),
                ("currency", same("CASE WHEN n % 20000 = 1 THEN 'JPY' WHEN n % 10 = 0 THEN 'USD' ELSE 'EUR' END")),
                (
                    "status",
                    same(
                        "CASE n * 7 % 20 WHEN 0 THEN 'FAILED' WHEN 1 THEN 'REFUNDED' \
                         WHEN 2 THEN 'PARTIALLY_REFUNDED' WHEN 3 THEN 'CANCELED' \
                         WHEN 4 THEN CASE WHEN n % 5000 = 12 THEN 'PROCESSING' ELSE 'PENDING' END ELSE 'SUCCEEDED' END",
                    ),
                ),
                (
                    "gateway",
                    same("CASE WHEN n % 5 = 0 THEN 'MANUAL' WHEN n % 20000 = 1 THEN 'MERCADO_PAGO' ELSE 'STRIPE' END"),
                ),
                ("gateway_payment_id", format!("CASE WHEN n % 5 <> 0 THEN 'pi_' || {} || n END", self.letters("n"))),
                ("failure_code", same("CASE WHEN n * 7 % 20 = 0 THEN 'card_declined' END")),
                (
                    "failure_message",
                    format!("CASE WHEN n * 7 % 20 = 0 THEN 'Declined by bank ' || {} END", self.letters("n")),
                ),
                (
                    "search_text",
                    format!(
                        "CASE WHEN n * 7 % 20 = 0 THEN 'card_declined declined by bank ' || {0} \
                         WHEN n % 5 <> 0 THEN 'pi_' || {0} || n END",
                        self.letters("n")
                    ),
                ),
                ("attempt", same("1")),
                ("refunded_minor", same("CASE WHEN n * 7 % 20 = 1 THEN n * 7919 % 97 * 100 ELSE 0 END")),
                ("period_start", Self::made("n")),
                ("paid_at", format!("CASE WHEN n * 7 % 20 NOT IN (0, 3, 4) THEN {} END", Self::changed("n + 3"))),
                ("status_changed_at", Self::changed("n + 5")),
            ]),
        )
    }

    /// The default of each customer.
    pub fn methods(&self) -> String {
        let methods = self.method(Table::Method, self.tenant("n"), "n > 0", self.id(Table::Customer, "n"));
        self.insert("payment_methods", CUSTOMERS, &methods)
    }

    /// Another one of every fourth customer.
    pub fn further_methods(&self) -> String {
        let further = self.method(Table::Further, self.tenant("n * 4"), "n < 0", self.id(Table::Customer, "n * 4"));
        self.insert("payment_methods", CUSTOMERS / 4, &further)
    }

    /// The defaults of organizations.
    pub fn methods_of_organizations(&self) -> String {
        let of_organization = self.id(Table::Organization, "n");
        let of_organizations = self.method(Table::OfOrganization, of_organization, "n > 0", same("NULL"));
        self.insert("payment_methods", 996, &of_organizations)
    }

    /// All that payment methods have.
    fn method(&self, table: Table, tenant: String, default: &str, customer: String) -> Vec<Column> {
        Self::stamped(vec![
            ("tenant_id", tenant),
            ("id", self.id(table, "n")),
            ("customer_id", customer),
            ("gateway", same("CASE WHEN n % 10000 = 1 THEN 'MERCADO_PAGO' ELSE 'STRIPE' END")),
            ("gateway_method_id", format!("'pm-{}-' || n", table as u32)),
            ("kind", same("CASE WHEN n % 5000 = 1 THEN 'WALLET' WHEN n % 10 = 0 THEN 'BANK_ACCOUNT' ELSE 'CARD' END")),
            ("is_default", same(default)),
            ("deleted_at", same("CASE WHEN n % 200 = 11 THEN 1 END")),
        ])
    }
}
