//! How many customers an organization may have.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Client, Tenant, World, on_both, race};

/// A tier of the platform for organizations that limits customers, if a ceiling is given: its id.
async fn tier(world: &World, key: &str, ceiling: Option<i64>, rank: i32) -> Value {
    let mut input = json!({"key": key, "name": key, "kind": "ORGANIZATION", "rank": rank, "public": true,
        "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}]});
    if let Some(ceiling) = ceiling {
        input["features"] = json!([{"key": "customers", "kind": "LIMIT", "ceiling": ceiling}]);
    }
    world.root().mutate("createTier", input, "tier { id }").await["tier"]["id"].clone()
}

/// Subscribes the organization itself: the subscription's id.
async fn subscribe(world: &World, tenant: Tenant, terms: Value) -> Value {
    let input = json!({"organizationId": tenant.id.to_string(), "terms": terms});
    world.root().mutate("createSubscription", input, "subscription { id }").await["subscription"]["id"].clone()
}

async fn made(client: &Client, name: &str) -> String {
    let made = client.mutate("createCustomer", json!({"name": name}), "customer { id }").await;
    made["customer"]["id"].as_str().expect("an id").to_owned()
}

/// Asserts that there is no room for one more, twice: the first time it may have been presumed.
async fn full(world: &World, client: &Client, tenant: Tenant, limit: i64, used: i64) -> Value {
    let new = json!({"name": "Late", "organizationId": tenant.id.to_string()});
    world.refused(client, "createCustomer", new.clone(), "LIMIT_EXCEEDED", "input").await;
    let refusal = world.refused(client, "createCustomer", new, "LIMIT_EXCEEDED", "input").await;
    assert_eq!(refusal["__typename"], "LimitExceeded");
    let facts = (&refusal["feature"], &refusal["limit"], &refusal["used"]);
    assert_eq!(facts, (&json!("customers"), &json!(limit), &json!(used)));
    refusal["tiersThatUnlock"].clone()
}

#[on_both]
async fn the_tier_limits_customers(world: &World) {
    let (small, large) = (tier(world, "small", Some(2), 50).await, tier(world, "large", Some(3), 60).await);
    tier(world, "small-too", Some(2), 70).await;
    tier(world, "boundless", None, 80).await;
    let admin = world.admin(world.alpha);
    made(&admin, "before").await;
    let id = subscribe(world, world.alpha, json!({"tierId": small})).await;
    let ada = made(&admin, "ada").await;
    for client in [&admin, &world.root(), &world.service(world.alpha, tessera::auth::Permission::ALL)] {
        let unlocking = full(world, client, world.alpha, 2, 2).await;
        assert_eq!(unlocking, json!([{"key": "large"}, {"key": "boundless"}]));
    }
    // Those that are closed or gone make room, those that are shut off do not.
    admin.mutate("suspendCustomer", json!({"id": ada}), "").await;
    full(world, &admin, world.alpha, 2, 2).await;
    admin.mutate("terminateCustomer", json!({"id": ada}), "").await;
    let bob = made(&admin, "bob").await;
    full(world, &admin, world.alpha, 2, 2).await;
    admin.mutate("deleteCustomer", json!({"id": bob}), "").await;
    made(&admin, "cem").await;
    full(world, &admin, world.alpha, 2, 2).await;
    admin.mutate("changeTier", json!({"id": id, "tierId": large}), "").await;
    made(&admin, "dan").await;
    full(world, &admin, world.alpha, 3, 3).await;
    // Others are not concerned.
    made(&world.admin(world.beta), "eve").await;
}

#[on_both]
async fn what_is_agreed_on_comes_before_the_tier(world: &World) {
    let small = tier(world, "small", Some(2), 50).await;
    let one = json!([{"key": "customers", "ceiling": 1}]);
    let id = subscribe(world, world.alpha, json!({"tierId": small, "featureOverrides": one})).await;
    let admin = world.admin(world.alpha);
    made(&admin, "ada").await;
    assert_eq!(full(world, &admin, world.alpha, 1, 1).await, json!([]), "no tier changes what was agreed on");
    let change = |overrides: Value| json!({"id": id, "featureOverrides": overrides});
    admin.mutate("updateSubscription", change(json!([{"key": "customers", "ceiling": null}])), "").await;
    for name in ["bob", "cem", "dan"] {
        made(&admin, name).await;
    }
    admin.mutate("updateSubscription", change(json!([{"key": "customers", "enabled": false}])), "").await;
    full(world, &admin, world.alpha, 0, 4).await;
    admin.mutate("updateSubscription", change(json!([{"key": "projects", "ceiling": 1}])), "").await;
    full(world, &admin, world.alpha, 2, 4).await;
    world.root().mutate("updateOrganization", json!({"id": world.alpha.id.to_string(), "exempt": true}), "").await;
    made(&admin, "eve").await;
}

#[on_both]
async fn a_limit_that_comes_or_goes_counts_at_once(world: &World) {
    let admin = world.admin(world.alpha);
    let boundless = tier(world, "boundless", None, 50).await;
    subscribe(world, world.alpha, json!({"tierId": boundless})).await;
    made(&admin, "ada").await;
    made(&admin, "bob").await;
    let root = world.root();
    let limit = |ceiling: Option<i64>| {
        json!({"id": boundless, "features": ceiling.map_or(json!([]), |ceiling|
        json!([{"key": "customers", "kind": "LIMIT", "ceiling": ceiling}]))})
    };
    for (ceiling, used) in [(2, 2), (1, 3)] {
        root.mutate("updateTier", limit(Some(ceiling)), "").await;
        full(world, &admin, world.alpha, ceiling, used).await;
        root.mutate("updateTier", limit(None), "").await;
        made(&admin, &format!("more-{used}")).await;
    }
    made(&admin, "last").await;
}

#[on_both]
async fn without_access_a_limited_organization_gets_no_more(world: &World) {
    let small = tier(world, "small", Some(5), 50).await;
    let id = subscribe(world, world.alpha, json!({"tierId": small})).await;
    let admin = world.admin(world.alpha);
    made(&admin, "ada").await;
    let new = json!({"name": "Late"});
    for (off, on) in [
        (json!({"id": id}), Some("resumeSubscription")),
        (json!({"id": id, "timing": "NOW"}), Some("reactivateSubscription")),
        (json!({"id": id, "timing": "NOW"}), None),
    ] {
        let mutation = if off["timing"].is_null() { "suspendSubscription" } else { "cancelSubscription" };
        admin.mutate(mutation, off, "").await;
        let refusal = world.refused(&admin, "createCustomer", new.clone(), "NOT_ENTITLED", "input").await;
        assert!(refusal["message"].as_str().is_some_and(|text| text.contains("gives no access")), "{refusal}");
        if let Some(on) = on {
            admin.mutate(on, json!({"id": id}), "").await;
            made(&admin, on).await;
        }
    }
    // Whose subscription does not speak of customers is not limited by its end.
    let pro = json!({"tierId": world.platform_tiers["pro"].to_string()});
    let id = subscribe(world, world.alpha, pro).await;
    world.pass(TimeDelta::days(40));
    made(&admin, "after").await;
    admin.mutate("deleteSubscription", json!({"id": id}), "").await;
}

#[on_both]
async fn many_clients_never_exceed_the_limit_of_customers(world: &World) {
    let small = tier(world, "small", Some(7), 50).await;
    subscribe(world, world.alpha, json!({"tierId": small})).await;
    let boundless = tier(world, "boundless", None, 60).await;
    subscribe(world, world.beta, json!({"tierId": boundless})).await;
    let admin = world.admin(world.alpha);
    for round in 0..4 {
        // Strangers' commands share statements with them.
        let clients: Vec<_> = world.admins(world.alpha, 16).into_iter().chain(world.admins(world.beta, 8)).collect();
        let inputs = (0..24).map(|number| json!({"name": format!("c-{round}-{number}")})).collect();
        let payloads = race(&clients, "createCustomer", inputs, "customer { id }").await;
        let (own, others) = payloads.split_at(16);
        assert!(others.iter().all(|payload| payload["userErrors"] == json!([])), "{others:#?}");
        let (won, lost): (Vec<_>, Vec<_>) = own.iter().partition(|payload| payload["userErrors"] == json!([]));
        assert_eq!(won.len(), 7, "round {round}");
        for payload in lost {
            let refusal = &payload["userErrors"][0];
            assert_eq!(
                (&refusal["code"], &refusal["limit"], &refusal["used"]),
                (&json!("LIMIT_EXCEEDED"), &json!(7), &json!(7))
            );
        }
        for payload in won {
            admin.mutate("deleteCustomer", json!({"id": payload["customer"]["id"]}), "").await;
        }
    }
}

#[on_both]
async fn a_reseller_makes_customers_below_within_their_limit(world: &World) {
    let small = tier(world, "small", Some(1), 50).await;
    subscribe(world, world.delta, json!({"tierId": small})).await;
    let reseller = world.caller(Role::Reseller, world.gamma);
    let new = json!({"name": "Ada", "organizationId": world.delta.id.to_string()});
    reseller.mutate("createCustomer", new, "").await;
    full(world, &reseller, world.delta, 1, 1).await;
    reseller.mutate("createCustomer", json!({"name": "Ada"}), "").await;
}
