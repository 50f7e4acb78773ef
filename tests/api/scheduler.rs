//! What time makes due, brought about by the scheduler.

mod failing;
mod prove;
pub mod together;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::app::App;
use tessera::config::{Config, SchedulerConfig};
use tessera::entity::idempotency_key;
use tessera::scheduler::Retention;

use crate::support::{Client, World, on_both};

/// Has a scheduler carry out what is due: how many transitions and how many failures.
async fn pass(world: &World) -> (usize, usize) {
    let report = world.app.scheduler().pass().await.expect("the database answers");
    (report.transitions.len(), report.parked)
}

/// Has time go by, and a scheduler follow it.
async fn days(world: &World, days: i64) {
    world.pass(TimeDelta::days(days));
    assert_eq!(pass(world).await.1, 0, "nothing fails");
}

async fn recorded(world: &World, id: &str) -> Value {
    let document = "query($id: ID!) { subscription(id: $id) {
        status tierId currentPeriodStart currentPeriodEnd pastDueSince graceEndsAt suspensionCause endedAt lastRenewedBy
        effectiveStatus { status } payments { nodes { status amount { amountMinor } periodStart paidAt } } } }";
    world.admin(world.alpha).ok(document, json!({"id": id})).await["subscription"].clone()
}

/// A tier of the organization with these policies.
async fn tier(world: &World, key: &str, amount: i64, policies: Value) -> String {
    let mut input = json!({"key": key, "name": key, "kind": "CUSTOMER", "rank": 5, "prices": [
        {"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": amount},
    ]});
    policies.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
    let made = world.admin(world.alpha).mutate("createTier", input, "tier { id }").await;
    made["tier"]["id"].as_str().expect("an id").to_owned()
}

async fn subscribed(world: &World, name: &str, tier: &str, terms: Value) -> String {
    let mut subscription = json!({"tierId": tier});
    terms.as_object().expect("an object").iter().for_each(|(name, value)| subscription[name] = value.clone());
    let input = json!({"name": name, "subscription": subscription});
    let made = world.admin(world.alpha).mutate("createCustomer", input, "customer { subscription { id } }").await;
    made["customer"]["subscription"]["id"].as_str().expect("an id").to_owned()
}

async fn act(world: &World, mutation: &str, id: &str) -> Value {
    world.admin(world.alpha).mutate(mutation, json!({"id": id}), "subscription { status }").await["subscription"]
        ["status"]
        .clone()
}

#[on_both]
async fn a_renewal_is_waited_for_and_paid_or_not(world: &World) {
    let tier = tier(world, "renews", 700, json!({"periodEndPolicy": "RENEW"})).await;
    let (paid, unpaid) =
        (subscribed(world, "Ada", &tier, json!({})).await, subscribed(world, "Bob", &tier, json!({})).await);
    days(world, 31).await;
    for id in [&paid, &unpaid] {
        let row = recorded(world, id).await;
        assert_eq!(
            (&row["status"], &row["pastDueSince"], &row["graceEndsAt"], &row["currentPeriodEnd"]),
            (
                &json!("PAST_DUE"),
                &json!("2026-04-01T12:00:00Z"),
                &json!("2026-04-08T12:00:00Z"),
                &json!("2026-05-01T12:00:00Z")
            )
        );
        let payments = json!([{"status": "PENDING", "amount": {"amountMinor": 700},
            "periodStart": "2026-04-01T12:00:00Z", "paidAt": null}]);
        assert_eq!(row["payments"]["nodes"], payments);
    }
    days(world, 1).await;
    assert_eq!(act(world, "markPaid", &paid).await, "ACTIVE");
    let row = recorded(world, &paid).await;
    assert_eq!((&row["currentPeriodEnd"], &row["pastDueSince"]), (&json!("2026-05-01T12:00:00Z"), &Value::Null));
    assert_eq!(row["lastRenewedBy"], "admin@example.com");
    let payment = &row["payments"]["nodes"][0];
    assert_eq!((&payment["status"], &payment["paidAt"]), (&json!("SUCCEEDED"), &json!("2026-04-02T12:00:00Z")));
    days(world, 6).await;
    let row = recorded(world, &unpaid).await;
    assert_eq!((&row["status"], &row["suspensionCause"]), (&json!("SUSPENDED"), &json!("NON_PAYMENT")));
    days(world, 30).await;
    let row = recorded(world, &unpaid).await;
    assert_eq!((&row["status"], &row["endedAt"]), (&json!("CANCELED"), &json!("2026-05-08T12:00:00Z")));
    assert_eq!(row["payments"]["nodes"][0]["status"], "CANCELED");
    let row = recorded(world, &paid).await;
    assert_eq!((&row["status"], row["payments"]["nodes"].as_array().map(Vec::len)), (&json!("SUSPENDED"), Some(2)));
    // It is paid when its period is nearly over: what was to be paid is that period.
    assert_eq!(act(world, "markPaid", &paid).await, "ACTIVE");
    assert_eq!(recorded(world, &paid).await["currentPeriodEnd"], "2026-06-01T12:00:00Z");
}

#[on_both]
async fn policies_say_what_comes_at_the_end(world: &World) {
    let free = tier(world, "free", 0, json!({})).await;
    let suspends = tier(world, "suspends", 700, json!({"periodEndPolicy": "SUSPEND"})).await;
    let falls = json!({"periodEndPolicy": "DOWNGRADE", "trialEndPolicy": "FALLBACK", "fallbackTierId": free});
    let falls = tier(world, "falls", 700, falls).await;
    let expires = tier(world, "expires", 700, json!({})).await;
    let mut ids = Vec::new();
    for (name, tier, terms) in [
        ("Free", &free, json!({})),
        ("Suspends", &suspends, json!({})),
        ("Falls", &falls, json!({})),
        ("Tries", &falls, json!({"trialDays": 20})),
        ("Expires", &expires, json!({})),
    ] {
        ids.push(subscribed(world, name, tier, terms).await);
    }
    // What was agreed on counts, whatever the catalogue says meanwhile.
    let admin = world.admin(world.alpha);
    let change = json!({"id": suspends, "periodEndPolicy": "EXPIRE"});
    admin.mutate("updateTier", change, "").await;
    days(world, 31).await;
    let mut found = Vec::new();
    for id in &ids {
        let row = recorded(world, id).await;
        assert_eq!(row["effectiveStatus"]["status"], row["status"], "what is recorded is what holds");
        found.push((row["status"].clone(), row["tierId"] == json!(free), row["currentPeriodEnd"].clone()));
    }
    let expected = |status: &str, is_free, end: &str| (json!(status), is_free, json!(end));
    assert_eq!(
        found,
        [
            expected("ACTIVE", true, "2026-05-01T12:00:00Z"),
            expected("SUSPENDED", false, "2026-04-01T12:00:00Z"),
            expected("ACTIVE", true, "2026-05-01T12:00:00Z"),
            // The trial ended on 21 March.
            expected("ACTIVE", true, "2026-04-21T12:00:00Z"),
            expected("EXPIRED", false, "2026-04-01T12:00:00Z"),
        ]
    );
    assert_eq!(act(world, "markPaid", &ids[1]).await, "ACTIVE", "what is lapsed begins anew");
    assert_eq!(recorded(world, &ids[1]).await["currentPeriodEnd"], "2026-05-01T12:00:00Z");
}

#[on_both]
async fn a_change_that_was_scheduled_decides_the_end_of_a_trial(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 10})).await;
    let plus = json!({"id": id, "tierId": world.alpha.plus.to_string(), "timing": "PERIOD_END"});
    world.admin(world.alpha).mutate("changeTier", plus, "").await;
    days(world, 10).await;
    let row = recorded(world, &id).await;
    assert_eq!((&row["status"], &row["tierId"]), (&json!("PAST_DUE"), &json!(world.alpha.plus.to_string())));
    assert_eq!(row["payments"]["nodes"][0]["amount"]["amountMinor"], 1900);
    assert_eq!(act(world, "markPaid", &id).await, "ACTIVE");
}

#[on_both]
async fn periods_are_renewed_by_hand(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    assert_eq!(act(world, "renewSubscription", &id).await, "ACTIVE");
    let row = recorded(world, &id).await;
    assert_eq!(
        (&row["currentPeriodStart"], &row["currentPeriodEnd"], &row["lastRenewedBy"]),
        (&json!("2026-03-01T12:00:00Z"), &json!("2026-05-01T12:00:00Z"), &json!("admin@example.com"))
    );
    assert_eq!(act(world, "markPastDue", &id).await, "PAST_DUE");
    assert_eq!(act(world, "renewSubscription", &id).await, "ACTIVE", "what is owed is paid by it");
    assert_eq!(recorded(world, &id).await["currentPeriodEnd"], "2026-05-01T12:00:00Z");
    let refusal = world.admin(world.alpha).refusal("markPaid", json!({"id": id})).await;
    assert_eq!(refusal["code"], "ILLEGAL_TRANSITION");
    // An organization is not its own cashier.
    let own = json!({"organizationId": world.delta.id.to_string()});
    let own = world.root().mutate("ensureSubscription", own, "subscription { id }").await;
    let own = own["subscription"]["id"].as_str().expect("an id").to_owned();
    world.root().mutate("activateSubscription", json!({"id": own}), "").await;
    world.sql("UPDATE organizations SET subscription_management = 'PLATFORM_MANAGED', version = version + 1").await;
    let reseller = world.caller(tessera::auth::Role::Reseller, world.gamma);
    let answer = reseller.send_mutation("renewSubscription", json!({"id": own}), "").await;
    assert_eq!(answer.code(), "FORBIDDEN");
    assert_eq!(answer.0["errors"][0]["extensions"]["permission"], "subscriptions.override");
    world.root().mutate("renewSubscription", json!({"id": own}), "").await;
}

#[on_both]
async fn a_seller_is_as_patient_as_it_likes(world: &World) {
    let admin = world.admin(world.alpha);
    let id = world.alpha.id.to_string();
    let refusal = admin.refusal("updateOrganization", json!({"id": id, "graceDays": -1})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("OUT_OF_RANGE"), &json!(["input", "graceDays"])));
    admin.mutate("updateOrganization", json!({"id": id, "graceDays": 2, "unpaidDays": 3}), "").await;
    let tier = tier(world, "renews", 700, json!({"periodEndPolicy": "RENEW"})).await;
    let ada = subscribed(world, "Ada", &tier, json!({})).await;
    days(world, 31 + 5).await;
    let row = recorded(world, &ada).await;
    assert_eq!((&row["status"], &row["endedAt"]), (&json!("CANCELED"), &json!("2026-04-06T12:00:00Z")));
}

#[on_both]
async fn fallbacks_have_prices_and_lead_nowhere_twice(world: &World) {
    let admin = world.admin(world.alpha);
    let below = tier(world, "below", 100, json!({})).await;
    let falls = json!({"periodEndPolicy": "DOWNGRADE", "fallbackTierId": below});
    let above = tier(world, "above", 200, falls).await;
    let prices = json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 200},
        {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 2000}]);
    let refusal = admin.refusal("updateTier", json!({"id": above, "prices": prices})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("NO_PRICE"), &json!(["input", "fallbackTierId"])));
    let refusal = admin.refusal("updateTier", json!({"id": below, "prices": []})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("NO_PRICE"), &json!(["input", "prices"])));
    let circle = json!({"id": below, "periodEndPolicy": "DOWNGRADE", "fallbackTierId": above});
    let refusal = admin.refusal("updateTier", circle).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("CONFLICT"), &json!(["input", "fallbackTierId"])));
    let refusal = admin.refusal("updateTier", json!({"id": below, "trialEndPolicy": "FALLBACK"})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("REQUIRED"), &json!(["input", "fallbackTierId"])));
}

#[on_both]
async fn keys_are_forgotten_when_they_are_old(world: &World) {
    let admin = world.admin(world.alpha);
    admin.mutate("createCustomer", json!({"name": "Ada", "idempotencyKey": "a"}), "").await;
    world.pass(TimeDelta::days(20));
    admin.mutate("createCustomer", json!({"name": "Bob", "idempotencyKey": "b"}), "").await;
    world.pass(TimeDelta::days(11));
    let count = async || world.store.system().count::<idempotency_key::Entity>().await.expect("the database answers");
    assert_eq!(count().await, 2);
    Retention::new(30).delete(&world.store).await.expect("the database answers");
    assert_eq!(count().await, 1);
}

/// The platform's own people at a program with a test clock.
fn with_test_clock(world: &World) -> Client {
    let scheduler = SchedulerConfig { has_test_clock: true, ..world.config.scheduler };
    let config = Config { scheduler, ..world.config.clone() };
    world.root().with_app(App::with_store(&config, world.store.clone()).expect("an app"))
}

const MOVE: &str = "mutation($to: DateTime!) { simulateClock(input: {to: $to}) {
    clock { now isComplete transitionCount transitions { subscriptionId kind at status } } userErrors { code path } } }";

#[on_both]
async fn a_test_clock_goes_forward_through_all_that_is_due(world: &World) {
    let tier = tier(world, "renews", 700, json!({"periodEndPolicy": "RENEW"})).await;
    let id = subscribed(world, "Ada", &tier, json!({"trialDays": 0})).await;
    let root = with_test_clock(world);
    let told = root.ok(MOVE, json!({"to": "2026-05-20T00:00:00Z"})).await["simulateClock"].clone();
    let transition =
        |kind: &str, at: &str, status: &str| json!({"subscriptionId": id, "kind": kind, "at": at, "status": status});
    assert_eq!(
        told["clock"],
        json!({"now": "2026-05-20T00:00:00Z", "isComplete": true, "transitionCount": 3, "transitions": [
            transition("PAYMENT_DUE", "2026-04-01T12:00:00Z", "PAST_DUE"),
            transition("GRACE_ENDS", "2026-04-08T12:00:00Z", "SUSPENDED"),
            transition("UNPAID_ENDS", "2026-05-08T12:00:00Z", "CANCELED"),
        ]})
    );
    let back = root.ok(MOVE, json!({"to": "2026-05-01T00:00:00Z"})).await["simulateClock"]["userErrors"].clone();
    assert_eq!(back, json!([{"code": "OUT_OF_RANGE", "path": ["input", "to"]}]));
    // The time of every process that has one: a token is as old as it was.
    let made = root.mutate(
        "createTier",
        json!({"key": "later", "name": "Later", "kind": "ORGANIZATION", "rank": 1}),
        "tier { createdAt }",
    );
    assert_eq!(made.await["tier"]["createdAt"], "2026-05-20T00:00:00Z");
    // It is not there for who has none, nor for who does not run the platform.
    let unknown = world.root().send(MOVE, json!({"to": "2026-06-20T00:00:00Z"})).await;
    assert_eq!(unknown.code(), "GRAPHQL_VALIDATION_FAILED");
    let admin = world.admin(world.alpha).with_app(root.app().clone());
    assert_eq!(admin.send(MOVE, json!({"to": "2026-06-20T00:00:00Z"})).await.code(), "FORBIDDEN");
}
