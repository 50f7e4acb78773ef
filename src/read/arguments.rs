//! The arguments of a field, with the variables filled in.
//!
//! Specification: GraphQL, section 6.4.1, "Coercing Field Arguments". Whatever is not right is left to the resolvers,
//! which say what is wrong with it.

use async_graphql::parser::types::Field;
use async_graphql::{InputType, Name, Positioned, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::Unplanned;

/// The arguments of a field.
#[derive(Clone, Copy)]
pub struct Arguments<'a> {
    given: &'a [(Positioned<Name>, Positioned<Value>)],
    variables: &'a Variables,
}

/// A value of the document with the variables filled in; none if it is an omitted variable.
pub fn fill(value: &Value, variables: &Variables) -> Option<ConstValue> {
    Some(match value {
        Value::Variable(name) => variables.get(name)?.clone(),
        Value::Null => ConstValue::Null,
        Value::Number(number) => ConstValue::Number(number.clone()),
        Value::String(text) => ConstValue::String(text.clone()),
        Value::Boolean(value) => ConstValue::Boolean(*value),
        Value::Binary(bytes) => ConstValue::Binary(bytes.clone()),
        Value::Enum(name) => ConstValue::Enum(name.clone()),
        Value::List(items) => {
            ConstValue::List(items.iter().map(|item| fill(item, variables).unwrap_or(ConstValue::Null)).collect())
        }
        Value::Object(fields) => {
            let filled = fields.iter().filter_map(|(name, value)| Some((name.clone(), fill(value, variables)?)));
            ConstValue::Object(filled.collect())
        }
    })
}

impl<'a> Arguments<'a> {
    /// The arguments that the document gives to a field.
    pub fn of(field: &'a Field, variables: &'a Variables) -> Self {
        Self { given: &field.arguments, variables }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The names of those that are given.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.given.iter().map(|(name, _)| name.node.as_str())
    }

    /// The value of an argument. It was coerced, so what was given is understood.
    pub fn get<T: InputType>(&self, name: &str) -> Result<T, Unplanned> {
        let value = self.given.iter().find(|(given, _)| given.node == name);
        let value = value.and_then(|(_, value)| fill(&value.node, self.variables));
        T::parse(value).map_err(|_| Unplanned::Refused)
    }
}
