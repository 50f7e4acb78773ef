//! Text is found and sorted by keys that the program makes of it: the databases know too little of Unicode, and not the
//! same.
//!
//! The program makes the keys of the rows that are there behind the migrations; `text_keys` has the version they are of.

use crate::Sql;

macro_rules! columns {
    () => {
        "
CREATE TABLE text_keys (version {int} NOT NULL) {strict};
INSERT INTO text_keys (version) VALUES (0);
ALTER TABLE organizations ADD COLUMN search_text {text} NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN search_text {text} NOT NULL DEFAULT '';
ALTER TABLE tiers ADD COLUMN search_text {text} NOT NULL DEFAULT '';
ALTER TABLE subscriptions ADD COLUMN search_text {text};
ALTER TABLE payments ADD COLUMN search_text {text};
"
    };
}

const KEYS: Sql = Sql {
    postgres: concat!(
        columns!(),
        "
DROP INDEX members_search;
DROP INDEX subscriptions_search;
DROP INDEX payments_search;
CREATE INDEX members_search ON members USING gin (search_text gin_trgm_ops);
CREATE INDEX tiers_search ON tiers USING gin (search_text gin_trgm_ops);
CREATE INDEX subscriptions_search ON subscriptions USING gin (search_text gin_trgm_ops) WHERE search_text IS NOT NULL;
CREATE INDEX payments_search ON payments USING gin (search_text gin_trgm_ops) WHERE search_text IS NOT NULL;
"
    ),
    sqlite: columns!(),
    both: "",
};

macro_rules! no_columns {
    () => {
        "
DROP TABLE text_keys;
ALTER TABLE organizations DROP COLUMN search_text;
ALTER TABLE members DROP COLUMN search_text;
ALTER TABLE tiers DROP COLUMN search_text;
ALTER TABLE subscriptions DROP COLUMN search_text;
ALTER TABLE payments DROP COLUMN search_text;
"
    };
}

const NO_KEYS: Sql = Sql {
    postgres: concat!(
        no_columns!(),
        "
CREATE INDEX members_search ON members USING gin (name_key gin_trgm_ops, email gin_trgm_ops);
CREATE INDEX subscriptions_search ON subscriptions USING gin (lower(external_id) gin_trgm_ops)
    WHERE external_id IS NOT NULL;
CREATE INDEX payments_search ON payments USING gin
    (lower(failure_code) gin_trgm_ops, lower(failure_message) gin_trgm_ops, lower(gateway_payment_id) gin_trgm_ops);
"
    ),
    sqlite: no_columns!(),
    both: "",
};

crate::step!(KEYS, NO_KEYS);
