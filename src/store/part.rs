//! Reading a row together with a part of it.

use sea_orm::{Condition, DbErr, EntityTrait, IdenStatic as _, Iterable as _};

use super::executor::Executor as _;
use super::{First, Noun, Reading, Row, Source, UnitOfWork, Visible};
use crate::entity::{tier, tier_price};
use crate::error::Result;

/// A table whose rows are parts of the rows of another one, and visible with them: who finds the whole may read them.
pub trait Part: Visible {
    /// What it is a part of.
    type Whole: Noun;

    /// The column that names the whole.
    fn whole() -> Self::Column;
}

impl Part for tier_price::Entity {
    type Whole = tier::Entity;

    fn whole() -> tier_price::Column {
        tier_price::Column::TierId
    }
}

impl UnitOfWork<'_> {
    /// The visible rows that meet a condition, each with its one part that meets another, if there is one.
    pub(crate) async fn all_with_part<P: Part>(
        &self,
        whole: Condition,
        part: Condition,
    ) -> Result<Vec<(<P::Whole as EntityTrait>::Model, Option<P::Model>)>> {
        let base = self.scope().source::<P::Whole>(whole)?;
        let mut reading = Reading::new(base, First { keys: Vec::new(), limit: None });
        let link = (P::whole().as_str(), P::Whole::id().as_str());
        let parts = reading.join("part", Reading::BASE, Source::unfiltered::<P>(part), link, Vec::new());
        let whole: Vec<_> = <P::Whole as EntityTrait>::Column::iter()
            .map(|column| reading.column(Reading::BASE, column.as_str()))
            .collect();
        let part: Vec<_> = P::Column::iter().map(|column| reading.column(parts, column.as_str())).collect();
        let named = reading.column(parts, P::whole().as_str());
        let found = |row: Row<'_>| {
            let part = if row.is_null(named) { None } else { Some(row.model::<P>(part.iter().copied())?) };
            Ok((row.model::<P::Whole>(whole.iter().copied())?, part))
        };
        let rows = self.settled().await?.run(|text| text.reading(&reading, &[])).await?;
        Ok(rows.iter().map(found).collect::<Result<_, DbErr>>()?)
    }
}
