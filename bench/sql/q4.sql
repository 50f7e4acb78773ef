-- A tenant's live subscriptions by status, and its monthly revenue by tier, from one pass over its subscriptions.
SELECT tier_id, t.key AS tier_key, x.status, x.currency, x.subscriptions, x.a_year
FROM (
    SELECT tier_id, status, currency, count(*) AS subscriptions,
        coalesce(sum(amount_minor * CASE billing_cycle WHEN 'MONTHLY' THEN 12 ELSE 1 END)
            FILTER (WHERE status IN ('ACTIVE', 'PAST_DUE') AND mode IN ('MANUAL', 'GATEWAY')), 0)::bigint AS a_year
    FROM subscriptions
    WHERE tenant_id = bench.organization_id(:organization) AND ended_at IS NULL AND deleted_at IS NULL
    GROUP BY tier_id, status, currency
) AS x
JOIN tiers AS t ON t.id = x.tier_id;
