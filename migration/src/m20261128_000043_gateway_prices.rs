//! What a seller's account at a gateway calls the prices of tiers and add-ons, as the gateway confirmed them.

crate::step!(
    r#"
CREATE TABLE gateway_prices (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    account_id {uuid} NOT NULL REFERENCES gateway_accounts (id),
    tier_id {uuid} REFERENCES tiers (id),
    add_on_id {uuid} REFERENCES add_ons (id),
    billing_cycle {text} NOT NULL CHECK (billing_cycle IN ('MONTHLY', 'YEARLY')),
    currency {text} NOT NULL CHECK (length(currency) = 3),
    amount_minor {bigint} NOT NULL CHECK (amount_minor BETWEEN 0 AND 9007199254740991),
    price_id {text} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    CHECK ((tier_id IS NULL) <> (add_on_id IS NULL))
) {strict};
CREATE UNIQUE INDEX gateway_prices_tier ON gateway_prices (account_id, tier_id, billing_cycle, currency)
    WHERE tier_id IS NOT NULL;
CREATE UNIQUE INDEX gateway_prices_add_on ON gateway_prices (account_id, add_on_id, billing_cycle, currency)
    WHERE add_on_id IS NOT NULL;
"#,
    "DROP TABLE gateway_prices;\n"
);
