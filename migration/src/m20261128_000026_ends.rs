//! What comes at the end of a period or trial is agreed on when it begins, and a scheduler brings it about when it is due.
//! Subscriptions that are there get what their tier says now. A row whose due moment is 0 has yet to be looked at: by
//! the program after the last step, or by the scheduler.

crate::step!(
    r#"
ALTER TABLE organizations ADD COLUMN grace_days {int} CHECK (grace_days BETWEEN 0 AND 730);
ALTER TABLE organizations ADD COLUMN unpaid_days {int} CHECK (unpaid_days BETWEEN 0 AND 730);
ALTER TABLE tiers ADD COLUMN trial_end_policy {text} NOT NULL DEFAULT 'EXPIRE'
    CHECK (trial_end_policy IN ('EXPIRE', 'FALLBACK'));
ALTER TABLE subscriptions ADD COLUMN period_end_policy {text} NOT NULL DEFAULT 'EXPIRE'
    CHECK (period_end_policy IN ('EXPIRE', 'SUSPEND', 'DOWNGRADE', 'RENEW'));
ALTER TABLE subscriptions ADD COLUMN trial_end_policy {text} NOT NULL DEFAULT 'EXPIRE'
    CHECK (trial_end_policy IN ('EXPIRE', 'FALLBACK'));
ALTER TABLE subscriptions ADD COLUMN fallback_tier_id {uuid};
ALTER TABLE subscriptions ADD COLUMN fallback_amount_minor {bigint} CHECK (fallback_amount_minor >= 0);
ALTER TABLE subscriptions ADD COLUMN grace_days {int} NOT NULL DEFAULT 7 CHECK (grace_days BETWEEN 0 AND 730);
ALTER TABLE subscriptions ADD COLUMN unpaid_days {int} NOT NULL DEFAULT 30 CHECK (unpaid_days BETWEEN 0 AND 730);
ALTER TABLE subscriptions ADD COLUMN fourth_at {time};
ALTER TABLE subscriptions ADD COLUMN fourth_status {text};
ALTER TABLE subscriptions ADD COLUMN fifth_at {time};
ALTER TABLE subscriptions ADD COLUMN fifth_status {text};
ALTER TABLE subscriptions ADD COLUMN due_at {time} DEFAULT 0;
UPDATE subscriptions SET (fallback_tier_id, fallback_amount_minor) = (
    SELECT tiers.fallback_tier_id, tier_prices.amount_minor
    FROM tiers JOIN tier_prices ON tier_prices.tier_id = tiers.fallback_tier_id
    WHERE tiers.id = coalesce(subscriptions.overridden_tier_id, subscriptions.tier_id)
        AND tiers.period_end_policy = 'DOWNGRADE'
        AND tier_prices.currency = subscriptions.currency
        AND tier_prices.billing_cycle =
            coalesce(subscriptions.overridden_billing_cycle, subscriptions.billing_cycle))
WHERE ended_at IS NULL;
UPDATE subscriptions SET period_end_policy = (
    SELECT CASE WHEN period_end_policy = 'DOWNGRADE' AND subscriptions.fallback_tier_id IS NULL THEN 'EXPIRE'
        ELSE period_end_policy END
    FROM tiers WHERE tiers.id = coalesce(subscriptions.overridden_tier_id, subscriptions.tier_id))
WHERE ended_at IS NULL;
UPDATE subscriptions SET due_at = NULL WHERE ended_at IS NOT NULL;
CREATE INDEX subscriptions_due ON subscriptions (due_at) WHERE ended_at IS NULL AND deleted_at IS NULL;
DROP INDEX subscriptions_turns;
DROP INDEX subscriptions_platform_turns;
CREATE INDEX subscriptions_turns ON subscriptions (tenant_id, next_at)
    WHERE second_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX subscriptions_platform_turns ON subscriptions (next_at)
    WHERE second_at IS NOT NULL AND deleted_at IS NULL;
CREATE TABLE parked_transitions (
    tenant_id {uuid} NOT NULL,
    subscription_id {uuid} NOT NULL,
    due_at {time} NOT NULL,
    attempts {int} NOT NULL CHECK (attempts >= 1),
    error {text} NOT NULL,
    parked_at {time} NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
) {strict};
CREATE TABLE test_clock (
    id {int} PRIMARY KEY CHECK (id = 1),
    ahead {bigint} NOT NULL CHECK (ahead >= 0)
) {strict};
"#,
    r#"
DROP TABLE test_clock;
DROP TABLE parked_transitions;
DROP INDEX subscriptions_due;
DROP INDEX subscriptions_turns;
DROP INDEX subscriptions_platform_turns;
CREATE INDEX subscriptions_turns ON subscriptions (tenant_id, created_at, id)
    WHERE second_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX subscriptions_platform_turns ON subscriptions (created_at, id)
    WHERE second_at IS NOT NULL AND deleted_at IS NULL;
ALTER TABLE subscriptions DROP COLUMN due_at;
ALTER TABLE subscriptions DROP COLUMN fifth_status;
ALTER TABLE subscriptions DROP COLUMN fifth_at;
ALTER TABLE subscriptions DROP COLUMN fourth_status;
ALTER TABLE subscriptions DROP COLUMN fourth_at;
ALTER TABLE subscriptions DROP COLUMN unpaid_days;
ALTER TABLE subscriptions DROP COLUMN grace_days;
ALTER TABLE subscriptions DROP COLUMN fallback_amount_minor;
ALTER TABLE subscriptions DROP COLUMN fallback_tier_id;
ALTER TABLE subscriptions DROP COLUMN trial_end_policy;
ALTER TABLE subscriptions DROP COLUMN period_end_policy;
ALTER TABLE tiers DROP COLUMN trial_end_policy;
ALTER TABLE organizations DROP COLUMN unpaid_days;
ALTER TABLE organizations DROP COLUMN grace_days;
"#
);
