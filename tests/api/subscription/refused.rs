//! A success is never nothing: what would change nothing is refused, and the refusal names the way out.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{act, state};
use crate::support::{Payer, World, on_both, payment};

async fn refused(world: &World, mutation: &str, input: Value, code: &str, path: Value, way_out: &str) {
    let before = world.writes().await;
    let refusal = world.admin(world.alpha).refusal(mutation, input).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!(code), &path), "{mutation}");
    let message = refusal["message"].as_str().expect("a message");
    let actions = refusal["allowedActions"].to_string();
    assert!(message.contains(way_out) || actions.contains(way_out), "{mutation}: {message} {actions}");
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn nothing_is_extended_that_does_not_run(world: &World) {
    let id = json!(["input", "id"]);
    let (_, waits) =
        world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"startsAt": "2026-03-11T12:00:00Z"})).await;
    refused(
        world,
        "extendSubscription",
        json!({"id": waits, "days": 30}),
        "ILLEGAL_TRANSITION",
        id.clone(),
        "activate",
    )
    .await;
    let (_, leaves) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    act(world, "cancelSubscription", json!({"id": leaves, "timing": "DATE", "at": "2026-03-03T12:00:00Z"})).await;
    let (_, ends) =
        world.subscribed(world.alpha, "Eve", world.alpha.basic, json!({"expiresAt": "2026-03-03T12:00:00Z"})).await;
    let (_, tried) = world.subscribed(world.alpha, "Kim", world.alpha.basic, json!({"trialDays": 2})).await;
    world.pass(TimeDelta::days(2));
    for over in [leaves, ends, tried] {
        let input = json!({"id": over, "days": 30});
        refused(world, "extendSubscription", input, "ILLEGAL_TRANSITION", id.clone(), "REACTIVATE").await;
    }
}

#[on_both]
async fn nothing_is_planned_behind_the_end(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 0})).await;
    let down = json!({"id": id, "tierId": world.alpha.basic.to_string()});
    act(world, "changeTier", down.clone()).await;
    let leaving = act(world, "cancelSubscription", json!({"id": id})).await;
    assert_eq!(leaving["scheduledChange"], Value::Null, "it would never happen");
    let timing = json!(["input", "timing"]);
    refused(world, "changeTier", down, "CONFLICT", timing.clone(), "undo the cancellation").await;
    refused(world, "cancelSubscription", json!({"id": id}), "CONFLICT", timing, "undo").await;
    let moved = act(world, "updateSubscription", json!({"id": id, "currentPeriodEnd": "2026-03-20T00:00:00Z"})).await;
    assert_eq!(moved["cancelAt"], "2026-03-20T00:00:00Z");
}

#[on_both]
async fn what_is_overridden_is_not_paused_or_changed(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let plus = world.alpha.plus.to_string();
    world.root().mutate("overrideTier", json!({"id": id, "tierId": plus, "reason": "goodwill"}), "").await;
    let path = json!(["input", "id"]);
    refused(world, "pauseSubscription", json!({"id": id}), "ILLEGAL_TRANSITION", path.clone(), "end the override")
        .await;
    refused(world, "changeTier", json!({"id": id, "tierId": plus}), "ILLEGAL_TRANSITION", path, "end the override")
        .await;
    refused(world, "cancelSubscription", json!({"id": id}), "CONFLICT", json!(["input", "timing"]), "at a date").await;
    let extended = act(world, "extendSubscription", json!({"id": id, "days": 3})).await;
    assert_eq!(extended["currentPeriodEnd"], "2026-04-04T12:00:00Z", "what is paid for beneath");
}

#[on_both]
async fn dates_of_what_a_gateway_bills_stay(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.sql("UPDATE subscriptions SET mode = 'GATEWAY', gateway = 'STRIPE', gateway_subscription_id = 'sub_1'").await;
    for field in ["currentPeriodStart", "currentPeriodEnd", "trialEndsAt", "expiresAt"] {
        let input = json!({"id": id, field: "2026-05-01T00:00:00Z"});
        let refusal = world.admin(world.alpha).attempt("updateSubscription", input, "").await["userErrors"][0].clone();
        assert_eq!((&refusal["code"], &refusal["path"]), (&json!("GATEWAY_BILLED"), &json!(["input", field])));
    }
    act(world, "updateSubscription", json!({"id": id, "externalId": "crm-1"})).await;
    world.pass(TimeDelta::days(40));
    assert_eq!(state(world, &id).await["effectiveStatus"]["status"], "EXPIRED", "the gateway is too late");
    let updated = act(world, "updateSubscription", json!({"id": id, "externalId": "crm-2"})).await;
    assert_eq!(updated["status"], "ACTIVE", "and yet it says how the period ended");
}

#[on_both]
async fn a_first_payment_is_attempted_once_at_a_time(world: &World) {
    let (customer, id) =
        world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"requiresPayment": true})).await;
    let attempt = || tessera::entity::payment::Model {
        status: tessera::entity::PaymentStatus::Pending,
        paid_at: None,
        ..payment(Payer { tenant: world.alpha, customer: Some(&customer) }, &id, world.clock.now())
    };
    let system = world.store.system();
    let put = async |row| system.insert::<_, tessera::entity::payment::Entity>(vec![row]).await;
    put(attempt()).await.expect("the first");
    put(attempt()).await.expect_err("a second at the same time");
    let over = tessera::entity::payment::Model { status: tessera::entity::PaymentStatus::Failed, ..attempt() };
    put(over).await.expect("one that is over");
}
