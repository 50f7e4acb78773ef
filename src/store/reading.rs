//! Reading rows together with what belongs to them, in one statement.
//!
//! A [`Reading`] is a base table with joins that find one row at most each. It is put together from [`Source`]s, which
//! only a [`Scope`] gives: so every table in it is filtered by what the caller may see, however deep it lies.

use sea_orm::sea_query::{
    Alias, Asterisk, DynIden, Expr, ExprTrait, Func, IntoIden, JoinType, Order as SqlOrder, Query, SelectStatement,
};
use sea_orm::sqlx::{Row as _, ValueRef as _};
use sea_orm::{Condition, ConnectionTrait, DbBackend, EntityTrait, QueryResult};
use uuid::Uuid;

use super::page::{KeyColumn, PageRequest};
use super::{Scope, Visible};
use crate::error::{Error, Result};

/// The rows of a table that a scope may see.
#[derive(Clone)]
pub struct Source {
    rows: SelectStatement,
    table: &'static str,
}

/// A table of a [`Reading`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table(usize);

/// Pairs of columns that are equal in a row and in the row that it belongs to.
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
    /// For the rows of many parents: the columns that hold the parents' keys.
    parents: Vec<&'static str>,
    joins: Vec<Join>,
    columns: Vec<(Table, &'static str)>,
}

struct Join {
    name: &'static str,
    parent: Table,
    source: Source,
    on: Vec<Link>,
    /// Which row is meant where several fit.
    first_by: Vec<KeyColumn>,
}

/// The key of a parent row: the values of one column or two.
pub type ParentKey = Vec<Uuid>;

/// The name of the derived table of parents, and of its columns.
const PARENTS: &str = "parents";
const PLACE: &str = "place";
const KEYS: [&str; 2] = ["key0", "key1"];

impl Scope {
    /// The rows that meet the condition, as far as this scope may see them.
    pub fn source<E: Visible>(&self, condition: Condition) -> Result<Source> {
        let table = E::default().table_name();
        let mut rows = Query::select();
        rows.from(table).cond_where(condition).cond_where(E::visible(self.reach())?);
        Ok(Source { rows, table })
    }

    /// How many rows a source has, counting no further than `cap`.
    pub async fn count_of(&self, source: &Source, cap: u64) -> Result<u64> {
        let mut found = source.rows.clone();
        found.expr(Expr::val(1)).limit(cap);
        let count = Query::select().expr(Expr::cust("count(*)")).from_subquery(found, "found").take();
        let row = self.run(&count).await?.into_iter().next();
        Ok(row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.map_or(0, i64::unsigned_abs))
    }

    /// The rows of a reading.
    pub async fn read(&self, reading: &Reading) -> Result<Vec<QueryResult>> {
        let statement = reading.statement(self.store.backend());
        self.run(&statement).await
    }

    /// The rows of a reading for each of these parents: every row begins with the place of its parent.
    pub async fn read_for(&self, reading: &Reading, parents: &[ParentKey]) -> Result<Vec<QueryResult>> {
        let statement = reading.statement_for(self.store.backend(), parents);
        self.run(&statement).await
    }

    async fn run(&self, statement: &SelectStatement) -> Result<Vec<QueryResult>> {
        let statement = self.store.backend().build(statement);
        self.ask(self.store.connection.query_all_raw(statement)).await
    }
}

impl Reading {
    /// The base table of every reading.
    pub const BASE: Table = Table(0);

    /// The rows of `base` that come first.
    pub fn new(base: Source, first: First) -> Self {
        Self { base, first, parents: Vec::new(), joins: Vec::new(), columns: Vec::new() }
    }

    /// For each of many parents, the rows of `base` that come first: those whose columns `parents` hold its key.
    pub fn per_parent(base: Source, first: First, parents: Vec<&'static str>) -> Self {
        Self { parents, ..Self::new(base, first) }
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
        on: Vec<Link>,
        first_by: Vec<KeyColumn>,
    ) -> Table {
        self.joins.push(Join { name, parent, source, on, first_by });
        Table(self.joins.len())
    }

    /// Selects a column; returns its place among the columns of a row.
    pub fn column(&mut self, table: Table, column: &'static str) -> usize {
        // The place of the parent comes first.
        let before = usize::from(!self.parents.is_empty());
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

    fn statement(&self, backend: DbBackend) -> SelectStatement {
        let base = self.base.first(&self.first, Expr::col(Asterisk));
        let mut select = Query::select();
        select.from_subquery(base, alias(Self::BASE));
        self.finish(&mut select, backend);
        select
    }

    fn statement_for(&self, backend: DbBackend, parents: &[ParentKey]) -> SelectStatement {
        let mut base = self.base.clone();
        for (column, key) in self.parents.iter().zip(KEYS) {
            base.rows.and_where(base.own(column).equals((PARENTS, key)));
        }
        let mut select = Query::select();
        select.expr(Expr::col((PARENTS, PLACE)));
        select.from_subquery(parents_table(backend, parents, self.parents.len()), PARENTS);
        base.join_first(&mut select, JoinType::InnerJoin, Self::BASE, &self.first, backend);
        select.order_by((PARENTS, PLACE), SqlOrder::Asc);
        self.finish(&mut select, backend);
        select
    }

    fn finish(&self, select: &mut SelectStatement, backend: DbBackend) {
        for (place, join) in self.joins.iter().enumerate() {
            let mut source = join.source.clone();
            for (own, parents) in &join.on {
                source.rows.and_where(source.own(own).equals((alias(join.parent), *parents)));
            }
            // Without an order there is one row at most: a limit would only keep the planner from a plain join.
            let limit = (!join.first_by.is_empty()).then_some(1);
            let first = First { keys: join.first_by.clone(), limit };
            source.join_first(select, JoinType::LeftJoin, Table(place + 1), &first, backend);
        }
        if self.columns.is_empty() {
            select.expr(Expr::val(1));
        }
        for (table, column) in &self.columns {
            let name = format!("{}{column}", Self::prefix(*table));
            select.expr_as(Expr::col((alias(*table), *column)), Alias::new(name));
        }
        for key in &self.first.keys {
            key.sort(select, alias(Self::BASE));
        }
    }
}

impl Source {
    /// Those of the rows that lie between the cursors of a page.
    pub fn page<E: EntityTrait>(&self, page: &PageRequest<E>) -> Self {
        let mut source = self.clone();
        page.filter(&mut source.rows);
        source
    }

    /// A column of the table, by the table's own name.
    fn own(&self, column: &'static str) -> Expr {
        Expr::col((self.table, column))
    }

    fn first(&self, first: &First, selected: Expr) -> SelectStatement {
        let mut rows = self.rows.clone();
        rows.expr(selected);
        for key in &first.keys {
            key.sort(&mut rows, self.table.into_iden());
        }
        if let Some(limit) = first.limit {
            rows.limit(limit);
        }
        rows
    }

    /// Joins the first rows of this source, which refers to tables that the statement has already.
    ///
    /// PostgreSQL looks them up by a lateral subquery, which it flattens where there is no limit. SQLite has none, but
    /// follows a correlated subquery of row ids as well as an index.
    fn join_first(
        &self,
        select: &mut SelectStatement,
        join: JoinType,
        table: Table,
        first: &First,
        backend: DbBackend,
    ) {
        if backend == DbBackend::Sqlite {
            let rows = self.first(first, self.own(ROWID));
            let own = Expr::col((alias(table), ROWID));
            // Told apart, because an equality is looked up whatever the table's size.
            let found = if join == JoinType::LeftJoin { own.eq(rows) } else { own.in_subquery(rows) };
            select.join_as(join, self.table, alias(table), found);
        } else {
            let rows = self.first(first, Expr::col(Asterisk));
            select.join_lateral(join, rows, alias(table), Expr::val(true));
        }
    }
}

/// SQLite's own key of every table here.
const ROWID: &str = "rowid";

fn alias(table: Table) -> DynIden {
    Alias::new(format!("t{}", table.0)).into_iden()
}

/// The parents as a table: their place and their keys.
fn parents_table(backend: DbBackend, parents: &[ParentKey], width: usize) -> SelectStatement {
    let mut select = Query::select();
    if backend == DbBackend::Sqlite {
        // JSON holds no blobs.
        let hex = |id: &Uuid| id.simple().to_string();
        let rows: Vec<Vec<String>> = parents.iter().map(|key| key.iter().map(hex).collect()).collect();
        select.expr_as(Expr::col("key"), PLACE);
        for (place, key) in KEYS.iter().take(width).enumerate() {
            let hex = Func::cust("json_extract").arg(Expr::col("value")).arg(format!("$[{place}]"));
            select.expr_as(Func::cust("unhex").arg(hex), *key);
        }
        select.from_function(Func::cust("json_each").arg(serde_json::json!(rows).to_string()), "each");
    } else {
        let column = |place: usize| -> Vec<Uuid> { parents.iter().map(|key| key[place]).collect() };
        select.expr_as(Expr::cust_with_values("generate_subscripts($1, 1) - 1", [column(0)]), PLACE);
        for (place, key) in KEYS.iter().take(width).enumerate() {
            select.expr_as(Expr::cust_with_values("unnest($1)", [column(place)]), *key);
        }
    }
    select
}

/// Whether a column of a row is null.
pub fn is_null(row: &QueryResult, column: usize) -> Result<bool> {
    let null = match row.try_as_pg_row() {
        Some(row) => row.try_get_raw(column).map(|value| value.is_null()),
        None => match row.try_as_sqlite_row() {
            Some(row) => row.try_get_raw(column).map(|value| value.is_null()),
            None => return Err(Error::Internal("a row of another database".into())),
        },
    };
    null.map_err(|error| Error::Internal(format!("database: {error}").into()))
}
