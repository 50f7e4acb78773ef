//! How much access a tier gives while a renewal is unpaid, and behind a trial that nothing came of.

crate::step!(
    r#"
ALTER TABLE tiers ADD COLUMN grace_access {text} NOT NULL DEFAULT 'FULL'
    CHECK (grace_access IN ('FULL', 'LIMITED', 'READ_ONLY', 'NONE'));
ALTER TABLE tiers ADD COLUMN after_trial_access {text} NOT NULL DEFAULT 'READ_ONLY'
    CHECK (after_trial_access IN ('FULL', 'LIMITED', 'READ_ONLY', 'NONE'));
"#,
    "ALTER TABLE tiers DROP COLUMN after_trial_access;\nALTER TABLE tiers DROP COLUMN grace_access;\n"
);
