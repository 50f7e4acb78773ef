//! Writing JSON as the API's scalars show themselves.

use std::borrow::Cow;
use std::io::Write as _;

use async_graphql::resolver_utils::EnumType;
use sea_orm::{QueryResult, TryGetable};

use crate::clock::Timestamp;
use crate::entity::{
    AuditEventId, CustomerId, MemberId, OrganizationId, PaymentId, PaymentMethodId, SubscriptionId, TierId, TierPriceId,
};
use crate::error::Result;

/// A stored value that writes itself as its scalar does.
pub trait WriteJson {
    /// Appends the value.
    fn write_json(&self, out: &mut Vec<u8>);
}

/// Writes the value of a column.
pub fn write_column<T: TryGetable + WriteJson>(row: &QueryResult, index: usize, out: &mut Vec<u8>) -> Result<()> {
    row.try_get_by_index::<T>(index)?.write_json(out);
    Ok(())
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

impl WriteJson for str {
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

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl WriteJson for $id {
            fn write_json(&self, out: &mut Vec<u8>) {
                let _ = write!(out, "\"{self}\"");
            }
        }
    )*};
}
ids!(
    AuditEventId,
    CustomerId,
    MemberId,
    OrganizationId,
    PaymentId,
    PaymentMethodId,
    SubscriptionId,
    TierId,
    TierPriceId
);
