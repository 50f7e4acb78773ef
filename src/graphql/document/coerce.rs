//! Values that a client sends, made to fit the types that the schema declares.
//!
//! Specification: GraphQL, section 3 ("Input Coercion" of each type) and 6.1.2, "Coercing Variable Values". What comes
//! out is canonical: a list of one for a lone value, enums as enums, defaults written out, moments in UTC. So two
//! notations of one input are the same behind this point.

use apollo_compiler::Schema;
use apollo_compiler::ast;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use async_graphql::{Name, Number};
use async_graphql_value::Value;

use super::MAX_ERRORS;
use crate::error::Code;
use crate::graphql::scalar;
use crate::text::shortened;

/// How much of a step of a path is told, in characters: names come from the client, and can be long.
const MAX_STEP: usize = 64;

/// What is wrong with a value, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem.
    pub code: Code,
    /// What would be right.
    pub message: String,
    /// From the argument down.
    pub path: Vec<String>,
}

impl Problem {
    /// Says it without the names of types and of their values.
    pub fn hide_types(&mut self) {
        let plain = match self.code {
            Code::Required => "A value is required.",
            Code::InvalidFormat => "The value does not fit here.",
            _ => return,
        };
        plain.clone_into(&mut self.message);
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// In the document, where an enum is a name of its own and `1.0` is no integer.
    Literal,
    /// In JSON, where an enum is a text; or mixed, where variables were filled into a literal.
    Json,
}

/// Coerces the values of one argument or variable, and collects what is wrong with them.
pub struct Coercion<'a> {
    schema: &'a Schema,
    notation: Notation,
    path: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl<'a> Coercion<'a> {
    /// Of values in this notation that stand at this path.
    pub fn new(schema: &'a Schema, notation: Notation, path: Vec<String>) -> Self {
        Self { schema, notation, path, problems: Vec::new() }
    }

    /// The value as one of the type. Variables in it stay: their types were compared when the document was validated.
    pub fn value(&mut self, value: Value, ty: &ast::Type) -> Value {
        // A large value can be wrong in many thousand places.
        if self.is_full() {
            return Value::Null;
        }
        match (ty, value) {
            (_, value @ Value::Variable(_)) => value,
            (ast::Type::NonNullNamed(_) | ast::Type::NonNullList(_), Value::Null) => {
                self.refuse(Code::Required, format!("A value of the type {ty} is required."))
            }
            (_, Value::Null) => Value::Null,
            (ast::Type::List(of) | ast::Type::NonNullList(of), Value::List(items)) => {
                let item = |(index, item): (usize, Value)| self.at(index.to_string(), |it| it.value(item, of));
                Value::List(items.into_iter().enumerate().map(item).collect())
            }
            (ast::Type::List(of) | ast::Type::NonNullList(of), value) => Value::List(vec![self.value(value, of)]),
            (ast::Type::Named(name) | ast::Type::NonNullNamed(name), value) => self.named(value, name),
        }
    }

    fn named(&mut self, value: Value, name: &ast::NamedType) -> Value {
        match self.schema.types.get(name) {
            Some(ExtendedType::InputObject(object)) => match value {
                Value::Object(fields) => self.object(fields, object),
                _ => self.refuse(Code::InvalidFormat, format!("Expected an object of the type {name}.")),
            },
            Some(ExtendedType::Enum(of)) => {
                let given = match (&value, self.notation) {
                    (Value::Enum(given), _) => Some(given.as_str()),
                    (Value::String(given), Notation::Json) => Some(given.as_str()),
                    _ => None,
                };
                match given.filter(|given| of.values.contains_key(*given)) {
                    Some(given) => Value::Enum(Name::new(given)),
                    None => {
                        let known: Vec<_> = of.values.keys().map(|name| name.as_str()).collect();
                        self.refuse(Code::InvalidFormat, format!("Expected one of {}.", known.join(", ")))
                    }
                }
            }
            _ => match self.scalar(value, name) {
                Ok(value) => value,
                Err((code, message)) => self.refuse(code, message),
            },
        }
    }

    fn object(&mut self, mut fields: async_graphql::indexmap::IndexMap<Name, Value>, of: &InputObjectType) -> Value {
        let mut coerced = async_graphql::indexmap::IndexMap::with_capacity(fields.len());
        for (name, field) in &of.fields {
            let given = fields.swap_remove(name.as_str());
            let value = match given {
                Some(given) => self.at(name.to_string(), |it| it.value(given, &field.ty)),
                None => match &field.default_value {
                    // The schema's own, and so right.
                    Some(default) => {
                        Coercion::new(self.schema, Notation::Literal, Vec::new()).value(literal(default), &field.ty)
                    }
                    None if field.is_required() => self.at(name.to_string(), |it| it.value(Value::Null, &field.ty)),
                    None => continue,
                },
            };
            coerced.insert(Name::new(name.as_str()), value);
        }
        for unknown in fields.keys() {
            if self.is_full() {
                break;
            }
            self.at(unknown.to_string(), |it| {
                it.refuse(Code::InvalidFormat, format!("The type {} has no such field.", of.name))
            });
        }
        Value::Object(coerced)
    }

    fn scalar(&self, value: Value, name: &str) -> Result<Value, (Code, String)> {
        let wrong = |what: &str| Err((Code::InvalidFormat, format!("Expected {what}.")));
        match (name, value) {
            ("String", value @ Value::String(_)) => Ok(value),
            ("String", _) => wrong("a text"),
            ("Boolean", value @ Value::Boolean(_)) => Ok(value),
            ("Boolean", _) => wrong("true or false"),
            ("ID", value @ Value::String(_)) => Ok(value),
            ("ID", Value::Number(number)) => match self.integer(&number) {
                Some(integer) => Ok(Value::String(integer.to_string())),
                None => wrong("an id"),
            },
            ("ID", _) => wrong("an id"),
            ("Int", Value::Number(number)) => match self.integer(&number).and_then(|number| i32::try_from(number).ok())
            {
                Some(integer) => Ok(Value::Number(integer.into())),
                None if number.is_f64() => wrong("an integer"),
                None => Err((Code::OutOfRange, "Expected an integer from -2147483648 to 2147483647.".to_owned())),
            },
            ("Int", _) => wrong("an integer"),
            ("Float", value @ Value::Number(_)) => Ok(value),
            ("Float", _) => wrong("a number"),
            (_, value) if has_overflow(&value) => {
                Err((Code::OutOfRange, "The number is beyond all bounds.".to_owned()))
            }
            // It is looked at again once the variable is filled in.
            (_, value) if has_variable(&value) => Ok(value),
            (_, value) => scalar::canonical(name, value.into_const().unwrap_or_default()),
        }
    }

    /// The integer that a number is; `1.0` is one in JSON only.
    fn integer(&self, number: &Number) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
        number.as_i64().or_else(|| number.as_f64().filter(|_| self.notation == Notation::Json).and_then(whole))
    }

    fn at<T>(&mut self, step: String, what: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let done = what(self);
        self.path.pop();
        done
    }

    /// Whether there are as many problems as are told.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_ERRORS
    }

    fn refuse(&mut self, code: Code, message: String) -> Value {
        if !self.is_full() {
            let path = self.path.iter().map(|step| shortened(step, MAX_STEP)).collect();
            self.problems.push(Problem { code, message, path });
        }
        Value::Null
    }
}

fn has_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(has_variable),
        Value::Object(fields) => fields.values().any(has_variable),
        _ => false,
    }
}

/// Whether a number of the literal is none that JSON could tell.
fn has_overflow(value: &Value) -> bool {
    match value {
        Value::Binary(_) => true,
        Value::List(items) => items.iter().any(has_overflow),
        Value::Object(fields) => fields.values().any(has_overflow),
        _ => false,
    }
}

/// A literal of a document as a value.
pub fn literal(value: &ast::Value) -> Value {
    match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::Enum(Name::new(name.as_str())),
        ast::Value::Variable(name) => Value::Variable(Name::new(name.as_str())),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Boolean(value) => Value::Boolean(*value),
        // `-0` would not be an integer of JSON.
        ast::Value::Int(number) => number
            .as_str()
            .parse::<i64>()
            .map_or_else(|_| number_of(number.as_str()), |integer| Value::Number(integer.into())),
        ast::Value::Float(number) => number_of(number.as_str()),
        ast::Value::List(items) => Value::List(items.iter().map(|item| literal(item)).collect()),
        ast::Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (Name::new(name.as_str()), literal(value))).collect())
        }
    }
}

/// Every number of a document is one of JSON. One that is beyond all bounds becomes what no type takes.
fn number_of(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::Binary(text.as_bytes().to_vec().into()), Value::Number)
}
