//! Customers of an organization.

crate::step!(
    r#"
CREATE TABLE customers (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    id {uuid} NOT NULL,
    name {text} NOT NULL,
    name_key {text} NOT NULL,
    email {text},
    external_ref {text},
    status {text} NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED', 'TERMINATED')),
    search_text {text} NOT NULL,
    metadata {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    deleted_at {time},
    PRIMARY KEY (tenant_id, id)
) {strict};
CREATE INDEX customers_id ON customers (id);
CREATE UNIQUE INDEX customers_external_ref ON customers (external_ref, tenant_id) WHERE deleted_at IS NULL;
CREATE INDEX customers_email ON customers (email, tenant_id) WHERE deleted_at IS NULL;
CREATE INDEX customers_created ON customers (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_updated ON customers (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_name ON customers (tenant_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_status ON customers (tenant_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_platform_created ON customers (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_platform_updated ON customers (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_platform_name ON customers (name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_platform_status ON customers (status, id) WHERE deleted_at IS NULL;
"#,
    "DROP TABLE customers;\n"
);
