//! Rows of several tables in one statement.
//!
//! The queries are arms of one `UNION ALL`. What they find has one shape: the number of the arm, and behind it as many
//! columns of each type as the arm with most of them has; what an arm lacks is null.

use sea_orm::sea_query::{ColumnType, Expr, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, IdenStatic as _, Iterable, QuerySelect as _, QueryTrait as _, Select,
    Statement, TryIntoModel,
};

use super::executor::Executor;
use super::rows::Rows;
use crate::error::Result;

/// How a column of a statement is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Uuid,
    Text,
    Json,
    Int,
    BigInt,
    Bool,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Uuid, Self::Text, Self::Json, Self::Int, Self::BigInt, Self::Bool];

    fn of(column: &impl ColumnTrait) -> Self {
        match column.def().get_column_type() {
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::Integer => Self::Int,
            ColumnType::BigInteger => Self::BigInt,
            ColumnType::Boolean => Self::Bool,
            _ => Self::Text,
        }
    }

    /// Nothing, of this type.
    fn null(self, backend: DbBackend) -> Expr {
        Expr::cust(match (backend, self) {
            (DbBackend::Sqlite, _) => "NULL",
            (_, Self::Uuid) => "NULL::uuid",
            (_, Self::Text) => "NULL::text",
            (_, Self::Json) => "NULL::jsonb",
            (_, Self::Int) => "NULL::int4",
            (_, Self::BigInt) => "NULL::int8",
            (_, Self::Bool) => "NULL::bool",
        })
    }
}

/// A query, and the columns that it finds.
struct Arm {
    query: SelectStatement,
    columns: Vec<(Kind, Expr)>,
}

/// Queries that are sent together.
pub(super) struct Bundle {
    backend: DbBackend,
    arms: Vec<Arm>,
}

/// A query of a bundle.
#[derive(Clone, Copy)]
pub(super) struct Place<E> {
    arm: usize,
    table: std::marker::PhantomData<E>,
}

/// What the queries of a bundle found.
pub(super) struct Found {
    rows: Rows,
    /// Where each kind of column begins.
    starts: [usize; Kind::ALL.len()],
}

impl Bundle {
    pub(super) fn new(backend: DbBackend) -> Self {
        Self { backend, arms: Vec::new() }
    }

    /// Adds a query for rows of a table.
    pub(super) fn add<E: EntityTrait>(&mut self, query: Select<E>) -> Place<E> {
        let table = E::default().table_name();
        let column = |column: E::Column| (Kind::of(&column), Expr::col((table, column.as_str())));
        self.arms
            .push(Arm { query: query.select_only().into_query(), columns: E::Column::iter().map(column).collect() });
        Place { arm: self.arms.len() - 1, table: std::marker::PhantomData }
    }

    /// Sends them as one statement.
    pub(super) async fn send(self, executor: &impl Executor) -> std::result::Result<Found, sea_orm::DbErr> {
        let (statement, starts) = self.statement();
        Ok(Found { rows: executor.rows(statement).await?, starts })
    }

    fn statement(self) -> (Statement, [usize; Kind::ALL.len()]) {
        let widths = Kind::ALL.map(|kind| self.arms.iter().map(|arm| arm.of(kind).count()).max().unwrap_or(0));
        let mut starts = [1; Kind::ALL.len()];
        for place in 1..widths.len() {
            starts[place] = starts[place - 1] + widths[place - 1];
        }
        let mut all: Option<SelectStatement> = None;
        for (number, mut arm) in self.arms.into_iter().enumerate() {
            arm.query.expr(Expr::cust(number.to_string()));
            for (kind, width) in Kind::ALL.into_iter().zip(widths) {
                let columns: Vec<_> = arm.of(kind).cloned().collect();
                let missing = width - columns.len();
                arm.query.exprs(columns.into_iter().chain(std::iter::repeat_n(kind.null(self.backend), missing)));
            }
            all = Some(match all {
                Some(mut all) => all.union(UnionType::All, arm.query).take(),
                None => arm.query,
            });
        }
        (self.backend.build(&all.unwrap_or_default()), starts)
    }
}

impl Arm {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &Expr> {
        self.columns.iter().filter(move |(of, _)| *of == kind).map(|(_, column)| column)
    }
}

impl Found {
    /// What one of the queries found.
    pub(super) fn of<E>(&self, place: Place<E>) -> Result<Vec<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let mut next = self.starts;
        let places: Vec<usize> = E::Column::iter()
            .filter_map(|column| {
                let kind = Kind::of(&column);
                let next = Kind::ALL.iter().position(|known| *known == kind).and_then(|kind| next.get_mut(kind))?;
                *next += 1;
                Some(*next - 1)
            })
            .collect();
        let mut found = Vec::new();
        for row in self.rows.iter() {
            if row.known::<i64>(0)? == place.arm as i64 {
                found.push(row.model::<E>(places.iter().copied())?);
            }
        }
        Ok(found)
    }
}
