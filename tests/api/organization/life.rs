//! Organizations in operation, shut off, closed, exempt and gone, and who decides about it.

use chrono::TimeDelta;
use serde_json::json;
use tessera::auth::Role;

use super::{made, of};
use crate::support::{Payer, World, card, each, on_both, payment};

#[on_both]
async fn a_suspended_organization_reads_but_does_not_write(world: &World) {
    let (customer, subscription) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    let id = world.delta.id.to_string();
    let reseller = world.caller(Role::Reseller, world.gamma);
    let suspended =
        reseller.mutate("suspendOrganization", json!({"id": id, "reason": "unpaid"}), "organization { status }").await;
    assert_eq!(suspended["organization"]["status"], "SUSPENDED");

    let admin = world.admin(world.delta);
    assert_eq!(of(&admin, &id, "status subscription { status }").await["status"], "SUSPENDED");
    let data = admin.ok("{ customers { nodes { name subscription { status } } } }", json!({})).await;
    assert_eq!(
        data["customers"]["nodes"],
        json!([{"name": "Ada", "subscription": {"status": "ACTIVE"}}]),
        "what is paid for goes on"
    );
    let writes = [
        ("createCustomer", json!({"name": "Eve"})),
        ("updateCustomer", json!({"id": customer, "name": "Eve"})),
        ("updateOrganization", json!({"id": id, "name": "x"})),
        ("cancelSubscription", json!({"id": subscription})),
        ("ensureSubscription", json!({"organizationId": id})),
        ("createMember", json!({"email": "eve@example.com", "name": "Eve", "role": "ADMIN"})),
        ("createTier", json!({"key": "x", "name": "x", "kind": "CUSTOMER", "rank": 1})),
        ("archiveTier", json!({"id": world.delta.basic.to_string()})),
    ];
    for (mutation, input) in &writes {
        let path = if input.get("id").is_some() { "input.id" } else { "input.organizationId" };
        world.refused(&admin, mutation, input.clone(), "OWNER_INACTIVE", path).await;
    }
    let ada = world.customer(world.delta, &customer);
    world.refused(&ada, "updateCustomer", json!({"id": customer, "name": "Ada 2"}), "OWNER_INACTIVE", "input.id").await;

    reseller.mutate("updateCustomer", json!({"id": customer, "name": "Ada 2"}), "").await;
    world.root().mutate("updateCustomer", json!({"id": customer, "name": "Ada 3"}), "").await;
    let resumed = reseller.mutate("resumeOrganization", json!({"id": id}), "organization { status version }").await;
    assert_eq!(resumed["organization"], json!({"status": "ACTIVE", "version": 3}));
    admin.mutate("updateCustomer", json!({"id": customer, "name": "Ada 4"}), "").await;
}

#[on_both]
async fn a_terminated_organization_is_changed_by_the_platform_only(world: &World) {
    let root = world.root();
    let id = world.delta.id.to_string();
    let (customer, _) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    let own = root.mutate("ensureSubscription", json!({"organizationId": id}), "subscription { id }").await;
    let reseller = world.caller(Role::Reseller, world.gamma);
    let before = world.writes().await;
    let fields = "organization { status subscription { status canceledAt endedAt } }";
    let terminated = reseller.mutate("terminateOrganization", json!({"id": id, "reason": "left"}), fields).await;
    assert_eq!(
        terminated["organization"],
        json!({"status": "TERMINATED", "subscription": {
            "status": "CANCELED", "canceledAt": "2026-03-01T12:00:00Z", "endedAt": "2026-03-01T12:00:00Z",
        }})
    );
    assert_eq!(world.writes().await, before + 2, "the organization and its subscription");
    assert_eq!(of(&world.admin(world.delta), &id, "status").await["status"], "TERMINATED", "it can still be read");

    for client in [&reseller, &world.admin(world.delta)] {
        world
            .refused(client, "updateCustomer", json!({"id": customer, "name": "x"}), "OWNER_INACTIVE", "input.id")
            .await;
        world
            .refused(
                client,
                "createSubscription",
                json!({"organizationId": id, "terms": {}}),
                "OWNER_INACTIVE",
                "input.organizationId",
            )
            .await;
    }
    world.refused(&reseller, "resumeOrganization", json!({"id": id}), "OWNER_INACTIVE", "input.id").await;
    root.mutate("updateCustomer", json!({"id": customer, "name": "x"}), "").await;
    world.refused(&root, "resumeOrganization", json!({"id": id}), "OWNER_INACTIVE", "input.id").await;
    world
        .refused(
            &root,
            "createSubscription",
            json!({"organizationId": id, "terms": {}}),
            "OWNER_INACTIVE",
            "input.organizationId",
        )
        .await;
    world
        .refused(
            &root,
            "reactivateSubscription",
            json!({"id": own["subscription"]["id"]}),
            "OWNER_INACTIVE",
            "input.id",
        )
        .await;
}

#[on_both]
async fn steps_that_do_not_fit_the_state_are_refused(world: &World) {
    let root = world.root();
    let id = world.alpha.id.to_string();
    world.refused(&root, "resumeOrganization", json!({"id": id}), "OWNER_INACTIVE", "input.id").await;
    root.mutate("suspendOrganization", json!({"id": id}), "").await;
    world.refused(&root, "suspendOrganization", json!({"id": id}), "OWNER_INACTIVE", "input.id").await;
    world
        .refused(
            &root,
            "resumeOrganization",
            json!({"id": id, "expectedVersion": 1}),
            "STALE_VERSION",
            "input.expectedVersion",
        )
        .await;
    root.mutate("terminateOrganization", json!({"id": id}), "").await;
    for mutation in ["suspendOrganization", "resumeOrganization", "terminateOrganization"] {
        world.refused(&root, mutation, json!({"id": id}), "OWNER_INACTIVE", "input.id").await;
    }
    root.mutate("deleteOrganization", json!({"id": id}), "deletedId").await;
}

#[on_both]
async fn nobody_decides_about_the_own_organization(world: &World) {
    let reseller = world.caller(Role::Reseller, world.gamma);
    let id = world.gamma.id.to_string();
    for mutation in ["suspendOrganization", "resumeOrganization", "terminateOrganization", "deleteOrganization"] {
        world.refused(&reseller, mutation, json!({"id": id}), "OWN_ACCOUNT", "input.id").await;
        world.refused(&reseller, mutation, json!({"id": world.alpha.id.to_string()}), "NOT_FOUND", "input.id").await;
        world.forbidden(&world.admin(world.gamma), mutation, json!({"id": id}), "organizations.manage").await;
        world
            .forbidden(&world.caller(Role::Support, world.gamma), mutation, json!({"id": id}), "organizations.manage")
            .await;
    }
}

#[on_both]
async fn an_organization_with_others_below_it_stays(world: &World) {
    let root = world.root();
    world.refused(&root, "deleteOrganization", json!({"id": world.gamma.id.to_string()}), "IN_USE", "input.id").await;
    let payload = root.mutate("deleteOrganization", json!({"id": world.delta.id.to_string()}), "deletedId").await;
    assert_eq!(payload["deletedId"], json!(world.delta.id.to_string()));
    root.mutate("deleteOrganization", json!({"id": world.gamma.id.to_string()}), "deletedId").await;
}

#[on_both]
async fn an_exempt_organization_never_expires(world: &World) {
    let exempt = made(world, "demo", json!({"exempt": true})).await;
    let usual = made(world, "usual", json!({})).await;
    world.root().mutate("ensureSubscription", json!({"organizationId": exempt}), "").await;
    let root = world.root();
    let status = "subscriptionStatus { status entitled expired expiringSoon daysUntilExpiry endsAt reason } subscription { status id }";
    let active = json!({
        "status": "ACTIVE", "entitled": true, "expired": false, "expiringSoon": false, "daysUntilExpiry": null,
        "endsAt": null, "reason": "EXEMPT_ORGANIZATION",
    });
    for (days, field) in [(28, "expiringSoon"), (30, "expired")] {
        world.pass(TimeDelta::days(days));
        let (one, other) = (of(&root, &exempt, status).await, of(&root, &usual, status).await);
        assert_eq!(one["subscriptionStatus"], active);
        assert_eq!(one["subscription"]["status"], "TRIALING", "the record is what it is");
        assert_eq!(other["subscriptionStatus"][field], true);
        let document = "query($yes: SubscriptionFilter, $no: SubscriptionFilter) {
                yes: subscriptions(where: $yes) { nodes { id effectiveStatus { reason } } } no: subscriptions(where: $no) { nodes { id } } }";
        let of_organizations = |wanted| json!({"ownerKind": "ORGANIZATION", field: wanted});
        let data = root.ok(document, json!({"yes": of_organizations(true), "no": of_organizations(false)})).await;
        assert_eq!(each(&data["yes"]["nodes"], "id"), [other["subscription"]["id"].clone()]);
        assert_eq!(each(&data["no"]["nodes"], "id"), [one["subscription"]["id"].clone()]);
    }
    // Exempt, even without a subscription; and not, when the exemption ends.
    root.mutate(
        "deleteSubscription",
        json!({"id": of(&root, &exempt, "subscription { id }").await["subscription"]["id"]}),
        "",
    )
    .await;
    assert_eq!(of(&root, &exempt, status).await["subscriptionStatus"], active);
    root.mutate("updateOrganization", json!({"id": exempt, "exempt": false}), "").await;
    assert_eq!(of(&root, &exempt, status).await["subscriptionStatus"]["reason"], "NO_SUBSCRIPTION");
}

#[on_both]
async fn the_exemption_is_not_for_customers(world: &World) {
    world.root().mutate("updateOrganization", json!({"id": world.alpha.id.to_string(), "exempt": true}), "").await;
    world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({})).await;
    world.pass(TimeDelta::days(20));
    let data = world
        .admin(world.alpha)
        .ok("{ subscriptions(where: {expired: true}) { nodes { effectiveStatus { status reason } } } }", json!({}))
        .await;
    assert_eq!(
        data["subscriptions"]["nodes"],
        json!([{"effectiveStatus": {"status": "EXPIRED", "reason": "TRIAL_ENDED"}}])
    );
}

#[on_both]
async fn a_deleted_organization_is_gone_with_all_that_is_its(world: &World) {
    let (customer, subscription) =
        world.subscribed(world.delta, "Ada", world.delta.basic, json!({"externalId": "x"})).await;
    let (root, id) = (world.root(), world.delta.id.to_string());
    let own = root.mutate("ensureSubscription", json!({"organizationId": id}), "subscription { id }").await;
    let input = json!({"organizationId": id, "email": "ada@example.com", "name": "Ada", "role": "ADMIN"});
    let member = root.mutate("createMember", input, "member { id }").await["member"]["id"].clone();
    let payer = Payer { tenant: world.delta, customer: Some(&customer) };
    let (paid, method) = (payment(payer, &subscription, world.clock.now()), card(payer, world.clock.now()));
    let (payment_id, method_id) = (paid.id.to_string(), method.id.to_string());
    world.put_payments(vec![paid]).await;
    world.put_methods(vec![method]).await;

    let before = world.writes().await;
    root.mutate("deleteOrganization", json!({"id": id, "reason": "asked to"}), "deletedId").await;
    assert!(world.writes().await >= before + 2, "the organization and its own subscription");

    let basic = world.delta.basic.to_string();
    let ids = json!([id, customer, subscription, own["subscription"]["id"], member, payment_id, method_id, basic]);
    let lists = "query($ids: [ID!]!, $of: ID!) { nodes(ids: $ids) { id } organization(id: $of) { id } bySlug: organization(slug: \"delta\") { id }
            organizations(where: {ids: [$of]}) { nodes { id } } members(where: {organizationId: $of}) { nodes { id } }
            customers(where: {organizationId: $of}) { nodes { id } } subscriptions(where: {organizationId: $of}) { nodes { id } }
            payments(where: {organizationId: $of}) { nodes { id } } paymentMethods(where: {organizationId: $of}) { nodes { id } } }";
    let more = "query($of: ID!) { tiers(where: {catalogueOf: $of}) { nodes { id } } currentSubscription(organizationId: $of) { id }
            checkoutTiers(organizationSlug: \"delta\") { tierId } }";
    let none = json!({"nodes": []});
    for client in [root.clone(), world.caller(Role::Reseller, world.gamma), world.admin(world.delta)] {
        let data = client.ok(lists, json!({"ids": ids, "of": id})).await;
        assert_eq!(
            data,
            json!({
                "nodes": [null, null, null, null, null, null, null, null], "organization": null, "bySlug": null,
                "organizations": none, "members": none, "customers": none, "subscriptions": none, "payments": none,
                "paymentMethods": none,
            })
        );
        let data = client.ok(more, json!({"of": id})).await;
        assert_eq!(data, json!({"tiers": none, "currentSubscription": null, "checkoutTiers": []}));
        for (mutation, input) in [
            ("updateOrganization", json!({"id": id, "name": "x"})),
            ("updateCustomer", json!({"id": customer, "name": "x"})),
            ("cancelSubscription", json!({"id": subscription})),
            ("updateMember", json!({"id": member, "name": "x"})),
            ("updateTier", json!({"id": basic, "name": "x"})),
        ] {
            world.refused(&client, mutation, input, "NOT_FOUND", "input.id").await;
        }
        world
            .refused(
                &client,
                "createCustomer",
                json!({"organizationId": id, "name": "x"}),
                "NOT_FOUND",
                "input.organizationId",
            )
            .await;
    }
    let ada = world.customer(world.delta, &customer);
    assert_eq!(
        ada.ok("{ viewer { customer { id } } customers { nodes { id } } }", json!({})).await,
        json!({
            "viewer": {"customer": null}, "customers": none,
        })
    );
    made(world, "delta", json!({})).await;
}
