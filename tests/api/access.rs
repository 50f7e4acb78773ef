//! What an owner may do now, and how much is left.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, World, each, on_both};

const ACCESS: &str = "query($id: ID!, $features: [String!]) { access(ownerId: $id, features: $features) {
    ownerId mode allowed reason plan planKey version refreshAfter validUntil
    features { key kind allowed reason source unlimited limit used held remaining overQuota resetsAt } } }";

async fn ask(client: &Client, id: &str, features: Value) -> Value {
    client.ok(ACCESS, json!({"id": id, "features": features})).await["access"].clone()
}

fn told(access: &Value) -> (&str, bool, &str) {
    let text = |name: &str| access[name].as_str().expect("a text");
    (text("mode"), access["allowed"].as_bool().expect("a flag"), text("reason"))
}

#[on_both]
async fn access_follows_the_state(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 10})).await;
    let limited = json!({"id": world.alpha.basic.to_string(), "graceAccess": "LIMITED"});
    admin.mutate("updateTier", limited, "").await;
    let access = ask(&admin, &customer, json!(["products", "ai.queries", "unheard"])).await;
    assert_eq!(told(&access), ("FULL", true, "TRIALING"));
    assert_eq!((&access["plan"], &access["planKey"]), (&json!("BASIC"), &json!("basic")));
    assert_eq!(
        (&access["refreshAfter"], &access["validUntil"]),
        (&json!("2026-03-01T12:05:00Z"), &json!("2026-03-02T12:00:00Z"))
    );
    let of = |place: usize, name: &str| access["features"][place][name].clone();
    assert_eq!((of(0, "allowed"), of(0, "limit"), of(0, "remaining")), (json!(true), json!(10), json!(10)));
    assert_eq!((of(1, "kind"), of(1, "resetsAt")), (json!("METER"), json!("2026-04-01T12:00:00Z")));
    assert_eq!((of(2, "allowed"), of(2, "reason")), (json!(false), json!("FEATURE_UNKNOWN")));

    world.pass(TimeDelta::days(10));
    let access = ask(&admin, &customer, json!(["products"])).await;
    assert_eq!(told(&access), ("READ_ONLY", false, "TRIAL_ENDED"));
    assert_eq!(access["features"][0]["reason"], "NO_ACCESS");
    for (mutation, input, expected) in [
        ("reactivateSubscription", json!({}), ("FULL", true, "ACTIVE")),
        ("markPastDue", json!({}), ("LIMITED", true, "PAST_DUE")),
        ("markPaid", json!({}), ("FULL", true, "ACTIVE")),
        ("pauseSubscription", json!({}), ("READ_ONLY", false, "PAUSED")),
        ("resumeSubscription", json!({}), ("FULL", true, "ACTIVE")),
        ("suspendSubscription", json!({}), ("READ_ONLY", false, "SUSPENDED")),
        ("resumeSubscription", json!({}), ("FULL", true, "ACTIVE")),
        ("expireSubscription", json!({}), ("NONE", false, "EXPIRED")),
        ("reactivateSubscription", json!({}), ("FULL", true, "ACTIVE")),
        ("cancelSubscription", json!({"timing": "NOW"}), ("NONE", false, "CANCELED")),
    ] {
        let before = ask(&admin, &customer, json!([])).await["version"].clone();
        let mut input = input;
        input["id"] = json!(id);
        admin.mutate(mutation, input, "").await;
        let access = ask(&admin, &customer, json!(["products", "ai.queries"])).await;
        assert_eq!(told(&access), expected, "{mutation}");
        assert_ne!(access["version"], before, "{mutation}");
        if expected.0 == "LIMITED" {
            assert_eq!(access["features"][0]["reason"], "LIMITED", "limits do not grow");
            assert_eq!(access["features"][1]["allowed"], true, "meters count");
        }
    }
    admin.mutate("reactivateSubscription", json!({"id": id}), "").await;
    admin.mutate("suspendCustomer", json!({"id": customer}), "").await;
    assert_eq!(told(&ask(&admin, &customer, json!([])).await), ("NONE", false, "OWNER_SUSPENDED"));
    let (waits, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"requiresPayment": true})).await;
    assert_eq!(told(&ask(&admin, &waits, json!([])).await), ("NONE", false, "PENDING"));
}

#[on_both]
async fn what_is_used_is_told_and_does_not_change_the_version(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let before = ask(&admin, &customer, json!(["ai.queries", "products"])).await;
    let use_up = json!({"ownerId": customer, "feature": "ai.queries", "amount": 100});
    admin.mutate("consume", use_up, "").await;
    admin.mutate("setGauge", json!({"ownerId": customer, "feature": "products", "value": 12}), "").await;
    let after = ask(&admin, &customer, json!(["ai.queries", "products"])).await;
    assert_eq!(after["version"], before["version"]);
    let of = |place: usize, name: &str| after["features"][place][name].clone();
    assert_eq!((of(0, "used"), of(0, "remaining"), of(0, "reason")), (json!(100), json!(0), json!("LIMIT_REACHED")));
    assert_eq!((of(1, "used"), of(1, "remaining"), of(1, "overQuota")), (json!(12), json!(0), json!(true)));
}

#[on_both]
async fn every_member_may_ask_for_its_organization_and_nobody_for_another(world: &World) {
    let own = json!({"organizationId": world.alpha.id.to_string()});
    world.root().mutate("ensureSubscription", own.clone(), "").await;
    let member = json!({"email": "mia@example.com", "name": "Mia", "role": "WORKER"});
    world.admin(world.alpha).mutate("createMember", member, "").await;
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (of_beta, _) = world.subscribed(world.beta, "Eve", world.beta.basic, json!({})).await;
    let (alpha, beta) = (world.alpha.id.to_string(), world.beta.id.to_string());
    let worker = world.caller(Role::Worker, world.alpha);
    let access = ask(&worker, &alpha, json!(["users", "customers"])).await;
    assert_eq!((told(&access), &access["plan"]), (("FULL", true, "TRIALING"), &json!("STARTER")));
    let users = &access["features"][0];
    assert_eq!((&users["used"], &users["limit"], &users["source"]), (&json!(1), &json!(10), &json!("TIER")));
    assert_eq!((&access["features"][1]["used"], &access["features"][1]["unlimited"]), (&json!(1), &json!(true)));
    let service = world.service(world.alpha, &[Permission::EntitlementsRead]);
    let itself = world.customer(world.alpha, &customer);
    for (name, client, seen) in [
        ("WORKER", &worker, [true, true]),
        ("SERVICE", &service, [true, true]),
        ("CUSTOMER", &itself, [false, true]),
        ("SUPPORT", &world.caller(Role::Support, world.alpha), [true, true]),
    ] {
        let found = [ask(client, &alpha, json!([])).await, ask(client, &customer, json!([])).await];
        assert_eq!(found.map(|found| !found.is_null()), seen, "{name}");
        if name != "SUPPORT" {
            assert!(
                ask(client, &beta, json!([])).await.is_null() && ask(client, &of_beta, json!([])).await.is_null(),
                "{name}"
            );
        }
    }
    let reseller = world.caller(Role::Reseller, world.gamma);
    assert!(!ask(&reseller, &world.delta.id.to_string(), json!([])).await.is_null());
    assert!(ask(&reseller, &alpha, json!([])).await.is_null());
    let other = world.service(world.alpha, &[Permission::CustomersRead]);
    let answer = other.send(ACCESS, json!({"id": alpha, "features": []})).await;
    assert_eq!(
        (answer.code(), &answer.0["errors"][0]["extensions"]["permission"]),
        ("FORBIDDEN", &json!("entitlements.read"))
    );
}

#[on_both]
async fn many_are_asked_for_at_once(world: &World) {
    let (ada, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, _) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({})).await;
    let (eve, _) = world.subscribed(world.beta, "Eve", world.beta.basic, json!({})).await;
    let document = "query($ids: [ID!]!, $features: [String!]) {
        accesses(ownerIds: $ids, features: $features) { ownerId planKey features { key } } }";
    let worker = world.caller(Role::Worker, world.alpha);
    let variables = json!({"ids": [bob, eve, ada, bob], "features": ["products"]});
    let found = worker.ok(document, variables).await["accesses"].clone();
    let one = |id: &str, plan: &str| json!({"ownerId": id, "planKey": plan, "features": [{"key": "products"}]});
    assert_eq!(found, json!([one(&bob, "plus"), null, one(&ada, "basic"), one(&bob, "plus")]));
    let many: Vec<_> = (0..101).map(|_| ada.clone()).collect();
    let answer = worker.send(document, json!({"ids": many, "features": []})).await;
    assert_eq!(answer.0["errors"][0]["extensions"]["problems"][0]["code"], "OUT_OF_RANGE");
    let features: Vec<_> = (0..60).map(|number| format!("f{number}")).collect();
    let answer = worker.send(document, json!({"ids": many[..50], "features": features})).await;
    assert_eq!(answer.0["errors"][0]["extensions"]["problems"][0]["code"], "OUT_OF_RANGE");
}

#[on_both]
async fn what_is_allowed_is_counted_and_nothing_else(world: &World) {
    let admin = world.admin(world.alpha);
    let tier = json!({"id": world.alpha.basic.to_string(), "graceAccess": "READ_ONLY", "afterTrialAccess": "LIMITED"});
    admin.mutate("updateTier", tier, "").await;
    let (owes, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    admin.mutate("markPastDue", json!({"id": id}), "").await;
    let (tried, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"trialDays": 3})).await;
    world.pass(TimeDelta::days(3));
    let consume = |owner: &str| json!({"ownerId": owner, "feature": "ai.queries", "amount": 1});
    assert_eq!(told(&ask(&admin, &owes, json!([])).await), ("READ_ONLY", false, "PAST_DUE"));
    assert_eq!(admin.refusal("consume", consume(&owes)).await["code"], "NOT_ENTITLED");
    assert_eq!(told(&ask(&admin, &tried, json!([])).await), ("LIMITED", true, "TRIAL_ENDED"));
    admin.mutate("consume", consume(&tried), "").await;
}

/// A refused feature names the tiers on offer that would allow it, and no others.
#[on_both]
async fn a_refused_feature_names_the_tiers_that_unlock_it(world: &World) {
    let admin = world.admin(world.alpha);
    let new = |key: &str, rank: i64, queries: Option<i64>, more: Value| {
        let mut input = json!({"key": key, "name": key, "kind": "CUSTOMER", "rank": rank, "public": true,
            "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}],
            "features": [{"key": "ai.queries", "kind": "METER", "ceiling": queries}, {"key": "export", "kind": "SWITCH"}]});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    for input in [
        new("more", 30, Some(150), json!({})),
        new("most", 40, None, json!({})),
        new("lower", 1, None, json!({})),
        new("private", 50, None, json!({"public": false})),
        new("yearly", 60, None, json!({"prices": [{"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 100}]})),
        new("old", 70, None, json!({})),
    ] {
        let id = admin.mutate("createTier", input.clone(), "tier { id }").await["tier"]["id"].clone();
        if input["key"] == "old" {
            admin.mutate("archiveTier", json!({"id": id}), "").await;
        }
    }
    let (ada, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    admin.mutate("extendSubscription", json!({"id": subscription, "days": 365}), "").await;
    let document = "query($ids: [ID!]!, $features: [String!]) { accesses(ownerIds: $ids, features: $features) {
        features { key reason tiersThatUnlock { key } } } }";
    let (bob, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let ask = async |client: &Client, ids: Value, features: Value| {
        let data = client.ok(document, json!({"ids": ids, "features": features})).await;
        let told = data["accesses"].as_array().expect("a list").iter();
        let of = |access: &Value| each(&access["features"], "tiersThatUnlock");
        told.map(of).map(|lists| lists.iter().map(|list| each(list, "key")).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let queries = |amount: i64| json!({"ownerId": ada, "feature": "ai.queries", "amount": amount});
    let features = json!(["ai.queries", "export", "nothing"]);
    // `lower` would wait for the end of the period.
    let both = vec![json!("more"), json!("most")];
    let told = ask(&admin, json!([ada, bob]), features.clone()).await;
    assert_eq!(told, vec![vec![vec![], both.clone(), vec![]]; 2], "what is allowed needs no other tier");
    admin.mutate("consume", queries(100), "").await;
    let before = world.store.statements();
    let told = ask(&world.caller(Role::Worker, world.alpha), json!([ada, bob]), features.clone()).await;
    assert_eq!(told, [vec![both.clone(), both.clone(), vec![]], vec![vec![], both.clone(), vec![]]]);
    assert_eq!(world.store.statements() - before, 3, "owners, what is granted, and what is on offer");
    // A refusal names those that would have allowed what was asked for.
    let refusal = world.refused(&admin, "consume", queries(50), "LIMIT_EXCEEDED", "input.feature").await;
    assert_eq!(refusal["tiersThatUnlock"], json!([{"key": "more"}, {"key": "most"}]));
    for mutation in ["consume", "reserve"] {
        let refusal = world.refused(&admin, mutation, queries(51), "LIMIT_EXCEEDED", "input.feature").await;
        assert_eq!(refusal["tiersThatUnlock"], json!([{"key": "most"}]), "{mutation}");
    }
    let overrides = json!([{"key": "ai.queries", "ceiling": 100}]);
    admin.mutate("updateSubscription", json!({"id": subscription, "featureOverrides": overrides}), "").await;
    assert_eq!(ask(&admin, json!([ada]), json!(["ai.queries"])).await, [vec![Vec::<Value>::new()]]);
    admin.mutate("pauseSubscription", json!({"id": subscription}), "").await;
    assert_eq!(ask(&admin, json!([ada]), json!(["export"])).await, [vec![Vec::<Value>::new()]], "no access");
}

/// However many owners and features, there is one statement for the owners and one for all that they are granted.
#[on_both]
async fn access_takes_two_statements(world: &World) {
    let admin = world.admin(world.alpha);
    let mut ids = Vec::new();
    for name in ["Ada", "Bob", "Cem"] {
        ids.push(world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await.0);
    }
    for features in [json!(["ai.queries"]), json!(["ai.queries", "products", "export"]), Value::Null] {
        let before = world.store.statements();
        ask(&admin, &ids[0], features.clone()).await;
        assert_eq!(world.store.statements() - before, 2);
        let document = "query($ids: [ID!]!, $features: [String!]) { accesses(ownerIds: $ids, features: $features) {
            mode features { key used held remaining } } }";
        let before = world.store.statements();
        admin.ok(document, json!({"ids": ids, "features": features})).await;
        assert_eq!(world.store.statements() - before, 2);
    }
}
