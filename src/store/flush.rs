//! What PostgreSQL is sent at the end of a transaction: all that it writes, in one statement.

use std::fmt::Write as _;
use std::time::Duration;

use sea_orm::{DbBackend, EntityName as _, ModelTrait, Statement};
use uuid::Uuid;

use super::text::{Text, put};
use super::trail::{self, Entry};
use super::write::Write;
use crate::entity::Mutable;

/// A row that was found without a lock: an organization, or a tier. What relies on it is written only if it still has this
/// version.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) table: &'static str,
    pub(super) id: Uuid,
    pub(super) version: i32,
    /// Key of a feature that the organization's own subscription must not limit.
    pub(super) unlimited: Option<&'static str>,
}

impl Found {
    /// This row, as it was found.
    pub(super) fn of<M: Mutable + ModelTrait>(row: &M) -> Self {
        Self { table: M::Entity::default().table_name(), id: row.uuid(), version: row.version(), unlimited: None }
    }
}

/// All that a transaction writes at its end, or several transactions do together.
#[derive(Clone, Default)]
pub(super) struct Flush {
    /// The writes to rows: no table with an update and anything else.
    pub(super) writes: Vec<Write>,
    /// The trail of these writes, and of what was sent before.
    pub(super) trail: Vec<Entry>,
    /// The rows that nothing is written without, in the order in which they are locked.
    pub(super) relied_on: Vec<Found>,
}

impl Flush {
    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.trail.is_empty() && self.relied_on.is_empty()
    }

    /// Whether it and another one can be written together: neither changes a row, and both put as many rows into the
    /// same tables. Their text is the same, and that of several of a kind depends on how many they are.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let shape = |flush: &Self| {
            let relied_on = flush.relied_on.iter().map(|found| (found.table, found.unlimited.is_some()));
            (flush.writes.len(), flush.trail.len(), relied_on.collect::<Vec<_>>())
        };
        let alike = |(ours, theirs): (&Write, &Write)| {
            ours.table() == theirs.table() && ours.new_rows() > 0 && ours.new_rows() == theirs.new_rows()
        };
        shape(self) == shape(other) && self.writes.iter().zip(&other.writes).all(alike)
    }

    /// Writes another one that [goes with](Self::goes_with) it as well.
    pub(super) fn add(mut self, other: Self) -> Self {
        debug_assert!(other.goes_with(&other), "only inserts are written together");
        for pair in self.writes.iter_mut().zip(other.writes) {
            if let (Write::Insert { rows, .. }, Write::Insert { rows: more, .. }) = pair {
                rows.extend(more);
            }
        }
        self.trail.extend(other.trail);
        self.relied_on.extend(other.relied_on);
        self
    }

    /// The statement that writes it. Nothing is written, and the statement fails as a serialization failure, if an
    /// update does not find its row or a row that it relies on is not as it was found. Those are locked as keys, and who
    /// changes one locks it for updating first: so nobody does until the statement's transaction has ended.
    /// It must not update one of them itself. Foreign keys are checked at its end, so that the parts may refer to each
    /// other's rows.
    ///
    /// The text depends on the tables and on how many rows there are, not on the values: commands of a kind share it,
    /// and it is prepared once on each connection.
    ///
    /// Where there is a limit to how long it waits for what others have locked, it fails then.
    pub(super) fn statement(self, lock_timeout: Option<Duration>) -> Statement {
        Text::statement(DbBackend::Postgres, |text| text.flush(self, lock_timeout))
    }
}

impl Text {
    fn flush(&mut self, Flush { writes, trail, relied_on }: Flush, lock_timeout: Option<Duration>) {
        let (mut comma, mut holds) = ("", String::from("TRUE"));
        put!(self, "WITH ");
        for (number, Found { table, id, version, unlimited }) in relied_on.into_iter().enumerate() {
            put!(self, r#"{comma}"found_{number}" AS (SELECT 1 FROM "{table}" WHERE "id" = "#);
            self.value(id);
            put!(self, r#" AND "version" = "#);
            self.value(version);
            if let Some(feature) = unlimited {
                self.unlimited(id, feature);
            }
            put!(self, " FOR KEY SHARE)");
            comma = ", ";
            let _ = write!(holds, r#" AND EXISTS (SELECT FROM "found_{number}")"#);
        }
        if !trail.is_empty() {
            put!(self, "{comma}");
            self.trail(&trail);
            comma = ", ";
            for (number, copy) in trail::copies().iter().enumerate() {
                put!(self, r#"{comma}"copy_{number}" AS ("#);
                self.copy(copy);
                put!(self, ")");
            }
        }
        for (number, write) in writes.into_iter().enumerate() {
            put!(self, r#"{comma}"write_{number}" AS ("#);
            comma = ", ";
            if write.is_update() {
                let _ = write!(holds, r#" AND (SELECT count(*) FROM "write_{number}") = 1"#);
            }
            let returning = if write.is_update() { " RETURNING 1" } else { "" };
            self.write(write);
            put!(self, "{returning})");
        }
        put!(self, " SELECT ");
        if let Some(lock_timeout) = lock_timeout {
            // For this transaction. It comes first: parts are run where they are asked for, and the others at the end.
            put!(self, "set_config('lock_timeout', '{}', TRUE), ", lock_timeout.as_millis());
        }
        put!(self, "must_hold({holds})");
    }

    /// That an organization's current subscription does not limit a feature, by its tier or on its own.
    fn unlimited(&mut self, id: Uuid, feature: &str) {
        put!(
            self,
            r#" AND ("exempt" OR NOT EXISTS (SELECT FROM (SELECT "tier_id", "feature_overrides" FROM "subscriptions" "#
        );
        put!(self, r#"WHERE "customer_id" IS NULL AND "deleted_at" IS NULL AND "tenant_id" = "#);
        self.value(id);
        put!(
            self,
            r#" ORDER BY coalesce("ended_at", 9223372036854775807) DESC, "created_at" DESC, "id" DESC LIMIT 1) AS "own" "#
        );
        put!(self, r#"WHERE jsonb_exists("own"."feature_overrides", "#);
        self.value(feature);
        put!(
            self,
            r#") OR EXISTS (SELECT FROM "tier_features" WHERE "tier_id" = "own"."tier_id" AND "kind" = 'LIMIT' "#
        );
        put!(self, r#"AND "ceiling" IS NOT NULL AND "key" = "#);
        self.value(feature);
        put!(self, ")))");
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Value;

    use super::*;

    fn insert(table: &'static str, value: i32) -> Write {
        Write::Insert { table, columns: vec!["id"], rows: vec![vec![value.into()]] }
    }

    fn update(table: &'static str, value: i32) -> Write {
        let of = vec![("id", Some(value.into())), ("tenant_id", None)];
        Write::Update { table, set: vec![("version", (value + 1).into())], of }
    }

    fn found(id: Uuid, version: i32) -> Found {
        Found { table: "organizations", id, version, unlimited: None }
    }

    fn flush(writes: Vec<Write>) -> Flush {
        Flush { writes, ..Flush::default() }
    }

    #[test]
    fn several_writes_are_one_statement_that_fails_where_it_must() {
        let (id, tier) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let statement = Flush {
            relied_on: vec![found(id, 7), Found { table: "tiers", ..found(tier, 8) }],
            ..flush(vec![insert("customers", 1), update("tags", 2), insert("prices", 3), update("keys", 4)])
        }
        .statement(None);
        let expected = concat!(
            r#"WITH "found_0" AS (SELECT 1 FROM "organizations" WHERE "id" = $1 AND "version" = $2 FOR KEY SHARE), "#,
            r#""found_1" AS (SELECT 1 FROM "tiers" WHERE "id" = $3 AND "version" = $4 FOR KEY SHARE), "#,
            r#""write_0" AS (INSERT INTO "customers" ("id") VALUES ($5)), "#,
            r#""write_1" AS (UPDATE "tags" SET "version" = $6 WHERE "id" = $7 AND "tenant_id" IS NULL RETURNING 1), "#,
            r#""write_2" AS (INSERT INTO "prices" ("id") VALUES ($8)), "#,
            r#""write_3" AS (UPDATE "keys" SET "version" = $9 WHERE "id" = $10 AND "tenant_id" IS NULL RETURNING 1) "#,
            r#"SELECT must_hold(TRUE AND EXISTS (SELECT FROM "found_0") AND EXISTS (SELECT FROM "found_1") "#,
            r#"AND (SELECT count(*) FROM "write_1") = 1 AND (SELECT count(*) FROM "write_3") = 1)"#,
        );
        assert_eq!(statement.sql, expected);
        let mut values = vec![Value::from(id), 7.into(), tier.into(), 8.into()];
        values.extend([1, 3, 2, 3, 5, 4].map(Value::from));
        assert_eq!(statement.values.map(|values| values.0), Some(values));
    }

    #[test]
    fn several_flushes_are_one_statement_that_waits_for_nobody_for_long() {
        let [a, b] = [1, 2].map(|version| (Uuid::from_u128(9), version));
        let of = |(id, version), customer| Flush {
            relied_on: vec![found(id, version)],
            ..flush(vec![insert("customers", customer), insert("keys", customer)])
        };
        assert!(of(a, 3).goes_with(&of(b, 4)));
        let statement = of(a, 3).add(of(b, 4)).statement(Some(Duration::from_millis(50)));
        let expected = concat!(
            r#"WITH "found_0" AS (SELECT 1 FROM "organizations" WHERE "id" = $1 AND "version" = $2 FOR KEY SHARE), "#,
            r#""found_1" AS (SELECT 1 FROM "organizations" WHERE "id" = $3 AND "version" = $4 FOR KEY SHARE), "#,
            r#""write_0" AS (INSERT INTO "customers" ("id") VALUES ($5), ($6)), "#,
            r#""write_1" AS (INSERT INTO "keys" ("id") VALUES ($7), ($8)) "#,
            r#"SELECT set_config('lock_timeout', '50', TRUE), "#,
            r#"must_hold(TRUE AND EXISTS (SELECT FROM "found_0") AND EXISTS (SELECT FROM "found_1"))"#,
        );
        assert_eq!(statement.sql, expected);
        let values = [a.0.into(), a.1.into(), b.0.into(), b.1.into(), 3.into(), 4.into(), 3.into(), 4.into()];
        assert_eq!(statement.values.map(|values| values.0), Some(values.to_vec()));
    }

    #[test]
    fn only_inserts_of_the_same_kind_go_together() {
        let customer = || flush(vec![insert("customers", 1)]);
        let two = Write::Insert { table: "customers", columns: vec!["id"], rows: vec![vec![1.into()], vec![2.into()]] };
        let relying_on = |found| Flush { relied_on: vec![found], ..customer() };
        let unlimited = relying_on(Found { unlimited: Some("customers"), ..found(Uuid::nil(), 1) });
        let relying = relying_on(found(Uuid::nil(), 1));
        assert!(customer().goes_with(&customer()));
        assert!(unlimited.goes_with(&unlimited) && !unlimited.goes_with(&relying));
        for other in [flush(vec![insert("tiers", 1)]), flush(vec![two]), relying, Flush::default()] {
            assert!(!customer().goes_with(&other) && !other.goes_with(&customer()));
        }
        let changing = flush(vec![update("customers", 1)]);
        assert!(!changing.goes_with(&changing));
    }

    #[test]
    fn the_same_writes_have_the_same_text() {
        let text = |value| flush(vec![insert("a", value), update("b", value)]).statement(None).sql;
        assert_eq!(text(1), text(2));
    }
}
