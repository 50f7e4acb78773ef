//! Cursors: the sort values of a row, in a form that clients can carry but not alter.

use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::sea_query::Value;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Makes and reads cursors.
///
/// A cursor is the sort values of a row and an HMAC-SHA-256 (cut to 128 bits) over them and the list they belong to:
/// its noun, order, filter and caller's tenant. So a cursor that was altered, or that comes from another list, is
/// told from a good one.
#[derive(Clone)]
pub struct Cursors(Arc<hmac::Key>);

/// The cursor was altered or belongs to another list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorError;

const TAG_LEN: usize = 16;

impl Cursors {
    /// Cursors authenticated with this secret, which all replicas share.
    pub fn new(secret: &SecretString) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())))
    }

    /// The cursor of a row with these sort values in the list `list`.
    pub fn encode(&self, list: &str, values: &[Value]) -> String {
        let mut text = String::new();
        for value in values {
            // Writing to a string cannot fail.
            let _ = match value {
                Value::BigInt(Some(number)) => write!(text, "{number}"),
                Value::Int(Some(number)) => write!(text, "{number}"),
                Value::Uuid(Some(uuid)) => write!(text, "{}", uuid.simple()),
                Value::String(Some(string)) => write!(text, "{}", URL_SAFE_NO_PAD.encode(string)),
                other => write!(text, "{other:?}"),
            };
            text.push(match value {
                Value::BigInt(_) => 'b',
                Value::Int(_) => 'i',
                Value::Uuid(_) => 'u',
                _ => 's',
            });
            text.push('.');
        }
        let mut bytes = self.tag(list, text.as_bytes()).to_vec();
        bytes.extend_from_slice(text.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The sort values that a cursor of the list `list` holds.
    pub fn decode(&self, list: &str, cursor: &str) -> Result<Vec<Value>, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError)?;
        let (tag, text) = bytes.split_at_checked(TAG_LEN).ok_or(CursorError)?;
        constant_time::verify_slices_are_equal(tag, &self.tag(list, text)).map_err(|_| CursorError)?;
        let text = std::str::from_utf8(text).map_err(|_| CursorError)?;
        text.split_terminator('.').map(|part| decode_value(part).ok_or(CursorError)).collect()
    }

    fn tag(&self, list: &str, text: &[u8]) -> [u8; TAG_LEN] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&(list.len() as u64).to_be_bytes());
        context.update(list.as_bytes());
        context.update(text);
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_LEN]);
        tag
    }
}

fn decode_value(part: &str) -> Option<Value> {
    let (text, kind) = part.split_at_checked(part.len().checked_sub(1)?)?;
    Some(match kind {
        "b" => Value::BigInt(Some(text.parse().ok()?)),
        "i" => Value::Int(Some(text.parse().ok()?)),
        "u" => Value::Uuid(Some(Uuid::parse_str(text).ok()?)),
        "s" => Value::String(Some(String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> Cursors {
        Cursors::new(&SecretString::from("a secret that is long enough to be one"))
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(|number| Value::BigInt(Some(number))),
            any::<i32>().prop_map(|number| Value::Int(Some(number))),
            any::<u128>().prop_map(|number| Value::Uuid(Some(Uuid::from_u128(number)))),
            any::<String>().prop_map(|text| Value::String(Some(text))),
        ]
    }

    proptest! {
        #[test]
        fn a_cursor_round_trips(values in prop::collection::vec(value(), 1..5)) {
            let cursor = cursors().encode("customers", &values);
            prop_assert_eq!(cursors().decode("customers", &cursor), Ok(values));
        }

        #[test]
        fn an_altered_cursor_is_refused(values in prop::collection::vec(value(), 1..3), at in any::<prop::sample::Index>(), flip in 1u8..64) {
            let cursor = cursors().encode("customers", &values);
            let mut bytes = URL_SAFE_NO_PAD.decode(&cursor).expect("own cursor");
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(cursors().decode("customers", &URL_SAFE_NO_PAD.encode(bytes)), Err(CursorError));
        }

        #[test]
        fn garbage_is_refused(garbage in ".*") {
            prop_assert_eq!(cursors().decode("customers", &garbage), Err(CursorError));
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let cursor = cursors().encode("customers", &[Value::BigInt(Some(1))]);
        assert_eq!(cursors().decode("subscriptions", &cursor), Err(CursorError));
    }
}
