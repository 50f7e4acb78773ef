//! What a noun says of itself so that it can be read in bulk: one entry for each field of its GraphQL type.

use std::sync::Arc;

use async_graphql::OutputType;
use sea_orm::{EntityTrait, IdenStatic, ModelTrait, TryIntoModel};

use super::facts::{Facts, Needs};
use super::json::{Column, Json, write_column};
use super::relation::{Joined, Many};
use crate::error::Result;
use crate::store::{Row, Visible};

/// A GraphQL object that shows a row, or some columns of it: what `#[object]` declares.
pub trait Shows: From<Arc<<Self::Entity as EntityTrait>::Model>> + OutputType {
    /// The table.
    type Entity: Visible;

    /// Name of the GraphQL type.
    const NAME: &'static str;

    /// The row.
    fn row(&self) -> &Arc<<Self::Entity as EntityTrait>::Model>;

    /// How the field of this name is read; none if the resolvers have to.
    fn field(name: &str) -> Option<Field>;
}

/// A table whose rows are objects of the API.
pub trait Readable:
    Visible<Model: ModelTrait<Entity = Self> + Send + Sync, ActiveModel: TryIntoModel<Self::Model>, Column: Send + Sync>
{
    /// The GraphQL type that shows a row.
    type Shown: Shows<Entity = Self>;

    /// A column that is never null.
    const KEY: Self::Column;
}

/// The GraphQL type that the rows of a table, or some of their columns, are shown as.
#[derive(Clone, Copy)]
pub struct Object {
    /// Name of the type.
    pub name: &'static str,
    /// Its fields.
    pub field: fn(&str) -> Option<Field>,
}

/// The GraphQL type of these objects.
fn shown<S: Shows>() -> Object {
    Object { name: S::NAME, field: S::field }
}

/// What the rows of a table are shown as.
pub fn object<E: Readable>() -> Object {
    shown::<E::Shown>()
}

/// How a field is read from a row.
pub enum Field {
    /// The value of a column.
    Column(&'static str, WriteColumn),
    /// An object made of columns of the same row; null where this column is.
    Part(Object, &'static str),
    /// The object that this one refers to.
    One(Joined),
    /// A member of a union or interface: the first one that the row names.
    OneOf(Vec<Joined>),
    /// A list of objects that belong to this one.
    Many(Many),
    /// A function of the row and the request.
    Computed(Computed),
}

/// Writes the value of a column as JSON.
pub type WriteColumn = fn(Row<'_>, usize, &mut Vec<u8>) -> Result<()>;

/// A value that is computed.
pub struct Computed {
    /// The columns that it needs.
    pub needs: Needs,
    /// The function.
    pub value: fn(&Facts<'_>) -> Result<Json>,
}

/// The value of a column.
pub fn column<T: Column>(column: impl IdenStatic) -> Field {
    Field::Column(column.as_str(), write_column::<T>)
}

/// An object made of columns of the row; null where this column is.
pub fn part<S: Shows>(column: impl IdenStatic) -> Field {
    Field::Part(shown::<S>(), column.as_str())
}

/// A value that is computed from columns.
pub fn computed(needs: Needs, value: fn(&Facts<'_>) -> Result<Json>) -> Field {
    Field::Computed(Computed { needs, value })
}
