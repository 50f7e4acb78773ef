//! A first payment has no period yet: a subscription has one live attempt at it, as at any other. Of several, the latest
//! stays.

crate::step!(
    r#"
UPDATE payments SET status = 'CANCELED', failure_message = 'Superseded by a later attempt.'
WHERE period_start IS NULL AND status IN ('PENDING', 'PROCESSING') AND EXISTS (
    SELECT 1 FROM payments AS later
    WHERE later.tenant_id = payments.tenant_id AND later.subscription_id = payments.subscription_id
        AND later.period_start IS NULL AND later.status IN ('PENDING', 'PROCESSING')
        AND (later.created_at, later.id) > (payments.created_at, payments.id)
);
CREATE UNIQUE INDEX payments_live_first_attempt ON payments (tenant_id, subscription_id)
    WHERE period_start IS NULL AND status IN ('PENDING', 'PROCESSING');
"#,
    "DROP INDEX payments_live_first_attempt;\n"
);
