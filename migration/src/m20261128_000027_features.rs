//! The features of catalogues: each key is declared once. What tiers grant already is declared as it is granted.
//!
//! As tiers, those of the platform have no tenant, so the key is the id alone.

crate::step!(
    r#"
CREATE TABLE features (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    key {text} NOT NULL,
    name {text} NOT NULL,
    description {text},
    kind {text} NOT NULL CHECK (kind IN ('SWITCH', 'LIMIT', 'METER')),
    unit {text},
    resets {text} CHECK (resets IN ('MONTHLY', 'PERIOD', 'NEVER')),
    enforcement {text} NOT NULL CHECK (enforcement IN ('HARD', 'SOFT')),
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    CHECK ((kind = 'METER') = (resets IS NOT NULL)),
    CHECK (kind <> 'SWITCH' OR (unit IS NULL AND enforcement = 'HARD'))
) {strict};
INSERT INTO features (id, tenant_id, key, name, kind, resets, enforcement, created_at, updated_at, version)
SELECT id, tenant_id, key, key, kind, CASE WHEN kind = 'METER' THEN 'MONTHLY' END, 'HARD', created_at, created_at, 1
FROM (
    SELECT tier_features.id, tiers.tenant_id, tier_features.key, tier_features.kind, tiers.created_at,
        row_number() OVER (
            PARTITION BY tiers.tenant_id, tier_features.key ORDER BY tiers.created_at, tier_features.id
        ) AS place
    FROM tier_features JOIN tiers ON tiers.id = tier_features.tier_id
) AS granted WHERE place = 1;
CREATE UNIQUE INDEX features_catalogue_key ON features (tenant_id, key) WHERE tenant_id IS NOT NULL;
CREATE UNIQUE INDEX features_platform_key ON features (key) WHERE tenant_id IS NULL;
CREATE INDEX features_catalogue ON features (tenant_id, created_at, id);
CREATE INDEX features_created ON features (created_at, id);
CREATE INDEX features_by_key ON features (key, id);
CREATE INDEX features_catalogue_by_key ON features (tenant_id, key, id);
"#,
    "DROP TABLE features;\n"
);
