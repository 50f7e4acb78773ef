//! Features: what the tiers of a catalogue can grant, declared once.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, World, each, on_both};

const FIELDS: &str =
    "feature { key name description kind unit resets enforcement version catalogue { slug } viewerCanManage }";

async fn found(client: &Client, filter: Value) -> Vec<Value> {
    let document = "query($where: FeatureFilter) { features(where: $where, orderBy: [{field: KEY}], first: 100) {
        nodes { key kind resets catalogue { slug } } totalCount { value } } }";
    let data = client.ok(document, json!({"where": filter})).await;
    let nodes = data["features"]["nodes"].as_array().expect("a list").clone();
    assert_eq!(data["features"]["totalCount"]["value"], json!(nodes.len()));
    nodes
}

fn keys(features: &[Value]) -> Vec<Value> {
    each(&json!(features), "key")
}

async fn id_of(client: &Client, key: &str) -> Value {
    let document = "query($key: String) { features(where: {key: $key}) { nodes { id } } }";
    client.ok(document, json!({"key": key})).await["features"]["nodes"][0]["id"].clone()
}

#[on_both]
async fn a_feature_is_declared_and_changed(world: &World) {
    let admin = world.admin(world.alpha);
    let input = json!({"key": "storage", "name": " Storage ", "kind": "METER", "unit": "GB"});
    let made = admin.mutate("createFeature", input, FIELDS).await["feature"].clone();
    let expected = json!({
        "key": "storage", "name": "Storage", "description": null, "kind": "METER", "unit": "GB", "resets": "MONTHLY",
        "enforcement": "HARD", "version": 1, "catalogue": {"slug": "alpha"}, "viewerCanManage": true,
    });
    assert_eq!(made, expected);
    let id = id_of(&admin, "storage").await;
    let more = json!({"id": id, "unit": null, "resets": "NEVER", "enforcement": "SOFT", "description": "Of files"});
    let changed = admin.mutate("updateFeature", more, FIELDS).await["feature"].clone();
    let told = ["unit", "resets", "enforcement", "description", "version"].map(|field| changed[field].clone());
    assert_eq!(json!(told), json!([null, "NEVER", "SOFT", "Of files", 2]));
    let limits = found(&admin, json!({"kind": "LIMIT"})).await;
    assert_eq!(keys(&limits), ["products"]);
    assert_eq!(found(&admin, json!({"key": "storage"})).await[0]["resets"], "NEVER");
}

#[on_both]
async fn a_declaration_that_makes_no_sense_is_refused(world: &World) {
    let admin = world.admin(world.alpha);
    let before = world.writes().await;
    for (input, code, path) in [
        (json!({"key": "products", "kind": "LIMIT"}), "DUPLICATE", "input.key"),
        (json!({"key": "Storage", "kind": "LIMIT"}), "INVALID_FORMAT", "input.key"),
        (json!({"key": "storage", "kind": "LIMIT", "resets": "MONTHLY"}), "CONFLICT", "input.resets"),
        (json!({"key": "storage", "kind": "SWITCH", "unit": "GB"}), "CONFLICT", "input.unit"),
        (json!({"key": "storage", "kind": "SWITCH", "enforcement": "SOFT"}), "CONFLICT", "input.enforcement"),
        (json!({"key": "storage", "kind": "LIMIT", "unit": "x".repeat(41)}), "TOO_LONG", "input.unit"),
        (json!({"key": "storage", "kind": "LIMIT", "name": " "}), "REQUIRED", "input.name"),
    ] {
        let mut input = input;
        if input["name"].is_null() {
            input["name"] = json!("x");
        }
        world.refused(&admin, "createFeature", input, code, path).await;
    }
    let products = id_of(&admin, "products").await;
    for (input, code, path) in [
        (json!({"id": products, "resets": "NEVER"}), "CONFLICT", "input.resets"),
        (json!({"id": products, "expectedVersion": 2}), "STALE_VERSION", "input.expectedVersion"),
        (json!({"id": products, "name": null}), "REQUIRED", "input.name"),
    ] {
        world.refused(&admin, "updateFeature", input, code, path).await;
    }
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn what_a_tier_grants_is_declared_and_keeps_its_kind(world: &World) {
    let admin = world.admin(world.alpha);
    let tier = |key: &str, features: Value| json!({"key": key, "name": key, "kind": "CUSTOMER", "rank": 1, "features": features});
    let wrong = json!([{"key": "export", "kind": "SWITCH"}, {"key": "products", "kind": "METER", "ceiling": 1}]);
    let before = world.writes().await;
    world.refused(&admin, "createTier", tier("gold", wrong.clone()), "CONFLICT", "input.features.1.kind").await;
    let basic = world.alpha.basic.to_string();
    let update = json!({"id": basic, "features": wrong});
    world.refused(&admin, "updateTier", update, "CONFLICT", "input.features.1.kind").await;
    assert_eq!(world.writes().await, before, "nothing was declared");

    let granted = json!([{"key": "export", "kind": "SWITCH"}, {"key": "calls", "kind": "METER", "ceiling": 9}]);
    admin.mutate("createTier", tier("gold", granted.clone()), "").await;
    admin.mutate("updateTier", json!({"id": basic, "features": granted}), "").await;
    let expected = ["ai.queries", "calls", "export", "products"];
    let own = found(&admin, json!({})).await;
    assert_eq!(keys(&own), expected);
    assert_eq!((&own[1]["resets"], &own[2]["resets"]), (&json!("MONTHLY"), &Value::Null));
    // Another catalogue has a meaning of its own.
    let other = world.admin(world.beta);
    other.mutate("createTier", tier("gold", json!([{"key": "export", "kind": "LIMIT", "ceiling": 3}])), "").await;
}

#[on_both]
async fn a_catalogue_is_seen_by_who_manages_it(world: &World) {
    let root = world.root();
    let platform = json!({"platform": true});
    for staff in [&root, &world.caller(Role::Support, world.alpha)] {
        assert_eq!(keys(&found(staff, platform.clone()).await), ["users"]);
        let of_beta = json!({"catalogueOf": world.beta.id.to_string()});
        assert_eq!(keys(&found(staff, of_beta).await), ["ai.queries", "products"]);
    }
    let admin = world.admin(world.alpha);
    let slugs = |features: Vec<Value>| features.iter().map(|one| one["catalogue"]["slug"].clone()).collect::<Vec<_>>();
    assert_eq!(slugs(found(&admin, json!({})).await), ["alpha", "alpha"]);
    assert!(found(&admin, platform).await.is_empty());
    let reseller = found(&world.caller(Role::Reseller, world.gamma), json!({})).await;
    assert_eq!(reseller.len(), 4, "its own, and those of the organization below it");

    let users = id_of(&root, "users").await;
    let products = id_of(&admin, "products").await;
    let named = json!({"id": users, "name": "x"});
    world.refused(&admin, "updateFeature", named.clone(), "NOT_FOUND", "input.id").await;
    world.forbidden(&world.caller(Role::Support, world.alpha), "updateFeature", named.clone(), "tiers.manage").await;
    root.mutate("updateFeature", named, "").await;
    root.mutate("updateFeature", json!({"id": products, "name": "Goods"}), "").await;
    let new = json!({"key": "new", "name": "New", "kind": "SWITCH"});
    for client in [world.caller(Role::Worker, world.alpha), world.service(world.alpha, &[Permission::CustomersRead])] {
        world.forbidden(&client, "createFeature", new.clone(), "tiers.manage").await;
        let answer = client.send("{ features { nodes { id } } }", json!({})).await;
        assert_eq!(answer.code(), "FORBIDDEN");
    }
    let limited = world.narrowed(Role::Root, world.alpha, None, &[Permission::TiersManage]);
    world.forbidden(&limited, "createFeature", new, "platform.manage").await;
    let narrow = json!({"id": users, "name": "y"});
    world.forbidden(&limited, "updateFeature", narrow, "platform.manage").await;
}
