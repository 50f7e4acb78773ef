//! Values in PostgreSQL's binary format, both ways.

use bytes::{BufMut as _, BytesMut};
use sea_orm::sea_query::{ArrayType, Value};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::fault::Fault;

/// Comes before the text of a document (PostgreSQL, `jsonb_send`).
const JSONB_VERSION: u8 = 1;

/// A value of a statement.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

fn unbound(value: &Value) -> Fault {
    // Not the value itself, which belongs into no log.
    format!("a value of this type is not bound: {:?}", std::mem::discriminant(value)).into()
}

/// The type that a value is sent as.
pub(super) fn type_of(value: &Value) -> Result<Type, Fault> {
    Ok(match value {
        Value::Bool(_) => Type::BOOL,
        Value::Int(_) => Type::INT4,
        Value::BigInt(_) | Value::BigUnsigned(_) => Type::INT8,
        Value::String(_) => Type::TEXT,
        Value::Uuid(_) => Type::UUID,
        Value::Json(_) => Type::JSONB,
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
            Value::BigUnsigned(value) => put(value.map(i64::try_from).transpose()?.map(i64::to_be_bytes), out),
            Value::String(value) => put(value.as_ref(), out),
            Value::Uuid(value) => put(value.as_ref(), out),
            Value::Json(None) => IsNull::Yes,
            Value::Json(Some(value)) => {
                out.put_u8(JSONB_VERSION);
                serde_json::to_writer(out.writer(), &**value)?;
                IsNull::No
            }
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
            Type::JSONB => Self::Bytes(raw.strip_prefix(&[JSONB_VERSION]).ok_or("another version of jsonb")?),
            _ => Self::Bytes(raw),
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
