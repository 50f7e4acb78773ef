//! The id that ties an answer to its log lines.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Carries the id, in both directions.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_BYTES: usize = 128;

/// A request's id: the client's if it sent a usable one, otherwise ours.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// The id of a request with these headers. It goes into logs, answers and the audit trail, which others show: so it
    /// has no character that means something in HTML, a shell, a spreadsheet or a format string.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte);
        let begins = |id: &str| id.starts_with(|first: char| first.is_ascii_alphanumeric());
        let usable = |id: &&str| id.len() <= MAX_BYTES && begins(id) && id.bytes().all(safe);
        Self(sent.filter(usable).map_or_else(generate, Arc::from))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same without its type.
    pub(super) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// As a header of the answer.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        HeaderValue::from_str(&self.0).ok().map(|value| (HEADER, value))
    }
}

fn generate() -> Arc<str> {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes request ids")]
    let id = Uuid::now_v7();
    Arc::from(&*id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> String {
        let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_bytes(value.as_bytes()).expect("a header"))]);
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_usable_id_is_kept() {
        assert_eq!(of("a"), "a");
        assert_eq!(of(&"x".repeat(128)), "x".repeat(128));
        assert_eq!(of("trace/7f:1.a_B-2"), "trace/7f:1.a_B-2");
    }

    #[test]
    fn another_is_replaced() {
        let odd =
            ["", "two words", "ümlaut", "tab\there", "<b>", "a\"b", "$(x)", "`x`", "=1+1", "-x", "{x}", "a;b", "%n"];
        for odd in odd.into_iter().chain([&*"x".repeat(129)]) {
            let id = of(odd);
            assert!(Uuid::parse_str(&id).is_ok(), "{odd} became {id}");
        }
    }
}
