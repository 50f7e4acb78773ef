//! The keys of the trail and the outbox begin with the tenant, as those of all that belongs to one do. The platform's own
//! rows have the nil UUID there, because a part of a key cannot be null.
//!
//! SQLite changes a key only by copying the table, to which nothing refers.

use crate::Sql;

const BY_TENANT: Sql = Sql {
    postgres: r#"
UPDATE audit_events SET tenant_id = '00000000-0000-0000-0000-000000000000' WHERE tenant_id IS NULL;
ALTER TABLE audit_events ALTER COLUMN tenant_id SET NOT NULL,
    DROP CONSTRAINT audit_events_pkey, ADD PRIMARY KEY (tenant_id, id);
UPDATE outbox_events SET tenant_id = '00000000-0000-0000-0000-000000000000' WHERE tenant_id IS NULL;
ALTER TABLE outbox_events ALTER COLUMN tenant_id SET NOT NULL,
    DROP CONSTRAINT outbox_events_pkey, ADD PRIMARY KEY (tenant_id, id);
CREATE INDEX audit_events_id ON audit_events (id);
"#,
    sqlite: r#"
ALTER TABLE audit_events RENAME TO audit_events_before;
CREATE TABLE audit_events (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    actor TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    impersonator TEXT,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    changes TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    address TEXT,
    created_at INTEGER NOT NULL,
    effective_at INTEGER,
    PRIMARY KEY (tenant_id, id)
) STRICT;
INSERT INTO audit_events (tenant_id, id, actor, actor_role, impersonator, action, entity_type, entity_id, changes,
    reason, request_id, address, created_at, effective_at)
SELECT coalesce(tenant_id, x'00000000000000000000000000000000'), id, actor, actor_role, impersonator, action,
    entity_type, entity_id, changes, reason, request_id, address, created_at, effective_at
FROM audit_events_before;
DROP TABLE audit_events_before;
CREATE INDEX audit_events_created ON audit_events (tenant_id, created_at, id);
CREATE INDEX audit_events_entity ON audit_events (entity_id, created_at, id);
CREATE INDEX audit_events_actor ON audit_events (actor, created_at, id);
CREATE INDEX audit_events_platform_created ON audit_events (created_at, id);
CREATE INDEX audit_events_platform_action ON audit_events (action, created_at, id);
CREATE INDEX audit_events_platform_type ON audit_events (entity_type, created_at, id);
CREATE INDEX audit_events_id ON audit_events (id);
ALTER TABLE outbox_events RENAME TO outbox_events_before;
CREATE TABLE outbox_events (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    topic TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    entity_version INTEGER NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
INSERT INTO outbox_events (tenant_id, id, topic, entity_type, entity_id, entity_version, payload, created_at)
SELECT coalesce(tenant_id, x'00000000000000000000000000000000'), id, topic, entity_type, entity_id, entity_version,
    payload, created_at
FROM outbox_events_before;
DROP TABLE outbox_events_before;
"#,
    both: "",
};

const BY_ID: Sql = Sql {
    postgres: r#"
DROP INDEX audit_events_id;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_pkey, ADD PRIMARY KEY (id),
    ALTER COLUMN tenant_id DROP NOT NULL;
UPDATE audit_events SET tenant_id = NULL WHERE tenant_id = '00000000-0000-0000-0000-000000000000';
ALTER TABLE outbox_events DROP CONSTRAINT outbox_events_pkey, ADD PRIMARY KEY (id),
    ALTER COLUMN tenant_id DROP NOT NULL;
UPDATE outbox_events SET tenant_id = NULL WHERE tenant_id = '00000000-0000-0000-0000-000000000000';
"#,
    sqlite: r#"
ALTER TABLE audit_events RENAME TO audit_events_before;
CREATE TABLE audit_events (
    id BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB REFERENCES organizations (id),
    actor TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    impersonator TEXT,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    changes TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    address TEXT,
    created_at INTEGER NOT NULL
) STRICT;
ALTER TABLE audit_events ADD COLUMN effective_at INTEGER;
INSERT INTO audit_events (tenant_id, id, actor, actor_role, impersonator, action, entity_type, entity_id, changes,
    reason, request_id, address, created_at, effective_at)
SELECT nullif(tenant_id, x'00000000000000000000000000000000'), id, actor, actor_role, impersonator, action,
    entity_type, entity_id, changes, reason, request_id, address, created_at, effective_at
FROM audit_events_before;
DROP TABLE audit_events_before;
CREATE INDEX audit_events_created ON audit_events (tenant_id, created_at, id);
CREATE INDEX audit_events_entity ON audit_events (entity_id, created_at, id);
CREATE INDEX audit_events_actor ON audit_events (actor, created_at, id);
CREATE INDEX audit_events_platform_created ON audit_events (created_at, id);
CREATE INDEX audit_events_platform_action ON audit_events (action, created_at, id);
CREATE INDEX audit_events_platform_type ON audit_events (entity_type, created_at, id);
ALTER TABLE outbox_events RENAME TO outbox_events_before;
CREATE TABLE outbox_events (
    id BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB REFERENCES organizations (id),
    topic TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    entity_version INTEGER NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_events (tenant_id, id, topic, entity_type, entity_id, entity_version, payload, created_at)
SELECT nullif(tenant_id, x'00000000000000000000000000000000'), id, topic, entity_type, entity_id, entity_version,
    payload, created_at
FROM outbox_events_before;
DROP TABLE outbox_events_before;
"#,
    both: "",
};

crate::step!(BY_TENANT, BY_ID);
