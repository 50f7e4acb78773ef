//! The days of trial that a tier gives: each owner gets them once.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::act;
use crate::support::{World, on_both, race};

/// Begins another subscription of a customer: its status and the end of its trial.
async fn again(world: &World, customer: &str, terms: Value) -> Value {
    let input = json!({"customerId": customer, "terms": terms});
    let made =
        world.admin(world.alpha).mutate("createSubscription", input, "subscription { id status trialEndsAt }").await;
    made["subscription"].clone()
}

async fn cancel(world: &World, id: &str) {
    act(world, "cancelSubscription", json!({"id": id, "timing": "NOW"})).await;
}

/// Begins one, ends it, and answers its status.
async fn tried(world: &World, customer: &str, terms: Value) -> Value {
    let made = again(world, customer, terms).await;
    cancel(world, made["id"].as_str().expect("an id")).await;
    made["status"].clone()
}

#[on_both]
async fn a_tier_gives_its_days_once(world: &World) {
    let plus = world.alpha.plus.to_string();
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    world.pass(TimeDelta::days(3));
    cancel(world, &id).await;
    assert_eq!(tried(world, &customer, json!({"tierId": plus})).await, "ACTIVE");
    // Days that somebody gives are others, and use nothing up.
    assert_eq!(tried(world, &customer, json!({"tierId": plus, "trialDays": 5})).await, "TRIALING");
    let until = json!({"tierId": plus, "trialEndsAt": "2026-03-20T00:00:00Z"});
    assert_eq!(tried(world, &customer, until).await, "TRIALING");
    assert_eq!(tried(world, &customer, json!({"tierId": plus})).await, "ACTIVE");
    // Another tier gives its own.
    let more = json!({"id": world.alpha.basic.to_string(), "trialDays": 3});
    world.admin(world.alpha).mutate("updateTier", more, "").await;
    let basic = json!({"tierId": world.alpha.basic.to_string()});
    assert_eq!(tried(world, &customer, basic.clone()).await, "TRIALING");
    assert_eq!(tried(world, &customer, basic).await, "ACTIVE");
    // Another owner has tried nothing, and who was given days by hand has still the tier's.
    let (other, id) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({"trialDays": 5})).await;
    cancel(world, &id).await;
    assert_eq!(tried(world, &other, json!({"tierId": plus})).await, "TRIALING");
}

#[on_both]
async fn what_was_deleted_gave_none(world: &World) {
    let plus = json!({"tierId": world.alpha.plus.to_string()});
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    world.admin(world.alpha).mutate("deleteSubscription", json!({"id": id}), "").await;
    assert_eq!(tried(world, &customer, plus.clone()).await, "TRIALING");
    assert_eq!(tried(world, &customer, plus).await, "ACTIVE");
}

#[on_both]
async fn a_trial_is_of_the_tier_that_gave_it(world: &World) {
    let more = json!({"id": world.alpha.basic.to_string(), "trialDays": 3});
    world.admin(world.alpha).mutate("updateTier", more, "").await;
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    let moved =
        act(world, "changeTier", json!({"id": id, "tierId": world.alpha.basic.to_string(), "timing": "NOW"})).await;
    assert_eq!(
        (&moved["status"], &moved["trialEndsAt"]),
        (&json!("TRIALING"), &json!("2026-03-15T12:00:00Z")),
        "a change of tier gives no days"
    );
    cancel(world, &id).await;
    assert_eq!(tried(world, &customer, json!({"tierId": world.alpha.plus.to_string()})).await, "ACTIVE");
    assert_eq!(tried(world, &customer, json!({"tierId": world.alpha.basic.to_string()})).await, "TRIALING");
}

#[on_both]
async fn a_pending_one_is_given_them_if_they_are_left(world: &World) {
    let obstacle = async |id: &Value| {
        let document = "query($id: ID!) { subscription(id: $id) { availableActions { action reason } } }";
        let data = world.root().ok(document, json!({"id": id})).await;
        let all = data["subscription"]["availableActions"].as_array().expect("a list").clone();
        all.into_iter().find(|one| one["action"] == "START_TRIAL").expect("every action")["reason"].clone()
    };
    let waits = json!({"tierId": world.alpha.plus.to_string(), "requiresPayment": true});
    let (customer, first) =
        world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"requiresPayment": true})).await;
    assert_eq!(obstacle(&json!(first)).await, Value::Null);
    let begun = world.root().mutate("startTrial", json!({"id": first}), "subscription { status trialEndsAt }").await;
    assert_eq!(begun["subscription"], json!({"status": "TRIALING", "trialEndsAt": "2026-03-15T12:00:00Z"}));
    cancel(world, &first).await;
    let second = again(world, &customer, waits).await["id"].clone();
    assert_eq!(obstacle(&second).await, "INVALID_DATE");
    let refusal = world.root().refusal("startTrial", json!({"id": second})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("INVALID_DATE"), &json!(["input", "days"])));
    world.root().mutate("startTrial", json!({"id": second, "days": 3}), "").await;
    // One that was planned is begun early, and is the same.
    let (_, later) =
        world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({"startsAt": "2026-03-11T12:00:00Z"})).await;
    assert_eq!(obstacle(&json!(later)).await, Value::Null);
    assert_eq!(act(world, "startTrial", json!({"id": later})).await["status"], "TRIALING");
}

#[on_both]
async fn the_default_trial_is_had_once(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.admin(world.alpha).mutate("deleteSubscription", json!({"id": id}), "").await;
    assert_eq!(tried(world, &customer, json!({})).await, "TRIALING");
    let input = json!({"customerId": customer, "terms": {}});
    let refusal = world.admin(world.alpha).refusal("createSubscription", input).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("CONFLICT"), &json!(["input", "terms", "tierId"])));
    assert_eq!(tried(world, &customer, json!({"trialDays": 3})).await, "TRIALING");
    assert_eq!(tried(world, &customer, json!({"trialDays": 0})).await, "ACTIVE");
}

/// How often many ask at once.
const ROUNDS: usize = 10;

#[on_both]
async fn one_gets_them_however_many_ask_at_once(world: &World) {
    let clients = world.admins(world.alpha, 8);
    let plus = json!({"tierId": world.alpha.plus.to_string()});
    for round in 0..ROUNDS {
        let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
        cancel(world, &id).await;
        let input = json!({"customerId": customer, "terms": plus});
        let mut given = Vec::new();
        for _ in 0..2 {
            let inputs = vec![input.clone(); clients.len()];
            let answers = race(&clients, "createSubscription", inputs, "subscription { id status }").await;
            let made: Vec<_> = answers.iter().filter(|answer| answer["userErrors"] == json!([])).collect();
            assert_eq!(made.len(), 1, "round {round}: {answers:?}");
            given.push(made[0]["subscription"]["status"].clone());
            cancel(world, made[0]["subscription"]["id"].as_str().expect("an id")).await;
        }
        assert_eq!(given, ["TRIALING", "ACTIVE"], "round {round}");
    }
}
