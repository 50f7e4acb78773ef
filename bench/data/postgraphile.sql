-- What PostGraphile needs to answer the same questions, and would get from someone who uses it in earnest: views with
-- its smart comments for what a partial unique index says, grouping views for the dashboard, and a function for a write
-- that is whole or not at all.
CREATE SCHEMA graph;

-- GraphQL has a type of this name already: the root of live updates.
COMMENT ON TABLE subscriptions IS E'@name agreement';

CREATE VIEW graph.live_subscriptions AS
    SELECT * FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL;
COMMENT ON VIEW graph.live_subscriptions IS
    E'@primaryKey tenant_id,id\n@unique tenant_id,customer_id\n'
    '@foreignKey (tenant_id,customer_id) references public.customers (tenant_id,id)|@foreignFieldName subscription\n'
    '@foreignKey (tier_id) references public.tiers (id)|@fieldName tier';

CREATE VIEW graph.default_payment_methods AS
    SELECT * FROM payment_methods WHERE is_default AND customer_id IS NOT NULL AND deleted_at IS NULL;
COMMENT ON VIEW graph.default_payment_methods IS
    E'@primaryKey tenant_id,id\n@unique tenant_id,customer_id\n'
    '@foreignKey (tenant_id,customer_id) references public.customers (tenant_id,id)|@foreignFieldName '
    'defaultPaymentMethod';

-- The columns of the grouping come first, so that the condition on the tenant reaches the index.
CREATE VIEW graph.subscriptions_by_status AS
    SELECT tenant_id, status, count(*) AS count
    FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL
    GROUP BY tenant_id, status;

CREATE VIEW graph.revenue_by_tier AS
    SELECT tenant_id, tier_id, currency, count(*) AS subscriptions,
        ((coalesce(sum(amount_minor * CASE billing_cycle WHEN 'MONTHLY' THEN 12 ELSE 1 END)
            FILTER (WHERE status IN ('ACTIVE', 'PAST_DUE') AND mode IN ('MANUAL', 'GATEWAY')), 0) + 6)::bigint / 12)
            AS monthly_revenue
    FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL
    GROUP BY tenant_id, tier_id, currency;
COMMENT ON VIEW graph.revenue_by_tier IS
    E'@foreignKey (tier_id) references public.tiers (id)|@fieldName tier';

CREATE FUNCTION graph.subscribe_customer(tenant_id uuid, name text, email text, tier_id uuid)
    RETURNS customers LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made customers;
    moment bigint := bench.now();
BEGIN
    INSERT INTO customers (tenant_id, id, name, name_key, email, status, search_text, metadata, created_at, updated_at,
        version)
    VALUES (subscribe_customer.tenant_id, bench.new_id((random() * 281474976710655)::bigint), name, lower(name), email,
        'ACTIVE', lower(name || E'\n' || email), '{}', moment, moment, 1)
    RETURNING * INTO made;
    INSERT INTO subscriptions (tenant_id, id, customer_id, tier_id, status, mode, amount_minor, currency,
        billing_cycle, starts_at, current_period_start, current_period_end, anchor_day, feature_overrides, metadata,
        access_ends_at, created_at, updated_at, version)
    SELECT made.tenant_id, bench.new_id((random() * 281474976710655)::bigint), made.id, p.tier_id, 'ACTIVE', 'MANUAL',
        p.amount_minor, p.currency, p.billing_cycle, moment, moment, moment + 2592000000000,
        extract(day FROM to_timestamp(moment / 1000000) AT TIME ZONE 'UTC')::int, '{}', '{}',
        moment + 2592000000000, moment, moment, 1
    FROM tier_prices AS p
    WHERE p.tier_id = subscribe_customer.tier_id AND p.billing_cycle = 'MONTHLY' AND p.currency = 'EUR';
    RETURN made;
END
$$;
