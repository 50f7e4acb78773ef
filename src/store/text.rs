//! Statements, put down as text.

use std::fmt::Write as _;

use sea_orm::sea_query::{
    Expr, PostgresQueryBuilder, QueryBuilder, SqlWriter, SqlWriterValues, SqliteQueryBuilder, Value,
};
use sea_orm::{DbBackend, Statement};

/// The text of a statement, and its values.
///
/// Conditions are rendered by sea-query; what is around them is put down as text, because to build it first and render
/// it then took a third of the time of a small request.
pub(super) struct Text {
    pub(super) backend: DbBackend,
    pub(super) sql: SqlWriterValues,
}

/// Puts text down. Writing to a string cannot fail.
macro_rules! put {
    ($text:expr, $($format:tt)*) => {
        let _ = write!($text.sql, $($format)*);
    };
}
pub(super) use put;

/// Puts a condition down.
pub(super) fn render(backend: DbBackend, expr: &Expr, sql: &mut SqlWriterValues) {
    match backend {
        DbBackend::Sqlite => SqliteQueryBuilder.prepare_expr(expr, sql),
        _ => PostgresQueryBuilder.prepare_expr(expr, sql),
    }
}

impl Text {
    pub(super) fn new(backend: DbBackend) -> Self {
        let (placeholder, numbered) = if backend == DbBackend::Sqlite { ("?", false) } else { ("$", true) };
        Self { backend, sql: SqlWriterValues::new(placeholder, numbered) }
    }

    /// The statement that is put down.
    pub(super) fn statement(backend: DbBackend, put: impl FnOnce(&mut Self)) -> Statement {
        let mut text = Self::new(backend);
        put(&mut text);
        text.finish()
    }

    pub(super) fn finish(self) -> Statement {
        let (sql, values) = self.sql.into_parts();
        Statement::from_sql_and_values(self.backend, sql, values)
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.backend == DbBackend::Sqlite
    }

    pub(super) fn value(&mut self, value: impl Into<Value>) {
        match self.is_sqlite() {
            true => self.sql.push_param(value.into(), &SqliteQueryBuilder),
            false => self.sql.push_param(value.into(), &PostgresQueryBuilder),
        }
    }

    /// Puts these down with commas between them.
    pub(super) fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut Self, T)) {
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                put!(self, ", ");
            }
            put(self, item);
        }
    }

    /// Names columns.
    pub(super) fn columns<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.list(names, |text, name| {
            put!(text, r#""{name}""#);
        });
    }
}
