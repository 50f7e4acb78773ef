//! What is known of a gateway's objects, what was asked of it, and what it told us.

crate::step!(
    r#"
CREATE TABLE gateway_objects (
    account_id {uuid} NOT NULL REFERENCES gateway_accounts (id),
    kind {text} NOT NULL CHECK (kind IN
        ('CUSTOMER', 'CHECKOUT', 'SUBSCRIPTION', 'INVOICE', 'PAYMENT', 'REFUND', 'DISPUTE', 'METHOD')),
    external_id {text} NOT NULL,
    tenant_id {uuid} REFERENCES organizations (id),
    customer_id {uuid},
    subscription_id {uuid},
    payment_id {uuid},
    wanted_seq {bigint} NOT NULL CHECK (wanted_seq >= 0),
    applied_seq {bigint} NOT NULL CHECK (applied_seq BETWEEN 0 AND wanted_seq),
    due_at {time},
    waits_until {time},
    lease {uuid},
    leased_until {time},
    tries {int} NOT NULL CHECK (tries >= 0),
    error {text},
    gone_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (account_id, kind, external_id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id),
    CHECK (tenant_id IS NOT NULL OR (customer_id IS NULL AND subscription_id IS NULL AND payment_id IS NULL)),
    CHECK ((lease IS NULL) = (leased_until IS NULL))
) {strict};
CREATE INDEX gateway_objects_due ON gateway_objects (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX gateway_objects_subscription ON gateway_objects (subscription_id, kind) WHERE subscription_id IS NOT NULL;
CREATE INDEX gateway_objects_owner ON gateway_objects (tenant_id, customer_id, kind);
CREATE UNIQUE INDEX gateway_objects_of_customer ON gateway_objects (account_id, customer_id)
    WHERE kind = 'CUSTOMER' AND gone_at IS NULL AND customer_id IS NOT NULL;
CREATE UNIQUE INDEX gateway_objects_of_organization ON gateway_objects (account_id, tenant_id)
    WHERE kind = 'CUSTOMER' AND gone_at IS NULL AND customer_id IS NULL AND tenant_id IS NOT NULL;
CREATE TABLE gateway_intents (
    id {uuid} NOT NULL PRIMARY KEY,
    account_id {uuid} NOT NULL REFERENCES gateway_accounts (id),
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    customer_id {uuid},
    subscription_id {uuid},
    subject {text} NOT NULL,
    idempotency_key {text} NOT NULL,
    reference {text} NOT NULL,
    request {json} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('OPEN', 'DONE', 'FAILED')),
    outcome_kind {text},
    outcome_id {text},
    sent_at {time} NOT NULL,
    due_at {time},
    tries {int} NOT NULL CHECK (tries >= 0),
    error {text},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    CHECK ((state = 'OPEN') = (due_at IS NOT NULL)),
    CHECK ((outcome_kind IS NULL) = (outcome_id IS NULL))
) {strict};
CREATE UNIQUE INDEX gateway_intents_open ON gateway_intents (account_id, subject) WHERE state = 'OPEN';
CREATE INDEX gateway_intents_due ON gateway_intents (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX gateway_intents_reference ON gateway_intents (account_id, reference);
CREATE INDEX gateway_intents_subscription ON gateway_intents (subscription_id) WHERE subscription_id IS NOT NULL;
CREATE TABLE webhook_events (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    account_id {uuid} NOT NULL REFERENCES gateway_accounts (id),
    gateway_event_id {text} NOT NULL,
    kind {text} NOT NULL,
    object_kind {text} CHECK (object_kind IN
        ('CUSTOMER', 'CHECKOUT', 'SUBSCRIPTION', 'INVOICE', 'PAYMENT', 'REFUND', 'DISPUTE', 'METHOD')),
    object_id {text},
    state {text} NOT NULL CHECK (state IN ('RECEIVED', 'QUEUED', 'APPLIED', 'SKIPPED', 'DEAD')),
    reason {text},
    seq {bigint},
    body {text},
    happened_at {time} NOT NULL,
    decided_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    CHECK ((object_kind IS NULL) = (object_id IS NULL)),
    CHECK (state <> 'QUEUED' OR seq IS NOT NULL),
    CHECK ((state IN ('APPLIED', 'SKIPPED', 'DEAD')) = (decided_at IS NOT NULL))
) {strict};
CREATE UNIQUE INDEX webhook_events_once ON webhook_events (account_id, gateway_event_id);
CREATE INDEX webhook_events_received ON webhook_events (created_at) WHERE state = 'RECEIVED';
CREATE INDEX webhook_events_queued ON webhook_events (account_id, object_kind, object_id) WHERE state = 'QUEUED';
CREATE INDEX webhook_events_created ON webhook_events (tenant_id, created_at, id);
CREATE INDEX webhook_events_platform_created ON webhook_events (created_at, id);
"#,
    "DROP TABLE webhook_events;\nDROP TABLE gateway_intents;\nDROP TABLE gateway_objects;\n"
);
