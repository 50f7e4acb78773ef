//! Who finds which organizations.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Role;

use super::{LIST, made, of, slugs};
use crate::support::{World, each, on_both};

#[on_both]
async fn a_worker_sees_customers_and_nothing_of_the_organization(world: &World) {
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let id = world.alpha.id.to_string();
    let own = world
        .admin(world.alpha)
        .mutate("ensureSubscription", json!({"organizationId": id}), "subscription { id }")
        .await;
    let own = &own["subscription"]["id"];
    let worker = world.caller(Role::Worker, world.alpha);
    let document = "query($own: ID!) {
            customers { nodes { id organization { id } subscription { status organization { id } } } }
            subscription(id: $own) { id } node(id: $own) { id } nodes(ids: [$own]) { id }
            currentSubscription { id } subscriptions { nodes { owner { __typename } } totalCount { value } }
            mine: subscriptions(where: {ownerKind: ORGANIZATION}) { nodes { id } }
            viewer { role organization { id } } }";
    assert_eq!(
        worker.ok(document, json!({"own": own})).await,
        json!({
            "customers": {"nodes": [{"id": customer, "organization": null, "subscription": {"status": "ACTIVE", "organization": null}}]},
            "subscription": null, "node": null, "nodes": [null], "currentSubscription": null,
            "subscriptions": {"nodes": [{"owner": {"__typename": "Customer"}}], "totalCount": {"value": 1}},
            "mine": {"nodes": []}, "viewer": {"role": "WORKER", "organization": null},
        })
    );
    for document in [
        "query($id: ID!) { organization(id: $id) { id } }",
        "query($id: ID!) { node(id: $id) { id } }",
        "query($id: ID!) { subscriptionStatus(organizationId: $id) { status } }",
        "query($id: ID!) { currentSubscription(organizationId: $id) { id } }",
        "{ organizations { nodes { id } } }",
        "{ organization { id } }",
    ] {
        let answer = worker.send(document, json!({"id": id})).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{document} {:#}", answer.0);
        assert_eq!(answer.0["errors"][0]["extensions"]["permission"], "organizations.read", "{document}");
    }
}

#[on_both]
async fn lists_are_filtered_sorted_and_paged(world: &World) {
    let root = world.root();
    world.pass(TimeDelta::days(1));
    for slug in ["zeta", "eta"] {
        made(world, slug, json!({"name": format!("{} 100%", slug.to_uppercase()), "exempt": slug == "eta"})).await;
    }
    root.mutate("suspendOrganization", json!({"id": world.beta.id.to_string()}), "").await;
    let cases = [
        (json!({}), vec!["alpha", "beta", "delta", "eta", "gamma", "zeta"]),
        (json!({"parentId": world.gamma.id.to_string()}), vec!["delta"]),
        (json!({"ids": [world.alpha.id.to_string(), world.beta.id.to_string()]}), vec!["alpha", "beta"]),
        (json!({"ids": []}), vec![]),
        (json!({"slug": "alpha"}), vec!["alpha"]),
        (json!({"slug": "ALPHA"}), vec![]),
        (json!({"status": {"eq": "SUSPENDED"}}), vec!["beta"]),
        (json!({"status": {"in": ["SUSPENDED", "TERMINATED"]}}), vec!["beta"]),
        (json!({"exempt": true}), vec!["eta"]),
        (json!({"createdAt": {"from": "2026-03-02T00:00:00Z"}}), vec!["eta", "zeta"]),
        (json!({"createdAt": {"to": "2026-03-01T12:00:00Z"}}), vec![]),
        (json!({"search": "ORGANIZATION"}), vec!["alpha", "beta", "delta", "gamma"]),
        (json!({"search": "100%"}), vec!["eta", "zeta"]),
        (json!({"search": "e_a"}), vec![]),
        (json!({"search": "eta", "exempt": false}), vec!["beta", "zeta"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(slugs(&root, filter.clone()).await, expected, "{filter}");
    }
    let order = json!([{"field": "NAME", "direction": "DESC"}]);
    let (mut after, mut seen) = (Value::Null, Vec::new());
    for more in [true, true, false] {
        let page = root.ok(LIST, json!({"first": 2, "after": after, "orderBy": order})).await;
        assert_eq!(page["organizations"]["totalCount"], json!({"value": 6, "exact": true}));
        assert_eq!(page["organizations"]["pageInfo"]["hasNextPage"], json!(more));
        seen.extend(each(&page["organizations"]["nodes"], "slug"));
        after = page["organizations"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, ["zeta", "gamma", "eta", "delta", "beta", "alpha"]);
    let newest = root.ok(LIST, json!({"first": 1})).await;
    assert_eq!(each(&newest["organizations"]["nodes"], "slug"), ["eta"]);

    let answer = root.send(LIST, json!({"where": {"parentId": "cus_x"}})).await;
    assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["organizations"])));
    assert_eq!(
        answer.0["errors"][0]["extensions"]["problems"],
        json!([{"code": "INVALID_ID", "path": ["where", "parentId"]}])
    );
}

#[on_both]
async fn everyone_sees_what_is_theirs(world: &World) {
    assert_eq!(slugs(&world.root(), json!({})).await, ["alpha", "beta", "delta", "gamma"]);
    assert_eq!(slugs(&world.caller(Role::Support, world.alpha), json!({})).await, ["alpha", "beta", "delta", "gamma"]);
    assert_eq!(slugs(&world.caller(Role::Reseller, world.gamma), json!({})).await, ["delta", "gamma"]);
    assert_eq!(slugs(&world.admin(world.delta), json!({})).await, ["delta"]);
    assert_eq!(
        of(&world.admin(world.delta), &world.delta.id.to_string(), "parent { slug }").await,
        json!({"parent": null})
    );
    let document = "query($slug: String) { organization(slug: $slug) { slug } }";
    let admin = world.admin(world.alpha);
    assert_eq!(admin.ok(document, json!({"slug": "beta"})).await["organization"], Value::Null);
    assert_eq!(admin.ok(document, json!({"slug": "alpha"})).await["organization"]["slug"], "alpha");
    assert_eq!(admin.ok(document, json!({})).await["organization"]["slug"], "alpha", "the own one if nothing is named");
    assert_eq!(world.root().ok(document, json!({})).await["organization"], Value::Null);
}
