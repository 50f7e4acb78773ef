//! What time makes of subscriptions: the state that an override lies on, so that its end returns there, and the changes
//! of status that were foreseen when a row was written, so that lists can be filtered by them. Rows that are there get
//! those from the program, after the last step.
//!
//! Until now an override kept the status of what it lay on, and with it its lack of access. What had ended and was
//! brought back by one got a new period, and nobody knows what that was before.

use crate::Sql;

/// On SQLite only the text of the constraints changes, which is how its documentation removes one
/// (<https://www.sqlite.org/lang_altertable.html>): to copy the table would fail on those that refer to it.
const FORESEE: Sql = Sql {
    postgres: r#"
ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_check4,
    DROP CONSTRAINT subscriptions_check16,
    ADD CONSTRAINT subscriptions_period CHECK
        (mode = 'OVERRIDE' OR status NOT IN ('ACTIVE', 'PAST_DUE') OR current_period_end IS NOT NULL),
    ADD CONSTRAINT subscriptions_billed_by CHECK
        (mode = 'OVERRIDE' OR (mode = 'GATEWAY') = (gateway_subscription_id IS NOT NULL));
"#,
    sqlite: r#"
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
    'CHECK (status NOT IN (''ACTIVE'', ''PAST_DUE'', ''PAUSED'') OR current_period_end IS NOT NULL)',
    'CHECK (mode = ''OVERRIDE'' OR status NOT IN (''ACTIVE'', ''PAST_DUE'') OR current_period_end IS NOT NULL)'),
    'CHECK ((mode = ''GATEWAY'') = (gateway_subscription_id IS NOT NULL))',
    'CHECK (mode = ''OVERRIDE'' OR (mode = ''GATEWAY'') = (gateway_subscription_id IS NOT NULL))')
WHERE type = 'table' AND name = 'subscriptions';
PRAGMA writable_schema = RESET;
"#,
    both: r#"
ALTER TABLE subscriptions ADD COLUMN overridden_state {json};
ALTER TABLE subscriptions ADD COLUMN next_at {time};
ALTER TABLE subscriptions ADD COLUMN next_status {text};
ALTER TABLE subscriptions ADD COLUMN second_at {time};
ALTER TABLE subscriptions ADD COLUMN second_status {text};
ALTER TABLE subscriptions ADD COLUMN third_at {time};
ALTER TABLE subscriptions ADD COLUMN third_status {text};
ALTER TABLE audit_events ADD COLUMN effective_at {time};
UPDATE subscriptions SET mode = 'MANUAL', tier_id = overridden_tier_id, amount_minor = overridden_amount_minor,
    billing_cycle = overridden_billing_cycle, override_reason = NULL, override_ends_at = NULL,
    overridden_tier_id = NULL, overridden_amount_minor = NULL, overridden_billing_cycle = NULL
WHERE mode = 'OVERRIDE' AND ended_at IS NOT NULL;
UPDATE subscriptions SET
    overridden_state = {object}('status', coalesce(suspended_from, status), 'mode', 'MANUAL', 'expires_at', NULL,
        'cancel_at', NULL, 'canceled_at', NULL, 'ended_at', NULL, 'suspended_at', NULL, 'suspension_cause', NULL,
        'suspended_from', NULL, 'paused_at', paused_at, 'resumes_at', resumes_at),
    status = CASE WHEN status = 'SUSPENDED' THEN status ELSE 'ACTIVE' END,
    suspended_from = CASE WHEN status = 'SUSPENDED' THEN 'ACTIVE' END,
    paused_at = NULL, resumes_at = NULL
WHERE mode = 'OVERRIDE';
CREATE INDEX subscriptions_turns ON subscriptions (tenant_id, created_at, id)
    WHERE second_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX subscriptions_platform_turns ON subscriptions (created_at, id)
    WHERE second_at IS NOT NULL AND deleted_at IS NULL;
"#,
};

const FORGET: Sql = Sql {
    postgres: r#"
ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_period,
    DROP CONSTRAINT subscriptions_billed_by,
    ADD CONSTRAINT subscriptions_check4 CHECK
        (status NOT IN ('ACTIVE', 'PAST_DUE', 'PAUSED') OR current_period_end IS NOT NULL),
    ADD CONSTRAINT subscriptions_check16 CHECK ((mode = 'GATEWAY') = (gateway_subscription_id IS NOT NULL));
"#,
    sqlite: r#"
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
    'CHECK (mode = ''OVERRIDE'' OR status NOT IN (''ACTIVE'', ''PAST_DUE'') OR current_period_end IS NOT NULL)',
    'CHECK (status NOT IN (''ACTIVE'', ''PAST_DUE'', ''PAUSED'') OR current_period_end IS NOT NULL)'),
    'CHECK (mode = ''OVERRIDE'' OR (mode = ''GATEWAY'') = (gateway_subscription_id IS NOT NULL))',
    'CHECK ((mode = ''GATEWAY'') = (gateway_subscription_id IS NOT NULL))')
WHERE type = 'table' AND name = 'subscriptions';
PRAGMA writable_schema = RESET;
"#,
    both: r#"
DROP INDEX subscriptions_turns;
DROP INDEX subscriptions_platform_turns;
ALTER TABLE audit_events DROP COLUMN effective_at;
ALTER TABLE subscriptions DROP COLUMN third_status;
ALTER TABLE subscriptions DROP COLUMN third_at;
ALTER TABLE subscriptions DROP COLUMN second_status;
ALTER TABLE subscriptions DROP COLUMN second_at;
ALTER TABLE subscriptions DROP COLUMN next_status;
ALTER TABLE subscriptions DROP COLUMN next_at;
ALTER TABLE subscriptions DROP COLUMN overridden_state;
"#,
};

crate::step!(FORESEE, FORGET);
