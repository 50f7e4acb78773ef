//! Reading rows together with what belongs to them, in one statement.
//!
//! A [`Reading`] is a base table with joins that find one row at most each. It is put together from [`Source`]s, which
//! only a [`Scope`] gives: so every table in it is filtered by what the caller may see, however deep it lies.

mod filter;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{Condition, EntityTrait};
use uuid::Uuid;

use self::filter::BoundFilter;
pub(super) use self::filter::Filters;
use super::executor::Executor as _;
use super::page::{KeyColumn, PageRequest};
use super::text::Text;
use super::{Rows, Scope, Visible};
use crate::error::Result;

/// How a row is locked until the end of the transaction (PostgreSQL manual, 13.3.2). SQLite locks all of the database.
#[derive(Clone, Copy)]
pub enum Lock {
    /// Nobody takes it away.
    KeyShare,
    /// Nobody changes it.
    Share,
    /// Nobody else locks it to change it.
    NoKeyUpdate,
    /// Nobody else locks it or refers to it.
    Update,
}

/// The rows of a table that a scope may see.
#[derive(Clone)]
pub struct Source {
    table: &'static str,
    /// What the scope may see.
    visible: BoundFilter,
    /// What else must hold of them.
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
    /// Whether the base is one row, which is found by a key.
    is_one: bool,
    /// For the rows of many parents: the column that holds the parent's id.
    parent: Option<&'static str>,
    /// For sums of rows: what they have in common, and the column that is summed up.
    sums: Option<(Vec<&'static str>, &'static str)>,
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

    /// The condition on the rows of a table that this scope may see.
    pub(super) fn visible<E: Visible>(&self) -> Result<Condition> {
        let backend = self.store.backend();
        Ok(self.store.0.filters.of::<E>(self.reach(), backend)?.condition(backend))
    }

    fn source_beside<E: Visible>(&self, first_asks: bool, condition: Condition) -> Result<Source> {
        let visible = self.store.0.filters.of::<E>(self.reach().beside(first_asks), self.store.backend())?;
        let (table, conditions) = (E::default().table_name(), Vec::new());
        Ok(Source { table, visible, conditions, asks_for_caller: E::ASKS_FOR_CALLER }.with(condition))
    }

    /// How many rows a source has, counting no further than `cap`.
    pub async fn count_of(&self, source: &Source, cap: u64) -> Result<u64> {
        let rows = self.run(|text| text.count(source, cap)).await?;
        Ok(rows.iter().next().map(|row| row.integer(0)).transpose()?.flatten().map_or(0, i64::unsigned_abs))
    }

    /// For each of these parents, how many of the source's rows have its id in their column `parent`, counting no
    /// further than `cap`.
    pub async fn count_for(
        &self,
        source: &Source,
        parent: &'static str,
        parents: &[Uuid],
        cap: u64,
    ) -> Result<HashMap<Uuid, u64>> {
        let rows = self.run(|text| text.counts(source, parent, parents, cap)).await?;
        let counted = rows.iter().map(|row| Ok(row.uuid(0)?.zip(row.integer(1)?.map(i64::unsigned_abs))));
        counted.filter_map(Result::transpose).collect()
    }

    /// The rows of a reading.
    pub async fn read(&self, reading: &Reading) -> Result<Rows> {
        let database = &self.store.0.database;
        let statement = Text::statement(database.backend(), |text| text.reading(reading, &[]));
        match reading.is_one && self.reach().is_in_one_tenant() {
            true => self.ask(database.look_up(statement)).await,
            false => self.ask(database.rows(statement)).await,
        }
    }

    /// The rows of a reading for each of these parents: every row begins with the id of its parent.
    pub async fn read_for(&self, reading: &Reading, parents: &[Uuid]) -> Result<Rows> {
        self.run(|text| text.reading(reading, parents)).await
    }

    async fn run(&self, write: impl FnOnce(&mut Text)) -> Result<Rows> {
        self.ask(self.store.0.database.run(write)).await
    }
}

impl Reading {
    /// The base table of every reading.
    pub const BASE: Table = Table(0);

    /// The rows of `base` that come first.
    pub fn new(base: Source, first: First) -> Self {
        Self { base, first, is_one: false, parent: None, sums: None, joins: Vec::new(), columns: Vec::new() }
    }

    /// The one row of `base`, which is found by a key.
    pub fn one(base: Source) -> Self {
        Self { is_one: true, ..Self::new(base, First { keys: Vec::new(), limit: None }) }
    }

    /// One row for those of `base` that are alike in some columns, and the sum of another column; none where that is 0.
    /// The columns are selected, in order.
    pub fn sums(base: Source, alike: &[&'static str], sum: &'static str) -> Self {
        let mut reading = Self::new(base, First { keys: Vec::new(), limit: None });
        for column in alike.iter().chain([&sum]) {
            reading.column(Self::BASE, column);
        }
        Self { sums: Some((alike.to_vec(), sum)), ..reading }
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

    /// The column that holds the parent's id, for the rows of many parents.
    pub fn parent(&self) -> Option<&'static str> {
        self.parent
    }

    /// Whether it has no joins.
    pub fn is_plain(&self) -> bool {
        self.joins.is_empty()
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
}

impl Source {
    /// The rows of a table that meet the condition, whoever may see them.
    pub(super) fn unfiltered<E: EntityTrait>(condition: Condition) -> Self {
        let (table, visible, conditions) = (E::default().table_name(), BoundFilter::default(), Vec::new());
        Self { table, visible, conditions, asks_for_caller: false }.with(condition)
    }

    /// Those of the rows that meet a condition as well.
    pub(super) fn with(mut self, condition: Condition) -> Self {
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
