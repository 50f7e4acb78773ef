//! How many active members an organization may have.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Permission;

use super::{made, named, subscribe};
use crate::support::{Client, World, each, on_both, race};

/// Asserts that there is no room for one more.
async fn full(world: &World, client: &Client, limit: i64, used: i64) -> Value {
    let refusal = world.refused(client, "createMember", named("late", "WORKER"), "LIMIT_EXCEEDED", "input").await;
    assert_eq!(refusal["__typename"], "LimitExceeded");
    assert_eq!(
        (&refusal["feature"], &refusal["limit"], &refusal["used"]),
        (&json!("users"), &json!(limit), &json!(used))
    );
    refusal["tiersThatUnlock"].clone()
}

/// Asserts that it is for lack of access, and not of room.
async fn not_entitled(world: &World, client: &Client, mutation: &str, input: Value, path: &str) {
    let refusal = world.refused(client, mutation, input, "NOT_ENTITLED", path).await;
    let message = refusal["message"].as_str().expect("a text");
    assert!(message.contains("subscription") && !message.contains("may have 0"), "{message}");
}

/// Asserts that these tiers unlock, and that the first of them really does.
async fn unlocks(world: &World, client: &Client, id: &str, unlocking: &Value, expected: &[&str]) {
    let keys: Vec<_> = unlocking.as_array().expect("a list").iter().map(|tier| tier["key"].clone()).collect();
    assert_eq!(json!(keys), json!(expected));
    let tier = world.platform_tiers[expected[0]].to_string();
    client.mutate("changeTier", json!({"id": id, "tierId": tier}), "").await;
    made(client, "unlocked", "WORKER").await;
}

#[on_both]
async fn the_default_trials_limit_goes_with_the_tier(world: &World) {
    let admin = world.admin(world.alpha);
    let own = json!({"organizationId": world.alpha.id.to_string()});
    let trial = admin.mutate("ensureSubscription", own, "subscription { id userLimit }").await["subscription"].clone();
    assert_eq!(trial["userLimit"], 10);
    for number in 0..10 {
        made(&admin, &format!("m{number}"), "ADMIN").await;
    }
    let id = trial["id"].as_str().expect("an id");
    let enterprise = world.platform_tiers["enterprise"].to_string();
    let gift = json!({"id": id, "tierId": enterprise, "reason": "a gift"});
    world.root().mutate("overrideTier", gift, "").await;
    made(&admin, "gift", "WORKER").await;
    world.root().mutate("endOverride", json!({"id": id}), "").await;
    let unlocking = full(world, &admin, 10, 11).await;
    unlocks(world, &admin, id, &unlocking, &["pro", "enterprise"]).await;
    let data =
        admin.ok("query($id: ID!) { subscription(id: $id) { userLimit tier { key } } }", json!({"id": id})).await;
    assert_eq!(data["subscription"], json!({"userLimit": null, "tier": {"key": "pro"}}));
}

#[on_both]
async fn an_agreed_limit_stays_with_another_tier(world: &World) {
    let admin = world.admin(world.alpha);
    for given in [json!({"userLimit": 1}), json!({"userLimit": 10})] {
        let own = json!({"organizationId": world.alpha.id.to_string(), "terms": given});
        let id =
            world.root().mutate("createSubscription", own, "subscription { id }").await["subscription"]["id"].clone();
        let pro = world.platform_tiers["pro"].to_string();
        let moved = admin
            .mutate("changeTier", json!({"id": id, "tierId": pro, "timing": "NOW"}), "subscription { userLimit }")
            .await;
        assert_eq!(moved["subscription"]["userLimit"], given["userLimit"]);
        admin.mutate("deleteSubscription", json!({"id": id}), "").await;
    }
    let own = json!({"organizationId": world.alpha.id.to_string()});
    let id = admin.mutate("ensureSubscription", own, "subscription { id }").await["subscription"]["id"].clone();
    admin.mutate("updateSubscription", json!({"id": id, "userLimit": 10}), "").await;
    let pro = world.platform_tiers["pro"].to_string();
    let moved = admin
        .mutate("changeTier", json!({"id": id, "tierId": pro, "timing": "NOW"}), "subscription { userLimit }")
        .await;
    assert_eq!(moved["subscription"]["userLimit"], 10, "said again, it was agreed on");
}

#[on_both]
async fn only_tiers_that_take_effect_at_once_unlock(world: &World) {
    let root = world.root();
    let tier = async |key: &str, more: Value| {
        let mut input = json!({"key": key, "name": key, "kind": "ORGANIZATION", "rank": 25, "public": true,
            "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}]});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        root.mutate("createTier", input, "tier { id }").await["tier"]["id"].clone()
    };
    tier("silent", json!({})).await;
    tier("switch", json!({"rank": 26, "features": [{"key": "sso", "kind": "SWITCH", "enabled": true}]})).await;
    tier("tight", json!({"features": [{"key": "users", "kind": "LIMIT", "ceiling": 3}]})).await;
    tier("roomy", json!({"rank": 27, "features": [{"key": "users", "kind": "LIMIT", "ceiling": 4}]})).await;
    tier("below", json!({"rank": 1})).await;
    tier("euro", json!({"prices": [{"billingCycle": "MONTHLY", "currency": "EUR", "amountMinor": 100}]})).await;
    tier("yearly", json!({"prices": [{"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 100}]})).await;
    tier("private", json!({"public": false})).await;
    let archived = tier("archived", json!({})).await;
    root.mutate("archiveTier", json!({"id": archived}), "").await;
    let reseller = world.caller(tessera::auth::Role::Reseller, world.gamma);
    let above = json!({"key": "above", "name": "Above", "kind": "ORGANIZATION", "rank": 28, "public": true, "organizationId": world.gamma.id.to_string(),
        "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}]});
    reseller.mutate("createTier", above, "").await;
    for (tenant, expected) in [
        (world.alpha, vec!["pro", "silent", "switch", "roomy", "enterprise"]),
        (world.delta, vec!["pro", "silent", "switch", "roomy", "above", "enterprise"]),
    ] {
        let id = subscribe(world, tenant, "starter", json!({})).await;
        let admin = world.admin(tenant);
        for name in ["ada", "bob", "eve"] {
            made(&admin, name, "ADMIN").await;
        }
        let unlocking = full(world, &admin, 3, 3).await;
        unlocks(world, &admin, &id, &unlocking, &expected).await;
    }
}

#[on_both]
async fn the_tier_limits_members(world: &World) {
    subscribe(world, world.alpha, "starter", json!({})).await;
    let admin = world.admin(world.alpha);
    for name in ["ada", "bob", "eve"] {
        made(&admin, name, "ADMIN").await;
    }
    assert_eq!(full(world, &admin, 3, 3).await, json!([{"key": "pro"}, {"key": "enterprise"}]));
    full(
        world,
        &world.service(
            world.alpha,
            &[Permission::MembersManage, Permission::CustomersRead, Permission::EntitlementsRead],
        ),
        3,
        3,
    )
    .await;
    let other =
        json!({"organizationId": world.alpha.id.to_string(), "email": "x@example.com", "name": "x", "role": "WORKER"});
    world.refused(&world.root(), "createMember", other, "LIMIT_EXCEEDED", "input").await;
}

#[on_both]
async fn the_agreed_limit_wins_over_the_tiers(world: &World) {
    let id = subscribe(world, world.alpha, "starter", json!({"userLimit": 1})).await;
    let admin = world.admin(world.alpha);
    made(&admin, "ada", "ADMIN").await;
    assert_eq!(full(world, &admin, 1, 1).await, json!([]), "another tier would not change what was agreed on");
    admin.mutate("updateSubscription", json!({"id": id, "userLimit": 2}), "").await;
    made(&admin, "bob", "ADMIN").await;
    full(world, &admin, 2, 2).await;
    admin.mutate("updateSubscription", json!({"id": id, "userLimit": null}), "").await;
    made(&admin, "eve", "ADMIN").await;
    full(world, &admin, 3, 3).await;
    admin.mutate("updateSubscription", json!({"id": id, "userLimit": 1}), "").await;
    full(world, &admin, 1, 3).await;
}

#[on_both]
async fn an_override_of_the_feature_comes_before_the_tier(world: &World) {
    let overrides = |ceiling: Value| json!([{"key": "users", "ceiling": ceiling}]);
    let id = subscribe(world, world.alpha, "starter", json!({"featureOverrides": overrides(json!(1))})).await;
    let admin = world.admin(world.alpha);
    made(&admin, "ada", "ADMIN").await;
    full(world, &admin, 1, 1).await;
    admin.mutate("updateSubscription", json!({"id": id, "featureOverrides": overrides(Value::Null)}), "").await;
    for name in ["bob", "eve", "joe", "kim"] {
        made(&admin, name, "WORKER").await;
    }
    admin
        .mutate("updateSubscription", json!({"id": id, "featureOverrides": [{"key": "users", "enabled": false}]}), "")
        .await;
    full(world, &admin, 0, 5).await;
    admin.mutate("updateSubscription", json!({"id": id, "featureOverrides": []}), "").await;
    full(world, &admin, 3, 5).await;
}

#[on_both]
async fn another_tier_makes_room(world: &World) {
    let id = subscribe(world, world.alpha, "starter", json!({})).await;
    let admin = world.admin(world.alpha);
    for name in ["ada", "bob", "eve"] {
        made(&admin, name, "ADMIN").await;
    }
    full(world, &admin, 3, 3).await;
    let enterprise = world.platform_tiers["enterprise"].to_string();
    admin.mutate("changeTier", json!({"id": id, "tierId": enterprise, "timing": "NOW"}), "").await;
    for number in 0..30 {
        made(&admin, &format!("more-{number}"), "WORKER").await;
    }
}

#[on_both]
async fn an_exempt_organization_has_no_limit(world: &World) {
    let admin = world.admin(world.alpha);
    not_entitled(world, &admin, "createMember", named("late", "WORKER"), "input").await;
    world.root().mutate("updateOrganization", json!({"id": world.alpha.id.to_string(), "exempt": true}), "").await;
    for number in 0..5 {
        made(&admin, &format!("m{number}"), "ADMIN").await;
    }
    subscribe(world, world.alpha, "starter", json!({"userLimit": 1})).await;
    made(&admin, "more", "ADMIN").await;
}

#[on_both]
async fn without_entitlement_there_is_no_room(world: &World) {
    let admin = world.admin(world.alpha);
    not_entitled(world, &admin, "createMember", named("late", "WORKER"), "input").await;
    let id = subscribe(world, world.alpha, "starter", json!({})).await;
    let ada = made(&admin, "ada", "ADMIN").await;
    let bob = made(&admin, "bob", "ADMIN").await;
    admin.mutate("deactivateMember", json!({"id": bob}), "").await;
    for (off, on) in [("suspendSubscription", "resumeSubscription"), ("cancelSubscription", "reactivateSubscription")] {
        let mut input = json!({"id": id});
        if off == "cancelSubscription" {
            input["timing"] = json!("NOW");
        }
        admin.mutate(off, input, "").await;
        not_entitled(world, &admin, "createMember", named("late", "WORKER"), "input").await;
        not_entitled(world, &admin, "reactivateMember", json!({"id": bob}), "input.id").await;
        admin.mutate("updateMember", json!({"id": ada, "name": "Ada L."}), "").await;
        admin.mutate(on, json!({"id": id}), "").await;
    }
    world.pass(TimeDelta::days(40));
    not_entitled(world, &admin, "createMember", named("late", "WORKER"), "input").await;
}

#[on_both]
async fn only_active_members_count(world: &World) {
    subscribe(world, world.alpha, "starter", json!({})).await;
    let admin = world.admin(world.alpha);
    made(&admin, "ada", "ADMIN").await;
    let bob = made(&admin, "bob", "WORKER").await;
    made(&admin, "eve", "WORKER").await;
    let off = admin.mutate("deactivateMember", json!({"id": bob, "reason": "left"}), "member { active version }").await;
    assert_eq!(off["member"], json!({"active": false, "version": 2}));
    let before = world.writes().await;
    let again = admin.mutate("deactivateMember", json!({"id": bob}), "member { active version }").await;
    assert_eq!((&again, world.writes().await), (&off, before), "nothing to do, nothing written");
    made(&admin, "joe", "WORKER").await;
    full(world, &admin, 3, 3).await;
    let refusal = world.refused(&admin, "reactivateMember", json!({"id": bob}), "LIMIT_EXCEEDED", "input.id").await;
    assert_eq!((&refusal["limit"], &refusal["used"]), (&json!(3), &json!(3)));
    let joe = admin.ok("{ members(where: {email: \"JOE@example.com\"}) { nodes { id } } }", json!({})).await["members"]
        ["nodes"][0]["id"]
        .clone();
    admin.mutate("deactivateMember", json!({"id": joe}), "").await;
    let on = admin.mutate("reactivateMember", json!({"id": bob}), "member { active version }").await;
    assert_eq!(on["member"], json!({"active": true, "version": 3}));
    let before = world.writes().await;
    admin.mutate("reactivateMember", json!({"id": bob}), "").await;
    assert_eq!(world.writes().await, before, "an active member needs no room");
}

#[on_both]
async fn many_clients_never_exceed_the_limit(world: &World) {
    subscribe(world, world.alpha, "pro", json!({"userLimit": 5})).await;
    let clients = world.admins(world.alpha, 16);
    let admin = world.admin(world.alpha);
    let mut gone: Vec<Value> = Vec::new();
    for round in 0..6 {
        let before = world.writes().await;
        // In later rounds half of the clients bring members back.
        let (mutation, inputs): (_, Vec<_>) = if round % 2 == 0 {
            ("createMember", (0..16).map(|number| named(&format!("m-{round}-{number}"), "WORKER")).collect())
        } else {
            ("reactivateMember", gone.iter().cycle().take(16).map(|id| json!({"id": id})).collect())
        };
        let payloads = race(&clients, mutation, inputs, "member { id active }").await;
        for payload in payloads.iter().filter(|payload| payload["member"].is_null()) {
            let refusal = &payload["userErrors"][0];
            assert_eq!(
                (&refusal["code"], &refusal["limit"], &refusal["used"]),
                (&json!("LIMIT_EXCEEDED"), &json!(5), &json!(5))
            );
        }
        let data =
            admin.ok("{ members(where: {active: true}) { nodes { id } totalCount { value } } }", json!({})).await;
        assert_eq!(data["members"]["totalCount"]["value"], 5, "round {round}");
        assert_eq!(world.writes().await, before + 5, "round {round}");
        for id in each(&data["members"]["nodes"], "id") {
            admin.mutate("deactivateMember", json!({"id": id}), "").await;
            if !gone.contains(&id) {
                gone.push(id);
            }
        }
    }
}
