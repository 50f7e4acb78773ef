//! Checkouts: what an owner was about to buy at a gateway. A subscription has one at a time that can still be paid.
//!
//! The address of the page is never stored: whoever asks has it fetched.

crate::step!(
    r#"
CREATE TABLE checkouts (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    id {uuid} NOT NULL,
    customer_id {uuid},
    subscription_id {uuid} NOT NULL,
    payment_id {uuid} NOT NULL,
    account_id {uuid} NOT NULL REFERENCES gateway_accounts (id),
    state {text} NOT NULL CHECK (state IN ('OPEN', 'COMPLETED', 'EXPIRED', 'SUPERSEDED', 'FAILED')),
    tier_id {uuid} NOT NULL REFERENCES tiers (id),
    billing_cycle {text} NOT NULL CHECK (billing_cycle IN ('MONTHLY', 'YEARLY')),
    currency {text} NOT NULL CHECK (length(currency) = 3),
    add_ons {json} NOT NULL,
    amount_minor {bigint} NOT NULL CHECK (amount_minor BETWEEN 0 AND 9007199254740991),
    purchaser {text} NOT NULL,
    return_url {text} NOT NULL,
    session_id {text},
    expires_at {time},
    state_changed_at {time} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
) {strict};
CREATE INDEX checkouts_id ON checkouts (id);
CREATE UNIQUE INDEX checkouts_live ON checkouts (tenant_id, subscription_id) WHERE state = 'OPEN';
CREATE UNIQUE INDEX checkouts_session ON checkouts (account_id, session_id) WHERE session_id IS NOT NULL;
CREATE UNIQUE INDEX checkouts_payment ON checkouts (tenant_id, payment_id);
CREATE INDEX checkouts_subscription ON checkouts (subscription_id, tenant_id, created_at, id);
"#,
    "DROP TABLE checkouts;\n"
);
