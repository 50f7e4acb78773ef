//! Corrections and allowances: by hand, with a reason, in the audit trail.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{consume, counter, customer};
use crate::support::{Client, World, on_both};

async fn last_entry(client: &Client) -> Value {
    let document = "{ auditEvents(first: 1) { nodes { action reason changes entityId } } }";
    client.ok(document, json!({})).await["auditEvents"]["nodes"][0].clone()
}

#[on_both]
async fn a_correction_adds_or_takes_away_and_is_audited(world: &World) {
    let (ada, _) = customer(world).await;
    let (client, admin) = (counter(world), world.admin(world.alpha));
    consume(&client, &ada, 50, json!({})).await;
    world.pass(TimeDelta::seconds(1));
    let adjust =
        |amount: i64| json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "reason": "A failed batch"});
    let selection = "adjustment { feature amount occurredAt createdAt }";
    let mut input = adjust(-20);
    input["idempotencyKey"] = json!("k");
    let made = admin.mutate("adjustUsage", input.clone(), selection).await;
    let now = world.clock.now().to_string();
    let expected = json!({"feature": "ai.queries", "amount": -20, "occurredAt": now, "createdAt": now});
    assert_eq!(made["adjustment"], expected);
    assert_eq!(admin.mutate("adjustUsage", input, selection).await, made, "it was done once");
    let entry = last_entry(&admin).await;
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("usage_adjustment.create"), &json!("A failed batch")));
    assert_eq!(entry["changes"]["amount"], json!({"from": null, "to": -20}));
    assert_eq!(consume(&client, &ada, 1, json!({})).await, (1, 31));
    world.refused(&admin, "adjustUsage", adjust(-32), "OUT_OF_RANGE", "input.amount").await;
    world.refused(&admin, "adjustUsage", adjust(0), "OUT_OF_RANGE", "input.amount").await;
    let mut silent = adjust(1);
    silent["reason"] = json!(" ");
    world.refused(&admin, "adjustUsage", silent, "REQUIRED", "input.reason").await;
    let mut early = adjust(1);
    early["occurredAt"] = json!("2026-02-01T00:00:00Z");
    world.refused(&admin, "adjustUsage", early, "INVALID_DATE", "input.occurredAt").await;
    world.forbidden(&client, "adjustUsage", adjust(1), "subscriptions.manage").await;
}

#[on_both]
async fn an_allowance_raises_the_limit_until_it_is_over(world: &World) {
    let (ada, subscription) = customer(world).await;
    let (client, admin) = (counter(world), world.admin(world.alpha));
    consume(&client, &ada, 100, json!({})).await;
    let grant = |amount: i64, more: Value| {
        let mut input = json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "reason": "Bought"});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    world.pass(TimeDelta::seconds(1));
    let selection = "allowance { feature amount expiresAt createdAt }";
    let made = admin.mutate("grantAllowance", grant(5, json!({})), selection).await;
    assert_eq!(made["allowance"]["expiresAt"], "2026-04-01T12:00:00Z", "the end of the window");
    let entry = last_entry(&admin).await;
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("usage_grant.create"), &json!("Bought")));
    assert_eq!(consume(&client, &ada, 9, json!({"partial": true})).await, (5, 105));
    let ends = "2026-04-02T12:00:00Z";
    admin.mutate("grantAllowance", grant(50, json!({"expiresAt": ends})), "").await;
    let document = "query($id: ID!) { subscription(id: $id) { features { key limit source } } }";
    let features = admin.ok(document, json!({"id": subscription})).await["subscription"]["features"].clone();
    assert_eq!(features[0], json!({"key": "ai.queries", "limit": 155, "source": "TIER"}));
    world.pass(TimeDelta::days(31));
    assert_eq!(consume(&client, &ada, 200, json!({"partial": true})).await, (150, 150), "in the next window too");
    world.pass(TimeDelta::days(1));
    let input = json!({"ownerId": ada, "feature": "ai.queries"});
    world.refused(&client, "consume", input, "LIMIT_EXCEEDED", "input.feature").await;

    for (input, code, path) in [
        (grant(0, json!({})), "OUT_OF_RANGE", "input.amount"),
        (grant(1, json!({"feature": "nothing"})), "FEATURE_UNKNOWN", "input.feature"),
        (grant(1, json!({"expiresAt": "2026-03-01T12:00:00Z"})), "INVALID_DATE", "input.expiresAt"),
    ] {
        world.refused(&admin, "grantAllowance", input, code, path).await;
    }
    let overrides = json!([{"key": "ai.queries", "ceiling": 1}]);
    admin.mutate("updateSubscription", json!({"id": subscription, "featureOverrides": overrides}), "").await;
    world.refused(&admin, "grantAllowance", grant(1, json!({})), "CONFLICT", "input.feature").await;
}

#[on_both]
async fn an_organization_grants_itself_nothing(world: &World) {
    let root = world.root();
    let id = world.alpha.id.to_string();
    let storage = json!({"key": "big", "name": "Big", "kind": "ORGANIZATION", "rank": 50, "public": true,
        "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 1}],
        "features": [{"key": "storage", "kind": "METER", "ceiling": 10}]});
    let tier = root.mutate("createTier", storage, "tier { id }").await["tier"]["id"].clone();
    let subscribe = json!({"organizationId": id, "terms": {"tierId": tier}});
    root.mutate("createSubscription", subscribe, "").await;
    root.mutate("updateOrganization", json!({"id": id, "subscriptionManagement": "PLATFORM_MANAGED"}), "").await;
    let admin = world.admin(world.alpha);
    let input = json!({"ownerId": id, "feature": "storage", "amount": 4, "reason": "x"});
    for mutation in ["grantAllowance", "adjustUsage"] {
        world.refused(&admin, mutation, input.clone(), "OWN_ACCOUNT", "input.ownerId").await;
        root.mutate(mutation, input.clone(), "").await;
    }
    let consume = json!({"ownerId": id, "feature": "storage", "amount": 10});
    admin.mutate("consume", consume.clone(), "").await;
    let refusal = world.refused(&admin, "consume", consume, "LIMIT_EXCEEDED", "input.feature").await;
    assert_eq!((&refusal["limit"], &refusal["used"]), (&json!(14), &json!(14)));
}
