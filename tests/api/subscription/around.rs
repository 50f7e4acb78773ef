//! What surrounds a subscription decides with it: its owner, its organization, and the tiers that time brings.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{STATE, act, state};
use crate::support::{World, on_both};

/// What keeps the administrator from an action, null if nothing does.
async fn obstacle(world: &World, id: &str, action: &str) -> Value {
    let document = "query($id: ID!) { subscription(id: $id) { availableActions { action allowed reason } } }";
    let data = world.admin(world.alpha).ok(document, json!({"id": id})).await;
    let actions = data["subscription"]["availableActions"].as_array().expect("actions").clone();
    actions.into_iter().find(|one| one["action"] == action).expect("the action")["reason"].clone()
}

async fn refused(world: &World, mutation: &str, input: Value) -> (Value, Value) {
    let refusal = world.admin(world.alpha).refusal(mutation, input).await;
    (refusal["code"].clone(), refusal["path"].clone())
}

#[on_both]
async fn the_tier_that_time_brings_is_the_one_that_counts(world: &World) {
    let admin = world.admin(world.alpha);
    let (_, paid) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    act(world, "expireSubscription", json!({"id": paid})).await;
    let gift = json!({"id": paid, "tierId": world.alpha.plus.to_string(), "reason": "goodwill", "endsAt": "2026-03-02T12:00:00Z"});
    world.root().mutate("overrideTier", gift, STATE).await;
    let (_, given) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({"trialDays": 0})).await;
    act(world, "expireSubscription", json!({"id": given})).await;
    let gift = json!({"id": given, "tierId": world.alpha.basic.to_string(), "reason": "goodwill", "endsAt": "2026-03-02T12:00:00Z"});
    world.root().mutate("overrideTier", gift, STATE).await;
    admin.mutate("archiveTier", json!({"id": world.alpha.basic.to_string()}), "").await;
    world.pass(TimeDelta::days(2));
    assert_eq!(obstacle(world, &paid, "REACTIVATE").await, "TIER_ARCHIVED");
    assert_eq!(refused(world, "reactivateSubscription", json!({"id": paid})).await.0, "TIER_ARCHIVED");
    assert_eq!(obstacle(world, &given, "REACTIVATE").await, Value::Null);
    act(world, "reactivateSubscription", json!({"id": given})).await;
}

#[on_both]
async fn a_tier_without_days_of_trial_gives_none(world: &World) {
    let (_, id) =
        world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"startsAt": "2026-03-11T12:00:00Z"})).await;
    assert_eq!(obstacle(world, &id, "START_TRIAL").await, "INVALID_DATE");
    assert_eq!(
        refused(world, "startTrial", json!({"id": id})).await,
        (json!("INVALID_DATE"), json!(["input", "days"]))
    );
    act(world, "startTrial", json!({"id": id, "days": 3})).await;
}

#[on_both]
async fn what_waited_for_its_start_only_comes_back(world: &World) {
    let (_, id) =
        world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"startsAt": "2026-03-11T12:00:00Z"})).await;
    act(world, "cancelSubscription", json!({"id": id, "timing": "NOW"})).await;
    assert_eq!(obstacle(world, &id, "REACTIVATE").await, Value::Null);
    assert_eq!(act(world, "reactivateSubscription", json!({"id": id})).await["status"], "ACTIVE");
}

#[on_both]
async fn nobody_brings_back_what_a_deleted_owner_had(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.admin(world.alpha).mutate("deleteCustomer", json!({"id": customer}), "").await;
    assert_eq!(obstacle(world, &id, "REACTIVATE").await, "OWNER_INACTIVE");
    assert_eq!(refused(world, "reactivateSubscription", json!({"id": id})).await.0, "OWNER_INACTIVE");
}

#[on_both]
async fn nothing_is_made_for_who_is_terminated(world: &World) {
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    admin.mutate("terminateCustomer", json!({"id": customer}), "").await;
    let terms = json!({"tierId": world.alpha.basic.to_string()});
    let input = json!({"customerId": customer, "terms": terms});
    assert_eq!(
        refused(world, "createSubscription", input).await,
        (json!("OWNER_INACTIVE"), json!(["input", "customerId"]))
    );
    let alpha = world.alpha.id.to_string();
    world.root().mutate("terminateOrganization", json!({"id": alpha}), "").await;
    let before = world.writes().await;
    for (mutation, input) in [
        ("createCustomer", json!({"organizationId": alpha, "name": "Bob"})),
        (
            "createMember",
            json!({"organizationId": alpha, "name": "Bob", "email": "bob@alpha.example", "role": "WORKER"}),
        ),
        ("createTier", json!({"organizationId": alpha, "key": "more", "name": "More", "kind": "CUSTOMER", "rank": 9})),
    ] {
        let refusal = world.root().refusal(mutation, input).await;
        assert_eq!(
            (&refusal["code"], &refusal["path"]),
            (&json!("OWNER_INACTIVE"), &json!(["input", "organizationId"])),
            "{mutation}"
        );
    }
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn nothing_is_planned_behind_a_hard_end(world: &World) {
    let (_, id) = world
        .subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 0, "expiresAt": "2026-03-11T12:00:00Z"}))
        .await;
    let down = json!({"id": id, "tierId": world.alpha.basic.to_string()});
    assert_eq!(refused(world, "changeTier", down).await, (json!("CONFLICT"), json!(["input", "timing"])));
    let late = json!({"id": id, "timing": "DATE", "at": "2026-03-12T12:00:00Z"});
    assert_eq!(refused(world, "cancelSubscription", late).await, (json!("INVALID_DATE"), json!(["input", "at"])));
    let canceled = act(world, "cancelSubscription", json!({"id": id})).await;
    assert_eq!(canceled["cancelAt"], "2026-03-11T12:00:00Z");
}

#[on_both]
async fn a_period_that_runs_has_begun(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let input = json!({"id": id, "currentPeriodStart": "2026-03-11T12:00:00Z"});
    assert_eq!(
        refused(world, "updateSubscription", input).await,
        (json!("INVALID_DATE"), json!(["input", "currentPeriodStart"]))
    );
    for field in ["trialEndsAt", "expiresAt", "currentPeriodEnd"] {
        let input = json!({"name": "Bob", "subscription": {"tierId": world.alpha.basic.to_string(), field: "2026-03-01T11:59:59Z"}});
        assert_eq!(
            refused(world, "createCustomer", input).await,
            (json!("INVALID_DATE"), json!(["input", "subscription", field]))
        );
    }
}

#[on_both]
async fn a_period_that_begins_by_itself_names_who_renewed_it(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    act(world, "pauseSubscription", json!({"id": id, "resumesAt": "2026-03-02T12:00:00Z"})).await;
    act(world, "changeTier", json!({"id": id, "billingCycle": "YEARLY"})).await;
    world.pass(TimeDelta::days(2));
    let renewed = act(world, "suspendSubscription", json!({"id": id})).await;
    assert_eq!(
        (&renewed["lastRenewedBy"], &renewed["currentPeriodEnd"]),
        (&json!("scheduler"), &json!("2027-03-02T12:00:00Z"))
    );
    assert_eq!(state(world, &id).await["status"], "SUSPENDED");
}
