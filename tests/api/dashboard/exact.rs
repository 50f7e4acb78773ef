//! The totals that the database keeps are those that counting gives: after any history, whoever writes at once, and
//! whatever is written past the program.

use std::collections::{BTreeMap, BTreeSet};

use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera::entity::{BillingCycle, ManagementMode, SubscriptionStatus, subscription};

use super::{customers, dashboard, empty};
use crate::support::{Tenant, World, connect, on_both, race};

/// What a dashboard says, without its order: counts by status, and counts and revenue by tier.
type Sums = (BTreeMap<String, i64>, BTreeMap<String, (i64, BTreeMap<String, i128>)>);

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

/// What the organization's administrator is told.
async fn told(world: &World, tenant: Tenant) -> Sums {
    let told = dashboard(&world.admin(tenant), None).await;
    let list = |name: &str| told[name].as_array().expect("a list").clone();
    let statuses: BTreeMap<_, _> =
        list("subscriptionsByStatus").iter().map(|one| (text(&one["status"]), number(&one["count"]))).collect();
    assert_eq!(statuses.values().sum::<i64>(), number(&told["subscriptions"]));
    let tier = |one: &Value| {
        let revenue = one["monthlyRevenue"].as_array().expect("a list").iter();
        let revenue = revenue.map(|one| (text(&one["currency"]), number(&one["amountMinor"]).into())).collect();
        (text(&one["tier"]["id"]), (number(&one["subscriptions"]), revenue))
    };
    (statuses, list("revenueByTier").iter().map(tier).collect())
}

/// The same, counted from the rows themselves.
async fn counted(world: &World, tenant: Tenant) -> Sums {
    let rows = world.store.system().all::<subscription::Entity>().await.expect("the database answers");
    let mut sums = Sums::default();
    let live = |row: &&subscription::Model| row.ended_at.is_none() && row.deleted_at.is_none();
    for row in rows.iter().filter(|row| row.tenant_id == tenant.id).filter(live) {
        *sums.0.entry(row.status.as_str().to_owned()).or_default() += 1;
        let (count, a_year) = sums.1.entry(row.tier_id.to_string()).or_default();
        *count += 1;
        let due = matches!(row.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue);
        if due && row.mode != ManagementMode::Override {
            let times = if row.billing_cycle == BillingCycle::Monthly { 12 } else { 1 };
            *a_year.entry(row.currency.clone()).or_default() += i128::from(row.amount_minor) * times;
        }
    }
    for amount in sums.1.values_mut().flat_map(|(_, by_currency)| by_currency.values_mut()) {
        *amount = (*amount + 6) / 12;
    }
    sums
}

async fn check(world: &World, tenant: Tenant, after: &str) {
    assert_eq!(told(world, tenant).await, counted(world, tenant).await, "after {after}");
    assert_eq!(world.store.system().stale_totals().await.expect("the database answers"), 0, "after {after}");
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).expect("a small number")
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

#[on_both]
async fn after_any_history(world: &World) {
    const STEPS: [&str; 20] = [
        "createCustomer",
        "createCustomer",
        "createCustomer",
        "createCustomer",
        "createCustomer",
        "createSubscription",
        "changeTier",
        "changeTier",
        "cancelSubscription",
        "undoCancel",
        "suspendSubscription",
        "resumeSubscription",
        "pauseSubscription",
        "activateSubscription",
        "reactivateSubscription",
        "overrideTier",
        "endOverride",
        "expireSubscription",
        "startTrial",
        "updateTier",
    ];
    const RARE: [&str; 4] = ["deleteSubscription", "terminateCustomer", "deleteCustomer", "extendSubscription"];
    let (root, tenant) = (world.root(), world.alpha);
    let own = json!({"organizationId": tenant.id.to_string()});
    root.mutate("ensureSubscription", own.clone(), "").await;
    let (mut chance, mut customers, mut subscriptions) = (Chance(15), Vec::new(), Vec::new());
    let mut refused: BTreeSet<_> = STEPS.into_iter().chain(RARE).collect();
    for step in 0..300 {
        let tier = chance.of(&[tenant.basic, tenant.plus]).to_string();
        let cycle = *chance.of(&["MONTHLY", "YEARLY"]);
        let mutation = if customers.is_empty() {
            STEPS[0]
        } else if chance.below(16) == 0 {
            *chance.of(&RARE)
        } else {
            *chance.of(&STEPS)
        };
        let (mut input, selection) = match mutation {
            "createCustomer" => {
                let trial = chance.below(2) * 5;
                let terms = json!({"tierId": tier, "billingCycle": cycle, "trialDays": trial, "requiresPayment": chance.below(3) == 0});
                let input = json!({"name": format!("Customer {step}"), "organizationId": own["organizationId"], "subscription": terms});
                (input, "customer { id subscription { id } }")
            }
            "createSubscription" => (json!({"terms": {"tierId": tier, "billingCycle": cycle}}), "subscription { id }"),
            "updateTier" => {
                let price = |cycle: &str, amount: usize| json!({"billingCycle": cycle, "currency": "USD", "amountMinor": amount});
                (
                    json!({"id": tier, "prices": [price("MONTHLY", 500 + chance.below(5)), price("YEARLY", 5000 + chance.below(5))]}),
                    "",
                )
            }
            "changeTier" => (json!({"tierId": tier, "billingCycle": cycle, "timing": "NOW"}), ""),
            "overrideTier" => (json!({"tierId": tier, "reason": "a gift"}), ""),
            "cancelSubscription" => (json!({"timing": *chance.of(&["NOW", "PERIOD_END"])}), ""),
            "extendSubscription" | "startTrial" => (json!({"days": 3}), ""),
            _ => (json!({}), ""),
        };
        let (field, targets): (_, &[Value]) = match mutation {
            "createSubscription" => ("customerId", &customers),
            "terminateCustomer" | "deleteCustomer" => ("id", &customers),
            "createCustomer" | "updateTier" => ("", &[Value::Null]),
            _ => ("id", &subscriptions),
        };
        // One of the newest that it is possible for.
        let newest = targets.len().min(8);
        let first = chance.below(newest);
        for place in 0..newest {
            if !field.is_empty() {
                input[field] = targets[targets.len() - 1 - (first + place) % newest].clone();
            }
            let payload = root.attempt(mutation, input.clone(), selection).await;
            if payload["userErrors"] != json!([]) {
                continue;
            }
            refused.remove(mutation);
            let made = [&payload["customer"]["subscription"]["id"], &payload["subscription"]["id"]];
            let made: Vec<_> = made.into_iter().filter(|id| id.is_string()).cloned().collect();
            if payload["customer"].is_object() {
                customers.push(payload["customer"]["id"].clone());
            }
            subscriptions.extend(made);
            break;
        }
        if step % 10 == 0 {
            check(world, tenant, mutation).await;
        }
    }
    assert!(refused.is_empty(), "these were never carried out: {refused:?}");
    root.mutate("terminateOrganization", json!({"id": tenant.id.to_string()}), "").await;
    check(world, tenant, "terminateOrganization").await;
}

#[on_both]
async fn whoever_writes_at_once(world: &World) {
    const CLIENTS: usize = 16;
    let (tenant, clients) = (world.alpha, world.admins(world.alpha, CLIENTS));
    let (creating, changing) = clients.split_at(CLIENTS / 2);
    let mut there = customers(world, tenant, CLIENTS / 2).await;
    for round in 0..20 {
        let name = |number| json!({"name": format!("Customer {round}-{number}"), "subscription": {"tierId": tenant.basic.to_string()}});
        let new = (0..creating.len()).map(name).collect();
        // The same count goes down and up at once, and others with it.
        let creations = race(creating, "createCustomer", new, "customer { subscription { id } }");
        let payloads = if round % 2 == 0 {
            let ends = there.iter().map(|id| json!({"id": id, "timing": "NOW"})).collect();
            let (creations, _) = tokio::join!(creations, race(changing, "cancelSubscription", ends, ""));
            creations
        } else {
            let moves =
                there.iter().map(|id| json!({"id": id, "tierId": tenant.plus.to_string(), "timing": "NOW"})).collect();
            let (creations, _) = tokio::join!(creations, race(changing, "changeTier", moves, ""));
            creations
        };
        for payload in &payloads {
            assert_eq!(payload["userErrors"], json!([]));
        }
        there = payloads.iter().map(|payload| text(&payload["customer"]["subscription"]["id"])).collect();
    }
    check(world, tenant, "all of it").await;
    // Of 168, those of every second round were canceled.
    assert_eq!(dashboard(&world.admin(tenant), None).await["subscriptions"], 88);
}

#[on_both]
async fn what_was_there_before_the_triggers(world: &World) {
    let ids = customers(world, world.alpha, 5).await;
    customers(world, world.beta, 3).await;
    let admin = world.admin(world.alpha);
    admin.mutate("cancelSubscription", json!({"id": ids[0], "timing": "NOW"}), "").await;
    let before = dashboard(&admin, None).await;
    let steps = Migrator::migrations();
    let step = steps.iter().position(|step| step.name().contains("subscription_totals")).expect("the step");
    let connection = connect(world.config.database.url.expose_secret()).await;
    Migrator::down(&connection, u32::try_from(steps.len() - step).ok()).await.expect("there are no totals");
    // Not by a mutation, which needs the newest schema. The organization is the one in which one has ended.
    let another = "SELECT id FROM subscriptions WHERE ended_at IS NULL AND tenant_id IN
            (SELECT tenant_id FROM subscriptions WHERE ended_at IS NOT NULL) ORDER BY id LIMIT 1";
    let sql = format!("UPDATE subscriptions SET deleted_at = 1 WHERE id = ({another})");
    assert_eq!(connection.execute_unprepared(&sql).await.expect("it works").rows_affected(), 1);
    world.store.migrate_up().await.expect("there are totals");
    assert_eq!((&before["subscriptions"], &dashboard(&admin, None).await["subscriptions"]), (&json!(4), &json!(3)));
    customers(world, world.alpha, 1).await;
    check(world, world.alpha, "the migration").await;
}

#[on_both]
async fn whatever_is_written_past_the_program(world: &World) {
    customers(world, world.alpha, 5).await;
    customers(world, world.beta, 3).await;
    let connection = connect(world.config.database.url.expose_secret()).await;
    let run =
        async |sql: &str| connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let kept = dashboard(&world.admin(world.alpha), None).await;
    for sql in [
        "UPDATE subscriptions SET metadata = '{\"a\": 1}', version = version + 1",
        "UPDATE subscriptions SET billing_cycle = billing_cycle, tier_id = tier_id",
    ] {
        run(sql).await;
        assert_eq!(dashboard(&world.admin(world.alpha), None).await, kept, "{sql}");
    }
    let some = "customer_id IN (SELECT customer_id FROM subscriptions ORDER BY customer_id LIMIT 3)";
    for sql in [
        "UPDATE subscriptions SET amount_minor = amount_minor + 1, currency = 'EUR'",
        "UPDATE subscriptions SET amount_minor = 9007199254740991, billing_cycle = 'YEARLY'",
        &format!(
            "UPDATE subscriptions SET status = 'SUSPENDED', suspended_at = 1, suspended_from = 'ACTIVE', suspension_cause = 'OPERATOR' WHERE {some}"
        ),
        &format!("UPDATE subscriptions SET deleted_at = 1 WHERE {some}"),
        "UPDATE subscriptions SET deleted_at = 2 WHERE deleted_at IS NOT NULL",
        "UPDATE subscriptions SET deleted_at = NULL",
    ] {
        run(sql).await;
        check(world, world.alpha, sql).await;
        check(world, world.beta, sql).await;
    }
    run("DELETE FROM subscriptions").await;
    assert_eq!(dashboard(&world.admin(world.alpha), None).await, empty());
    run("UPDATE subscription_totals SET subscriptions = subscriptions + 1 WHERE shard = (SELECT min(shard) FROM subscription_totals)").await;
    assert!(world.store.system().stale_totals().await.expect("the database answers") > 0, "what is stale is found");
    run("DELETE FROM subscription_totals").await;
}
