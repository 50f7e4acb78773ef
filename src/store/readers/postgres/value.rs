//! Values in PostgreSQL's binary format, both ways.

use bytes::BytesMut;
use sea_orm::sea_query::{ArrayType, Value};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::Fault;

/// A value of a statement.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

fn unbound(value: &Value) -> Fault {
    format!("{value:?} is not bound").into()
}

/// The type that a value is sent as.
pub(super) fn type_of(value: &Value) -> Result<Type, Fault> {
    Ok(match value {
        Value::Bool(_) => Type::BOOL,
        Value::Int(_) => Type::INT4,
        Value::BigInt(_) => Type::INT8,
        Value::String(_) => Type::TEXT,
        Value::Uuid(_) => Type::UUID,
        Value::Array(ArrayType::Uuid, _) => Type::UUID_ARRAY,
        other => return Err(unbound(other)),
    })
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        fn put(bytes: Option<impl AsRef<[u8]>>, out: &mut BytesMut) -> IsNull {
            let Some(bytes) = bytes else { return IsNull::Yes };
            out.extend_from_slice(bytes.as_ref());
            IsNull::No
        }
        Ok(match self.0 {
            Value::Bool(value) => put(value.map(|value| [u8::from(value)]), out),
            Value::Int(value) => put(value.map(i32::to_be_bytes), out),
            Value::BigInt(value) => put(value.map(i64::to_be_bytes), out),
            Value::String(value) => put(value.as_ref(), out),
            Value::Uuid(value) => put(value.as_ref(), out),
            Value::Array(_, Some(values)) => return values.iter().map(Bound).collect::<Vec<_>>().to_sql(kind, out),
            other => return Err(unbound(other)),
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A cell that is not null.
pub(super) enum Found<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
}

impl<'a> FromSql<'a> for Found<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(match *kind {
            Type::BOOL => Self::Integer(raw.first().copied().unwrap_or(0).into()),
            Type::INT4 => Self::Integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::INT8 => Self::Integer(i64::from_be_bytes(raw.try_into()?)),
            // A byte that tells the version comes before the text.
            Type::JSONB => Self::Bytes(raw.get(1..).unwrap_or_default()),
            _ => Self::Bytes(raw),
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
