//! Who manages an organization's own subscription; who above suspended a subscription; and whether a user limit is the
//! default trial's own, which goes with a change of tier. Of the trials that run, it is where nobody agreed on another
//! number. The defaults are for a server of the version before, which may still run.

use crate::Sql;

const ADD: Sql = Sql {
    postgres: r#"
ALTER TABLE organizations ADD COLUMN subscription_management {text} NOT NULL DEFAULT 'PLATFORM_MANAGED'
    CHECK (subscription_management IN ('PLATFORM_MANAGED', 'SELF_MANAGED'));
ALTER TABLE subscriptions ADD COLUMN trial_limits_users {bool} NOT NULL DEFAULT FALSE
    CHECK (NOT trial_limits_users OR user_limit IS NOT NULL);
"#,
    sqlite: r#"
ALTER TABLE organizations ADD COLUMN subscription_management {text} NOT NULL DEFAULT 'PLATFORM_MANAGED'
    CHECK (subscription_management IN ('PLATFORM_MANAGED', 'SELF_MANAGED'));
ALTER TABLE subscriptions ADD COLUMN trial_limits_users {bool} NOT NULL DEFAULT 0
    CHECK (NOT trial_limits_users OR user_limit IS NOT NULL);
"#,
    both: r#"
ALTER TABLE subscriptions ADD COLUMN suspended_by {text} CHECK (suspended_by IN ('RESELLER', 'PLATFORM'));
CREATE INDEX subscriptions_deleted ON subscriptions (tenant_id, customer_id, created_at, id) WHERE deleted_at IS NOT NULL;
UPDATE subscriptions SET trial_limits_users = (1 = 1)
WHERE customer_id IS NULL AND status = 'TRIALING' AND user_limit = 10
    AND tier_id IN (SELECT id FROM tiers WHERE tenant_id IS NULL AND key = 'starter');
"#,
};

crate::step!(
    ADD,
    r#"
DROP INDEX subscriptions_deleted;
ALTER TABLE subscriptions DROP COLUMN suspended_by;
ALTER TABLE subscriptions DROP COLUMN trial_limits_users;
ALTER TABLE organizations DROP COLUMN subscription_management;
"#
);
