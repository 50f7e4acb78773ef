//! Periods are counted in a time zone, from a local day and time. Those of subscriptions that are there are counted in UTC,
//! as they were.

crate::step!(
    r#"
ALTER TABLE subscriptions ADD COLUMN time_zone {text} NOT NULL DEFAULT 'UTC';
ALTER TABLE subscriptions ADD COLUMN anchor_time {bigint} NOT NULL DEFAULT 0
    CHECK (anchor_time >= 0 AND anchor_time < 86400000000);
UPDATE subscriptions SET anchor_time =
    (coalesce(current_period_start, starts_at) % 86400000000 + 86400000000) % 86400000000;
"#,
    "ALTER TABLE subscriptions DROP COLUMN anchor_time;\nALTER TABLE subscriptions DROP COLUMN time_zone;\n"
);
