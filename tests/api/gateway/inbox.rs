//! What gateways tell us: kept once it is known who sent it, and answered at once.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::entity::{GatewayKind, WebhookEventState, gateway_account, webhook_event};
use tessera::http::{Options, router};
use tessera_gateway::Seconds;
use tessera_gateway::simulator::sign;
use tower::ServiceExt as _;

use crate::support::{World, on_both};

/// Sends a body to an address, signed with a secret: the status, and the code of the error.
pub async fn send(world: &World, path: &str, body: &Value, secret: &str) -> (u16, String) {
    let body = body.to_string();
    let now = Seconds(world.clock.now().micros() / 1_000_000);
    let signature = sign(body.as_bytes(), &secret.to_owned().into(), now);
    let request = Request::post(path).header("stripe-signature", signature).body(Body::from(body)).expect("a request");
    let answer = router(world.app.clone(), Options::new(&world.config)).oneshot(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let text = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    let json: Value = serde_json::from_slice(&text).unwrap_or_default();
    (status, json["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

/// The address of an account.
pub fn address(account: &gateway_account::Model) -> String {
    format!("/webhooks/{}/{}", account.kind.as_str().to_lowercase(), account.slug)
}

fn event(id: &str, kind: &str, object: Value) -> Value {
    json!({"id": id, "object": "event", "type": kind, "created": 1_772_366_400, "livemode": false, "api_version": "2025-08-27.basil",
        "data": {"object": object}})
}

async fn kept(world: &World) -> Vec<webhook_event::Model> {
    let mut rows = world.store.system().all::<webhook_event::Entity>().await.expect("rows");
    rows.sort_by(|one, other| one.gateway_event_id.cmp(&other.gateway_event_id));
    rows
}

#[on_both]
async fn news_is_kept_once_and_only_from_who_signs_it(world: &World) {
    let account = world.gateway(Some(world.alpha)).await;
    let path = address(&account);
    let news = event(
        "evt_1",
        "invoice.paid",
        json!({"id": "in_1", "object": "invoice", "customer_email": "canary@example.com"}),
    );
    assert_eq!(send(world, &path, &news, "whsec_other").await, (401, "BAD_SIGNATURE".to_owned()));
    assert_eq!(send(world, "/webhooks/simulator/nothing", &news, "whsec_test").await, (404, "NOT_FOUND".to_owned()));
    let stripe = path.replace("simulator", "stripe");
    assert_eq!(send(world, &stripe, &news, "whsec_test").await, (404, "NOT_FOUND".to_owned()));
    assert_eq!(send(world, &path, &json!([]), "whsec_test").await, (400, "BAD_REQUEST".to_owned()));
    assert!(kept(world).await.is_empty());
    for _ in 0..3 {
        assert_eq!(send(world, &path, &news, "whsec_test").await.0, 204);
    }
    let live = json!({"livemode": true});
    let mut other_mode = event("evt_2", "invoice.paid", json!({"id": "in_1", "object": "invoice"}));
    other_mode["livemode"] = live["livemode"].clone();
    assert_eq!(send(world, &path, &other_mode, "whsec_test").await.0, 204);
    send(world, &path, &event("evt_3", "tax.settings.updated", json!({"object": "tax.settings"})), "whsec_test").await;
    send(world, &path, &event("evt_4", "invoice.created", json!({"id": "in_2", "object": "invoice"})), "whsec_test")
        .await;
    let rows = kept(world).await;
    let told: Vec<_> = rows.iter().map(|row| (row.state, row.reason.as_deref().unwrap_or_default())).collect();
    use WebhookEventState::{Received, Skipped};
    assert_eq!(told, [(Received, ""), (Skipped, "OTHER_MODE"), (Skipped, "UNKNOWN_TYPE"), (Skipped, "NOTHING_TO_DO")]);
    assert_eq!((rows[0].tenant_id, rows[0].object_id.as_deref()), (Some(world.alpha.id), Some("in_1")));
    assert!(!format!("{rows:?}").contains("canary"));
    // A recording is not accepted.
    world.pass(TimeDelta::minutes(6));
    let now = Seconds(world.clock.now().micros() / 1_000_000 - 301);
    let body = news.to_string();
    let header = |_: &str| Some(sign(body.as_bytes(), &"whsec_test".to_owned().into(), now));
    let verified = world.app.gateways().verify(&account, &header, body.as_bytes(), Seconds(now.0 + 301));
    assert_eq!(verified.unwrap_or_else(|_| panic!("secrets")).err(), Some(tessera_gateway::WebhookError::TooOld));
    assert_eq!(account.kind, GatewayKind::Simulator);
}

#[on_both]
async fn news_of_what_nobody_knows_is_skipped(world: &World) {
    let account = world.gateway(Some(world.alpha)).await;
    let remote = world.app.gateways().of(&account).unwrap_or_else(|_| panic!("the key opens"));
    let new =
        tessera_gateway::NewCustomer { reference: tessera_gateway::Reference("x".to_owned()), name: None, email: None };
    let key = tessera_gateway::IdempotencyKey("k".to_owned());
    let id = remote.call("create_customer", |gateway| gateway.create_customer(&key, &new)).await.expect("a customer");
    let customer = |id: &str| json!({"id": id, "object": "customer"});
    send(world, &address(&account), &event("evt_1", "customer.updated", customer(id.as_str())), "whsec_test").await;
    send(world, &address(&account), &event("evt_2", "customer.updated", customer(id.as_str())), "whsec_test").await;
    send(world, &address(&account), &event("evt_3", "customer.updated", customer("cus_none")), "whsec_test").await;
    let applier = world.app.applier();
    let pass = async || applier.pass().await.unwrap_or_else(|error| panic!("{}", error.told_inside()));
    let report = pass().await;
    assert_eq!((report.queued, report.fetched), (3, 0), "more news of the same object may come");
    world.pass(TimeDelta::seconds(2));
    let report = pass().await;
    assert_eq!((report.queued, report.fetched), (0, 2), "one fetch serves all news of an object");
    let reasons: Vec<_> =
        kept(world).await.into_iter().map(|row| (row.state, row.reason.unwrap_or_default())).collect();
    let skipped = |reason: &str| (WebhookEventState::Skipped, reason.to_owned());
    assert_eq!(reasons, [skipped("UNKNOWN_OBJECT"), skipped("UNKNOWN_OBJECT"), skipped("NOT_FOUND")]);
    assert_eq!(pass().await, Default::default());
}
