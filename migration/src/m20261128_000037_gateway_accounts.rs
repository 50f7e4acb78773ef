//! Accounts at payment gateways, each of a seller: an organization, or the platform, which has no tenant.
//!
//! Keys and secrets are sealed before they come here. The slug is a part of the address that news is sent to.

crate::step!(
    r#"
CREATE TABLE gateway_accounts (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    kind {text} NOT NULL CHECK (kind IN ('STRIPE', 'SIMULATOR', 'MANUAL')),
    mode {text} NOT NULL CHECK (mode IN ('TEST', 'LIVE')),
    name {text} NOT NULL,
    gateway_account_id {text},
    slug {text} NOT NULL,
    sealed_key {text},
    sealed_secrets {text},
    key_changed_at {time},
    secrets_changed_at {time},
    instructions {text},
    disabled_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    CHECK ((kind = 'MANUAL') = (gateway_account_id IS NULL)),
    CHECK ((kind = 'MANUAL') = (sealed_key IS NULL)),
    CHECK (kind = 'MANUAL' OR instructions IS NULL),
    CHECK (kind <> 'SIMULATOR' OR mode = 'TEST')
) {strict};
CREATE UNIQUE INDEX gateway_accounts_slug ON gateway_accounts (slug);
CREATE UNIQUE INDEX gateway_accounts_seller_account ON gateway_accounts (tenant_id, kind, mode, gateway_account_id)
    WHERE tenant_id IS NOT NULL AND gateway_account_id IS NOT NULL;
CREATE UNIQUE INDEX gateway_accounts_platform_account ON gateway_accounts (kind, mode, gateway_account_id)
    WHERE tenant_id IS NULL AND gateway_account_id IS NOT NULL;
CREATE INDEX gateway_accounts_created ON gateway_accounts (created_at, id);
CREATE INDEX gateway_accounts_seller ON gateway_accounts (tenant_id, created_at, id);
"#,
    "DROP TABLE gateway_accounts;\n"
);
