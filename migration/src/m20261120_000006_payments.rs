//! Payments and payment methods.

crate::step!(
    r#"
CREATE TABLE payments (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    customer_id {uuid},
    amount_minor {bigint} NOT NULL CHECK (amount_minor BETWEEN 0 AND 9007199254740991),
    currency {text} NOT NULL CHECK (length(currency) = 3),
    status {text} NOT NULL CHECK (status IN
        ('PENDING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'PARTIALLY_REFUNDED', 'REFUNDED')),
    gateway {text} NOT NULL CHECK (gateway IN ('MANUAL', 'STRIPE', 'MERCADO_PAGO')),
    gateway_payment_id {text},
    gateway_status {text},
    failure_code {text},
    failure_message {text},
    attempt {int} NOT NULL CHECK (attempt >= 1),
    return_url {text},
    refunded_minor {bigint} NOT NULL CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    period_start {time},
    paid_at {time},
    status_changed_at {time} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CHECK ((status IN ('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED')) = (paid_at IS NOT NULL)),
    CHECK (status <> 'REFUNDED' OR refunded_minor = amount_minor),
    CHECK (gateway = 'MANUAL' OR gateway_payment_id IS NOT NULL)
) {strict};
CREATE INDEX payments_id ON payments (id);
CREATE UNIQUE INDEX payments_gateway ON payments (gateway, gateway_payment_id);
CREATE UNIQUE INDEX payments_live_attempt ON payments (tenant_id, subscription_id, period_start)
    WHERE status IN ('PENDING', 'PROCESSING');
CREATE INDEX payments_gateway_payment ON payments (gateway_payment_id) WHERE gateway_payment_id IS NOT NULL;
CREATE INDEX payments_owner ON payments (customer_id, tenant_id, created_at, id);
CREATE INDEX payments_subscription ON payments (subscription_id, tenant_id, created_at, id);
CREATE INDEX payments_created ON payments (tenant_id, created_at, id);
CREATE INDEX payments_updated ON payments (tenant_id, updated_at, id);
CREATE INDEX payments_status_changed ON payments (tenant_id, status_changed_at, id);
CREATE INDEX payments_paid ON payments (tenant_id, coalesce(paid_at, 9223372036854775807), id);
CREATE INDEX payments_amount ON payments (tenant_id, amount_minor, id);
CREATE INDEX payments_status ON payments (tenant_id, status, id);
CREATE INDEX payments_platform_created ON payments (created_at, id);
CREATE INDEX payments_platform_updated ON payments (updated_at, id);
CREATE INDEX payments_platform_status_changed ON payments (status_changed_at, id);
CREATE INDEX payments_platform_paid ON payments (coalesce(paid_at, 9223372036854775807), id);
CREATE INDEX payments_platform_amount ON payments (amount_minor, id);
CREATE INDEX payments_platform_status ON payments (status, id);
CREATE INDEX payments_platform_currency ON payments (currency, created_at, id);
CREATE TABLE payment_methods (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    id {uuid} NOT NULL,
    customer_id {uuid},
    gateway {text} NOT NULL CHECK (gateway IN ('MANUAL', 'STRIPE', 'MERCADO_PAGO')),
    gateway_method_id {text} NOT NULL,
    kind {text} NOT NULL CHECK (kind IN ('CARD', 'BANK_ACCOUNT', 'WALLET')),
    brand {text},
    last4 {text} CHECK (length(last4) = 4),
    exp_month {int} CHECK (exp_month BETWEEN 1 AND 12),
    exp_year {int} CHECK (exp_year BETWEEN 2000 AND 2999),
    holder_name {text},
    postal_code {text},
    is_default {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    deleted_at {time},
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
) {strict};
CREATE INDEX payment_methods_id ON payment_methods (id);
CREATE UNIQUE INDEX payment_methods_gateway ON payment_methods (gateway, gateway_method_id);
CREATE UNIQUE INDEX payment_methods_default_of_customer ON payment_methods (tenant_id, customer_id)
    WHERE is_default AND customer_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX payment_methods_default_of_organization ON payment_methods (tenant_id)
    WHERE is_default AND customer_id IS NULL AND deleted_at IS NULL;
CREATE INDEX payment_methods_owner ON payment_methods (customer_id, tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX payment_methods_created ON payment_methods (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX payment_methods_updated ON payment_methods (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX payment_methods_kind ON payment_methods (tenant_id, kind, id) WHERE deleted_at IS NULL;
CREATE INDEX payment_methods_platform_created ON payment_methods (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX payment_methods_platform_updated ON payment_methods (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX payment_methods_platform_kind ON payment_methods (kind, id) WHERE deleted_at IS NULL;
"#,
    "DROP TABLE payment_methods;\nDROP TABLE payments;\n"
);
