//! What time does, whoever notices and when: starts, trials, pauses, overrides, waiting, and what lies beneath.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::entity::{Gateway, PaymentStatus, payment};

use super::{STATE, act, state};
use crate::support::{Payer, World, on_both, payment};

async fn by_root(world: &World, mutation: &str, input: Value) -> Value {
    world.root().mutate(mutation, input, STATE).await["subscription"].clone()
}

fn gift(world: &World, id: &str, ends_at: &str) -> Value {
    json!({"id": id, "tierId": world.alpha.plus.to_string(), "reason": "goodwill", "endsAt": ends_at})
}

/// The trail of a subscription, oldest first.
async fn trail(world: &World, id: &str) -> Vec<Value> {
    let document = "query($id: ID!) { auditEvents(where: {entityId: $id}, orderBy: [{field: CREATED_AT}]) {
        nodes { action actor actorRole createdAt effectiveAt } } }";
    let data = world.root().ok(document, json!({"id": id})).await;
    data["auditEvents"]["nodes"].as_array().expect("nodes").clone()
}

#[on_both]
async fn an_override_that_time_ends_returns_to_the_trial_and_to_its_end(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 10})).await;
    by_root(world, "overrideTier", gift(world, &id, "2026-03-06T12:00:00Z")).await;
    let given = state(world, &id).await;
    assert_eq!(
        (&given["status"], &given["effectiveStatus"]["endsAt"]),
        (&json!("ACTIVE"), &json!("2026-03-11T12:00:00Z"))
    );
    world.pass(TimeDelta::days(5));
    let back = state(world, &id).await["effectiveStatus"].clone();
    assert_eq!(
        (&back["status"], &back["entitled"], &back["reason"]),
        (&json!("TRIALING"), &json!(true), &json!("OVERRIDE_ENDED"))
    );
    by_root(world, "overrideTier", gift(world, &id, "2026-03-31T12:00:00Z")).await;
    world.pass(TimeDelta::days(40));
    let over = state(world, &id).await["effectiveStatus"].clone();
    assert_eq!(
        (&over["status"], &over["reason"], &over["endsAt"]),
        (&json!("EXPIRED"), &json!("TRIAL_ENDED"), &json!("2026-03-11T12:00:00Z"))
    );
    let back = act(world, "reactivateSubscription", json!({"id": id})).await;
    assert_eq!((&back["mode"], &back["tierId"]), (&json!("MANUAL"), &json!(world.alpha.basic.to_string())));
    let told: Vec<_> = trail(world, &id)
        .await
        .into_iter()
        .map(|entry| (entry["action"].clone(), entry["actorRole"].clone(), entry["effectiveAt"].clone()))
        .collect();
    let entry = |action: &str, role: &str, at: &str| (json!(action), json!(role), json!(at));
    assert_eq!(
        told,
        [
            entry("subscription.create", "ADMIN", "2026-03-01T12:00:00Z"),
            entry("subscription.override_tier", "ROOT", "2026-03-01T12:00:00Z"),
            entry("subscription.end_override", "SYSTEM", "2026-03-06T12:00:00Z"),
            entry("subscription.override_tier", "ROOT", "2026-03-06T12:00:00Z"),
            entry("subscription.end_override", "SYSTEM", "2026-03-31T12:00:00Z"),
            entry("subscription.expire", "SYSTEM", "2026-03-11T12:00:00Z"),
            entry("subscription.reactivate", "ADMIN", "2026-04-15T12:00:00Z"),
        ]
    );
}

#[on_both]
async fn an_override_of_what_had_ended_returns_to_its_end(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 3})).await;
    world.pass(TimeDelta::days(9));
    let endless = json!({"id": id, "tierId": world.alpha.plus.to_string(), "reason": "goodwill"});
    let given = by_root(world, "overrideTier", endless.clone()).await;
    assert_eq!((&given["status"], &given["effectiveStatus"]["entitled"]), (&json!("ACTIVE"), &json!(true)));
    let ended = by_root(world, "endOverride", json!({"id": id})).await;
    assert_eq!(
        (&ended["status"], &ended["endedAt"], &ended["mode"]),
        (&json!("EXPIRED"), &json!("2026-03-04T12:00:00Z"), &json!("MANUAL"))
    );
    assert_eq!(ended["effectiveStatus"]["entitled"], false);
    by_root(world, "overrideTier", endless).await;
    act(world, "cancelSubscription", json!({"id": id, "timing": "NOW"})).await;
    let back = act(world, "reactivateSubscription", json!({"id": id})).await;
    assert_eq!(
        (&back["mode"], &back["tierId"], &back["price"]["amountMinor"]),
        (&json!("MANUAL"), &json!(world.alpha.basic.to_string()), &json!(900))
    );
}

#[on_both]
async fn an_override_of_what_waits_gives_access_at_once(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"requiresPayment": true})).await;
    let given = by_root(world, "overrideTier", gift(world, &id, "2026-03-01T18:00:00Z")).await;
    assert_eq!((&given["status"], &given["effectiveStatus"]["entitled"]), (&json!("ACTIVE"), &json!(true)));
    let ended = by_root(world, "endOverride", json!({"id": id})).await;
    assert_eq!((&ended["status"], &ended["effectiveStatus"]["entitled"]), (&json!("PENDING"), &json!(false)));
    by_root(world, "overrideTier", gift(world, &id, "2026-04-01T12:00:00Z")).await;
    world.pass(TimeDelta::days(31));
    let over = state(world, &id).await["effectiveStatus"].clone();
    assert_eq!((&over["status"], &over["reason"]), (&json!("EXPIRED"), &json!("PENDING_ENDED")));
    let forbidden = world.admin(world.alpha).send_mutation("reactivateSubscription", json!({"id": id}), "").await;
    assert_eq!(forbidden.0["errors"][0]["extensions"]["permission"], "subscriptions.override", "it was never paid");
}

#[on_both]
async fn an_override_is_canceled_at_any_date_that_it_covers(world: &World) {
    let (_, id) = world
        .subscribed(world.alpha, "Ada", world.alpha.basic, json!({"currentPeriodEnd": "2026-03-02T12:00:00Z"}))
        .await;
    by_root(world, "overrideTier", gift(world, &id, "2026-05-30T12:00:00Z")).await;
    let canceled =
        act(world, "cancelSubscription", json!({"id": id, "timing": "DATE", "at": "2026-03-31T12:00:00Z"})).await;
    assert_eq!(canceled["effectiveStatus"]["endsAt"], "2026-03-31T12:00:00Z");
    let refusal = world
        .admin(world.alpha)
        .refusal("cancelSubscription", json!({"id": id, "timing": "DATE", "at": "2026-05-31T12:00:00Z"}))
        .await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("INVALID_DATE"), &json!(["input", "at"])));
    world.pass(TimeDelta::days(30));
    let over = state(world, &id).await["effectiveStatus"].clone();
    assert_eq!((&over["status"], &over["reason"]), (&json!("CANCELED"), &json!("CANCELLATION")));
}

#[on_both]
async fn a_late_command_does_what_was_due(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    act(world, "pauseSubscription", json!({"id": id, "resumesAt": "2026-03-11T12:00:00Z"})).await;
    world.pass(TimeDelta::days(20));
    let read = state(world, &id).await;
    assert_eq!((&read["status"], &read["effectiveStatus"]["status"]), (&json!("PAUSED"), &json!("ACTIVE")));
    assert_eq!(read["effectiveStatus"]["endsAt"], "2026-04-11T12:00:00Z", "ten days stood still, not twenty");
    let resumed = act(world, "resumeSubscription", json!({"id": id})).await;
    assert_eq!((&resumed["status"], &resumed["currentPeriodEnd"]), (&json!("ACTIVE"), &json!("2026-04-11T12:00:00Z")));
    assert_eq!(trail(world, &id).await.last().expect("an entry")["actor"], "scheduler");
    let refusal = world.admin(world.alpha).refusal("resumeSubscription", json!({"id": id})).await;
    assert_eq!(refusal["code"], "ILLEGAL_TRANSITION");
}

#[on_both]
async fn a_future_start_begins_by_itself_with_its_trial(world: &World) {
    let terms = json!({"startsAt": "2026-03-11T12:00:00Z", "trialDays": 5});
    let (_, tries) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let (_, pays) =
        world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"startsAt": "2026-03-11T12:00:00Z"})).await;
    let waits = state(world, &tries).await;
    assert_eq!((&waits["status"], &waits["effectiveStatus"]["entitled"]), (&json!("PENDING"), &json!(false)));
    world.pass(TimeDelta::days(10));
    let begun = state(world, &tries).await["effectiveStatus"].clone();
    assert_eq!(
        (&begun["status"], &begun["reason"], &begun["endsAt"]),
        (&json!("TRIALING"), &json!("STARTED"), &json!("2026-03-16T12:00:00Z"))
    );
    let paid = act(world, "extendSubscription", json!({"id": pays, "days": 1})).await;
    assert_eq!(
        (&paid["status"], &paid["currentPeriodEnd"], &paid["anchorDay"]),
        (&json!("ACTIVE"), &json!("2026-04-12T12:00:00Z"), &json!(11))
    );
    world.pass(TimeDelta::days(5));
    assert_eq!(state(world, &tries).await["effectiveStatus"]["status"], "EXPIRED");
}

#[on_both]
async fn a_start_in_the_past_opens_the_period_that_runs(world: &World) {
    let (_, id) =
        world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"startsAt": "2025-12-31T12:00:00Z"})).await;
    let row = state(world, &id).await;
    assert_eq!(
        (&row["startsAt"], &row["currentPeriodStart"], &row["currentPeriodEnd"]),
        (&json!("2025-12-31T12:00:00Z"), &json!("2026-02-28T12:00:00Z"), &json!("2026-03-31T12:00:00Z"))
    );
    assert_eq!(
        (&row["status"], &row["anchorDay"], &row["effectiveStatus"]["entitled"]),
        (&json!("ACTIVE"), &json!(31), &json!(true))
    );
    let (_, used) =
        world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({"startsAt": "2026-02-01T12:00:00Z"})).await;
    assert_eq!(state(world, &used).await["status"], "ACTIVE", "the tier's fourteen days are used up");
    let refusal = world
        .admin(world.alpha)
        .refusal("createCustomer", json!({"name": "Eve", "subscription": {"startsAt": "2026-01-01T12:00:00Z"}}))
        .await;
    assert_eq!(
        (&refusal["code"], &refusal["path"]),
        (&json!("INVALID_DATE"), &json!(["input", "subscription", "startsAt"]))
    );
}

#[on_both]
async fn what_is_over_blocks_nobody(world: &World) {
    let admin = world.admin(world.alpha);
    let again = |customer: &str| json!({"customerId": customer, "terms": {"tierId": world.alpha.plus.to_string()}});
    let (waited, waits) =
        world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"requiresPayment": true})).await;
    let (tried, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"trialDays": 1})).await;
    let (pays, open) = world.subscribed(world.alpha, "Eve", world.alpha.basic, json!({"requiresPayment": true})).await;
    let attempt = payment::Model {
        status: PaymentStatus::Processing,
        paid_at: None,
        gateway: Gateway::Stripe,
        gateway_payment_id: Some("pi_1".to_owned()),
        ..payment(Payer { tenant: world.alpha, customer: Some(&pays) }, &open, world.clock.now())
    };
    world.put_payments(vec![attempt]).await;
    assert_eq!(admin.refusal("createSubscription", again(&waited)).await["code"], "ALREADY_SUBSCRIBED");
    world.pass(TimeDelta::days(2));
    assert_eq!(state(world, &waits).await["effectiveStatus"]["status"], "EXPIRED");
    for customer in [&waited, &tried] {
        admin.mutate("createSubscription", again(customer), "subscription { id }").await;
    }
    let over = state(world, &waits).await;
    assert_eq!((&over["status"], &over["endedAt"]), (&json!("EXPIRED"), &json!("2026-03-02T12:00:00Z")));
    let refusal = admin.refusal("createSubscription", again(&pays)).await;
    assert_eq!(
        (&refusal["code"], &refusal["subscription"]["id"]),
        (&json!("ALREADY_SUBSCRIBED"), &json!(open)),
        "the gateway may still be paid"
    );
}

#[on_both]
async fn whoever_renews_it_is_named(world: &World) {
    let who = |answer: &Value| answer["lastRenewedBy"] != Value::Null;
    let (_, trial) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    assert!(!who(&act(world, "extendSubscription", json!({"id": trial, "days": 1})).await), "nothing paid grew");
    assert!(who(&act(world, "activateSubscription", json!({"id": trial})).await));
    for (mutation, mut input) in [
        ("extendSubscription", json!({"days": 1})),
        ("updateSubscription", json!({"currentPeriodEnd": "2026-06-01T00:00:00Z"})),
        ("changeTier", json!({"billingCycle": "YEARLY"})),
    ] {
        let (_, id) = world.subscribed(world.alpha, mutation, world.alpha.basic, json!({})).await;
        assert!(!who(&state(world, &id).await));
        input["id"] = json!(id);
        assert!(who(&act(world, mutation, input).await), "{mutation}");
    }
}

#[on_both]
async fn a_shorter_cycle_waits_and_at_once_it_tells_what_is_lost(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"billingCycle": "YEARLY"})).await;
    world.pass(TimeDelta::days(10));
    let plus = world.alpha.plus.to_string();
    let waits = act(world, "changeTier", json!({"id": id, "tierId": plus, "billingCycle": "MONTHLY"})).await;
    assert_eq!(
        (&waits["billingCycle"], &waits["currentPeriodEnd"]),
        (&json!("YEARLY"), &json!("2027-03-01T12:00:00Z"))
    );
    assert_eq!(waits["scheduledChange"]["at"], "2027-03-01T12:00:00Z", "although the rank is higher");
    let fields = format!("{STATE} lostPaidTime {{ since until }}");
    let now = json!({"id": id, "billingCycle": "MONTHLY", "timing": "NOW"});
    let changed = world.admin(world.alpha).mutate("changeTier", now, &fields).await;
    assert_eq!(changed["subscription"]["currentPeriodEnd"], "2026-04-11T12:00:00Z");
    assert_eq!(changed["lostPaidTime"], json!({"since": "2026-03-11T12:00:00Z", "until": "2027-03-01T12:00:00Z"}));
    let up = world.admin(world.alpha).mutate("changeTier", json!({"id": id, "tierId": plus}), &fields).await;
    assert_eq!(up["lostPaidTime"], Value::Null);
}

#[on_both]
async fn a_change_waits_through_a_pause_and_a_new_cycle_for_its_end(world: &World) {
    let (basic, plus) = (world.alpha.basic.to_string(), world.alpha.plus.to_string());
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 0})).await;
    act(world, "pauseSubscription", json!({"id": id})).await;
    world.pass(TimeDelta::days(60));
    let down = act(world, "changeTier", json!({"id": id, "tierId": basic})).await;
    assert_eq!((&down["tierId"], &down["scheduledChange"]["tierId"]), (&json!(plus), &json!(basic)));
    let yearly = act(world, "changeTier", json!({"id": id, "billingCycle": "YEARLY"})).await;
    assert_eq!((&yearly["billingCycle"], &yearly["currentPeriodEnd"]), (&json!("YEARLY"), &Value::Null));
    world.pass(TimeDelta::days(1));
    let resumed = act(world, "resumeSubscription", json!({"id": id})).await;
    assert_eq!(
        (&resumed["currentPeriodStart"], &resumed["currentPeriodEnd"]),
        (&json!("2026-05-01T12:00:00Z"), &json!("2027-05-01T12:00:00Z"))
    );
}

#[on_both]
async fn a_scheduled_change_takes_effect(world: &World) {
    let basic = world.alpha.basic.to_string();
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 0})).await;
    act(world, "changeTier", json!({"id": id, "tierId": basic})).await;
    world.pass(TimeDelta::days(40));
    let back = act(world, "reactivateSubscription", json!({"id": id})).await;
    assert_eq!((&back["tierId"], &back["price"]["amountMinor"]), (&json!(basic), &json!(900)));
}

#[on_both]
async fn the_anchor_follows_a_moved_start(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let moved = act(world, "updateSubscription", json!({"id": id, "currentPeriodStart": "2026-02-20T12:00:00Z"})).await;
    assert_eq!((&moved["currentPeriodStart"], &moved["anchorDay"]), (&json!("2026-02-20T12:00:00Z"), &json!(20)));
}
