//! Pages by keyset: a page starts behind the sort values of a row, so that the thousandth page costs what the first
//! does.

use std::fmt;

use sea_orm::sea_query::Order as SqlOrder;
use sea_orm::sea_query::{ColumnType, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr, Value};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IdenStatic, ModelTrait};
use uuid::Uuid;

use super::Row;
use crate::clock::Timestamp;
use crate::error::Result;

/// One key of a sort.
#[derive(Clone, Copy, Debug)]
pub struct SortKey<E: EntityTrait> {
    /// The column.
    pub column: E::Column,
    /// Greatest first.
    pub descending: bool,
}

/// A whole sort: it always ends with the id, so that no two rows are equal.
#[derive(Clone, Debug)]
pub struct Order<E: EntityTrait>(Vec<SortKey<E>>);

impl<E: EntityTrait> Order<E> {
    /// The sort by these keys and, in the direction of the last, by the id. A column that comes again decides nothing.
    pub fn new(given: Vec<SortKey<E>>, id: E::Column) -> Self {
        let mut keys: Vec<SortKey<E>> = Vec::with_capacity(given.len() + 1);
        for key in given {
            if keys.iter().all(|known| known.column.as_str() != key.column.as_str()) {
                keys.push(key);
            }
        }
        let descending = keys.last().is_none_or(|key| key.descending);
        keys.push(SortKey { column: id, descending });
        Self(keys)
    }

    /// The sort keys, without the type of the table.
    pub fn keys(&self) -> Vec<KeyColumn> {
        self.0.iter().map(|key| KeyColumn::of(key, false)).collect()
    }

    /// The sort values of a row, in order.
    pub fn values(&self, row: &E::Model) -> Vec<Value>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        self.0.iter().map(|key| or_last(row.get(key.column))).collect()
    }
}

/// Tells one order from another: `created_at desc,id desc,`.
impl<E: EntityTrait> fmt::Display for Order<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|key| write!(f, "{} {},", key.column.as_str(), if key.descending { "desc" } else { "asc" }))
    }
}

/// Rows without a value for a sort key come last in ascending order.
const LAST: i64 = i64::MAX;

fn or_last(value: Value) -> Value {
    match value {
        Value::BigInt(None) => Value::BigInt(Some(LAST)),
        other => other,
    }
}

/// The rows with a value from `from` on and before `to`; all rows if there is neither.
///
/// A column that can be null is compared as it is sorted, so that one index serves both.
pub fn between<E: EntityTrait>(column: E::Column, from: Option<Timestamp>, to: Option<Timestamp>) -> Condition {
    let value = || sort_expr::<E>(column);
    // Without an end it must not find the rows that have no value and so come last.
    let to = to.map(Timestamp::micros).or_else(|| from.and(column.def().is_null().then_some(LAST)));
    Condition::all().add_option(from.map(|from| value().gte(from.micros()))).add_option(to.map(|to| value().lt(to)))
}

fn sort_expr<E: EntityTrait>(column: E::Column) -> SimpleExpr {
    let expr = Expr::col(column.as_column_ref());
    // A constant and no parameter: that is how the indexes have it.
    if column.def().is_null() { Func::coalesce([expr, SimpleExpr::Constant(LAST.into())]).into() } else { expr }
}

/// A sort key without the type of its table.
#[derive(Clone, Copy, Debug)]
pub struct KeyColumn {
    /// The column.
    pub name: &'static str,
    /// What it holds.
    pub kind: KeyKind,
    nullable: bool,
    descending: bool,
}

/// What a sort key can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A 64-bit integer, times included.
    BigInt,
    /// A 32-bit integer.
    Int,
    /// Text.
    Text,
    /// An id.
    Uuid,
}

impl KeyColumn {
    fn of<E: EntityTrait>(key: &SortKey<E>, reversed: bool) -> Self {
        let definition = key.column.def();
        let kind = match definition.get_column_type() {
            ColumnType::Uuid => KeyKind::Uuid,
            ColumnType::Integer => KeyKind::Int,
            ColumnType::BigInteger => KeyKind::BigInt,
            _ => KeyKind::Text,
        };
        let nullable = definition.is_null();
        Self { name: key.column.as_str(), kind, nullable, descending: key.descending != reversed }
    }

    /// Writes the sort by this column of a table that the statement calls `table`.
    pub(super) fn sort(&self, sql: &mut impl fmt::Write, table: &str) {
        let direction = if self.descending { "DESC" } else { "ASC" };
        // Writing to a string cannot fail. The constant is a part of the indexes.
        let _ = match self.nullable {
            true => write!(sql, r#"COALESCE("{table}"."{}", {LAST}) {direction}"#, self.name),
            false => write!(sql, r#""{table}"."{}" {direction}"#, self.name),
        };
    }

    /// The sort value of a row.
    pub fn value(&self, row: Row<'_>, index: usize) -> Result<Value> {
        Ok(or_last(match self.kind {
            KeyKind::BigInt => row.get::<i64>(index)?.into(),
            KeyKind::Int => row.get::<i32>(index)?.into(),
            KeyKind::Text => row.get::<String>(index)?.into(),
            KeyKind::Uuid => row.get::<Uuid>(index)?.into(),
        }))
    }
}

/// The value, unknown to the planner.
///
/// PostgreSQL guesses how many rows lie behind a row from its first key alone: none behind the last status, though half
/// of the table may have it. It would then read the rows of all tenants instead of one tenant's.
fn unforeseen(value: Value) -> SimpleExpr {
    SimpleExpr::SubQuery(None, Box::new(Query::select().expr(Expr::val(value)).take().into()))
}

/// Which part of a list is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest<E: EntityTrait> {
    order: Order<E>,
    extent: Extent,
    after: Option<Vec<Value>>,
    before: Option<Vec<Value>>,
}

/// How far a page reaches.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    limit: u64,
    backward: bool,
    has_after: bool,
    has_before: bool,
}

impl Extent {
    /// How many rows to fetch: one more than asked for, which tells whether there is more.
    pub fn fetched(&self) -> u64 {
        self.limit + 1
    }

    /// Makes a page of fetched rows.
    pub fn slice<M>(&self, mut rows: Vec<M>) -> Slice<M> {
        let more = rows.len() as u64 > self.limit;
        rows.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let (has_previous, has_next) = if self.backward { (more, self.has_before) } else { (self.has_after, more) };
        if self.backward {
            rows.reverse();
        }
        Slice { rows, has_previous, has_next }
    }
}

impl<E: EntityTrait> PageRequest<E> {
    /// The first `limit` rows behind `after` and before `before`; the last ones if `backward`.
    pub fn new(
        order: Order<E>,
        limit: u64,
        backward: bool,
        after: Option<Vec<Value>>,
        before: Option<Vec<Value>>,
    ) -> Self {
        let extent = Extent { limit, backward, has_after: after.is_some(), has_before: before.is_some() };
        Self { order, extent, after, before }
    }

    /// How far the page reaches.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// The sort keys, in the direction in which rows are fetched.
    pub fn keys(&self) -> Vec<KeyColumn> {
        self.order.0.iter().map(|key| KeyColumn::of(key, self.extent.backward)).collect()
    }

    /// The sort that was asked for.
    pub fn sort(&self) -> &Order<E> {
        &self.order
    }

    /// The order in which rows are fetched: reversed when the last ones are asked for.
    fn order(&self) -> impl Iterator<Item = (SimpleExpr, bool)> {
        self.order.0.iter().map(|key| (sort_expr::<E>(key.column), key.descending != self.extent.backward))
    }

    /// What the cursors demand.
    pub(super) fn bounds(&self) -> impl Iterator<Item = Condition> {
        let after = self.after.iter().map(|values| self.beyond(values, false));
        after.chain(self.before.iter().map(|values| self.beyond(values, true)))
    }

    pub(super) fn apply(&self, query: &mut SelectStatement) {
        for bound in self.bounds() {
            query.cond_where(bound);
        }
        for (expr, descending) in self.order() {
            query.order_by_expr(expr, if descending { SqlOrder::Desc } else { SqlOrder::Asc });
        }
    }

    /// The rows behind (or, reversed, before) these sort values.
    ///
    /// Where all keys run the same way this is one row comparison, which an index answers; otherwise the same thing
    /// spelled out key by key.
    fn beyond(&self, values: &[Value], reversed: bool) -> Condition {
        let keys = &self.order.0;
        let less = |key: &SortKey<E>| key.descending != reversed;
        let first_less = keys.first().is_some_and(less);
        if keys.iter().all(|key| less(key) == first_less) {
            let columns = Expr::tuple(keys.iter().map(|key| sort_expr::<E>(key.column)));
            let bounds = Expr::tuple(values.iter().enumerate().map(|(place, value)| match place {
                0 => unforeseen(value.clone()),
                _ => Expr::val(value.clone()),
            }));
            return Condition::all().add(if first_less { columns.lt(bounds) } else { columns.gt(bounds) });
        }
        let mut any = Condition::any();
        for (index, (key, value)) in keys.iter().zip(values).enumerate() {
            let mut all = Condition::all();
            for (equal, value) in keys.iter().zip(values).take(index) {
                all = all.add(sort_expr::<E>(equal.column).eq(Expr::val(value.clone())));
            }
            let (column, bound) = (sort_expr::<E>(key.column), Expr::val(value.clone()));
            any = any.add(all.add(if less(key) { column.lt(bound) } else { column.gt(bound) }));
        }
        any
    }

    /// Makes a page of fetched rows, of which there may be one more than asked for.
    pub fn slice<M>(&self, rows: Vec<M>) -> Slice<M> {
        self.extent.slice(rows)
    }
}

/// A page of rows.
#[derive(Clone, Debug)]
pub struct Slice<M> {
    /// The rows, in the order asked for.
    pub rows: Vec<M>,
    /// Whether there are rows before these.
    pub has_previous: bool,
    /// Whether there are rows behind these.
    pub has_next: bool,
}
