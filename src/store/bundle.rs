//! Rows of several tables in one statement.
//!
//! The queries are arms of one `UNION ALL`. What they find has one shape: the number of the arm, and behind it as many
//! columns of each type as the arm with most of them has; what an arm lacks is null.

use std::fmt::Write as _;
use std::marker::PhantomData;

use sea_orm::sea_query::{ColumnType, Expr};
use sea_orm::{Condition, DbBackend, DbErr, EntityTrait, IdenStatic as _, Iterable, Statement, TryIntoModel};

use super::executor::Executor;
use super::rows::{Rows, types_of};
use super::text::{Text, put, render};
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

    const fn of(column: &ColumnType) -> Self {
        match column {
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::Integer => Self::Int,
            ColumnType::BigInteger => Self::BigInt,
            ColumnType::Boolean => Self::Bool,
            _ => Self::Text,
        }
    }

    /// Nothing, of this type.
    const fn null(self) -> &'static str {
        match self {
            Self::Uuid => "NULL::uuid",
            Self::Text => "NULL::text",
            Self::Json => "NULL::jsonb",
            Self::Int => "NULL::int4",
            Self::BigInt => "NULL::int8",
            Self::Bool => "NULL::bool",
        }
    }
}

/// How many columns of each kind there are, or where they begin.
type Counts = [usize; Kind::ALL.len()];

/// A query: a table, the columns that it has, and what must hold of its rows.
struct Arm {
    table: &'static str,
    columns: Vec<(Kind, &'static str)>,
    condition: Expr,
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
    table: PhantomData<E>,
}

/// What the queries of a bundle found.
pub(super) struct Found {
    rows: Rows,
    starts: Counts,
}

impl Bundle {
    pub(super) fn new(backend: DbBackend) -> Self {
        Self { backend, arms: Vec::new() }
    }

    /// Adds a query for the rows of a table that meet a condition.
    pub(super) fn add<E: EntityTrait>(&mut self, condition: Condition) -> Place<E> {
        let kinds = types_of::<E>().iter().map(Kind::of);
        let columns = kinds.zip(E::Column::iter().map(|column| column.as_str())).collect();
        self.arms.push(Arm { table: E::default().table_name(), columns, condition: condition.into() });
        Place { arm: self.arms.len() - 1, table: PhantomData }
    }

    /// Sends them as one statement.
    pub(super) async fn send(self, executor: &impl Executor) -> std::result::Result<Found, DbErr> {
        let (statement, starts) = self.statement();
        Ok(Found { rows: executor.rows(statement).await?, starts })
    }

    fn statement(self) -> (Statement, Counts) {
        let widths = Kind::ALL.map(|kind| self.arms.iter().map(|arm| arm.of(kind).count()).max().unwrap_or(0));
        let mut starts = [1; Kind::ALL.len()];
        for place in 1..widths.len() {
            starts[place] = starts[place - 1] + widths[place - 1];
        }
        let statement = Text::statement(self.backend, |text| {
            for (number, arm) in self.arms.iter().enumerate() {
                let union = if number > 0 { " UNION ALL " } else { "" };
                put!(text, "{union}SELECT {number}");
                for (kind, width) in Kind::ALL.into_iter().zip(widths) {
                    for column in arm.of(kind) {
                        put!(text, r#", "{}"."{column}""#, arm.table);
                    }
                    let null = if text.is_sqlite() { "NULL" } else { kind.null() };
                    for _ in arm.of(kind).count()..width {
                        put!(text, ", {null}");
                    }
                }
                put!(text, r#" FROM "{}" WHERE "#, arm.table);
                render(self.backend, &arm.condition, &mut text.sql);
            }
        });
        (statement, starts)
    }
}

impl Arm {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(move |(of, _)| *of == kind).map(|(_, column)| *column)
    }
}

impl Found {
    /// What one of the queries found.
    pub(super) fn of<E>(&self, place: Place<E>) -> Result<Vec<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let mut next = self.starts;
        let places: Vec<usize> = types_of::<E>()
            .iter()
            .filter_map(|column| {
                let kind = Kind::of(column);
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

#[cfg(test)]
mod tests {
    use sea_orm::ColumnTrait as _;

    use super::*;
    use crate::entity::{idempotency_key, usage_day};

    #[test]
    fn what_an_arm_lacks_is_null() {
        let statement = |backend| {
            let mut bundle = Bundle::new(backend);
            bundle.add::<idempotency_key::Entity>(idempotency_key::Column::Key.eq("a").into());
            bundle.add::<usage_day::Entity>(Condition::all().add(usage_day::Column::Day.eq(7)));
            bundle.statement()
        };
        let (sent, starts) = statement(DbBackend::Postgres);
        let expected = concat!(
            r#"SELECT 0, "idempotency_keys"."result_id", NULL::uuid, "idempotency_keys"."principal", "#,
            r#""idempotency_keys"."key", "idempotency_keys"."operation", "idempotency_keys"."fingerprint", "#,
            r#"NULL::int4, "idempotency_keys"."created_at", NULL::int8, NULL::int8 FROM "idempotency_keys" "#,
            r#"WHERE "idempotency_keys"."key" = $1 UNION ALL SELECT 1, "usage_days"."tenant_id", "#,
            r#""usage_days"."subscription_id", "usage_days"."feature_key", NULL::text, NULL::text, NULL::text, "#,
            r#""usage_days"."day", "usage_days"."used", "usage_days"."last", "usage_days"."maximum" "#,
            r#"FROM "usage_days" WHERE "usage_days"."day" = $2"#,
        );
        assert_eq!(sent.sql, expected);
        assert_eq!(starts, [1, 3, 7, 7, 8, 11]);
        assert!(statement(DbBackend::Sqlite).0.sql.contains("NULL, NULL, NULL"));
    }
}
