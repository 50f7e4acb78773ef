-- The benchmark's rows: 1,000 organizations, 20 tiers, 100,000 customers with a live subscription and a default payment
-- method each, 500,000 payments. Always the same. Ends of periods and trials lie in 2040, so that what a subscription
-- is worth does not depend on the day of the measurement.

INSERT INTO organizations (id, name, name_key, slug, status, exempt, subscription_management, billing_email,
    default_currency, time_zone, metadata, created_at, updated_at, version)
SELECT bench.organization_id(n), 'Organization ' || n, 'organization ' || n, 'organization-' || n, 'ACTIVE', false,
    'PLATFORM_MANAGED', 'billing@organization-' || n || '.example', 'EUR', 'Europe/Berlin', '{}',
    1672531200000000 + n * 1000000, 1672531200000000 + n * 1000000, 1
FROM generate_series(1, 1000::bigint) AS n;

-- 1–4 sold to organizations, 5–12 by the platform to everybody's customers, 13–20 by organization 1 to its own.
INSERT INTO tiers (id, tenant_id, key, name, description, kind, rank, trial_days, public, sort_order,
    period_end_policy, created_at, updated_at, version)
SELECT bench.tier_id(n), CASE WHEN n > 12 THEN bench.organization_id(1) END,
    CASE n WHEN 1 THEN 'starter' WHEN 5 THEN 'starter' ELSE 'tier-' || n END, 'Tier ' || n,
    'What tier ' || n || ' gives.',
    CASE WHEN n <= 4 THEN 'ORGANIZATION' ELSE 'CUSTOMER' END, n, 14, true, n, 'EXPIRE',
    1672531200000000 + n * 1000000, 1672531200000000 + n * 1000000, 1
FROM generate_series(1, 20) AS n;

INSERT INTO tier_prices (id, tier_id, billing_cycle, currency, amount_minor, gateway_prices)
SELECT bench.id(8, n * 2 + yearly, 1672531200000000), bench.tier_id(n),
    CASE yearly WHEN 1 THEN 'YEARLY' ELSE 'MONTHLY' END, 'EUR', (400 + n * 100) * (1 + 9 * yearly), '{}'
FROM generate_series(1, 20) AS n, generate_series(0, 1) AS yearly;

INSERT INTO tier_features (id, tier_id, key, kind, enabled, ceiling)
SELECT bench.id(9, n * 8 + f, 1672531200000000), bench.tier_id(n), 'feature.' || f,
    CASE f WHEN 0 THEN 'SWITCH' WHEN 1 THEN 'LIMIT' WHEN 4 THEN 'LIMIT' ELSE 'METER' END, true,
    -- What U1 consumes is never used up.
    CASE WHEN f = 3 THEN 1000000000000 WHEN f > 0 THEN n * f * 10 END
FROM generate_series(1, 20) AS n, generate_series(0, 4) AS f;

-- The platform's catalogue and that of organization 1 declare each.
INSERT INTO features (id, tenant_id, key, name, kind, resets, enforcement, created_at, updated_at, version)
SELECT bench.id(10, own * 8 + f, 1672531200000000), CASE own WHEN 1 THEN bench.organization_id(1) END, 'feature.' || f,
    'Feature ' || f, CASE f WHEN 0 THEN 'SWITCH' WHEN 1 THEN 'LIMIT' WHEN 4 THEN 'LIMIT' ELSE 'METER' END,
    CASE WHEN f IN (2, 3) THEN 'MONTHLY' END, 'HARD', 1672531200000000, 1672531200000000, 1
FROM generate_series(0, 1) AS own, generate_series(0, 4) AS f;

INSERT INTO customers (tenant_id, id, name, name_key, email, external_ref, status, search_text, metadata, created_at,
    updated_at, version)
SELECT bench.organization_id(bench.organization_of(n)), bench.customer_id(n), 'Customer ' || n, 'customer ' || n,
    'customer' || n || '@example.org', 'ref-' || n,
    CASE bench.pick(n, 1, 50) WHEN 0 THEN 'SUSPENDED' WHEN 1 THEN 'TERMINATED' ELSE 'ACTIVE' END,
    'customer ' || n || E'\n' || 'customer' || n || '@example.org' || E'\n' || 'ref-' || n, '{}',
    bench.customer_made(n), bench.customer_made(n), 1
FROM generate_series(1, 100000::bigint) AS n ORDER BY n;

-- 5 % pending, 10 % in trial, 70 % active, and 5 % each past due, paused and suspended.
WITH drawn AS (
    SELECT n, bench.customer_made(n) AS made, bench.pick(n, 2, 20) AS draw, bench.pick(n, 3, 4) = 0 AS by_gateway,
        bench.pick(n, 4, 5) = 0 AS yearly, 2208988800000000 + n * 60000000 AS far,
        CASE bench.organization_of(n) WHEN 1 THEN 5 + bench.pick(n, 5, 16) ELSE 5 + bench.pick(n, 5, 8) END AS tier
    FROM generate_series(1, 100000::bigint) AS n
), staged AS (
    SELECT *, CASE
        WHEN draw = 0 THEN 'PENDING' WHEN draw <= 2 THEN 'TRIALING' WHEN draw = 3 THEN 'PAST_DUE'
        WHEN draw = 4 THEN 'PAUSED' WHEN draw = 5 THEN 'SUSPENDED' ELSE 'ACTIVE' END AS stage
    FROM drawn
)
INSERT INTO subscriptions (tenant_id, id, customer_id, tier_id, status, mode, amount_minor, currency, billing_cycle,
    starts_at, trial_started_at, trial_ends_at, current_period_start, current_period_end, anchor_day, past_due_since,
    grace_ends_at, suspended_at, suspension_cause, suspended_from, paused_at, pending_until, feature_overrides, gateway,
    gateway_subscription_id, metadata, access_ends_at, next_at, next_status, created_at, updated_at, version)
SELECT bench.organization_id(bench.organization_of(n)), bench.subscription_id(n), bench.customer_id(n),
    bench.tier_id(tier), stage, CASE WHEN by_gateway THEN 'GATEWAY' ELSE 'MANUAL' END,
    (400 + tier * 100) * CASE WHEN yearly THEN 10 ELSE 1 END, 'EUR', CASE WHEN yearly THEN 'YEARLY' ELSE 'MONTHLY' END,
    made,
    CASE stage WHEN 'TRIALING' THEN made END,
    CASE stage WHEN 'TRIALING' THEN far END,
    CASE WHEN stage NOT IN ('PENDING', 'TRIALING') THEN made END,
    CASE WHEN stage = 'PAST_DUE' THEN made + 2592000000000 WHEN stage NOT IN ('PENDING', 'TRIALING') THEN far END,
    extract(day FROM to_timestamp(made / 1000000) AT TIME ZONE 'UTC')::int,
    CASE stage WHEN 'PAST_DUE' THEN made + 2592000000000 END,
    CASE stage WHEN 'PAST_DUE' THEN far END,
    CASE stage WHEN 'SUSPENDED' THEN made + 86400000000 END,
    CASE stage WHEN 'SUSPENDED' THEN 'OPERATOR' END,
    CASE stage WHEN 'SUSPENDED' THEN 'ACTIVE' END,
    CASE stage WHEN 'PAUSED' THEN made + 86400000000 END,
    CASE stage WHEN 'PENDING' THEN far END,
    '{}', CASE WHEN by_gateway THEN 'STRIPE' END, CASE WHEN by_gateway THEN 'sub_' || n END, '{}',
    -- As the product derives it: a suspended subscription keeps the end of what it was suspended from.
    CASE WHEN stage <> 'PAUSED' THEN far END,
    CASE WHEN stage <> 'PAUSED' THEN far END,
    CASE WHEN stage = 'PAST_DUE' THEN 'SUSPENDED' WHEN stage <> 'PAUSED' THEN 'EXPIRED' END,
    made, made, 1
FROM staged ORDER BY n;

-- Some of what there may be of a limit is there; and a counter that belongs to nothing, for the floor of U1.
INSERT INTO usage_counters (tenant_id, subscription_id, feature_key, epoch, number, used, held)
SELECT tenant_id, id, 'feature.4', 0, 0, 5, 0 FROM subscriptions ORDER BY created_at;
INSERT INTO usage_counters (tenant_id, subscription_id, feature_key, epoch, number, used, held)
SELECT bench.organization_id(1), bench.subscription_id(bench.large(2)), 'floor', 0, 0, 0, 0;

-- Five for each customer, thirty days apart, in the order of time: one customer's are scattered over the table.
WITH due AS (
    SELECT n, i, bench.customer_made(n) + i * 2592000000000 AS made, bench.pick(n * 5 + i, 6, 20) AS draw,
        bench.pick(n * 5 + i, 7, 5) = 0 AS by_hand
    FROM generate_series(1, 100000::bigint) AS n, generate_series(0, 4) AS i
), made AS (
    SELECT *, CASE draw WHEN 0 THEN 'FAILED' WHEN 1 THEN 'REFUNDED' WHEN 2 THEN 'PARTIALLY_REFUNDED'
        WHEN 3 THEN 'CANCELED' WHEN 4 THEN 'PENDING' ELSE 'SUCCEEDED' END AS stage
    FROM due
)
INSERT INTO payments (tenant_id, id, subscription_id, customer_id, amount_minor, currency, status, gateway,
    gateway_payment_id, failure_code, attempt, refunded_minor, period_start, paid_at, status_changed_at, created_at,
    updated_at, version)
SELECT s.tenant_id, bench.id(6, m.n * 8 + m.i, m.made), s.id, s.customer_id, s.amount_minor, s.currency, m.stage,
    CASE WHEN m.by_hand THEN 'MANUAL' ELSE 'STRIPE' END,
    CASE WHEN NOT m.by_hand THEN 'pi_' || m.n || '_' || m.i END,
    CASE m.stage WHEN 'FAILED' THEN 'card_declined' END, 1,
    CASE m.stage WHEN 'REFUNDED' THEN s.amount_minor WHEN 'PARTIALLY_REFUNDED' THEN 100 ELSE 0 END,
    m.made, CASE WHEN m.stage IN ('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED') THEN m.made + 60000000 END,
    m.made + 60000000, m.made, m.made + 60000000, 1
FROM made AS m JOIN subscriptions AS s
    ON s.tenant_id = bench.organization_id(bench.organization_of(m.n)) AND s.id = bench.subscription_id(m.n)
ORDER BY m.made, m.n;

INSERT INTO payment_methods (tenant_id, id, customer_id, gateway, gateway_method_id, kind, brand, last4, exp_month,
    exp_year, holder_name, is_default, created_at, updated_at, version)
SELECT bench.organization_id(bench.organization_of(n)), bench.id(7, n, bench.customer_made(n)), bench.customer_id(n),
    'STRIPE', 'pm_' || n, 'CARD', CASE bench.pick(n, 8, 3) WHEN 0 THEN 'visa' WHEN 1 THEN 'mastercard' ELSE 'amex' END,
    lpad(bench.pick(n, 9, 10000)::text, 4, '0'), 1 + bench.pick(n, 10, 12), 2040 + bench.pick(n, 11, 5),
    'Customer ' || n, true, bench.customer_made(n), bench.customer_made(n), 1
FROM generate_series(1, 100000::bigint) AS n ORDER BY n;
