//! What is made of the answers to statements.

use std::pin::Pin;

use futures_util::TryStreamExt as _;
use tokio_postgres::{Column, RowStream};

use super::fault::Fault;
use super::value::Found;
use crate::store::rows::Rows;

/// What is made of the answer to a statement.
pub(super) trait Answer: Sized {
    /// Takes all of it.
    fn take(found: Pin<&mut RowStream>, columns: &[Column]) -> impl Future<Output = Result<Self, Fault>> + Send;
}

impl Answer for Rows {
    async fn take(mut found: Pin<&mut RowStream>, columns: &[Column]) -> Result<Self, Fault> {
        let mut rows = Self::new(columns.len());
        while let Some(row) = found.try_next().await? {
            for column in 0..columns.len() {
                match row.try_get(column)? {
                    None => rows.push_null(),
                    Some(Found::Integer(value)) => rows.push_integer(value),
                    Some(Found::Bytes(bytes)) => rows.push_bytes(bytes),
                }
            }
        }
        Ok(rows)
    }
}

/// How many rows a statement changed.
pub(super) struct Affected(pub(super) u64);

impl Answer for Affected {
    async fn take(mut found: Pin<&mut RowStream>, _: &[Column]) -> Result<Self, Fault> {
        while found.try_next().await?.is_some() {}
        Ok(Self(found.rows_affected().unwrap_or(0)))
    }
}
