//! What a subscription grants, feature by feature.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Client, World, on_both};

const FEATURES: &str = "features { key name kind unit granted unlimited limit source resets enforcement }";

async fn features(client: &Client, id: &Value) -> Value {
    let document = format!("query($id: ID!) {{ subscription(id: $id) {{ {FEATURES} }} }}");
    client.ok(&document, json!({"id": id})).await["subscription"]["features"].clone()
}

/// The feature of this key: whether it is granted, its limit, and what says so.
async fn said(client: &Client, id: &Value, key: &str) -> Value {
    let all = features(client, id).await;
    let one = all.as_array().expect("a list").iter().find(|one| one["key"] == key).cloned();
    one.map_or(Value::Null, |one| json!([one["granted"], one["limit"], one["source"]]))
}

#[on_both]
async fn a_subscription_shows_what_its_tier_and_its_overrides_grant(world: &World) {
    let admin = world.admin(world.alpha);
    let terms = json!({"featureOverrides": [
        {"key": "ai.queries"}, {"key": "export"}, {"key": "products", "ceiling": null}, {"key": "seats", "ceiling": 2},
    ]});
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let one = |key: &str, kind: &str, limit: Value, resets: Value| {
        let (name, unlimited) = (key.to_uppercase(), limit.is_null() && kind != "SWITCH");
        json!({
            "key": key, "name": if ["ai.queries", "products"].contains(&key) { &name } else { key }, "kind": kind,
            "unit": null, "granted": true, "unlimited": unlimited, "limit": limit, "source": "OVERRIDE",
            "resets": resets, "enforcement": "HARD",
        })
    };
    let expected = json!([
        one("ai.queries", "METER", json!(100), json!("MONTHLY")),
        one("export", "SWITCH", Value::Null, Value::Null),
        one("products", "LIMIT", Value::Null, Value::Null),
        one("seats", "LIMIT", json!(2), Value::Null),
    ]);
    let readers = [admin.clone(), world.caller(Role::Worker, world.alpha), world.customer(world.alpha, &customer)];
    for client in &readers {
        assert_eq!(features(client, &json!(id)).await, expected);
    }
    let overrides = "subscription { featureOverrides { key enabled ceiling keepsCeiling } }";
    let off = json!({"id": id, "featureOverrides": [{"key": "products", "enabled": false}]});
    let changed = admin.mutate("updateSubscription", off, overrides).await;
    let expected = json!([{"key": "products", "enabled": false, "ceiling": null, "keepsCeiling": true}]);
    assert_eq!(changed["subscription"]["featureOverrides"], expected);
    assert_eq!(said(&admin, &json!(id), "products").await, json!([false, 0, "OVERRIDE"]));
    assert_eq!(said(&admin, &json!(id), "ai.queries").await, json!([true, 100, "TIER"]));
    assert_eq!(said(&admin, &json!(id), "seats").await, Value::Null);
}

#[on_both]
async fn a_declaration_counts_at_once_for_whoever_has_the_feature(world: &World) {
    let admin = world.admin(world.alpha);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let document = "{ features(where: {key: \"ai.queries\"}) { nodes { id } } }";
    let feature = admin.ok(document, json!({})).await["features"]["nodes"][0]["id"].clone();
    let input = json!({"id": feature, "name": "AI", "unit": "queries", "resets": "PERIOD", "enforcement": "SOFT"});
    admin.mutate("updateFeature", input, "").await;
    let all = features(&admin, &json!(id)).await;
    let told = ["name", "unit", "resets", "enforcement"].map(|field| all[0][field].clone());
    assert_eq!(json!(told), json!(["AI", "queries", "PERIOD", "SOFT"]));
}

#[on_both]
async fn what_is_counted_here_is_unlimited_until_something_limits_it(world: &World) {
    let root = world.root();
    let own = json!({"organizationId": world.alpha.id.to_string()});
    let made = root.mutate("ensureSubscription", own, "subscription { id }").await;
    let id = &made["subscription"]["id"];
    assert_eq!(said(&root, id, "users").await, json!([true, 10, "TIER"]), "the default trial's own limit");
    assert_eq!(said(&root, id, "customers").await, json!([true, null, "TIER"]));
    root.mutate("updateSubscription", json!({"id": id, "userLimit": 4}), "").await;
    assert_eq!(said(&root, id, "users").await, json!([true, 4, "OVERRIDE"]));
    // A tier that is given for a while counts while it is given, and the limit agreed on counts beside it.
    let ends = (world.clock.now().plus_days(2)).to_string();
    let gift = json!({"id": id, "tierId": world.platform_tiers["pro"].to_string(), "reason": "a gift", "endsAt": ends});
    root.mutate("overrideTier", gift, "").await;
    root.mutate("updateSubscription", json!({"id": id, "userLimit": null}), "").await;
    assert_eq!(said(&root, id, "users").await, json!([true, 25, "TIER"]));
    world.pass(TimeDelta::days(3));
    assert_eq!(said(&root, id, "users").await, json!([true, 3, "TIER"]));
}

#[on_both]
async fn the_features_of_many_subscriptions_cost_as_many_statements_as_those_of_one(world: &World) {
    let admin = world.admin(world.alpha);
    let document = "query($n: Int) { subscriptions(first: $n) { nodes { features { key limit } } } }";
    let mut costs = Vec::new();
    for number in 0..5 {
        let tier = if number % 2 == 0 { world.alpha.basic } else { world.alpha.plus };
        let terms = json!({"featureOverrides": [{"key": "ai.queries", "ceiling": number}]});
        world.subscribed(world.alpha, "Ada", tier, terms).await;
        let before = world.store.statements();
        let data = admin.ok(document, json!({"n": 50})).await;
        costs.push(world.store.statements() - before);
        assert_eq!(data["subscriptions"]["nodes"].as_array().map(Vec::len), Some(number + 1));
        assert_eq!(data["subscriptions"]["nodes"][0]["features"][0]["limit"], json!(number));
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}
