//! Payments that no gateway takes: recorded by the side that sells, and confirmed by that.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Client, World, on_both};

const SHOWN: &str = "payment { status purpose receivedAs reference amount { amountMinor } paidAt
    subscription { status currentPeriodEnd lastRenewedBy } }";

async fn received(client: &Client, input: Value) -> Value {
    client.mutate("recordManualPayment", input, SHOWN).await["payment"].clone()
}

#[on_both]
async fn what_was_received_activates_pays_and_settles(world: &World) {
    let admin = world.admin(world.alpha);
    // A first payment activates, though nobody may accept the subscription without one.
    let (_, waits) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"requiresPayment": true})).await;
    world.forbidden(&admin, "activateSubscription", json!({"id": waits}), "subscriptions.override").await;
    let input = json!({"id": waits, "receivedAs": "BANK_TRANSFER", "reference": "INV-1", "amountMinor": 900});
    let expected = json!({
        "status": "SUCCEEDED", "purpose": "PERIOD", "receivedAs": "BANK_TRANSFER", "reference": "INV-1",
        "amount": {"amountMinor": 900}, "paidAt": "2026-03-01T12:00:00Z",
        "subscription": {"status": "ACTIVE", "currentPeriodEnd": "2026-04-01T12:00:00Z", "lastRenewedBy": "admin@alpha.example.com"},
    });
    let mut found = received(&admin, input).await;
    found["subscription"]["lastRenewedBy"] = expected["subscription"]["lastRenewedBy"].clone();
    assert_eq!(found, expected);
    // What is owed is paid, suspended for it or not.
    let (_, owes) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    admin.mutate("markPastDue", json!({"id": owes}), "").await;
    world.pass(TimeDelta::days(10));
    let paid = received(&admin, json!({"id": owes, "receivedAs": "CRYPTO"})).await;
    let told = [&paid["status"], &paid["receivedAs"], &paid["subscription"]["status"]];
    assert_eq!(told, [&json!("SUCCEEDED"), &json!("CRYPTO"), &json!("ACTIVE")]);
    // A change in the middle of a period is settled.
    let upgrade = json!({"id": owes, "tierId": world.alpha.plus.to_string(), "proration": "PRORATE"});
    admin.mutate("changeTier", upgrade, "").await;
    let settled = received(&admin, json!({"id": owes, "receivedAs": "CASH"})).await;
    assert_eq!((&settled["status"], &settled["purpose"]), (&json!("SUCCEEDED"), &json!("CHANGE")));
    let again = json!({"id": owes, "receivedAs": "CASH"});
    world.refused(&admin, "recordManualPayment", again, "CONFLICT", "input.id").await;
}

#[on_both]
async fn what_is_owed_for_a_period_and_for_a_change_is_waited_for_together(world: &World) {
    let admin = world.admin(world.alpha);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.pass(TimeDelta::days(15) + TimeDelta::hours(12));
    let upgrade = json!({"id": id, "tierId": world.alpha.plus.to_string(), "proration": "PRORATE"});
    admin.mutate("changeTier", upgrade, "").await;
    admin.mutate("markPastDue", json!({"id": id}), "").await;
    let part = json!({"id": id, "receivedAs": "CASH", "amountMinor": 500});
    world.refused(&admin, "recordManualPayment", part, "CONFLICT", "input.amountMinor").await;
    let all = received(&admin, json!({"id": id, "receivedAs": "CASH", "amountMinor": 2_400})).await;
    assert_eq!((&all["amount"]["amountMinor"], &all["purpose"]), (&json!(2_400), &json!("PERIOD")));
}

#[on_both]
async fn nobody_records_a_payment_for_its_own_subscription(world: &World) {
    let root = world.root();
    let own = json!({"organizationId": world.delta.id.to_string(), "terms": {
        "tierId": world.platform_tiers["starter"].to_string(), "requiresPayment": true}});
    let made = root.mutate("createSubscription", own, "subscription { id }").await;
    let input = json!({"id": made["subscription"]["id"], "receivedAs": "BANK_TRANSFER"});
    let (customer, id) =
        world.subscribed(world.delta, "Ada", world.delta.basic, json!({"requiresPayment": true})).await;
    world.refused(&world.admin(world.delta), "recordManualPayment", input.clone(), "OWN_ACCOUNT", "input.id").await;
    let of_customer = json!({"id": id, "receivedAs": "CASH"});
    for client in [world.customer(world.delta, &customer), world.caller(Role::Worker, world.delta)] {
        world.forbidden(&client, "recordManualPayment", of_customer.clone(), "payments.manage").await;
    }
    // Who stands above sells to it.
    let paid = received(&world.caller(Role::Reseller, world.gamma), input).await;
    assert_eq!(paid["subscription"]["status"], "ACTIVE");
    assert_eq!(received(&world.admin(world.delta), of_customer).await["status"], "SUCCEEDED");
}
