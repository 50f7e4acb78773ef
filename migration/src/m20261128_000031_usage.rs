//! What is used of features: counters, what they were counted by, what is reserved, and what was granted or corrected.
//!
//! `observed_at` is when a gauge was read. Sums by day are of days in the subscription's time zone, counted from 1970.

crate::step!(
    r#"
CREATE TABLE usage_counters (
    tenant_id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    epoch {int} NOT NULL,
    number {bigint} NOT NULL,
    used {bigint} NOT NULL CHECK (used BETWEEN 0 AND 9007199254740991),
    held {bigint} NOT NULL CHECK (held >= 0),
    observed_at {time},
    PRIMARY KEY (tenant_id, subscription_id, feature_key, epoch, number),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE TABLE usage_days (
    tenant_id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    day {int} NOT NULL,
    used {bigint} NOT NULL,
    last {bigint},
    maximum {bigint},
    PRIMARY KEY (tenant_id, subscription_id, feature_key, day),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE TABLE usage_records (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    key {text},
    asked {bigint} NOT NULL,
    counted {bigint} NOT NULL,
    actor {text} NOT NULL,
    occurred_at {time} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE UNIQUE INDEX usage_records_key ON usage_records (tenant_id, key) WHERE key IS NOT NULL;
CREATE INDEX usage_records_created ON usage_records (created_at);
CREATE TABLE usage_reservations (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    epoch {int} NOT NULL,
    number {bigint} NOT NULL,
    key {text},
    amount {bigint} NOT NULL CHECK (amount > 0),
    state {text} NOT NULL CHECK (state IN ('HELD', 'SETTLED', 'RELEASED', 'EXPIRED')),
    settled {bigint},
    expires_at {time} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((state = 'SETTLED') = (settled IS NOT NULL)),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE UNIQUE INDEX usage_reservations_key ON usage_reservations (tenant_id, key) WHERE key IS NOT NULL;
CREATE INDEX usage_reservations_held ON usage_reservations (tenant_id, subscription_id, feature_key, expires_at)
    WHERE state = 'HELD';
CREATE TABLE usage_grants (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    amount {bigint} NOT NULL CHECK (amount > 0),
    expires_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE INDEX usage_grants_subscription ON usage_grants (tenant_id, subscription_id, expires_at);
CREATE TABLE usage_adjustments (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    amount {bigint} NOT NULL CHECK (amount <> 0),
    occurred_at {time} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
"#,
    "DROP TABLE usage_adjustments;\nDROP TABLE usage_grants;\nDROP TABLE usage_reservations;\nDROP TABLE usage_records;\nDROP TABLE usage_days;\nDROP TABLE usage_counters;\n"
);
