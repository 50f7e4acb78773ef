//! The dashboard: what it adds up, and who sees whose.

mod exact;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::OrganizationId;

use crate::support::{Client, Tenant, World, on_both};

const DOCUMENT: &str = "query($of: ID) { dashboard(organizationId: $of) {
    subscriptions monthlyRevenue { amountMinor currency }
    subscriptionsByStatus { status count }
    revenueByTier { tier { id key } subscriptions monthlyRevenue { amountMinor currency } } } }";

/// The dashboard of an organization, or the caller's own: by the resolvers, to which each text is new once, and by the
/// read path.
async fn dashboard(client: &Client, of: Option<Tenant>) -> Value {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let document = format!("{DOCUMENT} # {}", ASKED.fetch_add(1, Ordering::Relaxed));
    let variables = json!({"of": of.map(|tenant| tenant.id.to_string())});
    let resolved = client.ok(&document, variables.clone()).await["dashboard"].clone();
    assert_eq!(client.ok(&document, variables).await["dashboard"], resolved);
    resolved
}

fn empty() -> Value {
    json!({"subscriptions": 0, "monthlyRevenue": [], "subscriptionsByStatus": [], "revenueByTier": []})
}

fn dollars(amount: i64) -> Value {
    json!([{"amountMinor": amount, "currency": "USD"}])
}

/// Customers of the organization with a subscription to its basic tier, for 9.00 a month.
async fn customers(world: &World, tenant: Tenant, count: usize) -> Vec<String> {
    let mut subscriptions = Vec::new();
    for number in 0..count {
        subscriptions.push(world.subscribed(tenant, &format!("Customer {number}"), tenant.basic, json!({})).await.1);
    }
    subscriptions
}

#[on_both]
async fn it_adds_up_what_is_live(world: &World) {
    let admin = world.admin(world.alpha);
    let basic = customers(world, world.alpha, 6).await;
    for (mutation, id) in
        [("suspendSubscription", &basic[0]), ("pauseSubscription", &basic[1]), ("expireSubscription", &basic[2])]
    {
        admin.mutate(mutation, json!({"id": id}), "").await;
    }
    admin.mutate("deleteSubscription", json!({"id": basic[3]}), "").await;
    world
        .root()
        .mutate("overrideTier", json!({"id": basic[4], "tierId": world.alpha.plus.to_string(), "reason": "a gift"}), "")
        .await;
    // 190.00 a year are 15.83 a month.
    world.subscribed(world.alpha, "Yearly", world.alpha.plus, json!({"billingCycle": "YEARLY", "trialDays": 0})).await;
    world.subscribed(world.alpha, "Trial", world.alpha.plus, json!({})).await;
    world.subscribed(world.alpha, "Later", world.alpha.plus, json!({"requiresPayment": true})).await;
    let own = json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers["pro"].to_string()}});
    world.root().mutate("createSubscription", own, "").await;
    customers(world, world.beta, 3).await;

    let expected = json!({
        "subscriptions": 8,
        "monthlyRevenue": dollars(900 + 1583 + 9900),
        "subscriptionsByStatus": [
            {"status": "PENDING", "count": 1}, {"status": "TRIALING", "count": 1}, {"status": "ACTIVE", "count": 4},
            {"status": "PAUSED", "count": 1}, {"status": "SUSPENDED", "count": 1},
        ],
        "revenueByTier": [
            {"tier": {"id": world.alpha.plus.to_string(), "key": "plus"}, "subscriptions": 4, "monthlyRevenue": dollars(1583)},
            {"tier": {"id": world.alpha.basic.to_string(), "key": "basic"}, "subscriptions": 3, "monthlyRevenue": dollars(900)},
            {"tier": {"id": world.platform_tiers["pro"].to_string(), "key": "pro"}, "subscriptions": 1, "monthlyRevenue": dollars(9900)},
        ],
    });
    assert_eq!(dashboard(&admin, None).await, expected);
    for client in
        [&admin, &world.root(), &world.caller(Role::Support, world.alpha), &world.service(world.alpha, Permission::ALL)]
    {
        assert_eq!(dashboard(client, Some(world.alpha)).await, expected);
    }
}

#[on_both]
async fn an_organization_without_subscriptions_has_an_empty_one(world: &World) {
    assert_eq!(dashboard(&world.admin(world.alpha), None).await, empty());
    assert_eq!(dashboard(&world.root(), Some(world.alpha)).await, empty());
    let ids = customers(world, world.alpha, 1).await;
    assert_ne!(dashboard(&world.root(), Some(world.alpha)).await, empty());
    world.admin(world.alpha).mutate("cancelSubscription", json!({"id": ids[0], "timing": "NOW"}), "").await;
    assert_eq!(dashboard(&world.root(), Some(world.alpha)).await, empty(), "as if there had been none");
}

#[on_both]
async fn what_is_not_there_and_what_is_not_ones_own_are_alike(world: &World) {
    customers(world, world.beta, 2).await;
    let nowhere = Tenant { id: OrganizationId::generate(), ..world.alpha };
    let admin = world.admin(world.alpha);
    for of in [world.beta, world.gamma, nowhere] {
        assert_eq!(dashboard(&admin, Some(of)).await, Value::Null);
    }
    assert_eq!(dashboard(&world.root(), Some(nowhere)).await, Value::Null);
    assert_eq!(dashboard(&admin, None).await, empty(), "nothing of another tenant is in it");
    let answer = admin.send(DOCUMENT, json!({"of": "cus_x"})).await;
    assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["dashboard"])));
    assert_eq!(
        answer.0["errors"][0]["extensions"]["problems"],
        json!([{"code": "INVALID_ID", "path": ["organizationId"]}])
    );
}

#[on_both]
async fn a_reseller_sees_those_of_the_organizations_below(world: &World) {
    customers(world, world.gamma, 1).await;
    customers(world, world.delta, 2).await;
    let reseller = world.caller(Role::Reseller, world.gamma);
    assert_eq!(dashboard(&reseller, None).await["subscriptions"], 1, "its own by itself");
    assert_eq!(dashboard(&reseller, Some(world.gamma)).await["subscriptions"], 1);
    assert_eq!(dashboard(&reseller, Some(world.delta)).await["subscriptions"], 2);
    assert_eq!(dashboard(&reseller, Some(world.alpha)).await, Value::Null);
    assert_eq!(dashboard(&world.admin(world.delta), None).await["subscriptions"], 2);
    for client in [world.admin(world.delta), world.caller(Role::Reseller, world.delta)] {
        assert_eq!(dashboard(&client, Some(world.gamma)).await, Value::Null, "nobody looks up");
    }
    assert_eq!(dashboard(&world.admin(world.gamma), Some(world.delta)).await, Value::Null, "an ADMIN is no RESELLER");
}

#[on_both]
async fn a_shut_off_organization_has_one_and_a_deleted_one_has_none(world: &World) {
    customers(world, world.delta, 2).await;
    let own = json!({"organizationId": world.delta.id.to_string()});
    world.root().mutate("ensureSubscription", own, "").await;
    let id = json!({"id": world.delta.id.to_string()});
    let readers = [world.root(), world.caller(Role::Reseller, world.gamma), world.admin(world.delta)];
    for (mutation, left) in [("suspendOrganization", 3), ("terminateOrganization", 2)] {
        world.root().mutate(mutation, id.clone(), "").await;
        for reader in &readers {
            assert_eq!(dashboard(reader, Some(world.delta)).await["subscriptions"], left, "after {mutation}");
        }
    }
    world.root().mutate("deleteOrganization", id, "").await;
    for reader in &readers {
        assert_eq!(dashboard(reader, Some(world.delta)).await, Value::Null);
    }
    assert_eq!(dashboard(&world.admin(world.delta), None).await, Value::Null);
}

#[on_both]
async fn it_needs_to_see_customers_and_organizations(world: &World) {
    use Permission::{CustomersRead, OrganizationsRead};
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    for (client, missing) in [
        (world.service(world.alpha, &[OrganizationsRead]), "customers.read"),
        (world.service(world.alpha, &[CustomersRead]), "organizations.read"),
        (world.caller(Role::Worker, world.alpha), "organizations.read"),
        (world.customer(world.alpha, &customer), "organizations.read"),
    ] {
        for of in [Value::Null, json!(world.alpha.id.to_string()), json!(world.beta.id.to_string())] {
            let answer = client.send(DOCUMENT, json!({"of": of})).await;
            assert_eq!((answer.code(), answer.path()), ("FORBIDDEN", &json!(["dashboard"])));
            assert_eq!(answer.0["errors"][0]["extensions"]["permission"], missing);
            assert!(answer.0["data"]["dashboard"].is_null());
        }
    }
    let both = world.service(world.alpha, &[CustomersRead, OrganizationsRead]);
    assert_eq!(dashboard(&both, None).await["subscriptions"], 1);
    assert_eq!(world.nobody().send(DOCUMENT, json!({})).await.code(), "UNAUTHENTICATED");
}

#[on_both]
async fn the_platform_must_name_an_organization(world: &World) {
    for client in [world.root(), world.caller(Role::Support, world.alpha)] {
        let answer = client.send(DOCUMENT, json!({})).await;
        assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["dashboard"])));
        assert_eq!(
            answer.0["errors"][0]["extensions"]["problems"],
            json!([{"code": "REQUIRED", "path": ["organizationId"]}])
        );
    }
}
