-- Counts one more in a counter.
UPDATE usage_counters SET used = used + 1
WHERE tenant_id = bench.organization_id(1) AND subscription_id = bench.subscription_id(bench.large(2))
    AND feature_key = 'floor' AND epoch = 0 AND number = 0
RETURNING used;
