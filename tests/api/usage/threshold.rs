//! Shares of a limit that use reaches: told once for each window, and again when the limit was raised.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::entity::outbox_event;

use super::{consume, counter, customer};
use crate::support::{World, on_both, race};

/// What was told, in order: feature, share, limit and use.
async fn told(world: &World) -> Vec<Value> {
    let document = "{ auditEvents(first: 100) { nodes { action changes } } }";
    let data = world.admin(world.alpha).ok(document, json!({})).await;
    let entries = data["auditEvents"]["nodes"].as_array().expect("a list").iter().rev();
    let reached = entries.filter(|entry| entry["action"] == "usage_threshold.reach");
    let to = |entry: &Value, name: &str| entry["changes"][name]["to"].clone();
    let told: Vec<_> = reached
        .map(|entry| json!([to(entry, "feature_key"), to(entry, "percent"), to(entry, "ceiling"), to(entry, "used")]))
        .collect();
    let events = world.store.system().all::<outbox_event::Entity>().await.expect("the database answers");
    let events = events.iter().filter(|event| event.topic == "usage_threshold.reach").count();
    assert_eq!(events, told.len(), "each has an event");
    told
}

#[on_both]
async fn eighty_and_a_hundred_percent_are_told_once_for_each_window(world: &World) {
    let (ada, _) = customer(world).await;
    let (client, admin) = (counter(world), world.admin(world.alpha));
    let mut expected: Vec<Value> = Vec::new();
    consume(&client, &ada, 79, json!({})).await;
    assert_eq!(told(world).await, expected);
    // In the transaction that crosses, and once for a key that is sent again.
    for _ in 0..2 {
        consume(&client, &ada, 1, json!({"idempotencyKey": "eighty"})).await;
    }
    expected.push(json!(["ai.queries", 80, 100, 80]));
    assert_eq!(told(world).await, expected);
    // Back and forth it is not told again.
    let adjust = |amount: i64| json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "reason": "x"});
    admin.mutate("adjustUsage", adjust(-10), "").await;
    admin.mutate("adjustUsage", adjust(15), "").await;
    assert_eq!(told(world).await, expected);
    let record =
        |key: &str, amount: i64| json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "key": key});
    world.pass(TimeDelta::seconds(1));
    client.mutate("recordUsage", json!({"records": [record("a", 10), record("b", 15)]}), "").await;
    expected.push(json!(["ai.queries", 100, 100, 110]));
    assert_eq!(told(world).await, expected);
    // A raised limit arms them again: what was used counts.
    let grant = json!({"ownerId": ada, "feature": "ai.queries", "amount": 100, "reason": "x"});
    admin.mutate("grantAllowance", grant, "").await;
    world.pass(TimeDelta::seconds(1));
    consume(&client, &ada, 50, json!({})).await;
    expected.push(json!(["ai.queries", 80, 200, 160]));
    assert_eq!(told(world).await, expected);
    // So does a new window, of which one command may cross both.
    world.pass(TimeDelta::days(31));
    consume(&client, &ada, 120, json!({"partial": true})).await;
    let both: Vec<_> = told(world).await.drain(3..).collect();
    assert_eq!(both.len(), 2);
    assert!(
        both.contains(&json!(["ai.queries", 80, 100, 100])) && both.contains(&json!(["ai.queries", 100, 100, 100]))
    );
}

#[on_both]
async fn gauges_and_what_is_settled_are_told_of_too(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    for value in [7, 8, 9, 3, 9, 12] {
        client.mutate("setGauge", json!({"ownerId": ada, "feature": "products", "value": value}), "").await;
        world.pass(TimeDelta::seconds(1));
    }
    let mut expected = vec![json!(["products", 80, 10, 8]), json!(["products", 100, 10, 12])];
    assert_eq!(told(world).await, expected);
    let hold = json!({"ownerId": ada, "feature": "ai.queries", "amount": 90});
    let held = client.mutate("reserve", hold, "reservation { reservationId }").await;
    assert_eq!(told(world).await, expected, "what is held is not used");
    let settle = json!({"reservationId": held["reservation"]["reservationId"], "actual": 85});
    client.mutate("settle", settle, "").await;
    expected.push(json!(["ai.queries", 80, 100, 85]));
    assert_eq!(told(world).await, expected);
}

/// Of many that count at the same time one crosses.
#[on_both]
async fn a_race_crosses_once(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 10});
    race(&vec![client; 12], "consume", vec![input; 12], "").await;
    let mut percents: Vec<_> = told(world).await.iter().map(|told| told[1].as_i64()).collect();
    percents.sort_unstable();
    assert_eq!(percents, [Some(80), Some(100)]);
}
