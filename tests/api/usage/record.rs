//! Recording batches, and gauges.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{METER, consume, counter, customer};
use crate::support::{World, each, on_both};

#[on_both]
async fn each_record_of_a_batch_is_told_what_came_of_it(world: &World) {
    let (ada, _) = customer(world).await;
    let (bob, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let (foreign, _) = world.subscribed(world.beta, "Eve", world.beta.basic, json!({})).await;
    let client = counter(world);
    let now = world.clock.now();
    let record = |owner: &str, feature: &str, amount: i64, key: &str| json!({"ownerId": owner, "feature": feature, "amount": amount, "key": key});
    let at = |mut record: Value, days: i64| {
        record["occurredAt"] = json!(now.plus_days(days).to_string());
        record
    };
    let records = json!([
        record(&ada, "ai.queries", 70, "a"),
        record(&ada, "ai.queries", 70, "b"),
        record(&ada, "ai.queries", 70, "a"),
        record(&ada, "ai.queries", 1, "a"),
        record(&bob, "ai.queries", 5, "c"),
        record(&foreign, "ai.queries", 5, "d"),
        record("nonsense", "ai.queries", 5, "e"),
        record(&ada, "nothing", 5, "f"),
        record(&ada, "products", 5, "g"),
        record(&ada, "ai.queries", 0, "h"),
        record(&ada, "ai.queries", 5, " "),
        at(record(&ada, "ai.queries", 5, "i"), 1),
        at(record(&ada, "ai.queries", 5, "j"), -36),
        at(record(&ada, "ai.queries", 5, "k"), -1),
    ]);
    let before = world.writes().await;
    let selection = "records { key status code }";
    let made = client.mutate("recordUsage", json!({"records": records}), selection).await;
    let told: Vec<_> =
        made["records"].as_array().expect("a list").iter().map(|one| json!([one["status"], one["code"]])).collect();
    let rejected = |code: &str| json!(["REJECTED", code]);
    let expected = [
        json!(["ACCEPTED", null]),
        json!(["ACCEPTED", null]),
        json!(["DUPLICATE", null]),
        rejected("IDEMPOTENCY_KEY_REUSED"),
        json!(["ACCEPTED", null]),
        rejected("NOT_FOUND"),
        rejected("INVALID_ID"),
        rejected("FEATURE_UNKNOWN"),
        rejected("CONFLICT"),
        rejected("OUT_OF_RANGE"),
        rejected("REQUIRED"),
        rejected("INVALID_DATE"),
        rejected("INVALID_DATE"),
        rejected("INVALID_DATE"),
    ];
    assert_eq!(told, expected);
    assert_eq!(world.writes().await, before + 2, "80 and 100 % are told");
    // Sent again, nothing counts again; and a limit does not keep what happened from being counted.
    let again = client.mutate("recordUsage", json!({"records": records}), selection).await;
    assert_eq!(each(&again["records"], "status")[..2], ["DUPLICATE", "DUPLICATE"]);
    let input = json!({"ownerId": ada, "feature": "ai.queries", "partial": true});
    let made = client.mutate("consume", input, &format!("consumption {{ granted {METER} }}")).await;
    let meter = &made["consumption"]["meter"];
    assert_eq!(
        (&made["consumption"]["granted"], &meter["used"], &meter["overLimitBy"]),
        (&json!(0), &json!(140), &json!(40))
    );
    assert_eq!(consume(&client, &bob, 1, json!({})).await, (1, 6));
}

#[on_both]
async fn a_record_counts_in_the_window_in_which_it_occurred(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    consume(&client, &ada, 10, json!({})).await;
    world.pass(TimeDelta::days(32));
    let earlier = world.clock.now().plus_days(-3).to_string();
    let record = |key: &str, at: Option<&str>| json!({"ownerId": ada, "feature": "ai.queries", "amount": 5, "key": key, "occurredAt": at});
    let records = json!({"records": [record("a", Some(&earlier)), record("b", None)]});
    client.mutate("recordUsage", records, "").await;
    assert_eq!(consume(&client, &ada, 1, json!({})).await, (1, 6));
}

#[on_both]
async fn many_records_are_counted_together(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let record = |number: i64| json!({"ownerId": ada, "feature": "ai.queries", "key": format!("key {number}")});
    let records: Vec<_> = (0..1_000).map(record).collect();
    let before = world.store.statements();
    client.mutate("recordUsage", json!({"records": records}), "records { status }").await;
    let cost = world.store.statements() - before;
    assert!(cost < 20, "{cost} statements");
    let input = json!({"ownerId": ada, "feature": "ai.queries", "partial": true});
    let made = client.mutate("consume", input, "consumption { meter { used } }").await;
    assert_eq!(made["consumption"]["meter"]["used"], 1_000);
    let one_more: Vec<_> = (0..1_001).map(record).collect();
    let answer = client.send_mutation("recordUsage", json!({"records": one_more}), "").await;
    assert!(!answer.0["errors"].is_null(), "{:#}", answer.0);
}

#[on_both]
async fn a_gauge_is_a_fact_and_an_older_one_changes_nothing(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let set = async |value: i64, minutes: i64| {
        let at = world.clock.now().plus(TimeDelta::minutes(minutes)).to_string();
        let input = json!({"ownerId": ada, "feature": "products", "value": value, "observedAt": at});
        client.mutate("setGauge", input, METER).await["meter"].clone()
    };
    let over = set(12, 0).await;
    assert_eq!((&over["used"], &over["limit"], &over["overLimitBy"]), (&json!(12), &json!(10), &json!(2)));
    assert_eq!(set(3, -1).await["used"], 12);
    assert_eq!(set(8, 1).await["used"], 8);
    // What there is can be consumed up to the limit as well.
    let input = |amount: i64| json!({"ownerId": ada, "feature": "products", "amount": amount});
    world.refused(&client, "consume", input(3), "LIMIT_EXCEEDED", "input.feature").await;
    let made = client.mutate("consume", input(2), &format!("consumption {{ {METER} }}")).await;
    let meter = &made["consumption"]["meter"];
    assert_eq!((&meter["used"], &meter["resetsAt"]), (&json!(10), &Value::Null));
    for (feature, value, code, path) in [
        ("ai.queries", 1, "CONFLICT", "input.feature"),
        ("products", -1, "OUT_OF_RANGE", "input.value"),
        ("nothing", 1, "FEATURE_UNKNOWN", "input.feature"),
    ] {
        let input = json!({"ownerId": ada, "feature": feature, "value": value});
        world.refused(&client, "setGauge", input, code, path).await;
    }
    let ahead = world.clock.now().plus(TimeDelta::minutes(6)).to_string();
    let input = json!({"ownerId": ada, "feature": "products", "value": 1, "observedAt": ahead});
    world.refused(&client, "setGauge", input, "INVALID_DATE", "input.observedAt").await;
    let admin = world.admin(world.alpha);
    let own = world.alpha.id.to_string();
    admin.mutate("ensureSubscription", json!({"organizationId": own}), "").await;
    let users = json!({"ownerId": own, "feature": "users", "value": 1});
    world.refused(&admin, "setGauge", users, "CONFLICT", "input.feature").await;
}

#[on_both]
async fn a_batch_may_speak_of_as_many_owners_as_it_has_records(world: &World) {
    let client = counter(world);
    let mut records = Vec::new();
    for number in 0..110 {
        let name = format!("customer {number}");
        let (owner, _) = world.subscribed(world.alpha, &name, world.alpha.basic, json!({})).await;
        records.push(json!({"ownerId": owner, "feature": "ai.queries", "amount": 1, "key": name}));
    }
    let made = client.mutate("recordUsage", json!({"records": records}), "records { status }").await;
    assert_eq!(each(&made["records"], "status"), vec![json!("ACCEPTED"); 110]);
}
