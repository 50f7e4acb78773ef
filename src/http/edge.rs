//! What every request passes: id, log line, safety net for panics, security headers, time limit.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tracing::Instrument;

use super::accept::{MediaType, negotiate};
use super::error::HttpError;
use super::request_id::RequestId;

/// What is known of every request before anything else.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: RequestId,
    /// What to answer with; none if the client accepts none of it.
    pub(super) media_type: Option<MediaType>,
}

/// Gives the request its id, logs it and makes sure that there is an answer. Neither query strings nor bodies nor
/// headers are logged: they hold query texts, variables and tokens.
pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let media_type = negotiate(request.headers());
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        method = request.method().as_str(),
        path = request.uri().path(),
    );
    request.extensions_mut().insert(Known { id: id.clone(), media_type });

    // A panic loses nothing that a later request could see: state lives in the database and in locks that recover.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answer.unwrap_or_else(|_| {
        // With the id, though a filter may have kept the span out.
        tracing::error!(parent: &span, request_id = id.as_str(), "answered a panic");
        HttpError::internal(id.clone()).respond(media_type.unwrap_or(MediaType::Json))
    });

    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    tracing::info!(parent: &span, status = response.status().as_u16(), latency_ms, "answered");
    response.headers_mut().extend(id.header());
    secure(response.headers_mut());
    response
}

impl Known {
    /// What [`observe`] found out of a request.
    pub(super) fn of(parts: &Parts) -> Self {
        let new = || Self { id: RequestId::of(&parts.headers), media_type: negotiate(&parts.headers) };
        parts.extensions.get().cloned().unwrap_or_else(new)
    }
}

/// Answers 504 when the answer takes longer. What was being done for it is dropped: an open transaction rolls
/// back, unless it is being committed.
pub(super) async fn limit_time(limit: Duration, known: &Known, answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(limit, answer).await {
        Ok(response) => response,
        Err(_) => HttpError::timeout(known.id.clone()).respond(known.media_type.unwrap_or(MediaType::Json)),
    }
}

/// Strict defaults; a handler that needs other values has set them already.
fn secure(headers: &mut HeaderMap) {
    let defaults = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    const CANARY: &str = "canary-5f0d-in-query-header-and-panic";

    fn router() -> Router {
        Router::new()
            .route("/panics", get(async || -> Response { panic!("{CANARY}") }))
            .route("/hangs", get(hang))
            .route("/cached", get(async || [(header::CACHE_CONTROL, "max-age=60")]))
            .route("/logged", get(async || "text"))
            .layer(from_fn(observe))
    }

    async fn hang(request: Request) -> Response {
        limit_time(Duration::from_millis(1), &Known::of(&request.into_parts().0), std::future::pending()).await
    }

    async fn get_from(path: &str) -> (StatusCode, HeaderMap, Value) {
        let request = Request::get(path).header("x-request-id", "request-7").header("authorization", CANARY);
        let response = router().oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_its_text() {
        let (status, headers, body) = get_from("/panics").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(headers["x-request-id"], "request-7");
        let extensions = json!({ "code": "INTERNAL_SERVER_ERROR", "requestId": "request-7" });
        assert_eq!(body["errors"][0]["extensions"], extensions);
        assert!(!body.to_string().contains(CANARY));
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_answered() {
        let (status, _, body) = get_from("/hangs").await;
        assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(body["errors"][0]["extensions"], json!({ "code": "TIMEOUT", "requestId": "request-7" }));
    }

    #[tokio::test]
    async fn every_answer_has_the_security_headers() {
        let (_, headers, _) = get_from("/nothing").await;
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(get_from("/cached").await.1["cache-control"], "max-age=60", "a handler's own value is kept");
    }

    /// What the test process logs. The subscriber is global: with one of a thread's own, whether a line is enabled would
    /// depend on which test comes first.
    static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    struct Log;

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LOG.lock().expect("unpoisoned").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_log_has_the_request_but_not_what_it_holds() {
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(|| Log).finish();
        tracing::subscriber::set_global_default(subscriber).expect("no other test has one");
        get_from(&format!("/logged?query={CANARY}&variables={CANARY}")).await;

        let text = String::from_utf8(LOG.lock().expect("unpoisoned").clone()).expect("UTF-8");
        let lines: Vec<_> = text.lines().filter(|line| line.contains("/logged")).collect();
        let &[line] = lines.as_slice() else { panic!("not one line: {text}") };
        assert!(!line.contains(CANARY));
        let line: Value = serde_json::from_str(line).expect("JSON");
        let span = json!({ "name": "request", "request_id": "request-7", "method": "GET", "path": "/logged" });
        assert_eq!(line["span"], span);
        assert_eq!(line["status"], 200);
        assert!(line["latency_ms"].is_f64());
    }
}
