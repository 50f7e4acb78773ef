//! Writes to rows.

use std::fmt::Write as _;

use sea_orm::sea_query::Value;
use sea_orm::{EntityName as _, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait};

use super::text::{Text, put};

/// A statement that writes to rows of a table.
#[derive(Clone)]
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

    /// The table that it writes to.
    pub(super) fn table(&self) -> &'static str {
        let (Self::Insert { table, .. } | Self::Update { table, .. }) = self;
        table
    }

    /// Whether it changes a row.
    pub(super) fn is_update(&self) -> bool {
        matches!(self, Self::Update { .. })
    }

    /// How many rows it puts into a table; none if it changes one.
    pub(super) fn new_rows(&self) -> usize {
        match self {
            Self::Insert { rows, .. } => rows.len(),
            Self::Update { .. } => 0,
        }
    }
}

impl Text {
    /// Puts a write down.
    pub(super) fn write(&mut self, write: Write) {
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
