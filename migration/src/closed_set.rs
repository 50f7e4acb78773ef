//! Closed sets: columns that take a few values only. A set grows, and the constraint that holds it changes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// A column of some tables, declared in each as `column type CHECK (column IN (…))`.
pub struct ClosedSet {
    pub tables: &'static [&'static str],
    pub column: &'static str,
}

impl ClosedSet {
    /// Changes which values the column takes. It fails, and nothing changes, if there are rows with other ones.
    pub async fn change(&self, manager: &SchemaManager<'_>, from: &[&str], to: &[&str]) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in self.tables {
            let changed = match manager.get_database_backend() {
                DbBackend::Postgres => self.on_postgres(table, to),
                _ => {
                    self.prove_on_sqlite(manager, table, from, to).await?;
                    self.on_sqlite(table, from, to)
                }
            };
            connection.execute_unprepared(&changed).await?;
        }
        Ok(())
    }

    fn check(&self, values: &[&str]) -> String {
        let values: Vec<_> = values.iter().map(|value| format!("'{value}'")).collect();
        format!("CHECK ({} IN ({}))", self.column, values.join(", "))
    }

    /// PostgreSQL gives the constraint this name (`ChooseConstraintName`).
    fn on_postgres(&self, table: &str, to: &[&str]) -> String {
        let name = format!("{table}_{}_check", self.column);
        format!("ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {}", self.check(to))
    }

    /// On SQLite only the text of the constraint changes, which is how its documentation removes one
    /// (<https://www.sqlite.org/lang_altertable.html>): to copy the table would fail on those that refer to it.
    fn on_sqlite(&self, table: &str, from: &[&str], to: &[&str]) -> String {
        let [before, after] = [from, to].map(|values| self.check(values).replace('\'', "''"));
        format!(
            "PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(sql, '{before}', '{after}') WHERE type = 'table' AND name = '{table}';
            PRAGMA writable_schema = RESET;"
        )
    }

    /// SQLite looks neither whether there is something to replace in the text of a constraint, nor whether rows keep what
    /// it becomes.
    async fn prove_on_sqlite(
        &self,
        manager: &SchemaManager<'_>,
        table: &str,
        from: &[&str],
        to: &[&str],
    ) -> Result<(), DbErr> {
        let mut declared = Query::select();
        declared
            .expr(Expr::val(1))
            .from("sqlite_schema")
            .and_where(Expr::col("name").eq(table))
            .and_where(Expr::cust_with_values("instr(sql, ?) > 0", [self.check(from)]));
        if manager.get_connection().query_one(&declared).await?.is_none() {
            return Err(DbErr::Custom(format!("{table} does not have {}", self.check(from))));
        }
        let mut others = Query::select();
        others
            .expr(Expr::val(1))
            .from(table.to_owned())
            .and_where(Expr::col(self.column).is_not_in(to.iter().copied()))
            .limit(1);
        match manager.get_connection().query_one(&others).await? {
            None => Ok(()),
            Some(_) => Err(DbErr::Custom(format!("{table} has rows that break {}", self.check(to)))),
        }
    }
}
