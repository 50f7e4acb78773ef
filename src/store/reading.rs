//! Reading rows together with what belongs to them, in one statement.
//!
//! A [`Reading`] is a base table with joins that find one row at most each. It is put together from [`Source`]s, which
//! only a [`Scope`] gives: so every table in it is filtered by what the caller may see, however deep it lies.

use std::fmt::Write as _;
use std::sync::Arc;

use sea_orm::sea_query::{
    Expr, PostgresQueryBuilder, QueryBuilder, SqlWriter, SqlWriterValues, SqliteQueryBuilder, Value,
};
use sea_orm::sqlx::{Row as _, ValueRef as _};
use sea_orm::{Condition, ConnectionTrait, DbBackend, EntityTrait, QueryResult, Statement};
use uuid::Uuid;

use super::page::{KeyColumn, PageRequest};
use super::{Scope, Visible};
use crate::error::{Error, Result};

/// The rows of a table that a scope may see.
#[derive(Clone)]
pub struct Source {
    table: &'static str,
    /// What must hold of them.
    conditions: Vec<Arc<Expr>>,
    /// Whether the conditions ask if the caller is still there.
    asks_for_caller: bool,
}

/// A table of a [`Reading`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table(usize);

/// A column with the column of another row that it equals.
///
/// One column is enough, since ids are unique everywhere and keys that refer to them include the tenant. The tenants
/// would be equal anyway, and PostgreSQL would take a second equation for a second reason to find next to nothing.
pub type Link = (&'static str, &'static str);

/// The first rows in some order.
#[derive(Clone)]
pub struct First {
    /// The order.
    pub keys: Vec<KeyColumn>,
    /// How many at most.
    pub limit: Option<u64>,
}

/// Rows of a table, each with the rows that are joined to it.
pub struct Reading {
    base: Source,
    first: First,
    /// For the rows of many parents: the column that holds the parent's id.
    parent: Option<&'static str>,
    joins: Vec<Join>,
    columns: Vec<(Table, &'static str)>,
}

struct Join {
    name: &'static str,
    parent: Table,
    source: Source,
    on: Link,
    /// Which row is meant where several fit.
    first_by: Vec<KeyColumn>,
}

impl Scope {
    /// The rows that meet the condition, as far as this scope may see them.
    pub fn source<E: Visible>(&self, condition: Condition) -> Result<Source> {
        self.source_beside::<E>(false, condition)
    }

    /// The rows that are joined to those of a reading.
    pub fn joined<E: Visible>(&self, reading: &Reading, condition: Condition) -> Result<Source> {
        self.source_beside::<E>(reading.base.asks_for_caller, condition)
    }

    fn source_beside<E: Visible>(&self, first_asks: bool, condition: Condition) -> Result<Source> {
        let visible = E::visible(self.reach().beside(first_asks))?;
        let (table, conditions) = (E::default().table_name(), Vec::with_capacity(4));
        Ok(Source { table, conditions, asks_for_caller: E::ASKS_FOR_CALLER }.with(visible).with(condition))
    }

    /// How many rows a source has, counting no further than `cap`.
    pub async fn count_of(&self, source: &Source, cap: u64) -> Result<u64> {
        let row = self.run(|text| text.count(source, cap)).await?.into_iter().next();
        Ok(row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.map_or(0, i64::unsigned_abs))
    }

    /// The rows of a reading.
    pub async fn read(&self, reading: &Reading) -> Result<Vec<QueryResult>> {
        self.run(|text| text.reading(reading, &[])).await
    }

    /// The rows of a reading for each of these parents: every row begins with the id of its parent.
    pub async fn read_for(&self, reading: &Reading, parents: &[Uuid]) -> Result<Vec<QueryResult>> {
        self.run(|text| text.reading(reading, parents)).await
    }

    async fn run(&self, write: impl FnOnce(&mut Text)) -> Result<Vec<QueryResult>> {
        let mut text = Text::new(self.store.backend());
        write(&mut text);
        self.ask(self.store.readers.query_all_raw(text.finish())).await
    }
}

impl Reading {
    /// The base table of every reading.
    pub const BASE: Table = Table(0);

    /// The rows of `base` that come first.
    pub fn new(base: Source, first: First) -> Self {
        Self { base, first, parent: None, joins: Vec::new(), columns: Vec::new() }
    }

    /// For each of many parents, the rows of `base` that come first: those whose column `parent` holds its id.
    pub fn per_parent(base: Source, first: First, parent: &'static str) -> Self {
        Self { parent: Some(parent), ..Self::new(base, first) }
    }

    /// The join of this name to this table, if it was made already.
    pub fn joined(&self, name: &'static str, parent: Table) -> Option<Table> {
        let place = self.joins.iter().position(|join| join.name == name && join.parent == parent)?;
        Some(Table(place + 1))
    }

    /// Joins the one row of `source` that fits, or the first by these keys where several do.
    pub fn join(
        &mut self,
        name: &'static str,
        parent: Table,
        source: Source,
        on: Link,
        first_by: Vec<KeyColumn>,
    ) -> Table {
        self.joins.push(Join { name, parent, source, on, first_by });
        Table(self.joins.len())
    }

    /// Selects a column; returns its place among the columns of a row.
    pub fn column(&mut self, table: Table, column: &'static str) -> usize {
        // The parent's id comes first.
        let before = usize::from(self.parent.is_some());
        let known = self.columns.iter().position(|known| *known == (table, column));
        before
            + known.unwrap_or_else(|| {
                self.columns.push((table, column));
                self.columns.len() - 1
            })
    }

    /// What the names of the table's columns in a row begin with.
    pub fn prefix(table: Table) -> String {
        format!("t{}_", table.0)
    }
}

impl Source {
    /// Those of the rows that meet a condition as well.
    fn with(mut self, condition: Condition) -> Self {
        if !condition.is_empty() {
            self.conditions.push(Arc::new(condition.into()));
        }
        self
    }

    /// Those of the rows that lie between the cursors of a page.
    pub fn page<E: EntityTrait>(&self, page: &PageRequest<E>) -> Self {
        page.bounds().fold(self.clone(), Self::with)
    }
}

/// SQLite's own key of every table here.
const ROWID: &str = "rowid";

/// The text of a statement, and its values.
///
/// Conditions are rendered by sea-query; what is around them is put down as text, because to build it first and render
/// it then took a third of the time of a small request.
struct Text {
    backend: DbBackend,
    sql: SqlWriterValues,
}

/// Puts text down. Writing to a string cannot fail.
macro_rules! put {
    ($text:expr, $($format:tt)*) => {
        let _ = write!($text.sql, $($format)*);
    };
}

impl Text {
    fn new(backend: DbBackend) -> Self {
        let (placeholder, numbered) = if backend == DbBackend::Sqlite { ("?", false) } else { ("$", true) };
        Self { backend, sql: SqlWriterValues::new(placeholder, numbered) }
    }

    fn finish(self) -> Statement {
        let (sql, values) = self.sql.into_parts();
        Statement::from_sql_and_values(self.backend, sql, values)
    }

    fn is_sqlite(&self) -> bool {
        self.backend == DbBackend::Sqlite
    }

    fn value(&mut self, value: impl Into<Value>) {
        match self.is_sqlite() {
            true => self.sql.push_param(value.into(), &SqliteQueryBuilder),
            false => self.sql.push_param(value.into(), &PostgresQueryBuilder),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match self.is_sqlite() {
            true => SqliteQueryBuilder.prepare_expr(expr, &mut self.sql),
            false => PostgresQueryBuilder.prepare_expr(expr, &mut self.sql),
        }
    }

    fn count(&mut self, source: &Source, cap: u64) {
        put!(self, "SELECT count(*) FROM (SELECT 1");
        self.rows_of(source);
        put!(self, " LIMIT ");
        self.value(cap.cast_signed());
        put!(self, r#") AS "found""#);
    }

    fn reading(&mut self, reading: &Reading, parents: &[Uuid]) {
        put!(self, "SELECT ");
        if reading.parent.is_some() {
            self.parents_id();
        }
        if reading.parent.is_none() && reading.columns.is_empty() {
            put!(self, "1");
        }
        for (place, (Table(table), column)) in reading.columns.iter().enumerate() {
            let comma = if place > 0 || reading.parent.is_some() { ", " } else { "" };
            put!(self, r#"{comma}"t{table}"."{column}" AS "t{table}_{column}""#);
        }
        put!(self, " FROM ");
        match reading.parent {
            Some(column) => {
                self.parents(parents);
                self.join("INNER JOIN", Reading::BASE, &reading.base, &reading.first, |text| {
                    put!(text, r#""{}"."{column}" = "#, reading.base.table);
                    text.parents_id();
                });
            }
            None => {
                put!(self, "(SELECT *");
                self.rows_of(&reading.base);
                self.first(&reading.first, reading.base.table);
                put!(self, r#") AS "t0""#);
            }
        }
        for (place, join) in reading.joins.iter().enumerate() {
            // Without an order there is one row at most: a limit would only keep the planner from a plain join.
            let limit = (!join.first_by.is_empty()).then_some(1);
            let first = First { keys: join.first_by.clone(), limit };
            self.join("LEFT JOIN", Table(place + 1), &join.source, &first, |text| {
                let ((own, parents), Table(parent)) = (join.on, join.parent);
                put!(text, r#""{}"."{own}" = "t{parent}"."{parents}""#, join.source.table);
            });
        }
        self.first(&First { keys: reading.first.keys.clone(), limit: None }, "t0");
    }

    /// The parents' ids as a table.
    fn parents(&mut self, parents: &[Uuid]) {
        if self.is_sqlite() {
            // JSON holds no blobs.
            let hex: Vec<String> = parents.iter().map(|id| id.simple().to_string()).collect();
            put!(self, "json_each(");
            self.value(serde_json::json!(hex).to_string());
        } else {
            put!(self, "unnest(");
            self.value(parents.to_vec());
        }
        put!(self, r#") AS "parents""#);
    }

    fn parents_id(&mut self) {
        let id = if self.is_sqlite() { r#"unhex("parents"."value")"# } else { r#""parents"."parents""# };
        put!(self, "{id}");
    }

    /// Joins the first rows of a source, which refers to tables that the statement has already.
    ///
    /// PostgreSQL looks them up by a lateral subquery, which it flattens where there is no limit. SQLite has none, but
    /// follows a correlated subquery of row ids as well as an index: one id by an equality, whatever the table's size.
    fn join(&mut self, kind: &str, Table(table): Table, source: &Source, first: &First, on: impl FnOnce(&mut Self)) {
        if self.is_sqlite() {
            let found = if kind == "LEFT JOIN" { "=" } else { "IN" };
            put!(
                self,
                r#" {kind} "{0}" AS "t{table}" ON "t{table}"."{ROWID}" {found} (SELECT "{0}"."{ROWID}""#,
                source.table
            );
        } else {
            put!(self, " {kind} LATERAL (SELECT *");
        }
        self.rows_of(source);
        put!(self, " AND ");
        on(self);
        self.first(first, source.table);
        if self.is_sqlite() {
            put!(self, ")");
        } else {
            put!(self, r#") AS "t{table}" ON TRUE"#);
        }
    }

    fn rows_of(&mut self, source: &Source) {
        put!(self, r#" FROM "{}" WHERE TRUE"#, source.table);
        for condition in &source.conditions {
            put!(self, " AND (");
            self.expr(condition);
            put!(self, ")");
        }
    }

    /// The order and the limit. `table` is what the statement calls the table.
    fn first(&mut self, first: &First, table: &str) {
        for (place, key) in first.keys.iter().enumerate() {
            put!(self, "{}", if place == 0 { " ORDER BY " } else { ", " });
            key.sort(&mut self.sql, table);
        }
        if let Some(limit) = first.limit {
            put!(self, " LIMIT ");
            self.value(limit.cast_signed());
        }
    }
}

/// Reads a value that is stored as the database's own type `$type`: from where it is in the row, and without asking
/// the database's catalogue whether the types agree, because the statement was written for this column.
macro_rules! cells {
    ($($(#[$doc:meta])* $name:ident -> $type:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(row: &QueryResult, column: usize) -> Result<Option<$type>> {
            let value = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
                (Some(row), _) => row.try_get_unchecked(column),
                (_, Some(row)) => row.try_get_unchecked(column),
                (None, None) => return Err(Error::Internal("a row of another database".into())),
            };
            value.map_err(|error| Error::Internal(format!("database: {error}").into()))
        }
    )*};
}

/// The columns of a row as the database holds them; none is null.
pub mod cell {
    use sea_orm::sqlx::Row as _;

    use super::{Error, QueryResult, Result, Uuid};

    cells! {
        /// A text.
        text -> &str;
        /// A 64-bit integer, times included.
        bigint -> i64;
        /// A 32-bit integer.
        int -> i32;
        /// A truth value.
        bool -> bool;
        /// An id.
        uuid -> Uuid;
    }
}

/// Whether a column of a row is null.
pub fn is_null(row: &QueryResult, column: usize) -> Result<bool> {
    let null = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
        (Some(row), _) => row.try_get_raw(column).map(|value| value.is_null()),
        (_, Some(row)) => row.try_get_raw(column).map(|value| value.is_null()),
        (None, None) => return Err(Error::Internal("a row of another database".into())),
    };
    null.map_err(|error| Error::Internal(format!("database: {error}").into()))
}
