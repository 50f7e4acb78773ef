//! Organizations: the tenants.

crate::step!(
    r#"
CREATE TABLE organizations (
    id {uuid} NOT NULL PRIMARY KEY,
    parent_id {uuid} REFERENCES organizations (id),
    name {text} NOT NULL,
    name_key {text} NOT NULL,
    slug {text} NOT NULL,
    status {text} NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED', 'TERMINATED')),
    exempt {bool} NOT NULL,
    billing_email {text},
    default_currency {text} NOT NULL CHECK (length(default_currency) = 3),
    time_zone {text} NOT NULL,
    metadata {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    deleted_at {time},
    CHECK (parent_id <> id)
) {strict};
CREATE UNIQUE INDEX organizations_slug ON organizations (slug) WHERE deleted_at IS NULL;
CREATE INDEX organizations_parent ON organizations (parent_id);
CREATE INDEX organizations_created ON organizations (created_at, id);
CREATE INDEX organizations_updated ON organizations (updated_at, id);
CREATE INDEX organizations_name ON organizations (name_key, id);
CREATE INDEX organizations_deleted ON organizations (id) WHERE deleted_at IS NOT NULL;
"#,
    "DROP TABLE organizations;\n"
);
