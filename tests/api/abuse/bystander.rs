//! Others go on while one tenant sends hostile documents, and leaves before they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tessera::http::{Options, router};
use tower::ServiceExt;

use super::hostile::{Hostile, hostile};
use crate::support::{Client, World, on_both};

/// How many clients send hostile documents at the same time.
const ATTACKERS: u64 = 4;

fn post(client: &Client, body: &Value) -> Request<Body> {
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", client.token()));
    request.body(Body::from(body.to_string())).expect("a request")
}

/// The status of the answer, and its text.
async fn ask(router: &Router, request: Request<Body>) -> (u16, String) {
    let (parts, body) = router.clone().oneshot(request).await.expect("infallible").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    (parts.status.as_u16(), String::from_utf8(body.to_vec()).expect("text"))
}

/// Sends hostile documents, and does not wait for the answer to every third.
async fn attack(router: Router, client: Client, from: u64, stop: Arc<AtomicBool>, sent: Arc<AtomicUsize>) {
    for (number, Hostile { kind, document, variables }) in hostile(from, u64::MAX - from).enumerate() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        sent.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "query": document, "variables": variables });
        let answer = ask(&router, post(&client, &body));
        if number % 3 == 0 {
            drop(tokio::time::timeout(Duration::from_millis(1), answer).await);
        } else {
            let (status, text) = answer.await;
            // Too large a body is one of the refusals, and so is too much at once.
            assert!([200, 400, 413, 429, 503].contains(&status), "{kind}: {status}: {text}");
            assert!(!text.contains("INTERNAL_SERVER_ERROR"), "{kind}: {text}");
        }
    }
}

#[on_both]
async fn a_bystander_goes_on(world: &World) {
    world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    let router = router(world.app.clone(), Options::new(&world.config));
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|number| {
            let (client, stop, sent) = (world.admin(world.alpha), Arc::clone(&stop), Arc::clone(&sent));
            tokio::spawn(attack(router.clone(), client, number * 1_000, stop, sent))
        })
        .collect();
    let bystander = world.admin(world.beta);
    let document = json!({ "query": "{ customers(first: 5) { nodes { name subscription { status } } } }" });
    let mut asked = 0;
    while asked < 50 || sent.load(Ordering::Relaxed) < 400 {
        let (status, text) = ask(&router, post(&bystander, &document)).await;
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("\"Bob\""), "{text}");
        asked += 1;
    }
    stop.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.await.expect("no panic");
    }
    let (_, figures) = ask(&router, Request::get("/metrics").body(Body::empty()).expect("a request")).await;
    assert!(figures.contains("\ntessera_requests_in_flight 0\n"), "what nobody waits for is over");
}
