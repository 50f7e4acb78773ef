//! Refusals of the HTTP edge, in the form of GraphQL errors.
//!
//! | status | `extensions.code` | when |
//! |---|---|---|
//! | 200 | `PERSISTED_QUERY_NOT_SUPPORTED` | the request names a document by its hash alone |
//! | 400 | `BAD_REQUEST` | the body is no JSON object with a `query`, a parameter has the wrong type, or it is a batch |
//! | 401 | `UNAUTHENTICATED` | there is a token and it is expired or not valid |
//! | 404 | `NOT_FOUND` | there is nothing at the address |
//! | 405 | `METHOD_NOT_ALLOWED` | neither GET nor POST, or a mutation by GET |
//! | 406 | `NOT_ACCEPTABLE` | `Accept` allows neither media type |
//! | 408 | `REQUEST_TIMEOUT` | the body did not come in time |
//! | 413 | `PAYLOAD_TOO_LARGE` | the body is larger than 128 KiB |
//! | 415 | `UNSUPPORTED_MEDIA_TYPE` | the body is not `application/json` in UTF-8 |
//! | 421 | `MISDIRECTED_REQUEST` | the demo is asked by a name |
//! | 429 | `RATE_LIMITED` | the caller has asked for too much lately |
//! | 500 | `INTERNAL_SERVER_ERROR` | a fault of the server; `requestId` finds it in the logs |
//! | 503 | `SERVICE_UNAVAILABLE` | the issuer's keys cannot be fetched, there is more to do than can be done, or the database cannot do it now |
//! | 503 | `READ_ONLY` | the database only reads |
//! | 504 | `TIMEOUT` | the request took too long |

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::accept::MediaType;
use super::request_id::RequestId;
use crate::app::TooOften;

/// A refusal.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    header: Option<(HeaderName, &'static str)>,
    request_id: Option<RequestId>,
    retry_after_ms: Option<u32>,
}

impl HttpError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), header: None, request_id: None, retry_after_ms: None }
    }

    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// A client that gets this sends the document itself. Status 200, because some look at no other.
    pub(super) fn persisted_query_not_supported() -> Self {
        Self::new(StatusCode::OK, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "Use POST, or GET for queries.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).with(header::ALLOW, "GET, HEAD, POST")
    }

    pub(super) fn mutation_by_get() -> Self {
        let message = "Mutations need POST.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).with(header::ALLOW, "POST")
    }

    pub(super) fn not_acceptable() -> Self {
        let message = "Accept application/graphql-response+json or application/json.";
        Self::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message)
    }

    pub(super) fn unsupported_media_type() -> Self {
        let message = "Send the request as application/json in UTF-8, not compressed.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
    }

    /// RFC 6750 §3.1.
    pub(super) fn unauthenticated(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
            .with(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)
    }

    /// The same request may succeed later.
    pub(super) fn unavailable(message: &'static str, retry_after: Duration) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message);
        Self { retry_after_ms: u32::try_from(retry_after.as_millis()).ok(), ..refusal }
    }

    /// The caller has used up its budget for now.
    pub(super) fn rate_limited(TooOften(wait): TooOften) -> Self {
        let message = "You have asked for too much lately: wait, and ask for less at once or less often.";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message);
        let wait = wait.max(Duration::from_millis(1)).as_millis();
        Self { retry_after_ms: Some(u32::try_from(wait).unwrap_or(u32::MAX)), ..refusal }
    }

    /// There is more to do than can be done.
    pub(super) fn overloaded() -> Self {
        Self::unavailable("There are too many requests at the moment.", Duration::from_secs(1))
    }

    /// The client has left so much unread that no more is held for it.
    pub(super) fn unread() -> Self {
        let message = "Read the answers that were sent before. What a mutation changes is changed.";
        Self::unavailable(message, Duration::from_secs(1))
    }

    pub(super) fn body_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "The body did not come in time.")
            .with(header::CONNECTION, "close")
    }

    pub(super) fn timeout(request_id: RequestId) -> Self {
        let message = "The request took too long.";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", message).traced(request_id)
    }

    pub(super) fn internal(request_id: RequestId) -> Self {
        let message = "Something went wrong on our side.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", message).traced(request_id)
    }

    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    fn traced(mut self, request_id: RequestId) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// The answer in the negotiated type.
    pub(super) fn respond(self, media_type: MediaType) -> Response {
        let mut extensions = json!({ "code": self.code });
        if let Some(id) = self.request_id {
            extensions["requestId"] = json!(id.as_str());
        }
        if let Some(retry_after) = self.retry_after_ms {
            extensions["retryAfterMs"] = json!(retry_after);
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let content_type = [(header::CONTENT_TYPE, media_type.content_type())];
        let mut response = (self.status, content_type, body.to_string()).into_response();
        response.headers_mut().extend(self.header.map(|(name, value)| (name, HeaderValue::from_static(value))));
        // Whole seconds, and never too few.
        response
            .headers_mut()
            .extend(self.retry_after_ms.map(|after| retry_after(Duration::from_millis(after.into()))));
        response
    }
}

/// The header that tells when to try again, in whole seconds.
pub(super) fn retry_after(after: Duration) -> (HeaderName, HeaderValue) {
    (header::RETRY_AFTER, (after + Duration::from_millis(999)).as_secs().max(1).into())
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        self.respond(MediaType::Json)
    }
}
