//! Where the periods end that a subscription was renewed ahead for, before the last one: as running time from the start, in
//! microseconds.

crate::step!(
    "ALTER TABLE subscriptions ADD COLUMN renewed_ahead {json} NOT NULL DEFAULT '[]';\n",
    "ALTER TABLE subscriptions DROP COLUMN renewed_ahead;\n"
);
