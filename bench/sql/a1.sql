-- What the subscription of one customer is worth: everything that the rules of effective status look at.
\set k random(0, 59999)
SELECT s.status, s.mode, s.billing_cycle, s.starts_at, s.trial_ends_at, s.current_period_end, s.expires_at,
    s.cancel_at, s.ended_at, s.grace_ends_at, s.suspended_from, s.paused_at, s.resumes_at, s.pending_until,
    s.override_ends_at, s.overridden_state, s.access_ends_at
FROM subscriptions AS s
WHERE s.tenant_id = bench.organization_id(1) AND s.customer_id = bench.customer_id(bench.large(:k))
    AND s.ended_at IS NULL AND s.deleted_at IS NULL;
