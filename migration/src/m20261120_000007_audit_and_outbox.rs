//! What every change leaves behind: an audit entry, an outbox event, and the idempotency key it was asked under.

crate::step!(
    r#"
CREATE TABLE audit_events (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    actor {text} NOT NULL,
    actor_role {text} NOT NULL,
    impersonator {text},
    action {text} NOT NULL,
    entity_type {text} NOT NULL,
    entity_id {uuid} NOT NULL,
    changes {json} NOT NULL,
    reason {text},
    request_id {text},
    address {text},
    created_at {time} NOT NULL
) {strict};
CREATE INDEX audit_events_created ON audit_events (tenant_id, created_at, id);
CREATE INDEX audit_events_entity ON audit_events (entity_id, created_at, id);
CREATE INDEX audit_events_actor ON audit_events (actor, created_at, id);
CREATE INDEX audit_events_platform_created ON audit_events (created_at, id);
CREATE INDEX audit_events_platform_action ON audit_events (action, created_at, id);
CREATE INDEX audit_events_platform_type ON audit_events (entity_type, created_at, id);
CREATE TABLE outbox_events (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    topic {text} NOT NULL,
    entity_type {text} NOT NULL,
    entity_id {uuid} NOT NULL,
    entity_version {int} NOT NULL,
    payload {json} NOT NULL,
    created_at {time} NOT NULL
) {strict};
CREATE TABLE idempotency_keys (
    principal {text} NOT NULL,
    key {text} NOT NULL,
    operation {text} NOT NULL,
    fingerprint {text} NOT NULL,
    result_id {uuid},
    created_at {time} NOT NULL,
    PRIMARY KEY (principal, key)
) {strict};
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
"#,
    "DROP TABLE idempotency_keys;\nDROP TABLE outbox_events;\nDROP TABLE audit_events;\n"
);
