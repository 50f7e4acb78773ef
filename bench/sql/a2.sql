-- What one customer may do with five features: everything that the rules of access look at.
\set k random(0, 59999)
SELECT c.status AS customer_status, c.version AS customer_version, o.status AS organization_status, s.id, s.version,
    s.status, s.mode, s.billing_cycle, s.starts_at, s.trial_started_at, s.trial_ends_at, s.current_period_start,
    s.current_period_end, s.expires_at, s.cancel_at, s.ended_at, s.grace_ends_at, s.suspended_from, s.paused_at,
    s.resumes_at, s.pending_until, s.override_ends_at, s.overridden_state, s.access_ends_at, s.anchor_day,
    s.usage_epoch, s.usage_shift, s.feature_overrides, s.user_limit, t.key AS plan_key, t.name AS plan, t.version AS tier_version,
    t.grace_access, t.after_trial_access, f.key, f.kind, f.enabled, f.ceiling, d.name, d.unit, d.resets, d.enforcement,
    u.epoch, u.number, u.used,
    (SELECT sum(r.amount) FROM usage_reservations AS r WHERE r.tenant_id = s.tenant_id AND r.subscription_id = s.id
        AND r.feature_key = f.key AND r.state = 'HELD' AND r.expires_at > 1767225600000000) AS held,
    (SELECT sum(g.amount) FROM usage_grants AS g WHERE g.tenant_id = s.tenant_id AND g.subscription_id = s.id
        AND g.feature_key = f.key AND (g.expires_at IS NULL OR g.expires_at > 1767225600000000)) AS granted
FROM customers AS c
JOIN organizations AS o ON o.id = c.tenant_id AND o.deleted_at IS NULL
JOIN subscriptions AS s
    ON s.tenant_id = c.tenant_id AND s.customer_id = c.id AND s.ended_at IS NULL AND s.deleted_at IS NULL
JOIN tiers AS t ON t.id = s.tier_id
LEFT JOIN tier_features AS f
    ON f.tier_id = t.id AND f.key IN ('feature.0', 'feature.1', 'feature.2', 'feature.3', 'feature.4')
LEFT JOIN features AS d ON d.key = f.key AND d.tenant_id IS NOT DISTINCT FROM t.tenant_id
LEFT JOIN usage_counters AS u ON u.tenant_id = s.tenant_id AND u.subscription_id = s.id AND u.feature_key = f.key
WHERE c.tenant_id = bench.organization_id(1) AND c.id = bench.customer_id(bench.large(:k)) AND c.deleted_at IS NULL
ORDER BY f.key;
