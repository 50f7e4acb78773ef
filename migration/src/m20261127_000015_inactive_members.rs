//! Members that were deactivated, by address: what every statement asks for that reads for a member. There are few.

crate::step!(
    "CREATE INDEX members_inactive ON members (tenant_id, email) WHERE NOT active;\n",
    "DROP INDEX members_inactive;\n"
);
