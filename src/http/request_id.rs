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
    /// The id of a request with these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let usable = |id: &&str| (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
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
        assert_eq!(of("trace/7f:{1}"), "trace/7f:{1}");
    }

    #[test]
    fn another_is_replaced() {
        for odd in ["", "two words", "ümlaut", "tab\there", &"x".repeat(129)] {
            let id = of(odd);
            assert!(Uuid::parse_str(&id).is_ok(), "{odd} became {id}");
        }
    }
}
