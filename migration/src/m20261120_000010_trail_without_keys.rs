//! The trail and the outbox refer to organizations without foreign keys.
//!
//! Every write leaves two rows or more in them, in a transaction that holds its organization's row: to look the
//! organization up once more for each was a twelfth of the database's work. And the trail outlives what it tells of.
//!
//! SQLite could drop a key only by copying the table, and checks it at next to no cost.

use crate::Sql;

const LOOSEN: Sql = Sql {
    postgres: r#"
ALTER TABLE audit_events DROP CONSTRAINT audit_events_tenant_id_fkey;
ALTER TABLE outbox_events DROP CONSTRAINT outbox_events_tenant_id_fkey;
"#,
    sqlite: "",
    both: "",
};

const TIE: Sql = Sql {
    postgres: r#"
ALTER TABLE audit_events ADD FOREIGN KEY (tenant_id) REFERENCES organizations (id);
ALTER TABLE outbox_events ADD FOREIGN KEY (tenant_id) REFERENCES organizations (id);
"#,
    sqlite: "",
    both: "",
};

crate::step!(LOOSEN, TIE);
