//! What those who manage an object note of it and show to nobody else; null is nothing. And the platform's own people are
//! named by their role where a tenant reads it.

crate::step!(
    r#"
ALTER TABLE organizations ADD COLUMN private_metadata {json};
ALTER TABLE customers ADD COLUMN private_metadata {json};
ALTER TABLE subscriptions ADD COLUMN private_metadata {json};
UPDATE subscriptions SET last_renewed_by = 'ROOT'
WHERE last_renewed_by IN (SELECT actor FROM audit_events WHERE actor_role = 'ROOT');
"#,
    "ALTER TABLE subscriptions DROP COLUMN private_metadata;\nALTER TABLE customers DROP COLUMN private_metadata;\nALTER TABLE organizations DROP COLUMN private_metadata;\n"
);
