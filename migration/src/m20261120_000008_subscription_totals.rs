//! How many live subscriptions there are of each sort, kept by triggers in the transaction that changes them, so that
//! no write can forget it.
//!
//! Subscriptions of one sort are counted in one row, or on PostgreSQL in eight, by the connection that writes: otherwise
//! all writers of a tenant would wait for each other. Such a part may be negative, when one connection makes what
//! another ends; their sum is not. On PostgreSQL a statement is counted as a whole, so that one of many rows touches
//! each count once, and always in the order of the key, so that two do not wait for each other in turn.

use crate::Sql;

const KEEP: Sql = Sql {
    postgres: r#"
CREATE FUNCTION subscription_totals_count() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE FUNCTION subscription_totals_move() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER subscription_totals_insert AFTER INSERT ON subscriptions REFERENCING NEW TABLE AS affected
    FOR EACH STATEMENT EXECUTE FUNCTION subscription_totals_count();
CREATE TRIGGER subscription_totals_update AFTER UPDATE ON subscriptions
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION subscription_totals_move();
CREATE TRIGGER subscription_totals_delete AFTER DELETE ON subscriptions REFERENCING OLD TABLE AS affected
    FOR EACH STATEMENT EXECUTE FUNCTION subscription_totals_count();
"#,
    sqlite: r#"
CREATE TRIGGER subscription_totals_insert AFTER INSERT ON subscriptions
WHEN NEW.ended_at IS NULL AND NEW.deleted_at IS NULL
BEGIN
    INSERT INTO subscription_totals (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle,
        amount_minor, shard, subscriptions)
    VALUES (NEW.tenant_id, NEW.tier_id, NEW.customer_id IS NOT NULL, NEW.status, NEW.mode, NEW.currency,
        NEW.billing_cycle, NEW.amount_minor, 0, 1)
    ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
    DO UPDATE SET subscriptions = subscriptions + 1;
END;
CREATE TRIGGER subscription_totals_update AFTER UPDATE OF tenant_id, customer_id, tier_id, status, mode, currency,
    billing_cycle, amount_minor, ended_at, deleted_at ON subscriptions
WHEN (OLD.tenant_id, OLD.customer_id IS NULL, OLD.tier_id, OLD.status, OLD.mode, OLD.currency, OLD.billing_cycle,
        OLD.amount_minor, OLD.ended_at IS NULL AND OLD.deleted_at IS NULL)
    IS NOT (NEW.tenant_id, NEW.customer_id IS NULL, NEW.tier_id, NEW.status, NEW.mode, NEW.currency, NEW.billing_cycle,
        NEW.amount_minor, NEW.ended_at IS NULL AND NEW.deleted_at IS NULL)
BEGIN
    INSERT INTO subscription_totals (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle,
        amount_minor, shard, subscriptions)
    SELECT OLD.tenant_id, OLD.tier_id, OLD.customer_id IS NOT NULL, OLD.status, OLD.mode, OLD.currency,
        OLD.billing_cycle, OLD.amount_minor, 0, -1
    WHERE OLD.ended_at IS NULL AND OLD.deleted_at IS NULL
    ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
    DO UPDATE SET subscriptions = subscriptions - 1;
    INSERT INTO subscription_totals (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle,
        amount_minor, shard, subscriptions)
    SELECT NEW.tenant_id, NEW.tier_id, NEW.customer_id IS NOT NULL, NEW.status, NEW.mode, NEW.currency,
        NEW.billing_cycle, NEW.amount_minor, 0, 1
    WHERE NEW.ended_at IS NULL AND NEW.deleted_at IS NULL
    ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
    DO UPDATE SET subscriptions = subscriptions + 1;
END;
CREATE TRIGGER subscription_totals_delete AFTER DELETE ON subscriptions
WHEN OLD.ended_at IS NULL AND OLD.deleted_at IS NULL
BEGIN
    INSERT INTO subscription_totals (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle,
        amount_minor, shard, subscriptions)
    VALUES (OLD.tenant_id, OLD.tier_id, OLD.customer_id IS NOT NULL, OLD.status, OLD.mode, OLD.currency,
        OLD.billing_cycle, OLD.amount_minor, 0, -1)
    ON CONFLICT (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
    DO UPDATE SET subscriptions = subscriptions - 1;
END;
"#,
    // After the triggers, which nobody's write gets past any more: what is counted now and what they add do not overlap.
    both: r#"
CREATE TABLE subscription_totals (
    tenant_id {uuid} NOT NULL REFERENCES organizations (id),
    tier_id {uuid} NOT NULL REFERENCES tiers (id),
    of_customers {bool} NOT NULL,
    status {text} NOT NULL,
    mode {text} NOT NULL,
    currency {text} NOT NULL,
    billing_cycle {text} NOT NULL,
    amount_minor {bigint} NOT NULL,
    shard {int} NOT NULL CHECK (shard BETWEEN 0 AND 7),
    subscriptions {bigint} NOT NULL,
    PRIMARY KEY (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor, shard)
) {strict};
CREATE INDEX subscription_totals_tier ON subscription_totals (tier_id);
INSERT INTO subscription_totals (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor,
    shard, subscriptions)
SELECT tenant_id, tier_id, customer_id IS NOT NULL, status, mode, currency, billing_cycle, amount_minor, 0, count(*)
FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
"#,
};

const FORGET: Sql = Sql {
    postgres: r#"
DROP TRIGGER subscription_totals_insert ON subscriptions;
DROP TRIGGER subscription_totals_update ON subscriptions;
DROP TRIGGER subscription_totals_delete ON subscriptions;
DROP FUNCTION subscription_totals_count;
DROP FUNCTION subscription_totals_move;
"#,
    sqlite: r#"
DROP TRIGGER subscription_totals_insert;
DROP TRIGGER subscription_totals_update;
DROP TRIGGER subscription_totals_delete;
"#,
    both: "DROP TABLE subscription_totals;\n",
};

crate::step!(KEEP, FORGET);
