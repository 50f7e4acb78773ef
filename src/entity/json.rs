//! JSON that others wrote: metadata, and what the audit trail tells of it.

use std::fmt;

use sea_orm::entity::prelude::Json;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// A document as it is stored. Whatever it holds, a row with it can be read, and changed otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredJson {
    /// What it says.
    Read(Value),
    /// A text that is nested too deeply to be read. None is stored any more, but earlier versions of this program did.
    Unreadable(String),
}

impl StoredJson {
    /// The document of this text.
    pub fn parse(text: &str) -> Self {
        match parse(text) {
            Ok(value) => Self::Read(value),
            Err(_) => Self::Unreadable(text.to_owned()),
        }
    }
}

/// The value of a JSON text. All keys are data: serde_json takes some for signs of its own, depending on the features
/// that any crate of the program switched on.
pub fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str::<Plain>(text).map(|Plain(value)| value)
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Plain)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Plain(value))) = entries.next_entry::<String, Plain>()? {
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

impl From<Value> for StoredJson {
    fn from(value: Value) -> Self {
        Self::Read(value)
    }
}

/// For the audit trail.
impl Serialize for StoredJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Read(value) => value.serialize(serializer),
            Self::Unreadable(text) => serializer.serialize_str(text),
        }
    }
}

impl From<StoredJson> for sea_orm::Value {
    fn from(document: StoredJson) -> Self {
        match document {
            StoredJson::Read(value) => value.into(),
            // Handed over as it is, and never written: an update leaves documents out that stay as they are.
            StoredJson::Unreadable(text) => text.into(),
        }
    }
}

impl Nullable for StoredJson {
    fn null() -> sea_orm::Value {
        Json::null()
    }
}

impl ValueType for StoredJson {
    fn try_from(value: sea_orm::Value) -> Result<Self, ValueTypeErr> {
        match value {
            sea_orm::Value::Json(Some(value)) => Ok(Self::Read(*value)),
            // What could not be read is handed over as it is.
            sea_orm::Value::String(Some(text)) => Ok(Self::Unreadable(text)),
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        <Json as ValueType>::type_name()
    }

    fn array_type() -> ArrayType {
        <Json as ValueType>::array_type()
    }

    fn column_type() -> ColumnType {
        <Json as ValueType>::column_type()
    }
}

/// For SeaORM's own reading, which nothing but its derived code refers to.
impl TryGetable for StoredJson {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        Json::try_get_by(row, index).map(Self::Read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_libraries_are_data() {
        for text in [
            r#"{"$serde_json::private::RawValue":"{\"a\":1}"}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"{"a":[{"$serde_json::private::RawValue":1,"b":null}]}"#,
            r#"{"$__toml_private_datetime":"1979-05-27"}"#,
        ] {
            assert_eq!(parse(text).expect("JSON").to_string(), text);
        }
        let value = json!([null, true, -1, u64::MAX, 0.1, "a\u{0}", {"b": [], "a": {}}]);
        assert_eq!(parse(&value.to_string()).expect("JSON"), value);
    }

    #[test]
    fn what_is_too_deep_is_kept_as_it_is() {
        let text = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(StoredJson::parse(&text), StoredJson::Unreadable(text));
    }
}
