//! More requests than can be answered, and the figures that tell of it.

use std::sync::{Arc, Condvar, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tessera::http::{Options, router};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::JSON;
use crate::support::{Client, World, on_both};

/// Lets no statement through while it is shut. A thread stands still for each.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn before_statements_of(world: &World) -> Self {
        let gate = Self::default();
        let observing = gate.clone();
        let is_first = world.store.observe(move |_| {
            let (shut, opened) = &*observing.0;
            let wait = || drop(opened.wait_while(shut.lock().expect("no panic"), |shut| *shut).expect("no panic"));
            tokio::task::block_in_place(wait);
        });
        assert!(is_first, "nobody else observes");
        gate
    }

    fn set(&self, shut: bool) {
        *self.0.0.lock().expect("no panic") = shut;
        self.0.1.notify_all();
    }
}

struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

async fn list(router: Router, client: Client) -> Answer {
    let body = json!({ "query": "{ customers(first: 1) { nodes { id } } }" }).to_string();
    let request = Request::post("/graphql")
        .header("content-type", JSON)
        .header("authorization", format!("Bearer {}", client.token()))
        .body(Body::from(body))
        .expect("a request");
    let (parts, body) = router.oneshot(request).await.expect("infallible").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let retry_after = parts.headers.get("retry-after").map(|value| value.to_str().expect("text").to_owned());
    Answer { status: parts.status.as_u16(), retry_after, body: serde_json::from_slice(&body).expect("JSON") }
}

/// The figure with this name and these labels.
async fn figure(router: &Router, name: &str) -> usize {
    let request = Request::get("/metrics").body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(answer.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    let text = std::str::from_utf8(&text).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().expect("a whole number")
}

/// The database stands still. One tenant asks far more than may wait, and another one is let in all the same.
#[on_both]
async fn a_flood_is_refused_at_once_and_is_its_own_problem(world: &World) {
    let router = router(world.app.clone(), Options::new(&world.config));
    let gate = Gate::before_statements_of(world);
    gate.set(true);
    let limit = figure(&router, "tessera_requests_limit").await;
    let mut flood = JoinSet::new();
    for _ in 0..limit + 50 {
        flood.spawn(list(router.clone(), world.admin(world.alpha)));
    }
    for _ in 0..50 {
        let shed = flood.join_next().await.expect("one more").expect("no panic");
        let error = &shed.body["errors"][0]["extensions"];
        assert_eq!((shed.status, shed.retry_after.as_deref()), (503, Some("1")));
        assert_eq!(*error, json!({ "code": "SERVICE_UNAVAILABLE", "retryAfterMs": 1000 }));
    }
    assert_eq!(figure(&router, "tessera_requests_shed_total").await, 50);
    assert_eq!(figure(&router, "tessera_requests_in_flight").await, limit);
    let health = Request::get("/healthz").body(Body::empty()).expect("a request");
    assert_eq!(router.clone().oneshot(health).await.expect("infallible").status(), 200);

    let other = tokio::spawn(list(router.clone(), world.admin(world.beta)));
    while figure(&router, "tessera_requests_in_flight").await == limit {
        tokio::task::yield_now().await;
    }
    gate.set(false);
    assert_eq!(other.await.expect("no panic").status, 200);
    while let Some(answered) = flood.join_next().await {
        assert_eq!(answered.expect("no panic").status, 200);
    }
    assert_eq!(figure(&router, "tessera_requests_in_flight").await, 0);
    let total = |labels: &str| format!("tessera_requests_total{{{labels}}}");
    let listed = total(r#"kind="query",operation="customers",outcome="OK""#);
    assert_eq!(figure(&router, &listed).await, limit + 1);
    let shed = total(r#"kind="none",operation="none",outcome="SERVICE_UNAVAILABLE""#);
    assert_eq!(figure(&router, &shed).await, 50);
    assert_eq!(figure(&router, r#"tessera_request_duration_seconds_count{kind="query"}"#).await, limit + 1);
}

#[on_both]
async fn figures_tell_of_operations_and_outcomes_and_of_nobody(world: &World) {
    let router = router(world.app.clone(), Options::new(&world.config));
    let client = world.admin(world.alpha);
    list(router.clone(), client.clone()).await;
    let send = async |document: &str| {
        let body = json!({ "query": document, "operationName": "canary" }).to_string();
        let request = Request::post("/graphql").header("content-type", JSON).body(Body::from(body));
        router.clone().oneshot(request.expect("a request")).await.expect("infallible");
    };
    send("query canary { viewer { permissions } __typename }").await;
    send("query canary { customers { nodes { id } } }").await;
    send("mutation canary { deleteCustomer(input: { id: \"cus_canary\" }) { userErrors { code } } }").await;
    send("query canary { noSuchField }").await;
    for (kind, operation, outcome) in [
        ("query", "customers", "OK"),
        ("query", "several", "OK"),
        ("query", "customers", "UNAUTHENTICATED"),
        ("mutation", "deleteCustomer", "UNAUTHENTICATED"),
        ("none", "none", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let labels = format!(r#"tessera_requests_total{{kind="{kind}",operation="{operation}",outcome="{outcome}"}}"#);
        assert_eq!(figure(&router, &labels).await, 1, "{labels}");
    }
    for because in ["mutation", "refused"] {
        let labels = format!(r#"tessera_requests_resolved_total{{because="{because}"}}"#);
        assert_eq!(figure(&router, &labels).await, 1, "{labels}");
    }
    assert!(figure(&router, "tessera_database_connections_limit").await > 0);
    assert!(figure(&router, "tessera_database_statements_total").await > 0);
    let request = Request::get("/metrics").body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("infallible");
    let text = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    let text = std::str::from_utf8(&text).expect("text");
    for secret in ["canary".to_owned(), world.alpha.id.to_string()] {
        assert!(!text.contains(&secret), "{secret} is in {text}");
    }
}
