//! Tiers: catalogues and who sees them, changes as a whole, statistics, the checkout page.

mod offer;
mod statistics;

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, World, each, on_both};

const FIELDS: &str =
    "tier { id key name description kind rank trialDays isPublic sortOrder periodEndPolicy archivedAt version
    catalogue { slug } fallbackTier { key } viewerCanManage
    prices { billingCycle amount { amountMinor currency } gatewayPrices { gateway priceId } }
    features { key kind enabled ceiling } }";

const LIST: &str = "query($first: Int, $after: String, $where: TierFilter, $orderBy: [TierOrder!]) {
    tiers(first: $first, after: $after, where: $where, orderBy: $orderBy) {
        nodes { key catalogue { slug } } pageInfo { hasNextPage endCursor } totalCount { value } } }";

/// The keys of the tiers that a caller finds, each behind the slug of its catalogue.
async fn keys(client: &Client, filter: Value) -> Vec<String> {
    let order = json!([{"field": "RANK"}, {"field": "KEY"}]);
    let data = client.ok(LIST, json!({"where": filter, "orderBy": order, "first": 100})).await;
    let nodes = data["tiers"]["nodes"].as_array().expect("a list");
    let name = |node: &Value| {
        format!("{}/{}", node["catalogue"]["slug"].as_str().unwrap_or("-"), node["key"].as_str().expect("a key"))
    };
    nodes.iter().map(name).collect()
}

/// A new tier for customers in the caller's catalogue: its id.
async fn made(client: &Client, key: &str, more: Value) -> String {
    let mut input = json!({"key": key, "name": key, "kind": "CUSTOMER", "rank": 1});
    for (field, value) in more.as_object().expect("more input") {
        input[field] = value.clone();
    }
    let payload = client.mutate("createTier", input, "tier { id }").await;
    payload["tier"]["id"].as_str().expect("an id").to_owned()
}

/// The id of the tier that the caller's new customers start with.
async fn starter_of(client: &Client) -> Value {
    let document = "{ tiers(where: {key: \"starter\", kind: CUSTOMER}) { nodes { id } } }";
    client.ok(document, json!({})).await["tiers"]["nodes"][0]["id"].clone()
}

fn monthly(currency: &str, amount: i64) -> Value {
    json!({"billingCycle": "MONTHLY", "currency": currency, "amountMinor": amount})
}

async fn tier(client: &Client, id: &str, fields: &str) -> Value {
    client.ok(&format!("query($id: ID!) {{ tier(id: $id) {{ {fields} }} }}"), json!({"id": id})).await["tier"].clone()
}

#[on_both]
async fn a_tier_is_created_with_prices_and_features(world: &World) {
    let admin = world.admin(world.alpha);
    let price = |cycle: &str, currency: &str| json!({"billingCycle": cycle, "currency": currency, "amountMinor": 900});
    let prices = [price("MONTHLY", "USD"), price("YEARLY", "USD"), price("MONTHLY", "EUR"), price("YEARLY", "EUR")];
    admin.mutate("updateTier", json!({"id": world.alpha.basic.to_string(), "prices": prices}), "").await;
    let input = json!({
        "key": "gold", "name": " Gold ", "description": "All of it", "kind": "CUSTOMER", "rank": 30, "trialDays": 7,
        "public": true, "sortOrder": 3, "periodEndPolicy": "DOWNGRADE", "fallbackTierId": world.alpha.basic.to_string(),
        "prices": [
            {"billingCycle": "YEARLY", "currency": "EUR", "amountMinor": 9_007_199_254_740_991_i64},
            {"billingCycle": "MONTHLY", "currency": "EUR", "amountMinor": 0,
                "gatewayPrices": [{"gateway": "STRIPE", "priceId": "price_1"}]},
        ],
        "features": [
            {"key": "products", "kind": "LIMIT", "ceiling": 5}, {"key": "branding", "kind": "SWITCH"},
            {"key": "ai.queries", "kind": "METER"}, {"key": "beta", "kind": "SWITCH", "enabled": false},
        ],
    });
    let mut created = admin.mutate("createTier", input, FIELDS).await["tier"].clone();
    let id = created["id"].take();
    assert_eq!(
        created,
        json!({
            "id": null, "key": "gold", "name": "Gold", "description": "All of it", "kind": "CUSTOMER", "rank": 30, "trialDays": 7,
            "isPublic": true, "sortOrder": 3, "periodEndPolicy": "DOWNGRADE", "archivedAt": null, "version": 1,
            "catalogue": {"slug": "alpha"}, "fallbackTier": {"key": "basic"}, "viewerCanManage": true,
            "prices": [
                {"billingCycle": "MONTHLY", "amount": {"amountMinor": 0, "currency": "EUR"},
                    "gatewayPrices": [{"gateway": "STRIPE", "priceId": "price_1"}]},
                {"billingCycle": "YEARLY", "amount": {"amountMinor": 9_007_199_254_740_991_i64, "currency": "EUR"}, "gatewayPrices": []},
            ],
            "features": [
                {"key": "ai.queries", "kind": "METER", "enabled": true, "ceiling": null},
                {"key": "beta", "kind": "SWITCH", "enabled": false, "ceiling": null},
                {"key": "branding", "kind": "SWITCH", "enabled": true, "ceiling": null},
                {"key": "products", "kind": "LIMIT", "enabled": true, "ceiling": 5},
            ],
        })
    );
    assert_eq!(tier(&admin, id.as_str().expect("an id"), "key").await["key"], "gold");
}

#[on_both]
async fn prices_and_features_are_replaced_as_a_whole(world: &World) {
    let admin = world.admin(world.alpha);
    let two = json!([monthly("EUR", 900), {"billingCycle": "YEARLY", "currency": "EUR", "amountMinor": 9000}]);
    let features = json!([{"key": "products", "kind": "LIMIT", "ceiling": 5}]);
    let id = made(&admin, "gold", json!({"prices": two, "features": features, "description": "x"})).await;
    let parts = "tier { name description version prices { id billingCycle amount { amountMinor currency } } features { key ceiling } }";
    let monthly_id = tier(&admin, &id, "prices { id billingCycle }").await["prices"][0]["id"].clone();

    let renamed = admin.mutate("updateTier", json!({"id": id, "name": "Gold 2"}), parts).await["tier"].clone();
    assert_eq!(
        (&renamed["name"], &renamed["description"], &renamed["version"]),
        (&json!("Gold 2"), &json!("x"), &json!(2))
    );
    assert_eq!(
        (renamed["prices"].as_array().map(Vec::len), renamed["features"].as_array().map(Vec::len)),
        (Some(2), Some(1))
    );

    let before = world.writes().await;
    let input = json!({"id": id, "description": null, "prices": [monthly("EUR", 1000)], "features": []});
    let replaced = admin.mutate("updateTier", input.clone(), parts).await["tier"].clone();
    assert_eq!(
        replaced,
        json!({
            "name": "Gold 2", "description": null, "version": 3, "features": [],
            "prices": [{"id": monthly_id, "billingCycle": "MONTHLY", "amount": {"amountMinor": 1000, "currency": "EUR"}}],
        })
    );
    assert_eq!(world.writes().await, before + 1, "one change, one entry");
    let same = admin.mutate("updateTier", input, parts).await["tier"].clone();
    assert_eq!((&same["version"], world.writes().await), (&json!(3), before + 1), "nothing changed, nothing written");
    assert_eq!(admin.mutate("updateTier", json!({"id": id, "prices": []}), parts).await["tier"]["prices"], json!([]));
}

#[on_both]
async fn a_key_is_unique_in_its_catalogue_and_kind(world: &World) {
    let admin = world.admin(world.alpha);
    made(&admin, "gold", json!({})).await;
    let again = json!({"key": "gold", "name": "x", "kind": "CUSTOMER", "rank": 1});
    world.refused(&admin, "createTier", again, "DUPLICATE", "input.key").await;
    made(&admin, "gold", json!({"kind": "ORGANIZATION"})).await;
    made(&world.admin(world.beta), "gold", json!({})).await;
    made(&world.root(), "gold", json!({})).await;
    let again = json!({"key": "gold", "name": "x", "kind": "CUSTOMER", "rank": 1});
    world.refused(&world.root(), "createTier", again, "DUPLICATE", "input.key").await;
}

#[on_both]
async fn bad_input_names_its_field_and_writes_nothing(world: &World) {
    let admin = world.admin(world.alpha);
    let internal = made(&admin, "internal", json!({"kind": "ORGANIZATION"})).await;
    let archived = made(&admin, "old", json!({})).await;
    admin.mutate("archiveTier", json!({"id": archived}), "").await;
    let feature = |feature: Value| json!({"features": [feature]});
    for (more, code, path) in [
        (json!({"key": " "}), "REQUIRED", "input.key"),
        (json!({"key": "Gold"}), "INVALID_FORMAT", "input.key"),
        (json!({"key": "g".repeat(65)}), "TOO_LONG", "input.key"),
        (json!({"key": "basic"}), "DUPLICATE", "input.key"),
        (json!({"name": ""}), "REQUIRED", "input.name"),
        (json!({"name": "x".repeat(201)}), "TOO_LONG", "input.name"),
        (json!({"description": "x".repeat(2001)}), "TOO_LONG", "input.description"),
        (json!({"trialDays": -1}), "OUT_OF_RANGE", "input.trialDays"),
        (json!({"trialDays": 731}), "OUT_OF_RANGE", "input.trialDays"),
        (json!({"periodEndPolicy": "DOWNGRADE"}), "REQUIRED", "input.fallbackTierId"),
        (json!({"fallbackTierId": internal}), "WRONG_TIER_KIND", "input.fallbackTierId"),
        (json!({"fallbackTierId": archived}), "TIER_ARCHIVED", "input.fallbackTierId"),
        (json!({"fallbackTierId": world.beta.basic.to_string()}), "NOT_FOUND", "input.fallbackTierId"),
        (json!({"fallbackTierId": world.platform_tiers["pro"].to_string()}), "NOT_FOUND", "input.fallbackTierId"),
        (json!({"fallbackTierId": "sub_x"}), "INVALID_ID", "input.fallbackTierId"),
        (json!({"prices": [monthly("EUR", -1)]}), "OUT_OF_RANGE", "input.prices.0.amountMinor"),
        (
            json!({"prices": [monthly("EUR", 1), monthly("USD", 1), monthly("EUR", 2)]}),
            "DUPLICATE",
            "input.prices.2.billingCycle",
        ),
        (feature(json!({"key": "a b", "kind": "SWITCH"})), "INVALID_FORMAT", "input.features.0.key"),
        (feature(json!({"key": "a", "kind": "SWITCH", "ceiling": 1})), "CONFLICT", "input.features.0.ceiling"),
        (feature(json!({"key": "a", "kind": "LIMIT", "ceiling": -1})), "OUT_OF_RANGE", "input.features.0.ceiling"),
        (feature(json!({"key": "a", "kind": "METER", "enabled": false})), "CONFLICT", "input.features.0.enabled"),
        (
            json!({"features": [{"key": "a", "kind": "SWITCH"}, {"key": "a", "kind": "METER"}]}),
            "DUPLICATE",
            "input.features.1.key",
        ),
        (json!({"organizationId": world.beta.id.to_string()}), "NOT_FOUND", "input.organizationId"),
    ] {
        let mut input = json!({"key": "gold", "name": "Gold", "kind": "CUSTOMER", "rank": 1});
        for (field, value) in more.as_object().expect("more input") {
            input[field] = value.clone();
        }
        world.refused(&admin, "createTier", input, code, path).await;
    }
    let basic = world.alpha.basic.to_string();
    for (input, code, path) in [
        (json!({"id": basic, "name": " "}), "REQUIRED", "input.name"),
        (json!({"id": basic, "trialDays": 731}), "OUT_OF_RANGE", "input.trialDays"),
        (json!({"id": basic, "fallbackTierId": basic}), "CONFLICT", "input.fallbackTierId"),
        (json!({"id": basic, "periodEndPolicy": "DOWNGRADE"}), "REQUIRED", "input.fallbackTierId"),
        (
            json!({"id": basic, "prices": [monthly("EUR", 1), monthly("EUR", 1)]}),
            "DUPLICATE",
            "input.prices.1.billingCycle",
        ),
        (json!({"id": basic, "name": "x", "expectedVersion": 2}), "STALE_VERSION", "input.expectedVersion"),
        (json!({"id": world.beta.basic.to_string(), "name": "x"}), "NOT_FOUND", "input.id"),
        (json!({"id": world.alpha.id.to_string(), "name": "x"}), "INVALID_ID", "input.id"),
    ] {
        world.refused(&admin, "updateTier", input, code, path).await;
    }
    for field in ["kind", "key", "organizationId"] {
        let answer = admin.send_mutation("updateTier", json!({"id": basic, field: "x"}), "").await;
        assert!(!answer.0["errors"].is_null(), "{field} never changes");
    }
    for amount in [json!(9_007_199_254_740_992_i64), json!(1.5), json!("900")] {
        let input =
            json!({"id": basic, "prices": [{"billingCycle": "MONTHLY", "currency": "EUR", "amountMinor": amount}]});
        let answer = admin.send_mutation("updateTier", input, "").await;
        assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()), "{amount} {:#}", answer.0);
    }
    assert_eq!(tier(&admin, &basic, "version").await["version"], 1);
}

#[on_both]
async fn who_does_not_manage_a_catalogue_does_not_change_it(world: &World) {
    let pro = world.platform_tiers["pro"].to_string();
    let (admin, delta) = (world.admin(world.alpha), world.admin(world.delta));
    let parents_tier = world.gamma.basic.to_string();
    for mutation in ["updateTier", "archiveTier", "unarchiveTier"] {
        world.forbidden(&admin, mutation, json!({"id": pro}), "platform.manage").await;
        world.forbidden(&delta, mutation, json!({"id": parents_tier}), "tiers.manage").await;
        world.forbidden(&world.caller(Role::Support, world.alpha), mutation, json!({"id": pro}), "tiers.manage").await;
        world
            .forbidden(
                &world.caller(Role::Worker, world.alpha),
                mutation,
                json!({"id": world.alpha.basic.to_string()}),
                "tiers.manage",
            )
            .await;
    }
    let input = json!({"key": "x", "name": "x", "kind": "CUSTOMER", "rank": 1});
    world.forbidden(&world.caller(Role::Support, world.alpha), "createTier", input.clone(), "tiers.manage").await;
    world
        .forbidden(&world.service(world.alpha, &[Permission::CustomersRead]), "createTier", input, "tiers.manage")
        .await;
    // Above, it is managed: by the reseller and by the platform.
    let below = world.delta.basic.to_string();
    world.caller(Role::Reseller, world.gamma).mutate("updateTier", json!({"id": below, "name": "Basic"}), "").await;
    world.root().mutate("updateTier", json!({"id": below, "name": "Basis"}), "").await;
    world.root().mutate("updateTier", json!({"id": pro, "name": "Professional"}), "").await;
}

#[on_both]
async fn lists_are_filtered_sorted_and_paged(world: &World) {
    let admin = world.admin(world.alpha);
    let old = made(&admin, "old_1", json!({"name": "Très Ancien", "rank": 2})).await;
    admin.mutate("archiveTier", json!({"id": old}), "").await;
    let own = world.alpha.id.to_string();
    for (filter, expected) in [
        (json!({"catalogueOf": own}), vec!["alpha/old_1", "alpha/starter", "alpha/basic", "alpha/plus"]),
        (json!({"platform": true}), vec!["-/starter", "-/pro", "-/enterprise"]),
        (json!({"platform": false, "archived": false}), vec!["alpha/starter", "alpha/basic", "alpha/plus"]),
        (json!({"kind": "ORGANIZATION"}), vec!["-/starter", "-/pro", "-/enterprise"]),
        (json!({"archived": true}), vec!["alpha/old_1"]),
        (json!({"public": false}), vec!["alpha/old_1"]),
        (json!({"key": "starter"}), vec!["alpha/starter", "-/starter"]),
        (json!({"search": "_"}), vec!["alpha/old_1"]),
        (json!({"search": "PLUS"}), vec!["alpha/plus"]),
        (json!({"search": "ancien"}), vec!["alpha/old_1"]),
        (json!({"catalogueOf": world.beta.id.to_string()}), vec![]),
    ] {
        assert_eq!(keys(&admin, filter.clone()).await, expected, "{filter}");
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    for more in [true, true, true, false] {
        let variables = json!({"first": 2, "after": after, "orderBy": [{"field": "SORT_ORDER", "direction": "DESC"}, {"field": "KEY"}]});
        let page = admin.ok(LIST, variables).await;
        assert_eq!(
            (&page["tiers"]["pageInfo"]["hasNextPage"], &page["tiers"]["totalCount"]["value"]),
            (&json!(more), &json!(7))
        );
        seen.extend(each(&page["tiers"]["nodes"], "key"));
        after = page["tiers"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, ["enterprise", "plus", "pro", "basic", "starter", "starter", "old_1"]);
    let answer = admin.send(LIST, json!({"where": {"catalogueOf": "sub_x"}})).await;
    assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["tiers"])));
    assert_eq!(
        answer.0["errors"][0]["extensions"]["problems"],
        json!([{"code": "INVALID_ID", "path": ["where", "catalogueOf"]}])
    );
}
