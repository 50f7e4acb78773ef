//! What a command relied on changes before it writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sea_orm::Statement;
use serde_json::{Value, json};
use tessera::auth::Role;

use super::stop::Stop;
use crate::support::{Backend, Client, Tenant, World};

/// The payload of a mutation that is stopped so often, while something else is done each time.
async fn stopped(
    stop: &mut Stop,
    times: usize,
    (client, mutation, input): (&Client, &'static str, Value),
    meanwhile: impl AsyncFn(),
) -> Value {
    stop.at_next(times);
    let client = client.clone();
    let mut writing = tokio::spawn(async move { client.attempt(mutation, input, "").await });
    for _ in 0..times {
        tokio::select! {
            () = stop.reached() => {}
            answered = &mut writing => panic!("{mutation} was not stopped: {answered:?}"),
        }
        meanwhile().await;
        stop.go_on();
    }
    writing.await.expect("no panic")
}

/// SQLite lets one write at a time, from the beginning to the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_organization_was_like_is_checked_when_all_is_written() {
    let world = World::new(Backend::Postgres).await;
    // Whether an organization was locked as a key when a command with a key looked for it.
    let locked = Arc::<AtomicBool>::default();
    let is_locked = Arc::clone(&locked);
    let mut stop = Stop::of(&world, move |statement| {
        // Not that of a command that changes a row: it has looked for the key by then.
        let is_look = statement.sql.contains("idempotency_keys") && statement.sql.ends_with("FOR KEY SHARE");
        is_locked.fetch_or(is_look, Ordering::SeqCst);
        statement.sql.contains("found_0")
    });
    let (root, id) = (world.root(), |tenant: Tenant| tenant.id.to_string());
    let customer = |tenant| json!({"name": "Ada", "organizationId": id(tenant)});
    let reseller = world.caller(Role::Reseller, world.gamma);
    let tier = json!({"key": "gold", "name": "Gold", "kind": "CUSTOMER", "rank": 1, "organizationId": id(world.delta),
        "prices": [{"billingCycle": "MONTHLY", "currency": "EUR", "amountMinor": 100}]});
    let member = json!({"email": "a@example.com", "name": "Ada", "role": "WORKER", "organizationId": id(world.delta)});
    let pro = json!({"tierId": world.platform_tiers["pro"].to_string()});
    root.mutate("createSubscription", json!({"organizationId": id(world.delta), "terms": pro}), "").await;
    for (client, mutation, input, goes) in [
        (world.admin(world.alpha), "createCustomer", customer(world.alpha), world.alpha),
        (reseller.clone(), "createCustomer", customer(world.delta), world.gamma),
        (reseller.clone(), "createTier", tier.clone(), world.gamma),
        (reseller.clone(), "createMember", member, world.gamma),
        (world.admin(world.delta), "createTier", tier, world.delta),
    ] {
        let before = world.writes().await;
        let command = (&client, mutation, input);
        let payload = stopped(&mut stop, 1, command, async || {
            root.mutate("suspendOrganization", json!({"id": id(goes), "reason": "a test"}), "").await;
        })
        .await;
        assert_eq!(payload["userErrors"][0]["code"], "OWNER_INACTIVE", "{mutation}: {payload}");
        assert_eq!(world.writes().await, before + 1, "{mutation}: the suspension alone");
        root.mutate("resumeOrganization", json!({"id": id(goes)}), "").await;
    }
    // What does not matter to it is no reason to refuse it.
    let before = world.writes().await;
    let payload = stopped(&mut stop, 1, (&reseller, "createCustomer", customer(world.delta)), async || {
        root.mutate("updateOrganization", json!({"id": id(world.delta), "name": "Delta AG"}), "").await;
    })
    .await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(world.writes().await, before + 3, "the organization, the customer and its subscription");
    // Who is overtaken twice locks the organizations when it looks for them.
    let number = AtomicUsize::new(0);
    let rename = async || {
        let name = format!("Delta {}", number.fetch_add(1, Ordering::SeqCst));
        root.mutate("updateOrganization", json!({"id": id(world.delta), "name": name}), "").await;
    };
    assert!(!locked.load(Ordering::SeqCst), "nothing is locked before");
    let mut input = customer(world.delta);
    input["idempotencyKey"] = json!("overtaken");
    let payload = stopped(&mut stop, 2, (&reseller, "createCustomer", input), rename).await;
    assert_eq!(payload["userErrors"], json!([]));
    assert!(locked.load(Ordering::SeqCst), "it is locked for the third try");
    let payload =
        stopped(&mut stop, 1, (&world.admin(world.beta), "createCustomer", customer(world.beta)), async || {
            root.mutate("deleteOrganization", json!({"id": id(world.beta), "reason": "a test"}), "").await;
        })
        .await;
    assert_eq!(payload["userErrors"][0]["code"], "NOT_FOUND", "{payload}");
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tier_is_still_sold_when_all_is_written() {
    let world = World::new(Backend::Postgres).await;
    let is_flush = |statement: &Statement| statement.sql.contains(r#"SELECT 1 FROM "tiers""#);
    let (_, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (ended, last) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({})).await;
    let (root, admin) = (world.root(), world.admin(world.alpha));
    admin.mutate("cancelSubscription", json!({"id": last, "timing": "NOW"}), "").await;
    let mut stop = Stop::of(&world, is_flush);
    let plus = world.alpha.plus.to_string();
    let starter = world.platform_tiers["starter"].to_string();
    for (client, mutation, input, tier, code) in [
        (&admin, "createCustomer", json!({"name": "Cleo", "subscription": {"tierId": plus}}), &plus, "TIER_ARCHIVED"),
        (&admin, "createSubscription", json!({"customerId": ended, "terms": {"tierId": plus}}), &plus, "TIER_ARCHIVED"),
        (&admin, "reactivateSubscription", json!({"id": last}), &plus, "TIER_ARCHIVED"),
        (&admin, "changeTier", json!({"id": subscription, "tierId": plus, "timing": "NOW"}), &plus, "TIER_ARCHIVED"),
        (
            &root,
            "overrideTier",
            json!({"id": subscription, "tierId": plus, "reason": "a test"}),
            &plus,
            "TIER_ARCHIVED",
        ),
        (&root, "createOrganization", json!({"name": "Acme", "slug": "acme"}), &starter, "TIER_NOT_AVAILABLE"),
    ] {
        let before = world.writes().await;
        let payload = stopped(&mut stop, 1, (client, mutation, input), async || {
            root.mutate("archiveTier", json!({"id": tier}), "").await;
        })
        .await;
        assert_eq!(payload["userErrors"][0]["code"], code, "{mutation}: {payload}");
        assert_eq!(world.writes().await, before + 1, "{mutation}: the archiving alone");
        root.mutate("unarchiveTier", json!({"id": tier}), "").await;
    }
    // A tier that only has another name by then is sold.
    let change = json!({"id": subscription, "tierId": plus, "timing": "NOW"});
    let payload = stopped(&mut stop, 1, (&admin, "changeTier", change), async || {
        root.mutate("updateTier", json!({"id": plus, "name": "Plus 2"}), "").await;
    })
    .await;
    assert_eq!(payload["userErrors"], json!([]));
    world.check_invariants().await;
}
