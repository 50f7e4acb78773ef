//! Add-ons: what a catalogue sells beside its tiers, and which of them a subscription has. Prices and features of an
//! add-on are read and replaced as a whole, and so are the lines of a subscription, so that they are columns of their rows.
//!
//! A subscription's amounts count its add-ons in: it had none before.

crate::step!(
    r#"
CREATE TABLE add_ons (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    key {text} NOT NULL,
    name {text} NOT NULL,
    search_text {text} NOT NULL,
    description {text},
    kind {text} NOT NULL CHECK (kind IN ('ORGANIZATION', 'CUSTOMER')),
    public {bool} NOT NULL,
    sort_order {int} NOT NULL,
    max_quantity {int} NOT NULL CHECK (max_quantity BETWEEN 1 AND 10000),
    tier_ids {json} NOT NULL,
    prices {json} NOT NULL,
    features {json} NOT NULL,
    archived_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1)
) {strict};
CREATE UNIQUE INDEX add_ons_catalogue_key ON add_ons (tenant_id, kind, key) WHERE tenant_id IS NOT NULL;
CREATE UNIQUE INDEX add_ons_platform_key ON add_ons (kind, key) WHERE tenant_id IS NULL;
CREATE INDEX add_ons_created ON add_ons (created_at, id);
CREATE INDEX add_ons_catalogue ON add_ons (tenant_id, created_at, id);
CREATE INDEX add_ons_by_key ON add_ons (key, id);
CREATE INDEX add_ons_sorted ON add_ons (sort_order, id);
ALTER TABLE subscriptions ADD COLUMN add_ons {json} NOT NULL DEFAULT '[]';
ALTER TABLE subscriptions ADD COLUMN scheduled_add_ons {json} NOT NULL DEFAULT '[]';
"#,
    "ALTER TABLE subscriptions DROP COLUMN scheduled_add_ons;
ALTER TABLE subscriptions DROP COLUMN add_ons;
DROP TABLE add_ons;
"
);
