-- As Q2, behind the 50,000th newest customer: the keyset as one row comparison.
SELECT c.id, c.name, c.email, c.status, c.created_at, s.id AS subscription_id, s.status AS subscription_status,
    s.current_period_end, s.amount_minor, s.currency, t.id AS tier_id, t.key AS tier_key, t.name AS tier_name,
    m.id AS method_id, m.kind, m.brand, m.last4, m.exp_month, m.exp_year,
    p.id AS payment_id, p.status AS payment_status, p.amount_minor AS payment_amount, p.currency AS payment_currency,
    p.created_at AS payment_created_at
FROM (
    SELECT tenant_id, id, name, email, status, created_at
    FROM customers
    WHERE tenant_id = bench.organization_id(1) AND deleted_at IS NULL
        AND (created_at, id) < (bench.customer_made(bench.large(10000)), bench.customer_id(bench.large(10000)))
    ORDER BY created_at DESC, id DESC
    LIMIT 51
) AS c
LEFT JOIN subscriptions AS s
    ON s.tenant_id = c.tenant_id AND s.customer_id = c.id AND s.ended_at IS NULL AND s.deleted_at IS NULL
LEFT JOIN tiers AS t ON t.id = s.tier_id
LEFT JOIN payment_methods AS m
    ON m.tenant_id = c.tenant_id AND m.customer_id = c.id AND m.is_default AND m.deleted_at IS NULL
LEFT JOIN LATERAL (
    SELECT id, status, amount_minor, currency, created_at
    FROM payments
    WHERE payments.tenant_id = c.tenant_id AND payments.customer_id = c.id
    ORDER BY created_at DESC, id DESC
    LIMIT 3
) AS p ON true
ORDER BY c.created_at DESC, c.id DESC, p.created_at DESC, p.id DESC;
