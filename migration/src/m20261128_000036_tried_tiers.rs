//! Which tiers an owner was given the days of trial of: each gives them once. What was tried before counts for the tier that
//! it is of now.

use crate::Sql;

crate::step!(
    Sql {
        postgres: r#"
ALTER TABLE subscriptions ADD COLUMN tried_tiers jsonb NOT NULL DEFAULT '[]';
UPDATE subscriptions SET tried_tiers = tried.tiers
FROM (
    SELECT coalesce(customer_id, tenant_id) AS owner, jsonb_agg(DISTINCT tier_id::text) AS tiers
    FROM subscriptions WHERE trial_started_at IS NOT NULL GROUP BY 1
) AS tried
WHERE tried.owner = coalesce(customer_id, tenant_id);
"#,
        sqlite: r#"
ALTER TABLE subscriptions ADD COLUMN tried_tiers TEXT NOT NULL DEFAULT '[]';
UPDATE subscriptions SET tried_tiers = tried.tiers
FROM (
    SELECT coalesce(customer_id, tenant_id) AS owner, json_group_array(DISTINCT lower(hex(tier_id))) AS tiers
    FROM subscriptions WHERE trial_started_at IS NOT NULL GROUP BY 1
) AS tried
WHERE tried.owner = coalesce(customer_id, tenant_id);
"#,
        both: "",
    },
    "ALTER TABLE subscriptions DROP COLUMN tried_tiers;\n"
);
