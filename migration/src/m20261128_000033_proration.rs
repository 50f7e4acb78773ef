//! What a change in the middle of a period is charged: the tier's rule, how long the period stood still meanwhile, and which
//! payments are for a change.

crate::step!(
    r#"
ALTER TABLE tiers ADD COLUMN proration {text} NOT NULL DEFAULT 'NONE' CHECK (proration IN ('PRORATE', 'FULL', 'NONE'));
ALTER TABLE subscriptions ADD COLUMN stood_still {bigint} NOT NULL DEFAULT 0 CHECK (stood_still >= 0);
ALTER TABLE payments ADD COLUMN purpose {text} NOT NULL DEFAULT 'PERIOD' CHECK (purpose IN ('PERIOD', 'CHANGE'));
"#,
    "ALTER TABLE payments DROP COLUMN purpose;
ALTER TABLE subscriptions DROP COLUMN stood_still;
ALTER TABLE tiers DROP COLUMN proration;
"
);
