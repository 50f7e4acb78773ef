//! Use: consuming and reserving up to a limit, recording, gauges, corrections, allowances and series.

mod by_hand;
mod prove;
mod race;
mod record;
mod reserve;
mod series;
mod threshold;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, World, on_both};

const METER: &str = "meter { feature used held limit remaining overLimitBy resetsAt }";

/// A program that only counts.
fn counter(world: &World) -> Client {
    world.service(world.alpha, &[Permission::UsageRecord, Permission::CustomersRead])
}

/// A customer that may make 100 queries a month and have 10 products, for a year.
async fn customer(world: &World) -> (String, String) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.admin(world.alpha).mutate("extendSubscription", json!({"id": subscription, "days": 365}), "").await;
    (customer, subscription)
}

/// What is granted of so many queries, with what the input says besides: how much, and what is used then.
async fn consume(client: &Client, owner: &str, amount: i64, more: Value) -> (i64, i64) {
    let mut input = json!({"ownerId": owner, "feature": "ai.queries", "amount": amount});
    more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
    let made = client.mutate("consume", input, &format!("consumption {{ granted {METER} }}")).await;
    let number = |value: &Value| value.as_i64().expect("a number");
    (number(&made["consumption"]["granted"]), number(&made["consumption"]["meter"]["used"]))
}

/// The id of a feature of the caller's catalogue.
async fn feature(client: &Client, key: &str) -> Value {
    let document = "query($key: String) { features(where: {key: $key}) { nodes { id } } }";
    client.ok(document, json!({"key": key})).await["features"]["nodes"][0]["id"].clone()
}

#[on_both]
async fn a_hard_limit_is_all_or_nothing_unless_less_will_do(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let before = world.writes().await;
    let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 60});
    let made = client.mutate("consume", input, &format!("consumption {{ granted {METER} }}")).await;
    let expected = json!({"granted": 60, "meter": {
        "feature": "ai.queries", "used": 60, "held": 0, "limit": 100, "remaining": 40, "overLimitBy": 0,
        "resetsAt": "2026-04-01T12:00:00Z",
    }});
    assert_eq!(made["consumption"], expected);
    let more = json!({"ownerId": ada, "feature": "ai.queries", "amount": 41});
    let refusal = world.refused(&client, "consume", more, "LIMIT_EXCEEDED", "input.feature").await;
    let told = ["feature", "limit", "used", "tiersThatUnlock"].map(|field| refusal[field].clone());
    assert_eq!(json!(told), json!(["ai.queries", 100, 60, []]));
    let too_much = json!({"ownerId": ada, "feature": "ai.queries", "amount": 101});
    world.refused(&client, "consume", too_much, "LIMIT_EXCEEDED", "input.feature").await;
    assert_eq!(consume(&client, &ada, 41, json!({"partial": true})).await, (40, 100));
    assert_eq!(consume(&client, &ada, 1, json!({"partial": true})).await, (0, 100));
    assert_eq!(world.writes().await, before + 2, "what is counted is its own trail, but 80 and 100 % are told");
    // The next window begins at 0.
    world.pass(TimeDelta::days(31));
    assert_eq!(consume(&client, &ada, 1, json!({})).await, (1, 1));
}

#[on_both]
async fn the_same_key_counts_once(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let key = json!({"idempotencyKey": "one", "partial": true});
    assert_eq!(consume(&client, &ada, 70, key.clone()).await, (70, 70));
    assert_eq!(consume(&client, &ada, 40, json!({"idempotencyKey": "two", "partial": true})).await, (30, 100));
    for _ in 0..2 {
        assert_eq!(consume(&client, &ada, 70, key.clone()).await, (70, 100));
        assert_eq!(consume(&client, &ada, 40, json!({"idempotencyKey": "two", "partial": true})).await, (30, 100));
    }
    let other = json!({"ownerId": ada, "feature": "ai.queries", "amount": 2, "idempotencyKey": "one"});
    world.refused(&client, "consume", other, "IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey").await;
    // Another organization has keys of its own.
    let (bob, _) = world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    assert_eq!(consume(&world.admin(world.beta), &bob, 5, key).await, (5, 5));
}

#[on_both]
async fn a_soft_limit_is_gone_beyond_and_shown(world: &World) {
    let (ada, subscription) = customer(world).await;
    let (client, admin) = (counter(world), world.admin(world.alpha));
    let id = feature(&admin, "ai.queries").await;
    admin.mutate("updateFeature", json!({"id": id, "enforcement": "SOFT"}), "").await;
    let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 130});
    let made = client.mutate("consume", input, &format!("consumption {{ granted {METER} }}")).await;
    let meter = &made["consumption"]["meter"];
    assert_eq!((&meter["used"], &meter["overLimitBy"], &meter["remaining"]), (&json!(130), &json!(30), &json!(0)));
    // A lower limit keeps what is used.
    let lower = json!({"id": subscription, "featureOverrides": [{"key": "ai.queries", "ceiling": 10}]});
    admin.mutate("updateSubscription", lower, "").await;
    assert_eq!(consume(&client, &ada, 1, json!({})).await, (1, 131));
    let unlimited = json!({"id": subscription, "featureOverrides": [{"key": "ai.queries", "ceiling": null}]});
    admin.mutate("updateSubscription", unlimited, "").await;
    let input = json!({"ownerId": ada, "feature": "ai.queries"});
    let made = client.mutate("consume", input, &format!("consumption {{ {METER} }}")).await;
    let meter = &made["consumption"]["meter"];
    assert_eq!((&meter["limit"], &meter["remaining"]), (&Value::Null, &Value::Null));
}

#[on_both]
async fn what_cannot_be_consumed_is_refused(world: &World) {
    let (ada, subscription) = customer(world).await;
    let (client, admin) = (counter(world), world.admin(world.alpha));
    let (bob, _) = world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    let (eve, ended) = world.subscribed(world.alpha, "Eve", world.alpha.basic, json!({})).await;
    admin.mutate("deleteSubscription", json!({"id": ended}), "").await;
    let new = json!({"key": "declared", "name": "Declared", "kind": "METER"});
    admin.mutate("createFeature", new, "").await;
    let overrides = json!([{"key": "export"}, {"key": "ai.queries", "enabled": false}]);
    admin.mutate("updateSubscription", json!({"id": subscription, "featureOverrides": overrides}), "").await;
    let own = world.alpha.id.to_string();
    admin.mutate("ensureSubscription", json!({"organizationId": own}), "").await;
    for (owner, feature, code, path) in [
        (&ada, "nothing", "FEATURE_UNKNOWN", "input.feature"),
        (&ada, "declared", "NOT_ENTITLED", "input.feature"),
        (&ada, "export", "CONFLICT", "input.feature"),
        (&ada, "ai.queries", "NOT_ENTITLED", "input.feature"),
        (&own, "users", "CONFLICT", "input.feature"),
        (&own, "customers", "CONFLICT", "input.feature"),
        (&bob, "ai.queries", "NOT_FOUND", "input.ownerId"),
        (&eve, "ai.queries", "NOT_ENTITLED", "input.ownerId"),
        (&"nonsense".to_owned(), "ai.queries", "INVALID_ID", "input.ownerId"),
    ] {
        let input = json!({"ownerId": owner, "feature": feature});
        world.refused(&admin, "consume", input.clone(), code, path).await;
        world.refused(&admin, "reserve", input, code, path).await;
    }
    for amount in [0, -1] {
        let input = json!({"ownerId": ada, "feature": "products", "amount": amount});
        world.refused(&client, "consume", input, "OUT_OF_RANGE", "input.amount").await;
    }
    let products = json!({"ownerId": ada, "feature": "products"});
    admin.mutate("pauseSubscription", json!({"id": subscription}), "").await;
    world.refused(&client, "consume", products.clone(), "NOT_ENTITLED", "input.feature").await;
    admin.mutate("resumeSubscription", json!({"id": subscription}), "").await;
    admin.mutate("suspendCustomer", json!({"id": ada}), "").await;
    world.refused(&client, "consume", products.clone(), "OWNER_INACTIVE", "input.ownerId").await;
    for client in [world.customer(world.alpha, &ada), world.caller(Role::Worker, world.alpha)] {
        world.forbidden(&client, "consume", products.clone(), "usage.record").await;
    }
}

#[on_both]
async fn a_pause_keeps_the_window_and_a_new_paid_time_begins_another(world: &World) {
    let (client, admin) = (counter(world), world.admin(world.alpha));
    let (ada, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 60})).await;
    assert_eq!(consume(&client, &ada, 10, json!({})).await, (10, 10));
    world.pass(TimeDelta::days(32));
    assert_eq!(consume(&client, &ada, 10, json!({})).await, (10, 10), "long trials have months too");
    admin.mutate("activateSubscription", json!({"id": subscription}), "").await;
    assert_eq!(consume(&client, &ada, 7, json!({})).await, (7, 7), "what was used in the trial does not count");
    admin.mutate("pauseSubscription", json!({"id": subscription}), "").await;
    world.pass(TimeDelta::days(40));
    admin.mutate("resumeSubscription", json!({"id": subscription}), "").await;
    assert_eq!(consume(&client, &ada, 1, json!({})).await, (1, 8));
    // Another tier keeps what is used.
    let change = json!({"id": subscription, "tierId": world.alpha.basic.to_string(), "timing": "NOW"});
    admin.mutate("changeTier", change, "").await;
    assert_eq!(consume(&client, &ada, 1, json!({})).await, (1, 9));
}
