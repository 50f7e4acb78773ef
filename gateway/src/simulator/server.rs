//! The simulator's HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Params, Reply, refuse};
use super::fault::take;
use super::page::{self, Shown};
use super::state::{Account, Outcome, Remembered};
use super::{Exchange, Inner, Shared};

/// How long a key is remembered, by the simulator's clock.
const KEY_LIFETIME: i64 = 24 * 3600;

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, Infallible> {
    let body = String::from_utf8_lossy(&body).into_owned();
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let query = uri.query().unwrap_or_default();
    let response = match path[..] {
        ["v1", ..] => {
            let delay = shared.lock().faults.delay;
            if delay > 0 {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            stripe(&shared, &method, uri.path(), query, &headers, &body)
        }
        ["simulator", what] if method == Method::POST => control(&shared, what, &body),
        [sort, account, ref rest @ ..] => pages(&shared, &method, sort, account, rest, query, &body),
        _ => text(StatusCode::NOT_FOUND, "text/plain", "Not found".to_owned()),
    };
    shared.news.notify_one();
    Ok(response)
}

fn text(status: StatusCode, media_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}

fn reply((status, body): Reply) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    text(status, "application/json", body.to_string())
}

/// The account that a key opens: `sk_test_acme_1` opens `acct_acme`, and so does `sk_test_acme_2`.
fn account_of<'a>(inner: &'a mut Inner, headers: &HeaderMap, pages: &str) -> Option<&'a mut Account> {
    let key = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let parts: Vec<&str> = key.split('_').collect();
    let (mode, name) = match parts[..] {
        ["sk" | "rk", mode @ ("test" | "live"), name, _] => (mode, name),
        _ => return None,
    };
    let sound = !name.is_empty() && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = sound.then(|| format!("acct_{name}"))?;
    // Test and live are worlds of their own, within one account.
    let world = if mode == "live" { format!("{id}/live") } else { id.clone() };
    let seed = inner.state.seed.clone();
    Some(inner.state.accounts.entry(world).or_insert_with(|| Account::new(id, mode == "live", seed, pages.to_owned())))
}

fn stripe(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &str,
) -> Response<Body> {
    let mut inner = shared.lock();
    let now = shared.pass(&mut inner);
    if take(&mut inner.faults.rate_limited) {
        let mut response = reply(refuse(429, "rate_limit", "Too many requests.", ""));
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        return response;
    }
    let writes = method != Method::GET && !path.ends_with("/create_preview");
    if writes && take(&mut inner.faults.errors_before) {
        return reply(refuse(500, "", "Something went wrong.", ""));
    }
    let after = writes && take(&mut inner.faults.errors_after);
    let lost = writes && !after && take(&mut inner.faults.lost_answers);
    let Some(account) = account_of(&mut inner, headers, &shared.pages) else {
        return reply(refuse(401, "", "Invalid API Key provided.", ""));
    };
    let form = if method == Method::POST { body } else { query };
    let request = format!("{method} {path} {form}");
    let header = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let key = header.filter(|_| method == Method::POST);
    if let Some(known) =
        key.as_ref().and_then(|key| account.answers.get(key)).filter(|known| now - known.at < KEY_LIFETIME)
    {
        if known.request != request {
            let message = "Keys for idempotent requests can only be used with the same parameters.";
            return reply((400, json!({ "error": { "type": "idempotency_error", "message": message } })));
        }
        let mut response = reply((known.status, known.body.clone()));
        response.headers_mut().insert("idempotent-replayed", header::HeaderValue::from_static("true"));
        return response;
    }
    let segments: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    let (mut status, mut answer) = api::answer(account, method.as_str(), &segments, &Params::of(form), now);
    if after {
        (status, answer) = refuse(500, "", "Something went wrong.", "");
    }
    // What was turned down before anything was done is not remembered.
    if let Some(key) = key.filter(|_| status != 401 && status != 429) {
        account.answers.insert(key, Remembered { request, status, body: answer.clone(), at: now });
    }
    drop(inner);
    if let Some(check) = &shared.check {
        let fields = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let (method, path) = (method.to_string(), path.to_owned());
        let exchange = Exchange { method, path, fields, status, body: answer.clone() };
        if let Err(objection) = check(&exchange) {
            return reply(refuse(400, "contract", &objection, ""));
        }
    }
    if lost {
        return broken(&answer);
    }
    reply((status, answer))
}

/// An answer that breaks off in the middle.
fn broken(answer: &Value) -> Response<Body> {
    let text = answer.to_string();
    let half = Bytes::copy_from_slice(text.as_bytes().get(..text.len() / 2).unwrap_or_default());
    let parts = [Ok(half), Err(std::io::Error::other("broken off"))];
    let mut response = Response::new(Body::from_stream(stream::iter(parts)));
    response.headers_mut().insert(header::CONTENT_LENGTH, text.len().into());
    response
}

fn pages(
    shared: &Shared,
    method: &Method,
    sort: &str,
    account: &str,
    rest: &[&str],
    query: &str,
    body: &str,
) -> Response<Body> {
    let mut inner = shared.lock();
    let now = shared.pass(&mut inner);
    let mut params = Params::of(query);
    params.0.extend(Params::of(body).0);
    let path: Vec<&str> = std::iter::once(sort).chain(rest.iter().copied()).collect();
    let shown = match inner.state.accounts.get_mut(account) {
        Some(account) => page::show(account, method == Method::POST, &path, &params, now),
        None => Shown::Page(404, "Not found".to_owned()),
    };
    match shown {
        Shown::Page(status, html) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            text(status, "text/html; charset=utf-8", html)
        }
        Shown::Redirect(url) => match header::HeaderValue::from_str(&url) {
            Ok(url) => {
                let mut response = text(StatusCode::SEE_OTHER, "text/plain", String::new());
                response.headers_mut().insert(header::LOCATION, url);
                response
            }
            Err(_) => text(StatusCode::BAD_REQUEST, "text/plain", "The return URL is none.".to_owned()),
        },
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NextPayment {
    account: String,
    customer: String,
    outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disputed {
    account: String,
    payment: Option<String>,
    dispute: Option<String>,
    #[serde(default)]
    won: bool,
}

fn control(shared: &Shared, what: &str, body: &str) -> Response<Body> {
    let answer = match what {
        "clock" => serde_json::from_str(body).map(|Advance { advance }| {
            let mut inner = shared.lock();
            inner.state.ahead = inner.state.ahead.saturating_add(advance.max(0));
            json!({ "now": shared.pass(&mut inner) })
        }),
        "faults" => serde_json::from_str(body).map(|faults| {
            shared.lock().faults = faults;
            json!({})
        }),
        "next-payment" => serde_json::from_str(body).map(|next: NextPayment| {
            let mut inner = shared.lock();
            let account = inner.state.accounts.get_mut(&next.account);
            json!({ "known": account.map(|account| account.next_payment.insert(next.customer, next.outcome)).is_some() })
        }),
        "dispute" => serde_json::from_str(body).map(|disputed: Disputed| {
            let mut inner = shared.lock();
            let now = shared.time(&inner);
            let Some(account) = inner.state.accounts.get_mut(&disputed.account) else { return json!({}) };
            let decided = disputed.dispute.map(|id| account.decide(&id, disputed.won, now));
            let opened = disputed.payment.and_then(|payment| account.dispute(&payment, now));
            json!({ "dispute": opened, "decided": decided })
        }),
        _ => return text(StatusCode::NOT_FOUND, "text/plain", "Not found".to_owned()),
    };
    match answer {
        Ok(answer) => reply((200, answer)),
        Err(error) => text(StatusCode::BAD_REQUEST, "text/plain", error.to_string()),
    }
}
