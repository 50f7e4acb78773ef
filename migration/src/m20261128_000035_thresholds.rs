//! Shares of a limit that were reached, each once for a window; and indexes for reservations that are over.

crate::step!(
    r#"
CREATE TABLE usage_thresholds (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    feature_key {text} NOT NULL,
    epoch {int} NOT NULL,
    number {bigint} NOT NULL,
    percent {int} NOT NULL CHECK (percent IN (80, 100)),
    ceiling {bigint} NOT NULL CHECK (ceiling > 0),
    used {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE UNIQUE INDEX usage_thresholds_window
    ON usage_thresholds (tenant_id, subscription_id, feature_key, epoch, number, percent, ceiling);
CREATE INDEX usage_reservations_closed ON usage_reservations (updated_at) WHERE state <> 'HELD';
CREATE INDEX usage_reservations_over ON usage_reservations (expires_at) WHERE state = 'HELD';
"#,
    "DROP INDEX usage_reservations_over;\nDROP INDEX usage_reservations_closed;\nDROP TABLE usage_thresholds;\n"
);
