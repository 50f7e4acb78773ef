//! Sending what a transaction writes: all of it in one statement, where the database can.

use sea_orm::sea_query::{
    Asterisk, CommonTableExpression, Expr, ExprTrait, Func, InsertStatement, Query, SelectStatement, UpdateStatement,
    WithClause, WithQuery,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use super::trail::{self, Entry};
use crate::error::{Error, Result};

/// A statement that waits to be sent.
pub(super) enum Write {
    /// Puts rows into a table.
    Insert(InsertStatement),
    /// Changes exactly one row, or else the transaction is contended.
    Update(UpdateStatement),
}

/// The writes to rows that wait, in order, each with its table.
///
/// The parts of one statement do not see each other, and nothing is said about their order. So a table is among them
/// either with inserts or with one update: no row is written twice, and no value is given back by one part and taken
/// by another.
#[derive(Default)]
pub(super) struct Waiting(Vec<(&'static str, Write)>);

impl Waiting {
    /// Adds a write, and gives back what must be sent before it.
    pub(super) fn push(&mut self, table: &'static str, write: Write) -> Self {
        let update = |write: &Write| matches!(write, Write::Update(_));
        let apart = |(other, earlier): &(_, Write)| *other == table && (update(earlier) || update(&write));
        let ahead = if self.0.iter().any(apart) { std::mem::take(self) } else { Self::default() };
        self.0.push((table, write));
        ahead
    }

    /// Sends these writes.
    pub(super) async fn send(self, db: &DatabaseTransaction) -> Result<()> {
        send(db, None, self.0.into_iter().map(|(_, write)| write).collect()).await
    }

    /// Sends these writes, the trail of all that the transaction wrote, and the record of its command.
    pub(super) async fn send_last(
        self,
        db: &DatabaseTransaction,
        entries: Vec<Entry>,
        record: Option<InsertStatement>,
    ) -> Result<()> {
        let mut writes: Vec<_> = self.0.into_iter().map(|(_, write)| write).collect();
        let mut source = (!entries.is_empty()).then(|| trail::table(entries, db.get_database_backend()));
        if let Some(table) = &source {
            let told = trail::writes()?;
            if one_by_one(db) {
                writes.extend(told.map(|mut write| Write::Insert(write.with_cte(table.clone()).take())));
                source = None;
            } else {
                writes.extend(told.map(Write::Insert));
            }
        }
        writes.extend(record.map(Write::Insert));
        send(db, source, writes).await
    }
}

/// Whether the database has no statements with several writes in them. SQLite has none, nor round trips to save.
fn one_by_one(db: &DatabaseTransaction) -> bool {
    db.get_database_backend() != DbBackend::Postgres
}

async fn send(db: &DatabaseTransaction, source: Option<CommonTableExpression>, writes: Vec<Write>) -> Result<()> {
    if one_by_one(db) || writes.len() < 2 {
        for write in writes {
            match write {
                Write::Insert(insert) => {
                    db.execute(&insert).await?;
                }
                Write::Update(update) => all_changed(db.execute(&update).await?.rows_affected(), 1)?,
            }
        }
        return Ok(());
    }
    let Together { statement, updates } = together(source, writes);
    let answer = db.query_one(&statement).await?;
    let changed: i64 = answer.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    all_changed(changed.unsigned_abs(), updates)
}

fn all_changed(changed: u64, expected: u64) -> Result<()> {
    if changed == expected { Ok(()) } else { Err(Error::Contended("a row changed meanwhile".into())) }
}

/// A statement that answers how many rows its updates changed.
struct Together {
    statement: WithQuery,
    updates: u64,
}

/// All writes as parts of one statement. Foreign keys are checked at its end, so that the parts may refer to each
/// other's rows. The text depends on the tables alone: it is prepared once on each connection.
fn together(source: Option<CommonTableExpression>, writes: Vec<Write>) -> Together {
    let mut with = WithClause::new();
    if let Some(source) = source {
        with.cte(source);
    }
    let (mut changed, mut updates) = (Expr::cust("0::bigint"), 0);
    for (number, write) in writes.into_iter().enumerate() {
        let name = format!("write_{number}");
        let mut part = CommonTableExpression::new();
        match write {
            Write::Insert(insert) => {
                part.query(insert);
            }
            Write::Update(mut update) => {
                updates += 1;
                changed = changed.add(count(name.clone()));
                part.query(update.returning(Query::returning().expr(Expr::cust("1"))).take());
            }
        }
        part.table_name(name);
        with.cte(part);
    }
    // Not the shorter ways to write this: they copy every statement.
    let mut statement = WithQuery::new();
    statement.with_clause(with).query(Query::select().expr_as(changed, "changed").take());
    Together { statement, updates }
}

fn count(rows: String) -> SelectStatement {
    Query::select().expr(Func::count(Expr::col(Asterisk))).from(rows).take()
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Alias, PostgresQueryBuilder};

    use super::*;

    fn insert(table: &str, value: i32) -> Write {
        Write::Insert(Query::insert().into_table(Alias::new(table)).columns(["id"]).values_panic([value.into()]).take())
    }

    fn update(table: &str, value: i32) -> Write {
        let id = Expr::col("id").eq(value);
        Write::Update(Query::update().table(Alias::new(table)).value("version", value + 1).and_where(id).take())
    }

    #[test]
    fn several_writes_are_one_statement_that_counts_its_updates() {
        let Together { statement, updates } =
            together(None, vec![insert("customers", 1), update("tiers", 2), insert("prices", 3), update("keys", 4)]);
        let (sql, values) = statement.build(PostgresQueryBuilder);
        let expected = concat!(
            r#"WITH "write_0" AS (INSERT INTO "customers" ("id") VALUES ($1)) , "#,
            r#""write_1" AS (UPDATE "tiers" SET "version" = $2 WHERE "id" = $3 RETURNING 1) , "#,
            r#""write_2" AS (INSERT INTO "prices" ("id") VALUES ($4)) , "#,
            r#""write_3" AS (UPDATE "keys" SET "version" = $5 WHERE "id" = $6 RETURNING 1) "#,
            r#"SELECT (0::bigint) + (SELECT COUNT(*) FROM "write_1") + (SELECT COUNT(*) FROM "write_3") AS "changed""#,
        );
        assert_eq!(sql, expected);
        assert_eq!(values.0, [1, 3, 2, 3, 5, 4].map(sea_orm::Value::from));
        assert_eq!(updates, 2);
    }

    #[test]
    fn the_same_writes_have_the_same_text() {
        let text = |value| {
            together(None, vec![insert("a", value), update("b", value)]).statement.build(PostgresQueryBuilder).0
        };
        assert_eq!(text(1), text(2));
    }

    #[test]
    fn what_one_statement_cannot_order_is_sent_apart() {
        let sent_before = |writes: Vec<(&'static str, Write)>| {
            let mut waiting = Waiting::default();
            writes.into_iter().map(|(table, write)| waiting.push(table, write).0.len()).collect::<Vec<_>>()
        };
        assert_eq!(sent_before(vec![("a", insert("a", 1)), ("a", insert("a", 2)), ("b", update("b", 1))]), [0, 0, 0]);
        assert_eq!(sent_before(vec![("a", insert("a", 1)), ("b", insert("b", 1)), ("a", update("a", 1))]), [0, 0, 2]);
        assert_eq!(sent_before(vec![("a", update("a", 1)), ("a", insert("a", 2)), ("a", insert("a", 3))]), [0, 1, 0]);
        assert_eq!(sent_before(vec![("a", update("a", 1)), ("a", update("a", 1)), ("a", update("a", 1))]), [0, 1, 1]);
    }
}
