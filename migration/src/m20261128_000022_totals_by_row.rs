//! On PostgreSQL the totals of live subscriptions are written row by row, from what the triggers add up: a distributed
//! database takes no `INSERT … SELECT` from the rows of a trigger.
//!
//! Nearly every statement makes one subscription, which is told apart: a loop of one costs half as much again.

use crate::Sql;

const BY_ROW: Sql = Sql {
    postgres: r#"
CREATE OR REPLACE FUNCTION subscription_totals_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    total record;
BEGIN
    SELECT tenant_id, tier_id, customer_id IS NOT NULL AS of_customers, status, mode, currency, billing_cycle,
        amount_minor, count(*) OVER () AS subscriptions
    INTO total FROM affected WHERE ended_at IS NULL AND deleted_at IS NULL LIMIT 1;
    IF total.subscriptions = 1 THEN
        INSERT INTO subscription_totals AS known (tenant_id, tier_id, of_customers, status, mode, currency,
            billing_cycle, amount_minor, shard, subscriptions)
        VALUES (total.tenant_id, total.tier_id, total.of_customers, total.status, total.mode, total.currency,
            total.billing_cycle, total.amount_minor, pg_backend_pid() % 8, one)
        ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
        DO UPDATE SET subscriptions = known.subscriptions + excluded.subscriptions;
    ELSIF total.subscriptions > 1 THEN
        FOR total IN
            SELECT tenant_id, tier_id, customer_id IS NOT NULL AS of_customers, status, mode, currency, billing_cycle,
                amount_minor, count(*) * one AS surplus
            FROM affected WHERE ended_at IS NULL AND deleted_at IS NULL
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
        LOOP
            INSERT INTO subscription_totals AS known (tenant_id, tier_id, of_customers, status, mode, currency,
                billing_cycle, amount_minor, shard, subscriptions)
            VALUES (total.tenant_id, total.tier_id, total.of_customers, total.status, total.mode, total.currency,
                total.billing_cycle, total.amount_minor, pg_backend_pid() % 8, total.surplus)
            ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
            DO UPDATE SET subscriptions = known.subscriptions + excluded.subscriptions;
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION subscription_totals_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total record;
BEGIN
    FOR total IN
        SELECT tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor,
            sum(one) AS surplus
        FROM (
            SELECT tenant_id, tier_id, customer_id IS NOT NULL AS of_customers, status, mode, currency, billing_cycle,
                amount_minor, -1 AS one
            FROM before WHERE ended_at IS NULL AND deleted_at IS NULL
            UNION ALL
            SELECT tenant_id, tier_id, customer_id IS NOT NULL, status, mode, currency, billing_cycle, amount_minor, 1
            FROM after WHERE ended_at IS NULL AND deleted_at IS NULL
        ) AS moved
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(one) <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    LOOP
        INSERT INTO subscription_totals AS known (tenant_id, tier_id, of_customers, status, mode, currency,
            billing_cycle, amount_minor, shard, subscriptions)
        VALUES (total.tenant_id, total.tier_id, total.of_customers, total.status, total.mode, total.currency,
            total.billing_cycle, total.amount_minor, pg_backend_pid() % 8, total.surplus)
        ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
        DO UPDATE SET subscriptions = known.subscriptions + excluded.subscriptions;
    END LOOP;
    RETURN NULL;
END
$$;
"#,
    sqlite: "",
    both: "",
};

const AT_ONCE: Sql = Sql {
    postgres: r#"
CREATE OR REPLACE FUNCTION subscription_totals_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscription_totals AS known (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle,
        amount_minor, shard, subscriptions)
    SELECT tenant_id, tier_id, customer_id IS NOT NULL, status, mode, currency, billing_cycle, amount_minor,
        pg_backend_pid() % 8, count(*) * CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
    FROM affected WHERE ended_at IS NULL AND deleted_at IS NULL
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
    DO UPDATE SET subscriptions = known.subscriptions + excluded.subscriptions;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION subscription_totals_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscription_totals AS known (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle,
        amount_minor, shard, subscriptions)
    SELECT tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor,
        pg_backend_pid() % 8, sum(one)
    FROM (
        SELECT tenant_id, tier_id, customer_id IS NOT NULL AS of_customers, status, mode, currency, billing_cycle,
            amount_minor, -1 AS one
        FROM before WHERE ended_at IS NULL AND deleted_at IS NULL
        UNION ALL
        SELECT tenant_id, tier_id, customer_id IS NOT NULL, status, mode, currency, billing_cycle, amount_minor, 1
        FROM after WHERE ended_at IS NULL AND deleted_at IS NULL
    ) AS moved
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(one) <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
    DO UPDATE SET subscriptions = known.subscriptions + excluded.subscriptions;
    RETURN NULL;
END
$$;
"#,
    sqlite: "",
    both: "",
};

crate::step!(BY_ROW, AT_ONCE);
