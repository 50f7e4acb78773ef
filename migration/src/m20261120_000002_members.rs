//! Members: the users of an organization.

crate::step!(
    r#"
CREATE TABLE members (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    id {uuid} NOT NULL,
    email {text} NOT NULL,
    name {text} NOT NULL,
    name_key {text} NOT NULL,
    role {text} NOT NULL CHECK (role IN ('ADMIN', 'RESELLER', 'WORKER')),
    active {bool} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant_id, id)
) {strict};
CREATE INDEX members_id ON members (id);
CREATE UNIQUE INDEX members_email ON members (tenant_id, email);
CREATE INDEX members_created ON members (tenant_id, created_at, id);
CREATE INDEX members_name ON members (tenant_id, name_key, id);
CREATE INDEX members_platform_created ON members (created_at, id);
CREATE INDEX members_platform_name ON members (name_key, id);
CREATE INDEX members_platform_email ON members (email, id);
CREATE INDEX members_platform_role ON members (role, created_at, id);
"#,
    "DROP TABLE members;\n"
);
