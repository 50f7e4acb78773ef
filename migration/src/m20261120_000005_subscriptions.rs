//! Subscriptions.
//!
//! The owner is the customer, or the organization itself where `customer_id` is null: exactly one, and of the same
//! tenant, by construction. A subscription is live while `ended_at` is null; the two partial unique indexes allow one
//! live subscription for each owner, whatever the code does.

crate::step!(
    r#"
CREATE TABLE subscriptions (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    id {uuid} NOT NULL,
    customer_id {uuid},
    tier_id {uuid} NOT NULL REFERENCES tiers (id),
    status {text} NOT NULL CHECK (status IN
        ('PENDING', 'TRIALING', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'SUSPENDED', 'CANCELED', 'EXPIRED')),
    mode {text} NOT NULL CHECK (mode IN ('MANUAL', 'GATEWAY', 'OVERRIDE')),
    amount_minor {bigint} NOT NULL CHECK (amount_minor BETWEEN 0 AND 9007199254740991),
    currency {text} NOT NULL CHECK (length(currency) = 3),
    billing_cycle {text} NOT NULL CHECK (billing_cycle IN ('MONTHLY', 'YEARLY')),
    starts_at {time} NOT NULL,
    trial_started_at {time},
    trial_ends_at {time},
    current_period_start {time},
    current_period_end {time},
    anchor_day {int} NOT NULL CHECK (anchor_day BETWEEN 1 AND 31),
    expires_at {time},
    cancel_at {time},
    canceled_at {time},
    ended_at {time},
    past_due_since {time},
    grace_ends_at {time},
    suspended_at {time},
    suspension_cause {text} CHECK (suspension_cause IN ('OPERATOR', 'NON_PAYMENT')),
    suspended_from {text} CHECK (suspended_from IN ('TRIALING', 'ACTIVE', 'PAST_DUE')),
    paused_at {time},
    resumes_at {time},
    pending_until {time},
    scheduled_tier_id {uuid} REFERENCES tiers (id),
    scheduled_amount_minor {bigint} CHECK (scheduled_amount_minor BETWEEN 0 AND 9007199254740991),
    scheduled_billing_cycle {text} CHECK (scheduled_billing_cycle IN ('MONTHLY', 'YEARLY')),
    scheduled_at {time},
    override_reason {text},
    override_ends_at {time},
    overridden_tier_id {uuid} REFERENCES tiers (id),
    overridden_amount_minor {bigint},
    overridden_billing_cycle {text} CHECK (overridden_billing_cycle IN ('MONTHLY', 'YEARLY')),
    user_limit {int} CHECK (user_limit BETWEEN 1 AND 100000),
    feature_overrides {json} NOT NULL,
    gateway {text} CHECK (gateway IN ('MANUAL', 'STRIPE', 'MERCADO_PAGO')),
    gateway_subscription_id {text},
    external_id {text},
    metadata {json} NOT NULL,
    last_renewed_by {text},
    access_ends_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL CHECK (version >= 1),
    deleted_at {time},
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CHECK ((status IN ('CANCELED', 'EXPIRED')) = (ended_at IS NOT NULL)),
    CHECK (status <> 'CANCELED' OR canceled_at IS NOT NULL),
    CHECK ((cancel_at IS NULL) = (canceled_at IS NULL)),
    CHECK (status <> 'TRIALING' OR trial_ends_at IS NOT NULL),
    CHECK (status NOT IN ('ACTIVE', 'PAST_DUE', 'PAUSED') OR current_period_end IS NOT NULL),
    CHECK (status <> 'PAST_DUE' OR (past_due_since IS NOT NULL AND grace_ends_at IS NOT NULL)),
    CHECK ((status = 'PAUSED') = (paused_at IS NOT NULL)),
    CHECK ((status = 'SUSPENDED') = (suspended_at IS NOT NULL)),
    CHECK ((suspended_at IS NULL) = (suspended_from IS NULL) AND (suspended_at IS NULL) = (suspension_cause IS NULL)),
    CHECK ((trial_started_at IS NULL) = (trial_ends_at IS NULL) AND trial_ends_at >= trial_started_at),
    CHECK ((current_period_start IS NULL) = (current_period_end IS NULL)
        AND current_period_end >= current_period_start),
    CHECK (expires_at >= starts_at),
    CHECK ((scheduled_at IS NULL) = (scheduled_tier_id IS NULL)
        AND (scheduled_at IS NULL) = (scheduled_amount_minor IS NULL)
        AND (scheduled_at IS NULL) = (scheduled_billing_cycle IS NULL)),
    CHECK ((mode = 'OVERRIDE') = (override_reason IS NOT NULL)),
    CHECK ((mode = 'OVERRIDE') = (overridden_tier_id IS NOT NULL)
        AND (mode = 'OVERRIDE') = (overridden_amount_minor IS NOT NULL)
        AND (mode = 'OVERRIDE') = (overridden_billing_cycle IS NOT NULL)),
    CHECK (mode = 'OVERRIDE' OR override_ends_at IS NULL),
    CHECK ((mode = 'GATEWAY') = (gateway_subscription_id IS NOT NULL)),
    CHECK (gateway_subscription_id IS NULL OR gateway IS NOT NULL)
) {strict};
CREATE INDEX subscriptions_id ON subscriptions (id);
CREATE UNIQUE INDEX subscriptions_live_customer ON subscriptions (tenant_id, customer_id)
    WHERE customer_id IS NOT NULL AND ended_at IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX subscriptions_live_organization ON subscriptions (tenant_id)
    WHERE customer_id IS NULL AND ended_at IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX subscriptions_gateway ON subscriptions (gateway, gateway_subscription_id);
CREATE INDEX subscriptions_owner ON subscriptions (customer_id, tenant_id, coalesce(ended_at, 9223372036854775807), created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_tier ON subscriptions (tenant_id, tier_id, customer_id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_tier ON subscriptions (tier_id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_external_id ON subscriptions (external_id, tenant_id) WHERE external_id IS NOT NULL;
CREATE INDEX subscriptions_created ON subscriptions (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_updated ON subscriptions (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_access_ends ON subscriptions (tenant_id, coalesce(access_ends_at, 9223372036854775807), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_period_end ON subscriptions (tenant_id, coalesce(current_period_end, 9223372036854775807), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_amount ON subscriptions (tenant_id, amount_minor, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_status ON subscriptions (tenant_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_created ON subscriptions (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_updated ON subscriptions (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_access_ends ON subscriptions (coalesce(access_ends_at, 9223372036854775807), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_period_end ON subscriptions (coalesce(current_period_end, 9223372036854775807), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_amount ON subscriptions (amount_minor, id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_platform_status ON subscriptions (status, id) WHERE deleted_at IS NULL;
"#,
    "DROP TABLE subscriptions;\n"
);
