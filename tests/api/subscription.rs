//! Subscriptions: every step of the lifecycle through the API, by the clock, with its refusals.

use chrono::TimeDelta;
use serde_json::{Value, json};

mod add_ons;
mod around;
mod available;
mod before;
mod days;
mod features;
mod lists;
mod preview;
mod refused;
mod save;
mod time;
mod trials;

use crate::support::{World, on_both};

const STATE: &str = "subscription { id status mode tierId billingCycle version startsAt cancelAt endedAt trialStartedAt trialEndsAt lastRenewedBy
    currentPeriodStart currentPeriodEnd anchorDay pausedAt suspendedAt price { amountMinor }
    scheduledChange { tierId at price { amountMinor } } tierOverride { reason overriddenTierId endsAt }
    effectiveStatus { status entitled expired expiringSoon daysUntilExpiry endsAt reason } }";

async fn state(world: &World, id: &str) -> Value {
    let document = format!("query($id: ID!) {{ {} }}", STATE.replacen("subscription", "subscription(id: $id)", 1));
    world.admin(world.alpha).ok(&document, json!({"id": id})).await["subscription"].clone()
}

async fn act(world: &World, mutation: &str, input: Value) -> Value {
    world.admin(world.alpha).mutate(mutation, input, STATE).await["subscription"].clone()
}

#[on_both]
async fn a_trial_converts_to_paid_time(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    let trial = state(world, &id).await;
    assert_eq!(trial["status"], "TRIALING");
    assert_eq!(trial["effectiveStatus"]["daysUntilExpiry"], 14);
    world.pass(TimeDelta::days(10));
    assert_eq!(state(world, &id).await["effectiveStatus"]["expiringSoon"], true);
    let active = act(world, "activateSubscription", json!({"id": id})).await;
    assert_eq!(active["status"], "ACTIVE");
    assert_eq!(active["currentPeriodStart"], "2026-03-11T12:00:00Z");
    assert_eq!(active["currentPeriodEnd"], "2026-04-11T12:00:00Z");
}

#[on_both]
async fn a_trial_that_is_over_entitles_to_nothing(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 3})).await;
    world.pass(TimeDelta::days(3));
    let over = state(world, &id).await;
    assert_eq!(over["status"], "TRIALING", "the record is as it was");
    assert_eq!(
        over["effectiveStatus"],
        json!({
            "status": "EXPIRED", "entitled": false, "expired": true, "expiringSoon": false, "daysUntilExpiry": 0,
            "endsAt": "2026-03-04T12:00:00Z", "reason": "TRIAL_ENDED",
        })
    );
    let document = "query($id: ID!) { subscriptionStatus(customerId: $id) { status entitled } }";
    let data = world.admin(world.alpha).ok(document, json!({"id": customer})).await;
    assert_eq!(data["subscriptionStatus"], json!({"status": "EXPIRED", "entitled": false}));
}

#[on_both]
async fn a_cancellation_at_the_period_end_keeps_access_and_can_be_undone(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let canceled = act(world, "cancelSubscription", json!({"id": id, "reason": "too dear"})).await;
    assert_eq!(canceled["status"], "ACTIVE");
    assert_eq!(canceled["cancelAt"], "2026-04-01T12:00:00Z");
    assert_eq!(canceled["effectiveStatus"]["reason"], "CANCELLATION");
    assert_eq!(canceled["effectiveStatus"]["entitled"], true);
    let undone = act(world, "undoCancel", json!({"id": id})).await;
    assert_eq!(undone["cancelAt"], Value::Null);
    act(world, "cancelSubscription", json!({"id": id, "timing": "DATE", "at": "2026-03-20T00:00:00Z"})).await;
    world.pass(TimeDelta::days(19));
    let over = state(world, &id).await;
    assert_eq!(over["effectiveStatus"]["status"], "CANCELED");
    let refusal = world.admin(world.alpha).refusal("undoCancel", json!({"id": id})).await;
    assert_eq!(refusal["code"], "ILLEGAL_TRANSITION");
}

#[on_both]
async fn a_cancellation_now_ends_it_and_reactivation_brings_it_back(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.pass(TimeDelta::days(10));
    let canceled = act(world, "cancelSubscription", json!({"id": id, "timing": "NOW"})).await;
    assert_eq!((&canceled["status"], &canceled["endedAt"]), (&json!("CANCELED"), &json!("2026-03-11T12:00:00Z")));
    let back = act(world, "reactivateSubscription", json!({"id": id})).await;
    assert_eq!(back["status"], "ACTIVE");
    assert_eq!(back["currentPeriodEnd"], "2026-04-01T12:00:00Z", "what was paid for is still there");
    act(world, "expireSubscription", json!({"id": id})).await;
    world.pass(TimeDelta::days(40));
    let anew = act(world, "reactivateSubscription", json!({"id": id})).await;
    assert_eq!(anew["currentPeriodStart"], "2026-04-20T12:00:00Z", "a lapsed period starts anew");
    assert_eq!(anew["anchorDay"], 20);
}

#[on_both]
async fn an_upgrade_happens_now_and_a_downgrade_at_the_period_end(world: &World) {
    let (basic, plus) = (world.alpha.basic.to_string(), world.alpha.plus.to_string());
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let up = act(world, "changeTier", json!({"id": id, "tierId": plus})).await;
    assert_eq!((&up["tierId"], &up["price"]["amountMinor"]), (&json!(plus), &json!(1900)));
    assert_eq!(up["id"], json!(id), "the subscription keeps its id");
    let down = act(world, "changeTier", json!({"id": id, "tierId": basic})).await;
    assert_eq!(down["tierId"], json!(plus));
    assert_eq!(
        down["scheduledChange"],
        json!({"tierId": basic, "at": "2026-04-01T12:00:00Z", "price": {"amountMinor": 900}})
    );
    let kept = act(world, "changeTier", json!({"id": id, "tierId": plus})).await;
    assert_eq!(kept["scheduledChange"], Value::Null, "naming the present tier takes the change back");
    let forced = act(world, "changeTier", json!({"id": id, "tierId": basic, "timing": "NOW"})).await;
    assert_eq!(forced["tierId"], json!(basic));
    let refusal = world.admin(world.alpha).refusal("changeTier", json!({"id": id, "tierId": basic})).await;
    assert_eq!(refusal["code"], "CONFLICT");
    world.pass(TimeDelta::days(5));
    let yearly = act(world, "changeTier", json!({"id": id, "billingCycle": "YEARLY"})).await;
    assert_eq!(yearly["currentPeriodEnd"], "2027-03-06T12:00:00Z", "another cycle starts a new period");
}

#[on_both]
async fn a_pause_stops_the_clock(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.pass(TimeDelta::days(10));
    let paused = act(world, "pauseSubscription", json!({"id": id})).await;
    assert_eq!(paused["effectiveStatus"]["entitled"], false);
    world.pass(TimeDelta::days(100));
    assert_eq!(state(world, &id).await["effectiveStatus"]["status"], "PAUSED");
    let resumed = act(world, "resumeSubscription", json!({"id": id})).await;
    assert_eq!(resumed["status"], "ACTIVE");
    assert_eq!(resumed["currentPeriodEnd"], "2026-07-10T12:00:00Z");
    assert_eq!(resumed["effectiveStatus"]["daysUntilExpiry"], 21);
}

#[on_both]
async fn a_suspension_returns_to_what_it_was(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    let suspended = act(world, "suspendSubscription", json!({"id": id, "reason": "fraud check"})).await;
    assert_eq!(suspended["status"], "SUSPENDED");
    assert_eq!(suspended["effectiveStatus"]["entitled"], false);
    let refusal = world.admin(world.alpha).refusal("suspendSubscription", json!({"id": id})).await;
    assert_eq!(refusal["__typename"], "IllegalTransition");
    assert_eq!(refusal["state"], "SUSPENDED");
    assert_eq!(refusal["path"], json!(["input", "id"]));
    assert_eq!(
        refusal["allowedActions"],
        json!(["UPDATE", "EXTEND", "CHANGE_TIER", "CHANGE_ADD_ONS", "RESUME", "EXPIRE", "DELETE",])
    );
    assert_eq!(act(world, "resumeSubscription", json!({"id": id})).await["status"], "TRIALING");
}

#[on_both]
async fn an_extension_moves_the_end(world: &World) {
    let (_, trial) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    assert_eq!(
        act(world, "extendSubscription", json!({"id": trial, "days": 7})).await["trialEndsAt"],
        "2026-03-22T12:00:00Z"
    );
    let (_, paid) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    assert_eq!(
        act(world, "extendSubscription", json!({"id": paid, "days": 7})).await["currentPeriodEnd"],
        "2026-04-08T12:00:00Z"
    );
    let refusal = world.admin(world.alpha).refusal("extendSubscription", json!({"id": paid, "days": 0})).await;
    assert_eq!(refusal["code"], "OUT_OF_RANGE");
    assert_eq!(refusal["path"], json!(["input", "days"]));
}

#[on_both]
async fn an_override_is_for_those_who_may_and_is_reversible(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let plus = world.alpha.plus.to_string();
    let input = json!({"id": id, "tierId": plus, "reason": "goodwill", "endsAt": "2026-05-01T00:00:00Z"});
    let forbidden = world.admin(world.alpha).send_mutation("overrideTier", input.clone(), "").await;
    assert_eq!(forbidden.code(), "FORBIDDEN");
    assert_eq!(forbidden.0["errors"][0]["extensions"]["permission"], "subscriptions.override");
    let without_reason = json!({"id": id, "tierId": plus, "reason": " "});
    assert_eq!(world.root().refusal("overrideTier", without_reason).await["path"], json!(["input", "reason"]));
    let given = world.root().mutate("overrideTier", input, STATE).await["subscription"].clone();
    assert_eq!(
        (&given["mode"], &given["tierId"], &given["price"]["amountMinor"]),
        (&json!("OVERRIDE"), &json!(plus), &json!(0))
    );
    assert_eq!(given["tierOverride"]["reason"], "goodwill");
    let refusal = world.admin(world.alpha).refusal("changeTier", json!({"id": id, "tierId": plus})).await;
    assert_eq!(refusal["code"], "ILLEGAL_TRANSITION");
    let ended = world.root().mutate("endOverride", json!({"id": id}), STATE).await["subscription"].clone();
    assert_eq!(ended["mode"], "MANUAL");
    assert_eq!(
        (&ended["tierId"], &ended["price"]["amountMinor"]),
        (&json!(world.alpha.basic.to_string()), &json!(900))
    );
}

#[on_both]
async fn a_pending_subscription_waits_for_its_payment(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"requiresPayment": true})).await;
    let pending = state(world, &id).await;
    assert_eq!((&pending["status"], &pending["effectiveStatus"]["entitled"]), (&json!("PENDING"), &json!(false)));
    let forbidden = world.admin(world.alpha).send_mutation("activateSubscription", json!({"id": id}), "").await;
    assert_eq!(forbidden.0["errors"][0]["extensions"]["permission"], "subscriptions.override");
    let forbidden = world.admin(world.alpha).send_mutation("startTrial", json!({"id": id}), "").await;
    assert_eq!(forbidden.0["errors"][0]["extensions"]["permission"], "subscriptions.override");
    let trial = world.root().mutate("startTrial", json!({"id": id}), STATE).await["subscription"].clone();
    assert_eq!((&trial["status"], &trial["trialEndsAt"]), (&json!("TRIALING"), &json!("2026-03-15T12:00:00Z")));
    let (_, other) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"requiresPayment": true})).await;
    assert_eq!(world.root().refusal("startTrial", json!({"id": other})).await["code"], "INVALID_DATE");
    world.root().mutate("activateSubscription", json!({"id": other}), STATE).await;
}

#[on_both]
async fn a_second_live_subscription_is_refused_and_named(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let before = world.writes().await;
    let input = json!({"customerId": customer, "terms": {"tierId": world.alpha.plus.to_string()}});
    let refusal = world.admin(world.alpha).refusal("createSubscription", input.clone()).await;
    assert_eq!(refusal["__typename"], "AlreadySubscribed");
    assert_eq!(refusal["subscription"]["id"], json!(id));
    assert_eq!(world.writes().await, before);
    act(world, "cancelSubscription", json!({"id": id, "timing": "NOW"})).await;
    let second = world.admin(world.alpha).mutate("createSubscription", input, "subscription { id }").await;
    let refusal = world.admin(world.alpha).refusal("reactivateSubscription", json!({"id": id})).await;
    assert_eq!(refusal["subscription"]["id"], second["subscription"]["id"]);
}

#[on_both]
async fn ensuring_a_subscription_makes_one_and_only_one(world: &World) {
    let admin = world.admin(world.alpha);
    let input = json!({"organizationId": world.alpha.id.to_string()});
    let fields = "subscription { id status userLimit trialEndsAt billingCycle tier { key } owner { __typename } }";
    let first = admin.mutate("ensureSubscription", input.clone(), fields).await;
    assert_eq!(first["subscription"]["userLimit"], 10);
    assert_eq!(first["subscription"]["tier"]["key"], "starter");
    assert_eq!(first["subscription"]["trialEndsAt"], "2026-04-01T12:00:00Z");
    let again = admin.mutate("ensureSubscription", input, fields).await;
    assert_eq!(first, again);
}

#[on_both]
async fn a_stale_version_is_refused(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    act(world, "extendSubscription", json!({"id": id, "days": 1, "expectedVersion": 1})).await;
    let before = world.writes().await;
    let refusal = world
        .admin(world.alpha)
        .refusal("extendSubscription", json!({"id": id, "days": 1, "expectedVersion": 1}))
        .await;
    assert_eq!((&refusal["__typename"], &refusal["current"]), (&json!("StaleVersion"), &json!(2)));
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn an_idempotency_key_is_good_for_one_command(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let input = json!({"id": id, "days": 7, "idempotencyKey": "k-1"});
    let first = act(world, "extendSubscription", input.clone()).await;
    let before = world.writes().await;
    let again = act(world, "extendSubscription", input).await;
    assert_eq!(first, again);
    let other = json!({"id": id, "days": 8, "idempotencyKey": "k-1"});
    let refusal = world.admin(world.alpha).refusal("extendSubscription", other).await;
    assert_eq!(
        (&refusal["code"], &refusal["path"]),
        (&json!("IDEMPOTENCY_KEY_REUSED"), &json!(["input", "idempotencyKey"]))
    );
    assert_eq!(world.writes().await, before);
    let root =
        world.root().mutate("extendSubscription", json!({"id": id, "days": 8, "idempotencyKey": "k-1"}), "").await;
    assert_eq!(root["userErrors"], json!([]), "another caller's keys are its own");
}

#[on_both]
async fn terms_that_contradict_themselves_are_refused(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let before = world.writes().await;
    let tier = world.alpha.basic.to_string();
    let on_create = [
        (
            json!({"startsAt": "2026-02-20T00:00:00Z", "currentPeriodEnd": "2026-02-19T00:00:00Z"}),
            "DATES_REVERSED",
            "currentPeriodEnd",
        ),
        (json!({"requiresPayment": true, "trialDays": 7}), "CONFLICT", "trialDays"),
        (
            json!({"startsAt": "2026-05-01T00:00:00Z", "currentPeriodEnd": "2026-06-01T00:00:00Z"}),
            "CONFLICT",
            "currentPeriodEnd",
        ),
        (
            json!({"startsAt": "2026-03-02T00:00:00Z", "expiresAt": "2026-03-01T00:00:00Z"}),
            "DATES_REVERSED",
            "expiresAt",
        ),
        (
            json!({"startsAt": "2026-01-01T00:00:00Z", "trialEndsAt": "2026-02-01T00:00:00Z"}),
            "INVALID_DATE",
            "trialEndsAt",
        ),
        (json!({"startsAt": "2026-01-01T00:00:00Z", "trialDays": 31}), "INVALID_DATE", "trialDays"),
        (
            json!({"startsAt": "2026-01-01T00:00:00Z", "currentPeriodEnd": "2026-03-01T12:00:00Z"}),
            "INVALID_DATE",
            "currentPeriodEnd",
        ),
        (json!({"startsAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-02-01T00:00:00Z"}), "INVALID_DATE", "expiresAt"),
        (json!({"startsAt": "2026-05-01T00:00:00Z", "expiresAt": "2026-05-01T00:00:00Z"}), "INVALID_DATE", "expiresAt"),
        (json!({"trialDays": 7, "currentPeriodEnd": "2026-06-01T00:00:00Z"}), "CONFLICT", "currentPeriodEnd"),
    ];
    for (mut terms, code, field) in on_create {
        terms["tierId"] = json!(tier);
        let refusal = admin.refusal("createCustomer", json!({"name": "Eve", "subscription": terms})).await;
        assert_eq!((&refusal["code"], &refusal["path"]), (&json!(code), &json!(["input", "subscription", field])));
    }
    let on_update = [
        (json!({"currentPeriodEnd": "2026-02-01T00:00:00Z"}), "DATES_REVERSED", "currentPeriodEnd"),
        (json!({"expiresAt": "2026-02-01T00:00:00Z"}), "DATES_REVERSED", "expiresAt"),
        (json!({"trialEndsAt": "2026-04-01T00:00:00Z"}), "CONFLICT", "trialEndsAt"),
        (json!({"currentPeriodStart": null}), "REQUIRED", "currentPeriodStart"),
        (json!({"currentPeriodEnd": null}), "REQUIRED", "currentPeriodEnd"),
        (json!({"trialEndsAt": null}), "REQUIRED", "trialEndsAt"),
        (json!({"userLimit": 0}), "OUT_OF_RANGE", "userLimit"),
        (json!({"userLimit": 100_001}), "OUT_OF_RANGE", "userLimit"),
        (json!({"metadata": "text"}), "INVALID_FORMAT", "metadata"),
    ];
    for (mut input, code, field) in on_update {
        input["id"] = json!(id);
        let refusal = admin.refusal("updateSubscription", input).await;
        assert_eq!((&refusal["code"], &refusal["path"]), (&json!(code), &json!(["input", field])));
    }
    let owners = [
        (json!({"terms": {}}), "REQUIRED"),
        (json!({"organizationId": world.alpha.id.to_string(), "customerId": id, "terms": {}}), "INVALID_ID"),
    ];
    for (input, code) in owners {
        assert_eq!(admin.refusal("createSubscription", input).await["code"], code);
    }
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn a_customer_cancels_only_what_a_gateway_bills(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let ada = world.customer(world.alpha, &customer);
    let refusal = ada.refusal("cancelSubscription", json!({"id": id})).await;
    assert_eq!(refusal["code"], "NOT_GATEWAY_BILLED");
    let forbidden = ada.send_mutation("suspendSubscription", json!({"id": id}), "").await;
    assert_eq!(forbidden.0["errors"][0]["extensions"]["permission"], "subscriptions.manage");
    let document = "query($id: ID!) { subscription(id: $id) { availableActions { action allowed reason requires } } }";
    let data = ada.ok(document, json!({"id": id})).await;
    let actions = data["subscription"]["availableActions"].as_array().expect("actions").clone();
    assert!(actions.iter().all(|action| action["allowed"] == json!(false)));
    let cancel = actions.iter().find(|action| action["action"] == "CANCEL").expect("named");
    assert_eq!(
        cancel,
        &json!({"action": "CANCEL", "allowed": false, "reason": "NOT_GATEWAY_BILLED", "requires": "subscriptions.self_service"})
    );
}

#[on_both]
async fn available_actions_are_those_that_succeed(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let document = "query($id: ID!) { subscription(id: $id) { availableActions { action allowed reason } } }";
    let data = world.admin(world.alpha).ok(document, json!({"id": id})).await;
    let allowed: Vec<_> = data["subscription"]["availableActions"]
        .as_array()
        .expect("actions")
        .iter()
        .filter(|action| action["allowed"] == json!(true))
        .map(|action| action["action"].clone())
        .collect();
    assert_eq!(
        json!(allowed),
        json!([
            "UPDATE",
            "EXTEND",
            "RENEW",
            "MARK_PAST_DUE",
            "CHANGE_TIER",
            "CHANGE_ADD_ONS",
            "SUSPEND",
            "PAUSE",
            "CANCEL",
            "EXPIRE",
            "DELETE"
        ])
    );
}

#[on_both]
async fn a_later_edit_of_the_catalogue_keeps_the_price(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let prices = json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 5000}]);
    let input = json!({"id": world.alpha.basic.to_string(), "prices": prices});
    world.admin(world.alpha).mutate("updateTier", input, "tier { prices { amount { amountMinor } } }").await;
    assert_eq!(state(world, &id).await["price"]["amountMinor"], 900);
}

#[on_both]
async fn a_deleted_subscription_makes_room(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let payload = admin.mutate("deleteSubscription", json!({"id": id}), "deletedId").await;
    assert_eq!(payload["deletedId"], json!(id));
    assert_eq!(state(world, &id).await, Value::Null);
    let input = json!({"customerId": customer, "terms": {"tierId": world.alpha.plus.to_string()}});
    admin.mutate("createSubscription", input, "").await;
}
