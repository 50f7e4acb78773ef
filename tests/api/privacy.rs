//! What of somebody's own objects is not for everybody who sees them: who of the platform acted, why, what managers
//! note, and who is above.

use std::time::Duration;

use serde_json::{Value, json};
use tessera::auth::{Grant, Permission, Role};
use tessera::entity::outbox_event;

use crate::support::{Client, Tenant, World, each, on_both};

/// The trail of an object, as somebody is shown it: oldest first.
async fn trail(client: &Client, id: &Value) -> Vec<Value> {
    let document =
        "query($id: ID!) { auditEvents(where: {entityId: $id}, orderBy: [{field: CREATED_AT, direction: ASC}]) {
        nodes { action actor actorRole impersonator reason requestId address changes } } }";
    let data = client.ok(document, json!({"id": id})).await;
    data["auditEvents"]["nodes"].as_array().expect("a list").clone()
}

/// An administrator's token that somebody of the platform uses.
fn impersonated(world: &World, tenant: Tenant) -> Client {
    world.client(Grant {
        subject: "admin@example.com".to_owned(),
        role: Role::Admin,
        organization: Some(tenant.id),
        customer: None,
        member: None,
        permissions: None,
        expires_in: Duration::from_secs(3600),
        impersonator: Some("staff@platform.example".to_owned()),
    })
}

/// A program with these permissions.
fn with(world: &World, permissions: &[Permission]) -> Client {
    world.service(world.alpha, permissions)
}

#[on_both]
async fn the_platforms_people_are_known_by_their_role(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (root, admin) = (world.root(), world.admin(world.alpha));
    root.mutate("extendSubscription", json!({"id": subscription, "days": 3, "reason": "staff only"}), "").await;
    impersonated(world, world.alpha)
        .mutate("updateCustomer", json!({"id": customer, "name": "Eve", "reason": "staff only"}), "")
        .await;
    admin.mutate("updateCustomer", json!({"id": customer, "name": "Ada", "reason": "own"}), "").await;

    let seen = trail(&admin, &json!(subscription)).await.pop().expect("an entry");
    assert_eq!(
        [&seen["actor"], &seen["actorRole"], &seen["reason"], &seen["requestId"], &seen["address"]],
        [&json!("ROOT"), &json!("ROOT"), &Value::Null, &Value::Null, &Value::Null],
    );
    assert_eq!(seen["changes"]["last_renewed_by"]["to"], "ROOT");
    let data =
        admin.ok("query($id: ID!) { subscription(id: $id) { lastRenewedBy } }", json!({"id": subscription})).await;
    assert_eq!(data["subscription"]["lastRenewedBy"], "ROOT");
    let told = trail(&root, &json!(subscription)).await.pop().expect("an entry");
    assert_eq!(
        [&told["actor"], &told["reason"], &told["address"]],
        [&json!("root@example.com"), &json!("staff only"), &json!("192.0.2.1")]
    );
    assert_eq!(told["requestId"], "test-request");

    let seen = trail(&admin, &json!(customer)).await;
    let [_, by_staff, own] = seen.as_slice() else { panic!("{seen:#?}") };
    assert_eq!(
        [
            &by_staff["actor"],
            &by_staff["impersonator"],
            &by_staff["reason"],
            &by_staff["requestId"],
            &by_staff["address"]
        ],
        [&json!("admin@example.com"), &json!("PLATFORM"), &Value::Null, &Value::Null, &Value::Null],
    );
    assert_eq!(
        [&own["actor"], &own["impersonator"], &own["reason"]],
        [&json!("admin@example.com"), &Value::Null, &json!("own")]
    );
    assert_eq!([&own["requestId"], &own["address"]], [&json!("test-request"), &json!("192.0.2.1")]);
    let told = trail(&root, &json!(customer)).await;
    assert_eq!(told[1]["impersonator"], "staff@platform.example");

    // Nobody finds out by trying a name.
    let by = "query($actor: String!) { auditEvents(where: {actor: $actor}) { nodes { action } totalCount { value } } }";
    for (client, actor, count) in [
        (&admin, "root@example.com", 0),
        (&admin, "staff@platform.example", 0),
        (&admin, "ROOT", 1),
        (&admin, "SUPPORT", 0),
        (&root, "root@example.com", 1),
        (&root, "ROOT", 0),
        (&admin, "admin@example.com", 4),
    ] {
        let data = client.ok(by, json!({"actor": actor})).await;
        assert_eq!(data["auditEvents"]["totalCount"]["value"], json!(count), "{actor}");
    }
}

#[on_both]
async fn why_is_told_to_those_who_manage_or_read_the_trail(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.admin(world.alpha).mutate("extendSubscription", json!({"id": subscription, "days": 3}), "").await;
    let gift = json!({"id": subscription, "tierId": world.alpha.plus.to_string(), "reason": "a friend of the house"});
    world.root().mutate("overrideTier", gift, "").await;
    use Permission::{AuditRead, CustomersRead, SubscriptionsManage};
    let document =
        "query($id: ID!) { subscription(id: $id) { lastRenewedBy tierOverride { reason overriddenTierId } } }";
    for (client, is_told) in [
        (world.root(), true),
        (world.caller(Role::Support, world.alpha), true),
        (world.admin(world.alpha), true),
        (with(world, &[CustomersRead, AuditRead]), true),
        (with(world, &[CustomersRead, SubscriptionsManage]), true),
        (with(world, &[CustomersRead]), false),
        (world.caller(Role::Worker, world.alpha), false),
        (world.customer(world.alpha, &customer), false),
    ] {
        let data = client.ok(document, json!({"id": subscription})).await;
        let (by, why) = (json!("admin@example.com"), json!("a friend of the house"));
        let expected = if is_told { (by, why) } else { (Value::Null, Value::Null) };
        let found = &data["subscription"];
        assert_eq!((&found["lastRenewedBy"], &found["tierOverride"]["reason"]), (&expected.0, &expected.1));
        assert_eq!(
            found["tierOverride"]["overriddenTierId"],
            json!(world.alpha.basic.to_string()),
            "the rest is for everybody"
        );
    }
}

#[on_both]
async fn private_metadata_is_for_those_who_manage(world: &World) {
    use Permission::{
        AuditRead, CustomersManage, CustomersRead, CustomersUpdate, OrganizationsManage, OrganizationsRead,
        SubscriptionsManage,
    };
    let note = json!({"risk": "high"});
    let (root, admin) = (world.root(), world.admin(world.alpha));
    let input = json!({"name": "Ada", "metadata": {"seen": 1}, "privateMetadata": note,
        "subscription": {"tierId": world.alpha.basic.to_string(), "privateMetadata": note}});
    let made = admin
        .mutate("createCustomer", input, "customer { id privateMetadata subscription { id privateMetadata } }")
        .await["customer"]
        .clone();
    assert_eq!((&made["privateMetadata"], &made["subscription"]["privateMetadata"]), (&note, &note));
    let organization = json!({"id": world.alpha.id.to_string(), "privateMetadata": note});
    world.forbidden(&admin, "updateOrganization", organization.clone(), "organizations.manage").await;
    root.mutate("updateOrganization", organization, "organization { privateMetadata }").await;
    let (customer, subscription) = (made["id"].clone(), made["subscription"]["id"].clone());
    let ids = json!({"o": world.alpha.id.to_string(), "c": customer, "s": subscription});

    let all = [OrganizationsRead, OrganizationsManage, CustomersRead, AuditRead];
    let parts = "organization(id: $o) { metadata privateMetadata } customer(id: $c) { metadata privateMetadata } subscription(id: $s) { metadata privateMetadata }";
    let document = format!("query($o: ID!, $c: ID!, $s: ID!) {{ {parts} }}");
    for (client, [of_organization, of_customer, of_subscription]) in [
        (root.clone(), [true, true, true]),
        (world.caller(Role::Support, world.alpha), [false, false, false]),
        (admin.clone(), [false, true, true]),
        // A program is never given what an administrator does not have.
        (with(world, &all), [false, false, false]),
        (with(world, &[&all[..], &[CustomersManage]].concat()), [false, true, false]),
        (with(world, &[&all[..], &[SubscriptionsManage]].concat()), [false, false, true]),
    ] {
        let data = client.ok(&document, ids.clone()).await;
        let shown = |object: &str, may: bool| {
            assert!(data[object]["metadata"].is_object(), "{object}");
            assert_eq!(data[object]["privateMetadata"], if may { note.clone() } else { Value::Null }, "{object}");
        };
        shown("organization", of_organization);
        shown("customer", of_customer);
        shown("subscription", of_subscription);
        for (id, may) in [(&ids["o"], of_organization), (&ids["c"], of_customer), (&ids["s"], of_subscription)] {
            let changes: Vec<Value> = trail(&client, id)
                .await
                .iter()
                .map(|entry| entry["changes"]["private_metadata"]["to"].clone())
                .collect();
            assert_eq!(changes.contains(&note), may, "{changes:?}");
            assert!(may || !json!(trail(&client, id).await).to_string().contains("private_metadata"));
        }
    }
    for client in
        [world.caller(Role::Worker, world.alpha), world.customer(world.alpha, customer.as_str().expect("an id"))]
    {
        let data = client
            .ok(
                "query($c: ID!) { customer(id: $c) { metadata privateMetadata subscription { privateMetadata } } }",
                json!({"c": customer}),
            )
            .await;
        assert_eq!(
            data["customer"],
            json!({"metadata": {"seen": 1}, "privateMetadata": null, "subscription": {"privateMetadata": null}})
        );
    }

    // Written by nobody else.
    let change = json!({"id": customer, "privateMetadata": {"risk": "none"}});
    world
        .forbidden(
            &with(world, &[CustomersRead, CustomersUpdate]),
            "updateCustomer",
            change.clone(),
            "customers.manage",
        )
        .await;
    world
        .forbidden(
            &world.customer(world.alpha, customer.as_str().expect("an id")),
            "updateCustomer",
            change,
            "customers.manage",
        )
        .await;
    world
        .refused(
            &admin,
            "updateCustomer",
            json!({"id": customer, "privateMetadata": [1]}),
            "INVALID_FORMAT",
            "input.privateMetadata",
        )
        .await;
    for (mutation, object, id) in
        [("updateCustomer", "customer", &customer), ("updateSubscription", "subscription", &subscription)]
    {
        let fields = format!("{object} {{ privateMetadata }}");
        let kept = admin.mutate(mutation, json!({"id": id, "metadata": {}}), &fields).await;
        assert_eq!(kept[object]["privateMetadata"], note);
        let cleared = admin.mutate(mutation, json!({"id": id, "privateMetadata": null}), &fields).await;
        assert_eq!(cleared[object]["privateMetadata"], json!({}));
    }
    // Nor told to anybody.
    for event in world.store.system().all::<outbox_event::Entity>().await.expect("the database answers") {
        let told = json!(event.payload);
        assert!(told.is_object() && told.get("private_metadata").is_none(), "{event:?}");
    }
}

#[on_both]
async fn a_child_does_not_learn_who_is_above(world: &World) {
    let reseller = world.caller(Role::Reseller, world.gamma);
    let made =
        reseller.mutate("createOrganization", json!({"name": "Below", "slug": "below"}), "organization { id }").await;
    let below = made["organization"]["id"].clone();
    let tier = json!({"key": "gold", "name": "Gold", "kind": "ORGANIZATION", "rank": 1, "public": true});
    reseller.mutate("createTier", tier, "").await;
    let id = tessera::entity::TypedId::parse(below.as_str().expect("an id")).expect("an organization's");
    let child = world.admin(Tenant { id, ..world.delta });

    let entry = trail(&child, &below).await.remove(0);
    assert_eq!(entry["changes"]["name"]["to"], "Below");
    let gamma = world.gamma.id.to_string();
    assert!(entry["changes"].get("parent_id").is_none() && !entry.to_string().contains(&gamma), "{entry:#}");
    assert!(trail(&reseller, &below).await[0]["changes"]["parent_id"]["to"].is_string());

    let filters = "query($id: ID!) { organizations(where: {parentId: $id}) { nodes { id } totalCount { value } }
            tiers(where: {catalogueOf: $id}) { nodes { key } totalCount { value } } }";
    let of_child = child.ok(filters, json!({"id": gamma})).await;
    let nowhere = child.ok(filters, json!({"id": tessera::entity::OrganizationId::generate().to_string()})).await;
    assert_eq!(of_child, nowhere);
    let of_reseller = reseller.ok(filters, json!({"id": gamma})).await;
    assert_eq!(of_reseller["organizations"]["totalCount"]["value"], 2);
    assert!(each(&of_reseller["tiers"]["nodes"], "key").contains(&json!("gold")));
    let data = child.ok("{ organization { parent { id } } tiers { nodes { key catalogue { id } } } }", json!({})).await;
    assert_eq!(data["organization"]["parent"], Value::Null);
    assert!(
        data["tiers"]["nodes"].as_array().expect("a list").contains(&json!({"key": "gold", "catalogue": null})),
        "it is on offer"
    );
}

#[on_both]
async fn whoever_is_gone_reads_what_everybody_does(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let old = json!({"key": "old", "name": "Old", "kind": "CUSTOMER", "rank": 1, "public": true});
    let old = admin.mutate("createTier", old, "tier { id }").await["tier"]["id"].clone();
    admin.mutate("archiveTier", json!({"id": old}), "").await;
    let ada = world.customer(world.alpha, &customer);
    let change = json!({"id": customer, "name": "Eve", "idempotencyKey": "change"});
    ada.mutate("updateCustomer", change.clone(), "customer { name }").await;

    let tiers = "{ tiers(first: 100) { nodes { id } } }";
    let everybody = "{ a: checkoutTiers { tierId } b: checkoutTiers(kind: CUSTOMER) { tierId }
            c: checkoutTiers(organizationSlug: \"alpha\") { tierId } d: checkoutTiers(organizationSlug: \"alpha\", kind: ORGANIZATION) { tierId } }";
    let offered = world.nobody().ok(everybody, json!({})).await;
    let offered: Vec<Value> = ["a", "b", "c", "d"].iter().flat_map(|part| each(&offered[*part], "tierId")).collect();
    let seen = each(&ada.ok(tiers, json!({})).await["tiers"]["nodes"], "id");
    assert!(seen.contains(&old), "it is shown to who is there");

    admin.mutate("deleteCustomer", json!({"id": customer}), "").await;
    let seen = each(&ada.ok(tiers, json!({})).await["tiers"]["nodes"], "id");
    assert!(!seen.is_empty() && seen.iter().all(|tier| offered.contains(tier)), "{seen:?} of {offered:?}");
    let lists = "{ customers { nodes { id } } subscriptions { nodes { id } } payments { nodes { id } } viewer { customer { id } } }";
    let data = ada.ok(lists, json!({})).await;
    assert_eq!(
        data,
        json!({"customers": {"nodes": []}, "subscriptions": {"nodes": []}, "payments": {"nodes": []}, "viewer": {"customer": null}})
    );
    for id in [&json!(customer), &json!(subscription), &old] {
        assert_eq!(ada.ok("query($id: ID!) { node(id: $id) { id } }", json!({"id": id})).await["node"], Value::Null);
    }
    // Nor by asking for what it did.
    world.refused(&ada, "updateCustomer", change, "NOT_FOUND", "input.idempotencyKey").await;

    // The same for those of an organization that is gone.
    let reseller = world.caller(Role::Reseller, world.gamma);
    let below = world.admin(world.delta);
    assert!(
        each(&below.ok(tiers, json!({})).await["tiers"]["nodes"], "id").contains(&json!(world.delta.basic.to_string()))
    );
    reseller.mutate("deleteOrganization", json!({"id": world.delta.id.to_string()}), "").await;
    let seen = each(&below.ok(tiers, json!({})).await["tiers"]["nodes"], "id");
    let platform = each(&world.nobody().ok("{ checkoutTiers { tierId } }", json!({})).await["checkoutTiers"], "tierId");
    assert!(
        !seen.contains(&json!(world.delta.basic.to_string())) && platform.iter().all(|tier| seen.contains(tier)),
        "{seen:?}"
    );
}

#[on_both]
async fn what_nobody_has_decided_to_show_of_the_trail_is_the_platforms(world: &World) {
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let later = r#"{"name": {"from": null, "to": "Ada"}, "of_a_later_version": {"from": null, "to": 1}}"#;
    world.sql(&format!("UPDATE audit_events SET changes = '{later}' WHERE action = 'customer.create'")).await;
    for (client, is_shown) in [(world.root(), true), (world.admin(world.alpha), false)] {
        let changes = trail(&client, &json!(customer)).await.remove(0)["changes"].clone();
        assert_eq!(changes["name"]["to"], "Ada");
        assert_eq!(changes.get("of_a_later_version").is_some(), is_shown, "{changes}");
    }
}
