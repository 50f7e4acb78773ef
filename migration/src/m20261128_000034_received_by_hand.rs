//! How a payment that no gateway takes was received, and by which reference.

crate::step!(
    r#"
ALTER TABLE payments ADD COLUMN received_as {text}
    CHECK (received_as IN ('BANK_TRANSFER', 'CASH', 'CRYPTO', 'OTHER'));
ALTER TABLE payments ADD COLUMN reference {text};
"#,
    "ALTER TABLE payments DROP COLUMN reference;\nALTER TABLE payments DROP COLUMN received_as;\n"
);
