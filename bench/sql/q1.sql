-- One customer of the tenant with 60,000, with subscription and tier.
\set k random(0, 59999)
SELECT c.id, c.name, c.email, c.status, c.created_at, s.id AS subscription_id, s.status AS subscription_status,
    s.current_period_end, s.amount_minor, s.currency, t.id AS tier_id, t.key AS tier_key, t.name AS tier_name
FROM customers AS c
LEFT JOIN subscriptions AS s
    ON s.tenant_id = c.tenant_id AND s.customer_id = c.id AND s.ended_at IS NULL AND s.deleted_at IS NULL
LEFT JOIN tiers AS t ON t.id = s.tier_id
WHERE c.tenant_id = bench.organization_id(1) AND c.id = bench.customer_id(bench.large(:k)) AND c.deleted_at IS NULL;
