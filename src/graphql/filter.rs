//! What lists are filtered by, whatever the noun.

use async_graphql::InputObject;
use sea_orm::{ColumnTrait, Condition};

use super::scalar::SafeInt;
use crate::clock::Timestamp;

/// A span of time.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct DateTimeRange {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl DateTimeRange {
    /// The condition on a column.
    pub fn on(&self, column: impl ColumnTrait) -> Condition {
        Condition::all().add_option(self.from.map(|from| column.gte(from))).add_option(self.to.map(|to| column.lt(to)))
    }
}

/// A span of amounts, in minor units.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct AmountRange {
    /// At least this much.
    pub min: Option<SafeInt>,
    /// At most this much.
    pub max: Option<SafeInt>,
}

impl AmountRange {
    /// The condition on a column of minor units.
    pub fn on(&self, column: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.min.map(|min| column.gte(min.0)))
            .add_option(self.max.map(|max| column.lte(max.0)))
    }
}

/// Makes the filter of an enum: equal to a value, or one of several.
macro_rules! enum_filter {
    ($filter:ident of $enum:ty) => {
        /// Which values to find. Everything given must hold.
        #[derive(Clone, Debug, async_graphql::InputObject)]
        pub struct $filter {
            /// Exactly this value.
            pub eq: Option<$enum>,
            /// Any of these values.
            #[graphql(name = "in", validator(max_items = 250))]
            pub any_of: Option<Vec<$enum>>,
        }

        impl $filter {
            /// The condition on a column.
            pub fn on(&self, column: impl sea_orm::ColumnTrait) -> sea_orm::Condition {
                let any_of = self.any_of.as_ref().map(|values| column.is_in(values.iter().copied()));
                sea_orm::Condition::all().add_option(self.eq.map(|value| column.eq(value))).add_option(any_of)
            }
        }
    };
}
pub(crate) use enum_filter;
