-- Removes what M1 made, so that every turn finds the same tables.
DELETE FROM subscriptions WHERE created_at > 1767225600000000;
DELETE FROM customers WHERE created_at > 1767225600000000;
TRUNCATE audit_events, outbox_events, idempotency_keys;
-- Counts that fell to 0 would stay.
TRUNCATE subscription_totals;
INSERT INTO subscription_totals (tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor,
    shard, subscriptions)
SELECT tenant_id, tier_id, customer_id IS NOT NULL, status, mode, currency, billing_cycle, amount_minor, 0, count(*)
FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
