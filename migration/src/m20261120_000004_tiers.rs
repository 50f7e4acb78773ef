//! Tiers with their prices and features.
//!
//! A tier's tenant is null in the platform's catalogue, so its key is its id alone; on a sharded database these three
//! small tables are reference tables.

crate::step!(
    r#"
CREATE TABLE tiers (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    key {text} NOT NULL,
    name {text} NOT NULL,
    description {text},
    kind {text} NOT NULL CHECK (kind IN ('ORGANIZATION', 'CUSTOMER')),
    rank {int} NOT NULL,
    trial_days {int} NOT NULL CHECK (trial_days BETWEEN 0 AND 730),
    public {bool} NOT NULL,
    sort_order {int} NOT NULL,
    period_end_policy {text} NOT NULL CHECK (period_end_policy IN ('EXPIRE', 'SUSPEND', 'DOWNGRADE', 'RENEW')),
    fallback_tier_id {uuid} REFERENCES tiers (id),
    archived_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    CHECK (period_end_policy <> 'DOWNGRADE' OR fallback_tier_id IS NOT NULL),
    CHECK (fallback_tier_id <> id)
) {strict};
CREATE UNIQUE INDEX tiers_key ON tiers (tenant_id, kind, key) WHERE tenant_id IS NOT NULL;
CREATE UNIQUE INDEX tiers_platform_key ON tiers (kind, key) WHERE tenant_id IS NULL;
CREATE TABLE tier_prices (
    id {uuid} NOT NULL PRIMARY KEY,
    tier_id {uuid} NOT NULL REFERENCES tiers (id),
    billing_cycle {text} NOT NULL CHECK (billing_cycle IN ('MONTHLY', 'YEARLY')),
    currency {text} NOT NULL CHECK (length(currency) = 3),
    amount_minor {bigint} NOT NULL CHECK (amount_minor BETWEEN 0 AND 9007199254740991),
    gateway_prices {json} NOT NULL
) {strict};
CREATE UNIQUE INDEX tier_prices_cycle ON tier_prices (tier_id, billing_cycle, currency);
CREATE TABLE tier_features (
    id {uuid} NOT NULL PRIMARY KEY,
    tier_id {uuid} NOT NULL REFERENCES tiers (id),
    key {text} NOT NULL,
    kind {text} NOT NULL CHECK (kind IN ('SWITCH', 'LIMIT', 'METER')),
    enabled {bool} NOT NULL,
    ceiling {bigint} CHECK (ceiling BETWEEN 0 AND 9007199254740991),
    CHECK (kind <> 'SWITCH' OR ceiling IS NULL)
) {strict};
CREATE UNIQUE INDEX tier_features_key ON tier_features (tier_id, key);
"#,
    "DROP TABLE tier_features;\nDROP TABLE tier_prices;\nDROP TABLE tiers;\n"
);
