//! What lists are filtered by, whatever the noun.

use async_graphql::{InputObject, Name, Value};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition};

use super::input::Check;
use super::scalar::SafeInt;
use super::search::folded;
use crate::clock::Timestamp;
use crate::error::{Code, Result};

/// The condition of a filter that finds nothing, whatever there is.
pub fn nothing() -> Condition {
    Condition::all().add(Expr::cust("1 = 0"))
}

/// Refuses nulls in a filter: whoever lost a value would find everything instead of nothing. A null in place of the
/// whole filter is none.
pub fn refuse_nulls(given: Option<&Value>) -> Result<()> {
    let mut check = Check::new();
    if let Some(filter) = given.filter(|filter| **filter != Value::Null) {
        note_nulls(filter, "where", &mut check);
    }
    check.finish()
}

fn note_nulls(value: &Value, path: &str, check: &mut Check) {
    match value {
        Value::Null => check.refuse(path, Code::Required, format!("Give `{path}` a value, or leave it out.")),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| note_nulls(value, &format!("{path}.{name}"), check));
        }
        Value::List(values) => {
            values
                .iter()
                .zip(0..)
                .for_each(|(value, place): (_, usize)| note_nulls(value, &format!("{path}.{place}"), check));
        }
        _ => {}
    }
}

/// What a filter asks for, without what makes no difference: fields that ask for nothing, how a text is written that is
/// searched for, and the order of values of which any will do. None if it asks for nothing.
pub fn meaning(filter: Value) -> Option<Value> {
    match filter {
        Value::Null => None,
        Value::Object(fields) => {
            let asked = |(name, value): (Name, Value)| match value {
                Value::String(text) if name == "search" => Some((name, Value::String(folded(&text)?))),
                value => Some((name, meaning(value)?)),
            };
            let fields: async_graphql::indexmap::IndexMap<_, _> = fields.into_iter().filter_map(asked).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::List(mut values) => {
            values.sort_by_cached_key(Value::to_string);
            values.dedup();
            Some(Value::List(values))
        }
        value => Some(value),
    }
}

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
        /// Which values to find. Everything given must hold; a null is refused.
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
