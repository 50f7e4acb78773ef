//! Sending what a transaction writes: all of it in one statement, where the database can.

use std::fmt::Write as _;

use sea_orm::sea_query::Value;
use sea_orm::{DbBackend, EntityName as _, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait, Statement};

use super::database::Transaction;
use super::executor::Executor as _;
use super::text::{Text, put};
use super::trail::{self, Entry};
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
        together(self.0, &[]).send(db).await
    }

    /// Sends these writes, the trail of all that the transaction wrote, and the record of its command, and commits.
    pub(super) async fn commit(self, db: Transaction, trail: &[Entry], record: Option<Write>) -> Result<()> {
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
        } else if !writes.is_empty() || !trail.is_empty() {
            let all = together(writes, trail);
            if all.updates == 0 {
                last = Some(all.statement);
            } else {
                all.send(&db).await?;
            }
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
        if is_update {
            all_changed(changed, 1)?;
        }
    }
    Ok(())
}

fn all_changed(changed: u64, expected: u64) -> Result<()> {
    if changed == expected { Ok(()) } else { Err(Error::Contended("a row changed meanwhile".into())) }
}

/// A statement that answers how many rows its updates changed.
struct Together {
    statement: Statement,
    updates: u64,
}

impl Together {
    async fn send(self, db: &Transaction) -> Result<()> {
        let changed = db.rows(self.statement).await?.row(0).integer(0)?.unwrap_or(0);
        all_changed(changed.unsigned_abs(), self.updates)
    }
}

/// All writes as parts of one statement for PostgreSQL. Foreign keys are checked at its end, so that the parts may
/// refer to each other's rows. The text depends on the tables and on how many rows there are, not on the values:
/// commands of a kind share it, and it is prepared once on each connection.
fn together(writes: Vec<Write>, trail: &[Entry]) -> Together {
    let mut text = Text::new(DbBackend::Postgres);
    let (mut comma, mut changed, mut updates) = ("", String::from("0"), 0);
    put!(text, "WITH ");
    if !trail.is_empty() {
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
            updates += 1;
            let _ = write!(changed, r#" + (SELECT count(*) FROM "write_{number}")"#);
        }
        let returning = if write.is_update() { " RETURNING 1" } else { "" };
        text.write(write);
        put!(text, "{returning})");
    }
    put!(text, " SELECT {changed}");
    Together { statement: text.finish(), updates }
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
    fn several_writes_are_one_statement_that_counts_its_updates() {
        let writes = vec![insert("customers", 1), update("tiers", 2), insert("prices", 3), update("keys", 4)];
        let Together { statement, updates } = together(writes, &[]);
        let expected = concat!(
            r#"WITH "write_0" AS (INSERT INTO "customers" ("id") VALUES ($1)), "#,
            r#""write_1" AS (UPDATE "tiers" SET "version" = $2 WHERE "id" = $3 AND "tenant_id" IS NULL RETURNING 1), "#,
            r#""write_2" AS (INSERT INTO "prices" ("id") VALUES ($4)), "#,
            r#""write_3" AS (UPDATE "keys" SET "version" = $5 WHERE "id" = $6 AND "tenant_id" IS NULL RETURNING 1) "#,
            r#"SELECT 0 + (SELECT count(*) FROM "write_1") + (SELECT count(*) FROM "write_3")"#,
        );
        assert_eq!(statement.sql, expected);
        assert_eq!(statement.values.map(|values| values.0), Some([1, 3, 2, 3, 5, 4].map(Value::from).to_vec()));
        assert_eq!(updates, 2);
    }

    #[test]
    fn the_same_writes_have_the_same_text() {
        let text = |value| together(vec![insert("a", value), update("b", value)], &[]).statement.sql;
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
