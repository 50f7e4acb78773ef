//! GraphQL over HTTP, after the draft of <https://graphql.github.io/graphql-over-http/draft/>.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::{Request, Response as Resolved, Value};
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::Served;
use super::accept::{MediaType, is_utf8};
use super::admission::Tenant;
use super::bearer::authenticate;
use super::budget::Spent;
use super::edge::{Known, limit_time};
use super::error::{HttpError, retry_after};
use super::metrics::Asked;
use super::parameters::{QueryString, from_body, from_query_string};
use super::server::Peer;
use crate::app::{Allowed, Answer, RequestMeta};
use crate::graphql::error::RETRY_AFTER;
use crate::graphql::response::body;

const MAX_BODY_BYTES: usize = 128 * 1024;
/// How much of a body is read: a client that is still sending may not see an answer before.
const MAX_READ_BYTES: usize = 16 * MAX_BODY_BYTES;

/// `POST /graphql`: any operation.
pub(super) async fn post(State(served): State<Served>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(&served, &parts, Allowed::Everything, async {
        check_content_type(&parts.headers)?;
        from_body(&read(body, &parts.headers, served.body_timeout, MAX_BODY_BYTES).await?)
    })
    .await
}

/// `GET /graphql?query=…`: queries only, so that a link or an image cannot change anything.
pub(super) async fn get(State(served): State<Served>, request: axum::extract::Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(&served, &parts, Allowed::Queries, async {
        let Query(parameters): Query<QueryString> = Query::try_from_uri(&parts.uri)
            .map_err(|_| HttpError::bad_request("The query string cannot be read, or names a parameter twice."))?;
        from_query_string(parameters)
    })
    .await
}

async fn answer(
    served: &Served,
    parts: &Parts,
    allowed: Allowed,
    request: impl Future<Output = Result<Request, HttpError>>,
) -> Response {
    let known = Known::of(parts);
    let Some(media_type) = known.media_type else {
        return HttpError::not_acceptable().into_response();
    };
    let peer = parts.extensions.get::<Arc<Peer>>();
    if peer.is_some_and(|peer| peer.is_surplus()) {
        served.metrics.shed();
        return HttpError::overloaded().respond(media_type);
    }
    let meta = RequestMeta { id: known.id.shared(), address: peer.map(|peer| peer.address()) };
    let (begun, mut noted) = (Instant::now(), Noted::default());
    // Unless it is answered in time.
    let mut outcome = Cow::Borrowed("TIMEOUT");
    let answer = async {
        // In a box: what surrounds it would move it from place to place.
        match Box::pin(attempt(served, parts, allowed, request, meta, &mut noted)).await {
            Ok(answer) => {
                outcome = answer.outcome();
                if let Answer::Resolved { because, .. } = &answer {
                    served.metrics.resolved(because);
                }
                match answer {
                    Answer::Written { json, .. } | Answer::Resolved { json, .. } => {
                        let json = with_cost(json, noted.spent);
                        let body = match peer {
                            Some(peer) => peer.send(json).map(Body::from),
                            None => Some(json.into()),
                        };
                        body.map_or_else(|| HttpError::unread().respond(media_type), |body| written(body, media_type))
                    }
                    Answer::Refused(answer) => refused(&answer, noted.spent, media_type),
                    Answer::Unavailable(answer) => unavailable(&answer, noted.spent, media_type),
                    Answer::TooOften(too_often) => HttpError::rate_limited(too_often).respond(media_type),
                    Answer::IsMutation => HttpError::mutation_by_get().respond(media_type),
                }
            }
            Err(error) => {
                outcome = Cow::Borrowed(error.code());
                error.respond(media_type)
            }
        }
    };
    let response = limit_time(served.request_timeout, &known, answer).await;
    served.metrics.answered(noted.asked, outcome, begun.elapsed());
    response
}

/// What becomes known of a request while it is answered.
#[derive(Default)]
struct Noted {
    asked: Asked,
    /// What it costs, if the client wants to know.
    spent: Option<Spent>,
}

/// Who is calling is known before anything is done, and the request is read before it is let in: neither waits for the
/// database, and slow clients keep nobody out.
async fn attempt(
    served: &Served,
    parts: &Parts,
    allowed: Allowed,
    request: impl Future<Output = Result<Request, HttpError>>,
    meta: RequestMeta,
    noted: &mut Noted,
) -> Result<Answer, HttpError> {
    let caller = authenticate(served.app.verifier(), &parts.headers).await?;
    let request = request.await?;
    let Some(mut permit) = served.admission.enter(Tenant::of(caller.as_deref())).await else {
        served.metrics.shed();
        return Err(HttpError::overloaded());
    };
    let wants_cost = request.extensions.get("cost") == Some(&Value::Boolean(true));
    let mut account = served.budgets.account(caller.as_deref(), meta.address);
    let operation = served.app.operation(request, allowed, &meta.id, |cost| account.charge(cost));
    noted.spent = wants_cost.then(|| account.spent());
    let operation = match operation {
        Ok(operation) => operation,
        Err(refused) => return Ok(*refused),
    };
    noted.asked = Asked::of(&operation);
    permit.asks_for(noted.asked.operation());
    Ok(served.app.run(operation, allowed, caller, meta).await)
}

/// A body can be anything that a form sends without asking the browser first, unless its type is insisted on.
fn check_content_type(headers: &HeaderMap) -> Result<(), HttpError> {
    let json_in_utf8 = |value: &str| {
        let mut parts = value.split(';').map(str::trim);
        let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
        let utf8 = |parameter: &str| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => is_utf8(value.trim_matches('"')),
            _ => true,
        };
        json && parts.all(utf8)
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|value| value == "identity");
    if plain && content_type.is_some_and(json_in_utf8) { Ok(()) } else { Err(HttpError::unsupported_media_type()) }
}

pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    limit: Duration,
    largest: usize,
) -> Result<Vec<u8>, HttpError> {
    let too_large = || {
        let message = format!("The body must not be larger than {largest} bytes.");
        HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_READ_BYTES) {
        return Err(too_large());
    }
    let mut chunks = body.into_data_stream();
    let all = async {
        let (mut bytes, mut length) = (Vec::new(), 0);
        while let Some(chunk) = chunks.next().await {
            let chunk: Bytes = chunk.map_err(|_| HttpError::bad_request("The body broke off."))?;
            length += chunk.len();
            if length > MAX_READ_BYTES {
                break;
            }
            if length <= largest {
                bytes.extend_from_slice(&chunk);
            }
        }
        if length > largest { Err(too_large()) } else { Ok(bytes) }
    };
    tokio::time::timeout(limit, all).await.map_err(|_| HttpError::body_timeout())?
}

/// An answer with what it cost, if the client wants to know.
fn with_cost(mut json: Vec<u8>, spent: Option<Spent>) -> Vec<u8> {
    let Some(Spent { charged, remaining }) = spent else { return json };
    let cost = serde_json::json!({ "cost": { "charged": charged, "remaining": remaining } });
    // What ends an answer is its closing brace.
    json.pop();
    json.extend_from_slice(format!(r#","extensions":{cost}}}"#).as_bytes());
    json
}

fn written(body: Body, media_type: MediaType) -> Response {
    ([(header::CONTENT_TYPE, media_type.content_type())], body).into_response()
}

/// An answer without `data` too, whatever media type the client accepts: proxies and clients go by the status.
fn unavailable(answer: &Resolved, spent: Option<Spent>, media_type: MediaType) -> Response {
    let mut response = refused(answer, spent, media_type);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().extend([retry_after(RETRY_AFTER)]);
    response
}

/// Why there is no answer.
fn refused(answer: &Resolved, spent: Option<Spent>, media_type: MediaType) -> Response {
    let status = match media_type {
        MediaType::GraphqlResponse => StatusCode::BAD_REQUEST,
        MediaType::Json => StatusCode::OK,
    };
    match body(answer, false) {
        Ok(body) => {
            let content_type = [(header::CONTENT_TYPE, media_type.content_type())];
            (status, content_type, with_cost(body, spent)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, Pos, ServerError};

    use super::*;

    #[tokio::test]
    async fn the_status_tells_that_nothing_was_executed() {
        for (media_type, status) in [(MediaType::GraphqlResponse, 400), (MediaType::Json, 200)] {
            let mut error = ServerError::new("no", Some(Pos { line: 1, column: 1 }));
            error.path = vec![PathSegment::Field("customer".to_owned())];
            let (parts, body) = refused(&Resolved::from_errors(vec![error]), None, media_type).into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(parts.status.as_u16(), status);
            assert!(body.get("data").is_none(), "{body}");
        }
    }
}
