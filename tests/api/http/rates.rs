//! Budgets: who asks for too much is told when to come again, and nobody else notices.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tessera::auth::Role;
use tessera::config::RateConfig;
use tessera::http::{Options, router};
use tower::ServiceExt;

use super::{GRAPHQL, JSON};
use crate::support::{Client, World, on_both};

const NONE: RateConfig = RateConfig { tenant: 0, user: 0, address: 0 };

struct Answer {
    status: u16,
    retry_after: Option<u64>,
    body: Value,
}

async fn ask(router: &Router, client: &Client, body: Value) -> Answer {
    let mut request = Request::post("/graphql").header("content-type", JSON).header("accept", GRAPHQL);
    if !client.token().is_empty() {
        request = request.header("authorization", format!("Bearer {}", client.token()));
    }
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let (parts, body) = router.clone().oneshot(request).await.expect("infallible").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let retry_after = parts.headers.get("retry-after").map(|value| value.to_str().expect("text"));
    Answer {
        status: parts.status.as_u16(),
        retry_after: retry_after.map(|seconds| seconds.parse().expect("seconds")),
        body: serde_json::from_slice(&body).expect("JSON"),
    }
}

fn dear() -> Value {
    json!({ "query": "{ tiers(first: 100) { nodes { features { key } prices { billingCycle } } } }" })
}

/// What it costs: a page, its tiers, and what each of them may have.
const DEAR: u64 = 1 + 100 * (1 + (1 + 100) + (1 + 20));

fn cheap() -> Value {
    json!({ "query": "{ tiers(first: 1) { nodes { id } } }", "extensions": { "cost": true } })
}

/// Asks until it is too much.
async fn exhaust(world: &World, router: &Router, client: &Client) {
    for _ in 0..100 {
        let before = world.store.statements();
        let Answer { status, retry_after, body } = ask(router, client, dear()).await;
        if status == 200 {
            continue;
        }
        assert_eq!(status, 429, "{body}");
        assert_eq!(world.store.statements(), before, "nothing is read");
        let extensions = &body["errors"][0]["extensions"];
        let wait = extensions["retryAfterMs"].as_u64().expect("a number");
        assert_eq!((&extensions["code"], body.get("data")), (&json!("RATE_LIMITED"), None));
        assert!(wait > 0 && wait <= 1_000 * DEAR.div_ceil(10_000), "{wait}");
        assert_eq!(retry_after, Some(wait.div_ceil(1_000)));
        return;
    }
    panic!("nothing was too much");
}

#[on_both]
async fn a_user_s_budget_is_its_own(world: &World) {
    let options = Options { rates: RateConfig { user: 10_000, ..NONE }, ..Options::new(&world.config) };
    let router = router(world.app.clone(), options);
    exhaust(world, &router, &world.admin(world.alpha)).await;
    for other in [world.caller(Role::Worker, world.alpha), world.admin(world.beta), world.nobody()] {
        assert_eq!(ask(&router, &other, dear()).await.status, 200);
    }
}

#[on_both]
async fn a_tenant_s_budget_is_that_of_all_its_users(world: &World) {
    let options = Options { rates: RateConfig { tenant: 10_000, ..NONE }, ..Options::new(&world.config) };
    let router = router(world.app.clone(), options);
    exhaust(world, &router, &world.admin(world.alpha)).await;
    assert_eq!(ask(&router, &world.caller(Role::Worker, world.alpha), dear()).await.status, 429);
    for other in [world.admin(world.beta), world.root(), world.nobody()] {
        assert_eq!(ask(&router, &other, dear()).await.status, 200);
    }
}

#[on_both]
async fn who_has_no_token_pays_by_its_address(world: &World) {
    let options = Options { rates: RateConfig { address: 10_000, ..NONE }, ..Options::new(&world.config) };
    let router = router(world.app.clone(), options);
    exhaust(world, &router, &world.nobody()).await;
    assert_eq!(ask(&router, &world.admin(world.alpha), dear()).await.status, 200);
}

#[on_both]
async fn a_document_that_is_refused_is_paid_for(world: &World) {
    let options = Options { rates: RateConfig { user: 10_000, ..NONE }, ..Options::new(&world.config) };
    let router = router(world.app.clone(), options);
    let admin = world.admin(world.alpha);
    let wrong = format!("{{ viewer {{ {} }} }}", "nothing ".repeat(1_900));
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) && statuses.len() < 1_000 {
        statuses.push(ask(&router, &admin, json!({ "query": wrong })).await.status);
    }
    assert_eq!((statuses[0], statuses.last()), (400, Some(&429)));
}

#[on_both]
async fn who_asks_is_told_the_cost(world: &World) {
    let options = Options { rates: RateConfig { user: 50_000, ..NONE }, ..Options::new(&world.config) };
    let router = router(world.app.clone(), options);
    let admin = world.admin(world.alpha);
    let query = cheap()["query"].as_str().expect("a text").len() as u64;
    let judged = 1 + query / 16;
    for (place, charged) in [judged + 3, 3].into_iter().enumerate() {
        let Answer { status, body, .. } = ask(&router, &admin, cheap()).await;
        assert_eq!(status, 200);
        let cost = &body["extensions"]["cost"];
        assert_eq!(cost["charged"], charged, "{place}: the text is judged once");
        assert!(cost["remaining"].as_u64().is_some_and(|left| left <= 500_000 && left > 400_000), "{cost}");
        assert!(body["data"]["tiers"]["nodes"].is_array());
    }
    let mut silent = cheap();
    silent["extensions"] = json!({});
    assert_eq!(ask(&router, &admin, silent).await.body.get("extensions"), None);
    let refused = json!({ "query": "{ nothing }", "extensions": { "cost": true } });
    let Answer { status, body, .. } = ask(&router, &admin, refused).await;
    assert_eq!((status, &body["extensions"]["cost"]["charged"]), (400, &json!(1)));
    let options = Options { rates: NONE, ..Options::new(&world.config) };
    let router = super::router(world.app.clone(), options);
    let cost = ask(&router, &admin, cheap()).await.body["extensions"]["cost"].clone();
    assert_eq!(cost, json!({ "charged": 3, "remaining": null }));
}
