//! The scalar `JSON`.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Name, OutputType, Positioned, Scalar,
    ScalarType, ServerResult, Value,
};
use serde_json::Value as Json;

use crate::auth::{Caller, Permission};
use crate::entity::StoredJson;
use crate::error::{Code, Error};

/// A JSON value that somebody gave.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenJson(pub Json);

/// A scalar that can represent any JSON value.
#[Scalar(name = "JSON")]
impl ScalarType for GivenJson {
    fn parse(value: Value) -> InputValueResult<Self> {
        given(value).map(Self).ok_or_else(|| InputValueError::custom("expected JSON"))
    }

    fn to_value(&self) -> Value {
        shown(&self.0)
    }
}

/// By hand, and not by serde, which takes some keys for signs of its own.
fn given(value: Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => value.into(),
        Value::Number(value) => Json::Number(value),
        Value::String(value) => value.into(),
        Value::Enum(name) => name.as_str().into(),
        Value::List(items) => Json::Array(items.into_iter().map(given).collect::<Option<_>>()?),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Some((key.to_string(), given(value)?)));
            Json::Object(entries.collect::<Option<_>>()?)
        }
        Value::Binary(_) => return None,
    })
}

fn shown(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::Number(value) => Value::Number(value.clone()),
        Json::String(value) => value.as_str().into(),
        Json::Array(items) => Value::List(items.iter().map(shown).collect()),
        Json::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (Name::new(key), shown(value))).collect())
        }
    }
}

impl OutputType for StoredJson {
    fn type_name() -> Cow<'static, str> {
        <GivenJson as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <GivenJson as InputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            Self::Read(value) => Ok(shown(value)),
            Self::Unreadable(_) => {
                let error = async_graphql::Error::from(unreadable());
                Err(ctx.set_error_path(error.into_server_error(field.pos)))
            }
        }
    }
}

/// What a caller is shown of the notes of those who manage an object: all of it, or null without the permission.
pub fn private(caller: &Caller, manage: Permission, notes: Option<StoredJson>) -> Option<StoredJson> {
    caller.may(manage).then(|| notes.unwrap_or_else(|| Json::Object(Default::default()).into()))
}

/// How deeply a document is nested at most; an object without objects or lists in it has the depth 1.
const MAX_DEPTH: usize = 32;
/// How many keys a document has at most, in all its objects together.
const MAX_KEYS: usize = 1_000;
/// How many bytes of JSON a document has at most; its numbers with a fraction also as PostgreSQL writes them, without
/// exponents: three hundred digits may follow a point.
const MAX_BYTES: usize = 16 * 1024;

/// What is wrong with a document that is to be stored. Every reader gets back what was given, and can read it.
pub fn check(document: &Json) -> Result<(), (Code, String)> {
    let mut counted = Counted::default();
    check_value(document, 1, &mut counted)?;
    if counted.keys > MAX_KEYS {
        return Err((Code::TooLong, format!("Expected at most {MAX_KEYS} keys in all.")));
    }
    if document.to_string().len() > MAX_BYTES || counted.digits > MAX_BYTES {
        return Err((Code::TooLong, format!("Expected at most {MAX_BYTES} bytes of JSON.")));
    }
    Ok(())
}

/// What a document has in all.
#[derive(Default)]
struct Counted {
    keys: usize,
    /// The digits of its numbers with a fraction, without exponents.
    digits: usize,
}

fn check_value(value: &Json, depth: usize, counted: &mut Counted) -> Result<(), (Code, String)> {
    let nested = matches!(value, Json::Array(_) | Json::Object(_));
    if nested && depth > MAX_DEPTH {
        return Err((Code::TooLong, format!("Expected at most {MAX_DEPTH} levels of objects and lists.")));
    }
    match value {
        Json::String(text) => check_text(text),
        // A whole number beyond 64 bits has become the nearest floating-point number by now.
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.abs() >= EXACT => {
                let message = format!("The number {number} is beyond what is kept exactly: give it as a text.");
                Err((Code::OutOfRange, message))
            }
            Some(float) if number.is_f64() => {
                counted.digits += float.to_string().len();
                Ok(())
            }
            _ => Ok(()),
        },
        Json::Array(items) => items.iter().try_for_each(|item| check_value(item, depth + 1, counted)),
        Json::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            counted.keys += 1;
            check_text(key)?;
            check_value(value, depth + 1, counted)
        }),
        Json::Null | Json::Bool(_) => Ok(()),
    }
}

/// From here on, floating-point numbers are further apart than whole ones.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn check_text(text: &str) -> Result<(), (Code, String)> {
    match text.contains('\0') {
        true => Err((Code::InvalidFormat, "A text must not contain the character U+0000.".to_owned())),
        false => Ok(()),
    }
}

/// The fault that a document was stored which cannot be read.
pub fn unreadable() -> Error {
    Error::Internal("a stored document is nested too deeply to be read".into())
}
