//! Writing JSON as the API's scalars show themselves.

use std::borrow::Cow;
use std::io::Write as _;

use async_graphql::ID;
use async_graphql::resolver_utils::EnumType;
use sea_orm::Value;
use sea_orm::sea_query::ValueType;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::entity::{StoredJson, TypedId};
use crate::error::{Error, Result};
use crate::graphql::json::unreadable;
use crate::graphql::scalar::SafeInt;
use crate::store::Row;

/// A stored value that writes itself as its scalar does.
pub trait WriteJson {
    /// Appends the value.
    fn write_json(&self, out: &mut Vec<u8>);
}

/// A type that columns are shown as.
pub trait Column: Sized {
    /// Appends the value of a column that is not null.
    fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()>;

    /// Takes the value of a column.
    fn read(value: Value) -> Result<Self>;
}

/// Takes the value of a column as the type that it is stored as.
pub fn read<T: ValueType>(value: Value) -> Result<T> {
    T::try_from(value).map_err(|_| Error::Internal("a column of another type".into()))
}

/// Appends the value of a column, which may be null if `T` is an option.
pub fn write_column<T: Column>(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
    T::write(row, column, out)
}

impl<T: Column> Column for Option<T> {
    fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
        if row.is_null(column) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        T::write(row, column, out)
    }

    fn read(value: Value) -> Result<Self> {
        if value == value.as_null() { Ok(None) } else { T::read(value).map(Some) }
    }
}

/// Appends a stored value in the form in which the API shows it.
fn write<T: WriteJson>(value: Option<T>, out: &mut Vec<u8>) -> Result<()> {
    value.ok_or_else(|| Error::Internal("a column that is never null is null".into()))?.write_json(out);
    Ok(())
}

macro_rules! columns {
    ($($type:ty: $cell:ident $(as $shown:expr)?,)*) => {$(
        impl Column for $type {
            fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
                write(row.$cell(column)?$(.map($shown))?, out)
            }

            fn read(value: Value) -> Result<Self> {
                read(value)
            }
        }
    )*};
}
columns! {
    String: text,
    i64: integer,
    i32: integer,
    bool: integer as |value| value != 0,
    Timestamp: integer as Timestamp::from_micros,
}

impl Column for StoredJson {
    fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
        match row.get::<Self>(column)? {
            Some(document) => document.write_if_readable(out),
            None => write(None::<serde_json::Value>, out),
        }
    }

    fn read(value: Value) -> Result<Self> {
        read(value)
    }
}

/// Enums are stored as the text that the API shows.
macro_rules! column_of_enum {
    ($type:ty) => {
        impl $crate::read::json::Column for $type {
            fn write(row: $crate::store::Row<'_>, column: usize, out: &mut Vec<u8>) -> $crate::error::Result<()> {
                <String as $crate::read::json::Column>::write(row, column, out)
            }

            fn read(value: sea_orm::Value) -> $crate::error::Result<Self> {
                $crate::read::json::read(value)
            }
        }

        impl $crate::read::json::ToJson for $type {
            fn to_json(self) -> $crate::read::json::Json {
                $crate::read::json::Json::text(self.as_str())
            }
        }
    };
}
pub(crate) use column_of_enum;

/// A value that is computed, for the read path.
pub trait ToJson {
    /// What is written of it.
    fn to_json(self) -> Json;
}

macro_rules! to_json {
    ($($type:ty: $json:expr,)*) => {$(
        impl ToJson for $type {
            fn to_json(self) -> Json {
                ($json)(self)
            }
        }
    )*};
}
to_json! {
    bool: Json::Bool,
    i32: |value| Json::Int(i64::from(value)),
    String: Json::text,
    &'static str: Json::text,
    Timestamp: Json::Time,
    StoredJson: Json::Document,
    SafeInt: |SafeInt(value)| Json::Int(value),
    ID: |ID(id)| Json::text(id),
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(self) -> Json {
        self.map_or(Json::Null, ToJson::to_json)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(self) -> Json {
        Json::List(self.into_iter().map(ToJson::to_json).collect())
    }
}

impl<T: TypedId> ToJson for T {
    fn to_json(self) -> Json {
        Json::text(self.to_string())
    }
}

impl StoredJson {
    /// Appends what it says.
    pub(super) fn write_if_readable(&self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Unreadable(_) => Err(unreadable()),
            Self::Read(value) => {
                value.write_json(out);
                Ok(())
            }
        }
    }
}

/// A computed value.
#[derive(Clone, Debug)]
pub enum Json {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(Cow<'static, str>),
    /// A moment.
    Time(Timestamp),
    /// An object of this type, of whose fields the selected ones are written.
    Object(&'static str, Vec<(&'static str, Json)>),
    /// A list.
    List(Vec<Json>),
    /// An amount in minor units of the currency with this ISO 4217 code.
    Money(i64, String),
    /// A document that others wrote.
    Document(StoredJson),
    /// What is shown of the row at this place, of a value that is made of rows.
    Row(usize),
}

impl Json {
    /// Text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A value of an enum, by its name at the API.
    pub fn name<E: EnumType>(value: E) -> Self {
        let item = E::items().iter().find(|item| item.value == value);
        item.map_or(Self::Null, |item| Self::text(item.name))
    }
}

impl From<Option<Json>> for Json {
    fn from(value: Option<Json>) -> Self {
        value.unwrap_or(Self::Null)
    }
}

impl WriteJson for bool {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl WriteJson for i32 {
    fn write_json(&self, out: &mut Vec<u8>) {
        i64::from(*self).write_json(out);
    }
}

impl WriteJson for i64 {
    fn write_json(&self, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail, here and below.
        let _ = write!(out, "{self}");
    }
}

impl WriteJson for &str {
    fn write_json(&self, out: &mut Vec<u8>) {
        let _ = serde_json::to_writer(out, self);
    }
}

impl WriteJson for String {
    fn write_json(&self, out: &mut Vec<u8>) {
        self.as_str().write_json(out);
    }
}

impl WriteJson for serde_json::Value {
    fn write_json(&self, out: &mut Vec<u8>) {
        let _ = serde_json::to_writer(out, self);
    }
}

impl WriteJson for Timestamp {
    fn write_json(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "\"{self}\"");
    }
}

impl<T: WriteJson> WriteJson for Option<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write_json(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl<T: TypedId> Column for T {
    fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
        write(row.uuid(column)?.map(T::from), out)
    }

    fn read(value: Value) -> Result<Self> {
        read::<Uuid>(value).map(T::from)
    }
}

impl<T: TypedId> WriteJson for T {
    fn write_json(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "\"{self}\"");
    }
}
