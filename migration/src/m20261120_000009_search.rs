//! Searching texts: trigrams find what contains a word without reading a tenant's rows.
//!
//! SQLite has nothing like it that keeps itself up to date, and is for installations where reading the rows of one
//! tenant is fast enough.

use crate::Sql;

const SEARCH: Sql = Sql {
    postgres: r#"
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX members_search ON members USING gin (name_key gin_trgm_ops, email gin_trgm_ops);
CREATE INDEX customers_search ON customers USING gin (search_text gin_trgm_ops);
CREATE INDEX subscriptions_search ON subscriptions USING gin (lower(external_id) gin_trgm_ops)
    WHERE external_id IS NOT NULL;
CREATE INDEX payments_search ON payments USING gin
    (lower(failure_code) gin_trgm_ops, lower(failure_message) gin_trgm_ops, lower(gateway_payment_id) gin_trgm_ops);
"#,
    sqlite: "",
    both: "",
};

const FORGET: Sql = Sql {
    postgres: r#"
DROP INDEX members_search;
DROP INDEX customers_search;
DROP INDEX subscriptions_search;
DROP INDEX payments_search;
"#,
    sqlite: "",
    both: "",
};

crate::step!(SEARCH, FORGET);
