//! Tokens that are refused before they expire: one by its id, or all of a subject that were issued until then.

crate::step!(
    r#"
CREATE TABLE revocations (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} REFERENCES organizations (id),
    token_id {text},
    subject {text},
    holds {text} NOT NULL,
    expires_at {time} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    version {int} NOT NULL,
    CHECK ((token_id IS NULL) <> (subject IS NULL))
) {strict};
CREATE INDEX revocations_valid ON revocations (tenant_id, expires_at);
"#,
    "DROP TABLE revocations;\n"
);
