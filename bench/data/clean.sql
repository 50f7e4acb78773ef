-- Removes what M1 made, so that every turn finds the same tables.
DELETE FROM subscriptions WHERE created_at > 1767225600000000;
DELETE FROM customers WHERE created_at > 1767225600000000;
TRUNCATE audit_events, outbox_events, idempotency_keys;
