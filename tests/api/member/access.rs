//! What a member's token is worth once the member was deactivated: nothing, from that moment on.

use serde_json::{Value, json};
use tessera::auth::Role;

use super::{made, named, subscribe};
use crate::support::{Client, Tenant, World, on_both};

/// Everything that a caller of an organization can ask for.
const ALL: [&str; 2] = [
    "query($organization: ID!, $customer: ID!, $subscription: ID!, $member: ID!) {
        organization { id } named: organization(id: $organization) { id } organizations { nodes { id } }
        members { nodes { id } } member(id: $member) { id }
        customers { nodes { id } } customer(id: $customer) { id }
        subscriptions { nodes { id } } subscription(id: $subscription) { id } currentSubscription { id } }",
    "query($organization: ID!, $customer: ID!, $subscription: ID!, $member: ID!, $tier: ID!) {
        own: currentSubscription(organizationId: $organization) { id } of: subscriptionStatus(customerId: $customer) { status }
        tiers(where: {catalogueOf: $organization}) { nodes { id } } tier(id: $tier) { id }
        auditEvents { nodes { id } } payments { nodes { id } } paymentMethods { nodes { id } }
        nodes(ids: [$organization, $customer, $subscription, $member]) { id } viewer { organization { id } customer { id } } }",
];

/// The same for those who see the customers only.
const CUSTOMERS: [&str; 1] = ["query($customer: ID!, $subscription: ID!) { customers { nodes { id } } customer(id: $customer) { id }
    subscriptions { nodes { id } } subscription(id: $subscription) { id } nodes(ids: [$customer, $subscription]) { id } }"];

/// How many ids an answer has.
fn ids(data: &Value) -> usize {
    match data {
        Value::Object(fields) => fields.iter().map(|(name, value)| usize::from(name == "id") + ids(value)).sum(),
        Value::Array(list) => list.iter().map(ids).sum(),
        _ => 0,
    }
}

/// Asserts that a caller sees something, or nothing, however often it asks.
async fn sees<const N: usize>(client: &Client, documents: [&str; N], variables: &Value, something: bool) {
    for document in [documents; 3].concat() {
        let data = client.ok(document, variables.clone()).await;
        assert_eq!(ids(&data) > 0, something, "{document} {data:#}");
    }
}

/// A customer of the organization, and what [`ALL`] asks for.
async fn asked(world: &World, tenant: Tenant, member: &str) -> Value {
    let (customer, subscription) = world.subscribed(tenant, "Cleo", tenant.basic, json!({})).await;
    let input = json!({"key": "hidden", "name": "Hidden", "kind": "CUSTOMER", "rank": 1, "public": false});
    let tier = world.admin(tenant).mutate("createTier", input, "tier { id }").await["tier"]["id"].clone();
    json!({"organization": tenant.id.to_string(), "customer": customer, "subscription": subscription, "member": member, "tier": tier})
}

#[on_both]
async fn a_deactivated_administrator_has_no_access(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let admin = world.admin(world.alpha);
    let (ada, _) = (made(&admin, "ada", "ADMIN").await, made(&admin, "bob", "ADMIN").await);
    let variables = asked(world, world.alpha, &ada).await;
    let clients = [
        world.acting(Role::Admin, world.alpha, "ada@example.com"),
        world.acting(Role::Admin, world.alpha, "Ada@EXAMPLE.com"),
        world.acting(Role::Admin, world.alpha, &ada),
        world.member(Role::Admin, world.alpha, &ada),
    ];
    for (number, client) in clients.iter().enumerate() {
        sees(client, ALL, &variables, true).await;
        let new = json!({"name": "New", "idempotencyKey": format!("before-{number}")});
        client.mutate("createCustomer", new, "customer { id }").await;
        let change = json!({"id": variables["customer"], "name": "Cleo C.", "idempotencyKey": "change"});
        client.mutate("updateCustomer", change, "customer { id }").await;
    }
    admin.mutate("deactivateMember", json!({"id": ada}), "").await;
    for (number, client) in clients.iter().enumerate() {
        sees(client, ALL, &variables, false).await;
        for (mutation, input, path) in [
            ("createCustomer", json!({"name": "New"}), "input.organizationId"),
            (
                "createCustomer",
                json!({"name": "New", "idempotencyKey": format!("before-{number}")}),
                "input.idempotencyKey",
            ),
            ("createTier", json!({"key": "x", "name": "x", "kind": "CUSTOMER", "rank": 1}), "input.organizationId"),
            ("createMember", named("eve", "ADMIN"), "input.organizationId"),
            ("updateOrganization", json!({"id": variables["organization"], "name": "x"}), "input.id"),
            ("updateCustomer", json!({"id": variables["customer"], "name": "x"}), "input.id"),
            (
                "updateCustomer",
                json!({"id": variables["customer"], "name": "Cleo C.", "idempotencyKey": "change"}),
                "input.idempotencyKey",
            ),
            ("cancelSubscription", json!({"id": variables["subscription"]}), "input.id"),
            ("reactivateMember", json!({"id": ada}), "input.id"),
            ("ensureSubscription", json!({"customerId": variables["customer"]}), "input.customerId"),
        ] {
            world.refused(client, mutation, input, "NOT_FOUND", path).await;
        }
    }
    let bob = world.acting(Role::Admin, world.alpha, "bob@example.com");
    sees(&bob, ALL, &variables, true).await;
    admin.mutate("reactivateMember", json!({"id": ada}), "").await;
    for client in &clients {
        sees(client, ALL, &variables, true).await;
    }
}

#[on_both]
async fn a_deactivated_worker_has_no_access(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let admin = world.admin(world.alpha);
    let bob = made(&admin, "bob", "WORKER").await;
    let variables = asked(world, world.alpha, &bob).await;
    let clients =
        [world.acting(Role::Worker, world.alpha, "bob@example.com"), world.member(Role::Worker, world.alpha, &bob)];
    admin.mutate("deactivateMember", json!({"id": bob}), "").await;
    for client in &clients {
        sees(client, CUSTOMERS, &variables, false).await;
    }
    // Of the same name elsewhere, or no member at all.
    let (_, other) = world.subscribed(world.beta, "Cleo", world.beta.basic, json!({})).await;
    sees(
        &world.acting(Role::Worker, world.beta, "bob@example.com"),
        ["{ customers { nodes { id } } }"],
        &json!({}),
        true,
    )
    .await;
    sees(&world.service(world.alpha, &[tessera::auth::Permission::CustomersRead]), CUSTOMERS, &variables, true).await;
    assert!(other.starts_with("sub_"));
}

#[on_both]
async fn a_deactivated_reseller_has_no_access_above_nor_below(world: &World) {
    subscribe(world, world.gamma, "pro", json!({})).await;
    let reseller = world.caller(Role::Reseller, world.gamma);
    let rex = made(&reseller, "rex", "RESELLER").await;
    made(&reseller, "ada", "ADMIN").await;
    let variables = asked(world, world.delta, &rex).await;
    let clients =
        [world.acting(Role::Reseller, world.gamma, "rex@example.com"), world.member(Role::Reseller, world.gamma, &rex)];
    let new = |slug: &str| json!({"name": "Below", "slug": slug, "idempotencyKey": slug});
    for (number, client) in clients.iter().enumerate() {
        sees(client, ALL, &variables, true).await;
        client.mutate("createOrganization", new(&format!("below-{number}")), "").await;
    }
    reseller.mutate("deactivateMember", json!({"id": rex}), "").await;
    for (number, client) in clients.iter().enumerate() {
        sees(client, ALL, &variables, false).await;
        world.refused(client, "createOrganization", new("more"), "NOT_FOUND", "input.parentId").await;
        world
            .refused(client, "createOrganization", new(&format!("below-{number}")), "NOT_FOUND", "input.idempotencyKey")
            .await;
        world
            .refused(client, "suspendOrganization", json!({"id": world.delta.id.to_string()}), "NOT_FOUND", "input.id")
            .await;
        world
            .refused(
                client,
                "updateCustomer",
                json!({"id": variables["customer"], "name": "x"}),
                "NOT_FOUND",
                "input.id",
            )
            .await;
    }
}

#[on_both]
async fn a_token_that_names_a_member_is_for_that_member_only(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let ada = made(&world.admin(world.alpha), "ada", "ADMIN").await;
    let nobody = tessera::entity::MemberId::generate().to_string();
    let variables = asked(world, world.beta, &ada).await;
    for client in [world.member(Role::Admin, world.beta, &ada), world.member(Role::Admin, world.beta, &nobody)] {
        sees(&client, ALL, &variables, false).await;
    }
}
