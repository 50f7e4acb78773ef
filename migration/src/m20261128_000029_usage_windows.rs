//! From which epoch on a subscription's use is counted, and how many months its windows are behind the calendar's.

crate::step!(
    r#"
ALTER TABLE subscriptions ADD COLUMN usage_epoch {int} NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN usage_shift {int} NOT NULL DEFAULT 0;
"#,
    "ALTER TABLE subscriptions DROP COLUMN usage_shift;\nALTER TABLE subscriptions DROP COLUMN usage_epoch;\n"
);
