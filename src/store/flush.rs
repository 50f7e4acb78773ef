//! Sending what a transaction writes: all of it in one statement, where the database can.

use std::fmt::Write as _;

use sea_orm::sea_query::Value;
use sea_orm::{DbBackend, EntityName as _, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait, Statement};

use super::database::Transaction;
use super::executor::Executor as _;
use super::text::{Text, put};
use super::trail::{self, Entry};
use crate::entity::OrganizationId;
use crate::error::{Error, Result};

/// A statement that waits to be sent.
pub(super) enum Write {
    /// Puts rows into a table.
    Insert { table: &'static str, columns: Vec<&'static str>, rows: Vec<Vec<Value>> },
    /// Changes the row that has these values, or none where there is no value. It is exactly one, or else the
    /// transaction is contended.
    Update { table: &'static str, set: Vec<(&'static str, Value)>, of: Vec<(&'static str, Option<Value>)> },
}

impl Write {
    /// Puts whole rows into their table.
    pub(super) fn insert<M: ModelTrait>(rows: &[M]) -> Self {
        let columns = || <M::Entity as EntityTrait>::Column::iter();
        Self::Insert {
            table: M::Entity::default().table_name(),
            columns: columns().map(|column| column.as_str()).collect(),
            rows: rows.iter().map(|row| columns().map(|column| row.get(column)).collect()).collect(),
        }
    }

    fn table(&self) -> &'static str {
        let (Self::Insert { table, .. } | Self::Update { table, .. }) = self;
        table
    }

    fn is_update(&self) -> bool {
        matches!(self, Self::Update { .. })
    }
}

/// An organization that was found without a lock. What relies on it is written only if it still has this version.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) id: OrganizationId,
    pub(super) version: i32,
}

/// The writes to rows that wait, in order.
///
/// The parts of one statement do not see each other, and nothing is said about their order. So a table is among them
/// either with inserts or with one update: no row is written twice, and no value is given back by one part and taken
/// by another.
#[derive(Default)]
pub(super) struct Waiting(Vec<Write>);

impl Waiting {
    /// Adds a write, and gives back what must be sent before it.
    pub(super) fn push(&mut self, write: Write) -> Self {
        let apart = |earlier: &Write| earlier.table() == write.table() && (earlier.is_update() || write.is_update());
        let ahead = if self.0.iter().any(apart) { std::mem::take(self) } else { Self::default() };
        self.0.push(write);
        ahead
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends these writes.
    pub(super) async fn send(self, db: &Transaction) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        if one_by_one(db) {
            return one_after_the_other(db, self.0).await;
        }
        db.execute(together(self.0, &[], &[])).await?;
        Ok(())
    }

    /// Sends these writes, the trail of all that the transaction wrote, and the record of its command, and commits.
    /// Nothing is written if one of the organizations is not as it was found: SQLite lets nobody else write meanwhile.
    pub(super) async fn commit(
        self,
        db: Transaction,
        trail: &[Entry],
        record: Option<Write>,
        relied_on: &[Found],
    ) -> Result<()> {
        let mut writes = self.0;
        writes.extend(record);
        let mut last = None;
        if one_by_one(&db) {
            one_after_the_other(&db, writes).await?;
            for copy in trail::copies().iter().filter(|_| !trail.is_empty()) {
                let mut text = Text::new(db.backend());
                put!(text, "WITH ");
                text.trail(trail);
                put!(text, " ");
                text.copy(copy);
                db.execute(text.finish()).await?;
            }
        } else if !(writes.is_empty() && trail.is_empty() && relied_on.is_empty()) {
            last = Some(together(writes, trail, relied_on));
        }
        Ok(db.commit(last).await?)
    }
}

/// Whether the database has no statements with several writes in them. SQLite has none, nor round trips to save.
fn one_by_one(db: &Transaction) -> bool {
    db.backend() != DbBackend::Postgres
}

async fn one_after_the_other(db: &Transaction, writes: Vec<Write>) -> Result<()> {
    for write in writes {
        let is_update = write.is_update();
        let mut text = Text::new(db.backend());
        text.write(write);
        let changed = db.execute(text.finish()).await?;
        if is_update && changed != 1 {
            return Err(Error::Contended("a row changed meanwhile".into()));
        }
    }
    Ok(())
}

/// All writes as parts of one statement for PostgreSQL, which fails if an update does not find its row, or if an
/// organization is not as it was found. Those are locked as keys, and who changes an organization locks it for updating
/// first: so nobody does until the statement's transaction has ended. It must not update one of them itself. Foreign
/// keys are checked at its end, so that the parts may refer to each other's rows.
///
/// The text depends on the tables and on how many rows there are, not on the values: commands of a kind share it, and
/// it is prepared once on each connection.
fn together(writes: Vec<Write>, trail: &[Entry], relied_on: &[Found]) -> Statement {
    let mut text = Text::new(DbBackend::Postgres);
    let (mut comma, mut holds) = ("", String::from("TRUE"));
    put!(text, "WITH ");
    for (number, Found { id, version }) in relied_on.iter().enumerate() {
        put!(text, r#"{comma}"found_{number}" AS (SELECT 1 FROM "organizations" WHERE "id" = "#);
        text.value(*id);
        put!(text, r#" AND "version" = "#);
        text.value(*version);
        put!(text, " FOR KEY SHARE)");
        comma = ", ";
        let _ = write!(holds, r#" AND EXISTS (SELECT FROM "found_{number}")"#);
    }
    if !trail.is_empty() {
        put!(text, "{comma}");
        text.trail(trail);
        comma = ", ";
        for (number, copy) in trail::copies().iter().enumerate() {
            put!(text, r#"{comma}"copy_{number}" AS ("#);
            text.copy(copy);
            put!(text, ")");
        }
    }
    for (number, write) in writes.into_iter().enumerate() {
        put!(text, r#"{comma}"write_{number}" AS ("#);
        comma = ", ";
        if write.is_update() {
            let _ = write!(holds, r#" AND (SELECT count(*) FROM "write_{number}") = 1"#);
        }
        let returning = if write.is_update() { " RETURNING 1" } else { "" };
        text.write(write);
        put!(text, "{returning})");
    }
    put!(text, " SELECT must_hold({holds})");
    text.finish()
}

impl Text {
    fn write(&mut self, write: Write) {
        match write {
            Write::Insert { table, columns, rows } => {
                put!(self, r#"INSERT INTO "{table}" ("#);
                self.columns(columns);
                put!(self, ") VALUES ");
                self.list(rows, |text, row| {
                    put!(text, "(");
                    text.list(row, Self::value);
                    put!(text, ")");
                });
            }
            Write::Update { table, set, of } => {
                put!(self, r#"UPDATE "{table}" SET "#);
                self.list(set, |text, (column, value)| {
                    put!(text, r#""{column}" = "#);
                    text.value(value);
                });
                let mut word = "WHERE";
                for (column, value) in of {
                    put!(self, r#" {word} "{column}" "#);
                    word = "AND";
                    match value {
                        Some(value) => {
                            put!(self, "= ");
                            self.value(value);
                        }
                        None => {
                            put!(self, "IS NULL");
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &'static str, value: i32) -> Write {
        Write::Insert { table, columns: vec!["id"], rows: vec![vec![value.into()]] }
    }

    fn update(table: &'static str, value: i32) -> Write {
        let of = vec![("id", Some(value.into())), ("tenant_id", None)];
        Write::Update { table, set: vec![("version", (value + 1).into())], of }
    }

    #[test]
    fn several_writes_are_one_statement_that_fails_where_it_must() {
        let writes = vec![insert("customers", 1), update("tiers", 2), insert("prices", 3), update("keys", 4)];
        let id = OrganizationId::generate();
        let statement = together(writes, &[], &[Found { id, version: 7 }]);
        let expected = concat!(
            r#"WITH "found_0" AS (SELECT 1 FROM "organizations" WHERE "id" = $1 AND "version" = $2 FOR KEY SHARE), "#,
            r#""write_0" AS (INSERT INTO "customers" ("id") VALUES ($3)), "#,
            r#""write_1" AS (UPDATE "tiers" SET "version" = $4 WHERE "id" = $5 AND "tenant_id" IS NULL RETURNING 1), "#,
            r#""write_2" AS (INSERT INTO "prices" ("id") VALUES ($6)), "#,
            r#""write_3" AS (UPDATE "keys" SET "version" = $7 WHERE "id" = $8 AND "tenant_id" IS NULL RETURNING 1) "#,
            r#"SELECT must_hold(TRUE AND EXISTS (SELECT FROM "found_0") "#,
            r#"AND (SELECT count(*) FROM "write_1") = 1 AND (SELECT count(*) FROM "write_3") = 1)"#,
        );
        assert_eq!(statement.sql, expected);
        let mut values = vec![Value::from(id)];
        values.extend([7, 1, 3, 2, 3, 5, 4].map(Value::from));
        assert_eq!(statement.values.map(|values| values.0), Some(values));
    }

    #[test]
    fn the_same_writes_have_the_same_text() {
        let text = |value| together(vec![insert("a", value), update("b", value)], &[], &[]).sql;
        assert_eq!(text(1), text(2));
    }

    #[test]
    fn what_one_statement_cannot_order_is_sent_apart() {
        let sent_before = |writes: Vec<Write>| {
            let mut waiting = Waiting::default();
            writes.into_iter().map(|write| waiting.push(write).0.len()).collect::<Vec<_>>()
        };
        assert_eq!(sent_before(vec![insert("a", 1), insert("a", 2), update("b", 1)]), [0, 0, 0]);
        assert_eq!(sent_before(vec![insert("a", 1), insert("b", 1), update("a", 1)]), [0, 0, 2]);
        assert_eq!(sent_before(vec![update("a", 1), insert("a", 2), insert("a", 3)]), [0, 1, 0]);
        assert_eq!(sent_before(vec![update("a", 1), update("a", 1), update("a", 1)]), [0, 1, 1]);
    }
}
