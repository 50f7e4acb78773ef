//! What gateways say of payments: more statuses, ids that are unique in the account that gave them, and what only the
//! gateway knows. A payment there has no id before it is tried.
//!
//! A subscription tells how its newest payment stands. That is kept by a trigger: whoever writes a payment cannot forget it.

use sea_orm_migration::prelude::{DbErr, SchemaManager};

use crate::closed_set::ClosedSet;
use crate::{Sql, portable};

const GATEWAYS: ClosedSet = ClosedSet { tables: &["subscriptions", "payments", "payment_methods"], column: "gateway" };
const BEFORE: &[&str] = &["MANUAL", "STRIPE", "MERCADO_PAGO", "FLOW"];
const AFTER: &[&str] = &["MANUAL", "STRIPE", "MERCADO_PAGO", "FLOW", "SIMULATOR"];

/// On SQLite only the text of the constraints changes, as in step 13.
const TELL: Sql = Sql {
    postgres: r#"
ALTER TABLE payments
    DROP CONSTRAINT payments_status_check,
    DROP CONSTRAINT payments_check1,
    DROP CONSTRAINT payments_check3,
    ADD CONSTRAINT payments_status_check CHECK (status IN
        ('PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'PARTIALLY_REFUNDED',
        'REFUNDED', 'DISPUTED')),
    ADD CONSTRAINT payments_check1 CHECK
        ((status IN ('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'DISPUTED')) = (paid_at IS NOT NULL));
"#,
    sqlite: r#"
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    '(''PENDING'', ''PROCESSING'', ''SUCCEEDED'', ''FAILED'', ''CANCELED'', ''PARTIALLY_REFUNDED'', ''REFUNDED'')',
    '(''PENDING'', ''REQUIRES_ACTION'', ''PROCESSING'', ''SUCCEEDED'', ''FAILED'', ''CANCELED'', ''PARTIALLY_REFUNDED'', ''REFUNDED'', ''DISPUTED'')'),
    '(status IN (''SUCCEEDED'', ''PARTIALLY_REFUNDED'', ''REFUNDED''))',
    '(status IN (''SUCCEEDED'', ''PARTIALLY_REFUNDED'', ''REFUNDED'', ''DISPUTED''))'),
    'CHECK (status <> ''REFUNDED'' OR refunded_minor = amount_minor),
    CHECK (gateway = ''MANUAL'' OR gateway_payment_id IS NOT NULL)',
    'CHECK (status <> ''REFUNDED'' OR refunded_minor = amount_minor)')
WHERE type = 'table' AND name = 'payments';
PRAGMA writable_schema = RESET;
"#,
    both: r#"
ALTER TABLE payments ADD COLUMN gateway_account_id {uuid} REFERENCES gateway_accounts (id);
ALTER TABLE payments ADD COLUMN gateway_metadata {json};
ALTER TABLE payment_methods ADD COLUMN gateway_account_id {uuid} REFERENCES gateway_accounts (id);
ALTER TABLE subscriptions ADD COLUMN gateway_account_id {uuid} REFERENCES gateway_accounts (id);
ALTER TABLE subscriptions ADD COLUMN purchaser {text};
ALTER TABLE subscriptions ADD COLUMN payment_status {text};
ALTER TABLE subscriptions ADD COLUMN payment_status_at {time};
ALTER TABLE tiers ADD COLUMN payment_options {json} NOT NULL DEFAULT '[]';
DROP INDEX payments_gateway;
DROP INDEX payment_methods_gateway;
DROP INDEX subscriptions_gateway;
DROP INDEX payments_live_attempt;
DROP INDEX payments_live_first_attempt;
CREATE UNIQUE INDEX payments_gateway ON payments (gateway, gateway_payment_id) WHERE gateway_account_id IS NULL;
CREATE UNIQUE INDEX payments_gateway_account ON payments (gateway_account_id, gateway_payment_id)
    WHERE gateway_account_id IS NOT NULL AND gateway_payment_id IS NOT NULL;
CREATE UNIQUE INDEX payment_methods_gateway ON payment_methods (gateway, gateway_method_id)
    WHERE gateway_account_id IS NULL;
CREATE UNIQUE INDEX payment_methods_gateway_account ON payment_methods (gateway_account_id, gateway_method_id)
    WHERE gateway_account_id IS NOT NULL;
CREATE UNIQUE INDEX subscriptions_gateway ON subscriptions (gateway, gateway_subscription_id)
    WHERE gateway_account_id IS NULL AND gateway_subscription_id IS NOT NULL;
CREATE UNIQUE INDEX subscriptions_gateway_account ON subscriptions (gateway_account_id, gateway_subscription_id)
    WHERE gateway_account_id IS NOT NULL AND gateway_subscription_id IS NOT NULL;
CREATE UNIQUE INDEX payments_live_attempt ON payments (tenant_id, subscription_id, period_start)
    WHERE status IN ('PENDING', 'REQUIRES_ACTION', 'PROCESSING');
CREATE UNIQUE INDEX payments_live_first_attempt ON payments (tenant_id, subscription_id)
    WHERE period_start IS NULL AND status IN ('PENDING', 'REQUIRES_ACTION', 'PROCESSING');
UPDATE subscriptions SET
    payment_status = (SELECT status FROM payments WHERE payments.tenant_id = subscriptions.tenant_id
        AND payments.subscription_id = subscriptions.id
        ORDER BY payments.created_at DESC, payments.id DESC LIMIT 1),
    payment_status_at = (SELECT status_changed_at FROM payments WHERE payments.tenant_id = subscriptions.tenant_id
        AND payments.subscription_id = subscriptions.id
        ORDER BY payments.created_at DESC, payments.id DESC LIMIT 1)
WHERE EXISTS (SELECT 1 FROM payments WHERE payments.tenant_id = subscriptions.tenant_id
    AND payments.subscription_id = subscriptions.id);
CREATE INDEX subscriptions_purchaser ON subscriptions (purchaser, tenant_id) WHERE purchaser IS NOT NULL;
CREATE INDEX subscriptions_payment_status ON subscriptions (tenant_id, payment_status, created_at, id)
    WHERE payment_status IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX subscriptions_platform_payment_status ON subscriptions (payment_status, created_at, id)
    WHERE payment_status IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX subscriptions_payment_status_at ON subscriptions (tenant_id, payment_status_at, id)
    WHERE payment_status_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX subscriptions_platform_payment_status_at ON subscriptions (payment_status_at, id)
    WHERE payment_status_at IS NOT NULL AND deleted_at IS NULL;
"#,
};

const FORGET: Sql = Sql {
    postgres: r#"
DROP TRIGGER subscription_payment_insert ON payments;
DROP TRIGGER subscription_payment_update ON payments;
DROP FUNCTION subscription_payment_tell();
ALTER TABLE payments
    DROP CONSTRAINT payments_status_check,
    DROP CONSTRAINT payments_check1,
    ADD CONSTRAINT payments_status_check CHECK (status IN
        ('PENDING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'PARTIALLY_REFUNDED', 'REFUNDED')),
    ADD CONSTRAINT payments_check1 CHECK
        ((status IN ('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED')) = (paid_at IS NOT NULL)),
    ADD CONSTRAINT payments_check3 CHECK (gateway = 'MANUAL' OR gateway_payment_id IS NOT NULL);
"#,
    sqlite: r#"
DROP TRIGGER subscription_payment_insert;
DROP TRIGGER subscription_payment_update;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    '(''PENDING'', ''REQUIRES_ACTION'', ''PROCESSING'', ''SUCCEEDED'', ''FAILED'', ''CANCELED'', ''PARTIALLY_REFUNDED'', ''REFUNDED'', ''DISPUTED'')',
    '(''PENDING'', ''PROCESSING'', ''SUCCEEDED'', ''FAILED'', ''CANCELED'', ''PARTIALLY_REFUNDED'', ''REFUNDED'')'),
    '(status IN (''SUCCEEDED'', ''PARTIALLY_REFUNDED'', ''REFUNDED'', ''DISPUTED''))',
    '(status IN (''SUCCEEDED'', ''PARTIALLY_REFUNDED'', ''REFUNDED''))'),
    'CHECK (status <> ''REFUNDED'' OR refunded_minor = amount_minor)',
    'CHECK (status <> ''REFUNDED'' OR refunded_minor = amount_minor),
    CHECK (gateway = ''MANUAL'' OR gateway_payment_id IS NOT NULL)')
WHERE type = 'table' AND name = 'payments';
PRAGMA writable_schema = RESET;
"#,
    both: r#"
DROP INDEX subscriptions_platform_payment_status_at;
DROP INDEX subscriptions_payment_status_at;
DROP INDEX subscriptions_platform_payment_status;
DROP INDEX subscriptions_payment_status;
DROP INDEX subscriptions_purchaser;
DROP INDEX payments_live_first_attempt;
DROP INDEX payments_live_attempt;
DROP INDEX subscriptions_gateway_account;
DROP INDEX subscriptions_gateway;
DROP INDEX payment_methods_gateway_account;
DROP INDEX payment_methods_gateway;
DROP INDEX payments_gateway_account;
DROP INDEX payments_gateway;
ALTER TABLE tiers DROP COLUMN payment_options;
ALTER TABLE subscriptions DROP COLUMN payment_status_at;
ALTER TABLE subscriptions DROP COLUMN payment_status;
ALTER TABLE subscriptions DROP COLUMN purchaser;
ALTER TABLE subscriptions DROP COLUMN gateway_account_id;
ALTER TABLE payment_methods DROP COLUMN gateway_account_id;
ALTER TABLE payments DROP COLUMN gateway_metadata;
ALTER TABLE payments DROP COLUMN gateway_account_id;
CREATE UNIQUE INDEX payments_gateway ON payments (gateway, gateway_payment_id);
CREATE UNIQUE INDEX payment_methods_gateway ON payment_methods (gateway, gateway_method_id);
CREATE UNIQUE INDEX subscriptions_gateway ON subscriptions (gateway, gateway_subscription_id);
CREATE UNIQUE INDEX payments_live_attempt ON payments (tenant_id, subscription_id, period_start)
    WHERE status IN ('PENDING', 'PROCESSING');
CREATE UNIQUE INDEX payments_live_first_attempt ON payments (tenant_id, subscription_id)
    WHERE period_start IS NULL AND status IN ('PENDING', 'PROCESSING');
"#,
};

const TRIGGERS: Sql = Sql {
    postgres: r#"
CREATE FUNCTION subscription_payment_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE subscriptions SET payment_status = NEW.status, payment_status_at = NEW.status_changed_at
    WHERE tenant_id = NEW.tenant_id AND id = NEW.subscription_id AND NOT EXISTS (
        SELECT 1 FROM payments AS newer
        WHERE newer.tenant_id = NEW.tenant_id AND newer.subscription_id = NEW.subscription_id
            AND (newer.created_at, newer.id) > (NEW.created_at, NEW.id)
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER subscription_payment_insert AFTER INSERT ON payments
    FOR EACH ROW EXECUTE FUNCTION subscription_payment_tell();
CREATE TRIGGER subscription_payment_update AFTER UPDATE ON payments FOR EACH ROW
    WHEN (NEW.status <> OLD.status OR NEW.status_changed_at <> OLD.status_changed_at)
    EXECUTE FUNCTION subscription_payment_tell();
"#,
    sqlite: r#"
CREATE TRIGGER subscription_payment_insert AFTER INSERT ON payments
BEGIN
    UPDATE subscriptions SET payment_status = NEW.status, payment_status_at = NEW.status_changed_at
    WHERE tenant_id = NEW.tenant_id AND id = NEW.subscription_id AND NOT EXISTS (
        SELECT 1 FROM payments AS newer
        WHERE newer.tenant_id = NEW.tenant_id AND newer.subscription_id = NEW.subscription_id
            AND (newer.created_at, newer.id) > (NEW.created_at, NEW.id)
    );
END;
CREATE TRIGGER subscription_payment_update AFTER UPDATE ON payments
WHEN NEW.status <> OLD.status OR NEW.status_changed_at <> OLD.status_changed_at
BEGIN
    UPDATE subscriptions SET payment_status = NEW.status, payment_status_at = NEW.status_changed_at
    WHERE tenant_id = NEW.tenant_id AND id = NEW.subscription_id AND NOT EXISTS (
        SELECT 1 FROM payments AS newer
        WHERE newer.tenant_id = NEW.tenant_id AND newer.subscription_id = NEW.subscription_id
            AND (newer.created_at, newer.id) > (NEW.created_at, NEW.id)
    );
END;
"#,
    both: "",
};

async fn tell(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    GATEWAYS.change(manager, BEFORE, AFTER).await?;
    portable(manager, TELL).await?;
    portable(manager, TRIGGERS).await
}

async fn forget(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    portable(manager, FORGET).await?;
    GATEWAYS.change(manager, AFTER, BEFORE).await
}

crate::step!(|manager| tell(manager), |manager| forget(manager));
