-- A customer with its subscription in one statement.
\set o random(969, 1000)
\set a random(0, 281474976710655)
WITH customer AS (
    INSERT INTO customers (tenant_id, id, name, name_key, email, status, search_text, metadata, created_at, updated_at,
        version)
    VALUES (bench.organization_id(:o), bench.id(5, :a, :now), 'New customer', 'new customer', 'new@example.org',
        'ACTIVE', E'new customer\nnew@example.org', '{}', :now, :now, 1)
    RETURNING tenant_id, id
)
INSERT INTO subscriptions (tenant_id, id, customer_id, tier_id, status, mode, amount_minor, currency, billing_cycle,
    starts_at, current_period_start, current_period_end, anchor_day, feature_overrides, metadata, access_ends_at,
    created_at, updated_at, version)
SELECT customer.tenant_id, customer.id, customer.id, p.tier_id, 'ACTIVE', 'MANUAL', p.amount_minor, p.currency,
    p.billing_cycle, :now, :now, :now + 2592000000000, 1, '{}', '{}', :now + 2592000000000, :now, :now, 1
FROM customer, tier_prices AS p
WHERE p.tier_id = bench.tier_id(6) AND p.billing_cycle = 'MONTHLY' AND p.currency = 'EUR'
RETURNING id;
