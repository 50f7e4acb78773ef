//! What must hold of every database: each invariant is told when somebody breaks it.

use serde_json::json;

use crate::support::{Backend, Payer, World, at, card, payment};

/// A state that an override could lie on.
const LAID_OVER: &str = r#"{"status": "ACTIVE", "mode": "MANUAL", "expires_at": null, "cancel_at": null,
    "canceled_at": null, "ended_at": null, "suspended_at": null, "suspension_cause": null, "suspended_from": null,
    "paused_at": null, "resumes_at": null}"#;

/// What breaks each invariant.
fn breaches() -> Vec<(&'static str, String)> {
    let breach = |name, sql: &str| (name, sql.to_owned());
    vec![
        breach(
            "a status is left where the last move arrived",
            "DELETE FROM outbox_events WHERE topic = 'subscription.suspend'",
        ),
        breach(
            "a status moves along the table",
            "UPDATE outbox_events SET topic = 'subscription.pause' WHERE topic = 'subscription.resume'",
        ),
        breach("an event has its audit entry", "DELETE FROM audit_events WHERE action = 'customer.create'"),
        breach(
            "a change has one audit entry",
            "UPDATE subscriptions SET version = version + 1 WHERE customer_id IS NOT NULL",
        ),
        breach("a change has one event", "UPDATE outbox_events SET entity_version = 1"),
        breach("what time will make of a subscription is foreseen", "UPDATE subscriptions SET next_at = 1"),
        (
            "status, dates and flags of a subscription agree",
            format!("UPDATE subscriptions SET overridden_state = '{LAID_OVER}'"),
        ),
        breach(
            "an owner has at most one live subscription",
            "DROP INDEX subscriptions_live_customer;
            UPDATE subscriptions SET customer_id = (SELECT id FROM customers LIMIT 1) WHERE customer_id IS NOT NULL",
        ),
        breach(
            "a subscription's tiers are of a catalogue that its organization sees",
            "UPDATE subscriptions SET tier_id = (SELECT tiers.id FROM tiers
                JOIN organizations ON organizations.id = tiers.tenant_id WHERE slug = 'beta' LIMIT 1)",
        ),
        breach(
            "totals of live subscriptions are what there is",
            "UPDATE subscription_totals SET subscriptions = subscriptions + 1",
        ),
        breach(
            "a subscription is charged once for an attempt at a period",
            "UPDATE payments SET period_start = 1, attempt = 1",
        ),
        breach(
            "a subscription has at most one attempt at a period under way",
            "DROP INDEX payments_live_attempt; UPDATE payments SET status = 'PENDING', paid_at = NULL",
        ),
        breach(
            "a subscription tells how its newest payment stands",
            "UPDATE subscriptions SET payment_status = 'DISPUTED'",
        ),
        breach(
            "money goes through an account of the seller",
            "INSERT INTO gateway_accounts (id, kind, mode, name, slug, created_at, updated_at, version)
                SELECT id, 'MANUAL', 'LIVE', 'x', 'x', 0, 0, 1 FROM organizations WHERE slug = 'alpha';
            UPDATE payments SET gateway_account_id = (SELECT id FROM gateway_accounts LIMIT 1)
                WHERE customer_id IS NOT NULL",
        ),
        breach(
            "the status of a payment moves along its table",
            r#"UPDATE outbox_events SET entity_type = 'payment',
                payload = '{"status": {"from": "CANCELED", "to": "PENDING"}}' WHERE topic = 'customer.create'"#,
        ),
        breach("what a counter holds is reserved", "UPDATE usage_counters SET held = held + 1"),
        breach("use adds up by day and by window", "UPDATE usage_days SET used = used + 1"),
        breach("an owner with payment methods has one default", "UPDATE payment_methods SET is_default = FALSE"),
        breach("keys of text are what the program makes", "UPDATE customers SET search_text = 'other'"),
        breach(
            "a status is where its last move arrived",
            "UPDATE subscriptions SET status = 'EXPIRED', ended_at = created_at",
        ),
    ]
}

async fn violated(world: &World) -> Vec<&'static str> {
    let invariants = world.store.system().invariants().await;
    invariants.into_iter().filter(|invariant| !invariant.holds()).map(|invariant| invariant.name).collect()
}

async fn each_breach_is_told(backend: Backend) {
    let world = World::new(backend).await;
    let admin = world.admin(world.alpha);
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    admin.mutate("suspendSubscription", json!({"id": subscription}), "").await;
    admin.mutate("resumeSubscription", json!({"id": subscription}), "").await;
    let queries = json!({"ownerId": customer, "feature": "ai.queries", "amount": 2});
    admin.mutate("consume", queries.clone(), "").await;
    admin.mutate("reserve", queries, "").await;
    let payer = Payer { tenant: world.alpha, customer: Some(&customer) };
    let now = at("2026-03-01T12:00:00Z");
    world.put_payments(vec![payment(payer, &subscription, now), payment(payer, &subscription, now)]).await;
    world.put_methods(vec![card(payer, now)]).await;

    let known = world.store.system().invariants().await;
    let mut breaches = breaches();
    if backend == Backend::Sqlite {
        let lost = "PRAGMA foreign_keys = OFF; UPDATE payments SET subscription_id = randomblob(16)";
        breaches.push(("references lead to rows", lost.to_owned()));
        let wrong = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'audit_events_actor';
            PRAGMA schema_version = 1000000";
        breaches.push(("the file is whole", wrong.to_owned()));
    }
    let mut told: Vec<&str> = known.iter().map(|invariant| invariant.name).collect();
    let mut broken: Vec<&str> = breaches.iter().map(|(name, _)| *name).collect();
    told.sort_unstable();
    broken.sort_unstable();
    assert_eq!(told, broken, "each invariant is broken by something");

    assert!(violated(&world).await.is_empty());
    for (name, sql) in breaches {
        world.sql(&sql).await;
        assert!(violated(&world).await.contains(&name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_breach_is_told_on_sqlite() {
    each_breach_is_told(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_breach_is_told_on_postgres() {
    each_breach_is_told(Backend::Postgres).await;
}
