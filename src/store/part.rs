//! Reading a row together with a part of it.

use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryTrait, Select, SelectTwo};

use super::Noun;
use crate::entity::{tier, tier_price};

/// A table whose rows are parts of the rows of another one, and visible with them: who finds the whole may read them.
pub trait Part: EntityTrait {
    /// What it is a part of.
    type Whole: Noun;

    /// The column that names the whole.
    fn whole() -> Self::Column;

    /// The query with those parts that fit the condition. A whole without any stays, one with several is found
    /// several times.
    fn join(query: Select<Self::Whole>, part: Condition) -> SelectTwo<Self::Whole, Self> {
        let mut query = query.select_also(Self::default());
        let of_whole = Self::whole().into_expr().eq(Self::Whole::id().into_expr());
        QueryTrait::query(&mut query).left_join(Self::default().table_ref(), part.add(of_whole));
        query
    }
}

impl Part for tier_price::Entity {
    type Whole = tier::Entity;

    fn whole() -> tier_price::Column {
        tier_price::Column::TierId
    }
}
