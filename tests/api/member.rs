//! Members: the user limit, the last administrator, changes, lists, refusals.

mod access;
mod limit;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, Tenant, World, each, on_both, race};

const FIELDS: &str = "member { id email name role active version organization { slug } }";

/// Subscribes the organization itself: the subscription's id.
async fn subscribe(world: &World, tenant: Tenant, tier: &str, terms: Value) -> String {
    let mut terms = terms;
    terms["tierId"] = json!(world.platform_tiers[tier].to_string());
    let input = json!({"organizationId": tenant.id.to_string(), "terms": terms});
    let payload = world.root().mutate("createSubscription", input, "subscription { id }").await;
    payload["subscription"]["id"].as_str().expect("an id").to_owned()
}

fn named(name: &str, role: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "name": name, "role": role})
}

/// A new member: its id.
async fn made(client: &Client, name: &str, role: &str) -> String {
    let payload = client.mutate("createMember", named(name, role), "member { id }").await;
    payload["member"]["id"].as_str().expect("an id").to_owned()
}

const LIST: &str = "query($first: Int, $after: String, $where: MemberFilter, $orderBy: [MemberOrder!]) {
    members(first: $first, after: $after, where: $where, orderBy: $orderBy) {
        nodes { name } pageInfo { hasNextPage endCursor } totalCount { value exact } } }";

#[on_both]
async fn a_member_is_created(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let admin = world.admin(world.alpha);
    let input = json!({"email": " Ada@Example.COM ", "name": " Ada ", "role": "ADMIN"});
    let mut created = admin.mutate("createMember", input, FIELDS).await["member"].clone();
    let id = created["id"].take();
    assert!(id.as_str().is_some_and(|id| id.starts_with("mem_")));
    assert_eq!(
        created,
        json!({
            "id": null, "email": "ada@example.com", "name": "Ada", "role": "ADMIN", "active": true, "version": 1,
            "organization": {"slug": "alpha"},
        })
    );
    let data =
        admin.ok("query($id: ID!) { member(id: $id) { email } node(id: $id) { __typename } }", json!({"id": id})).await;
    assert_eq!(data, json!({"member": {"email": "ada@example.com"}, "node": {"__typename": "Member"}}));
    let data = world
        .admin(world.beta)
        .ok("query($id: ID!) { member(id: $id) { email } node(id: $id) { id } }", json!({"id": id}))
        .await;
    assert_eq!(data, json!({"member": null, "node": null}));
}

#[on_both]
async fn the_last_administrator_stays(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let admin = world.admin(world.alpha);
    let ada = made(&admin, "ada", "ADMIN").await;
    let bob = made(&admin, "bob", "WORKER").await;
    for client in [&admin, &world.root()] {
        world.refused(client, "deactivateMember", json!({"id": ada}), "IN_USE", "input.id").await;
        world.refused(client, "updateMember", json!({"id": ada, "role": "WORKER"}), "IN_USE", "input.role").await;
    }
    admin.mutate("updateMember", json!({"id": ada, "name": "Ada L.", "role": "ADMIN"}), "").await;
    admin.mutate("deactivateMember", json!({"id": bob}), "").await;
    admin.mutate("updateMember", json!({"id": bob, "role": "ADMIN"}), "").await;
    world.refused(&admin, "deactivateMember", json!({"id": ada}), "IN_USE", "input.id").await;
    admin.mutate("reactivateMember", json!({"id": bob}), "").await;
    let demoted = admin.mutate("updateMember", json!({"id": ada, "role": "WORKER"}), FIELDS).await;
    assert_eq!(demoted["member"]["role"], "WORKER");
    world.refused(&admin, "deactivateMember", json!({"id": bob}), "IN_USE", "input.id").await;
}

#[on_both]
async fn two_administrators_cannot_remove_each_other(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let clients = world.admins(world.alpha, 2);
    let (ada, bob) = (made(&clients[0], "ada", "ADMIN").await, made(&clients[0], "bob", "ADMIN").await);
    for round in 0..8 {
        let inputs = vec![json!({"id": bob}), json!({"id": ada})];
        let payloads = race(&clients, "deactivateMember", inputs, "member { id }").await;
        let refused: Vec<_> = payloads.iter().filter(|payload| payload["member"].is_null()).collect();
        assert_eq!(refused.len(), 1, "round {round}: {payloads:#?}");
        assert_eq!(refused[0]["userErrors"][0]["code"], "IN_USE");
        let left = if payloads[0]["member"].is_null() { &ada } else { &bob };
        clients[0].mutate("reactivateMember", json!({"id": left}), "").await;
    }
}

#[on_both]
async fn resellers_are_made_by_those_who_manage_organizations(world: &World) {
    for tenant in [world.alpha, world.gamma, world.delta] {
        subscribe(world, tenant, "pro", json!({})).await;
    }
    let admin = world.admin(world.gamma);
    world.forbidden(&admin, "createMember", named("rex", "RESELLER"), "organizations.manage").await;
    let ada = made(&admin, "ada", "ADMIN").await;
    world.forbidden(&admin, "updateMember", json!({"id": ada, "role": "RESELLER"}), "organizations.manage").await;
    let reseller = world.caller(Role::Reseller, world.gamma);
    made(&reseller, "rex", "RESELLER").await;
    reseller.mutate("updateMember", json!({"id": ada, "role": "RESELLER"}), "").await;
    let mut below = named("rex", "RESELLER");
    below["organizationId"] = json!(world.delta.id.to_string());
    world.refused(&reseller, "createMember", below, "CONFLICT", "input.role").await;
}

#[on_both]
async fn nobody_grants_or_takes_more_than_it_holds(world: &World) {
    subscribe(world, world.gamma, "pro", json!({})).await;
    let (admin, reseller) = (world.admin(world.gamma), world.caller(Role::Reseller, world.gamma));
    let rex = made(&reseller, "rex", "RESELLER").await;
    let bob = made(&admin, "bob", "WORKER").await;
    made(&admin, "ada", "ADMIN").await;
    let name = json!({"id": rex, "name": "Rex the first"});
    for (mutation, input) in [
        ("deactivateMember", json!({"id": rex})),
        ("reactivateMember", json!({"id": rex})),
        ("updateMember", json!({"id": rex, "role": "WORKER"})),
    ] {
        world.forbidden(&admin, mutation, input.clone(), "organizations.manage").await;
        reseller.mutate(mutation, input, "").await;
        reseller.mutate("updateMember", json!({"id": rex, "role": "RESELLER"}), "").await;
    }
    admin.mutate("updateMember", name, "").await;
    let reads = [Permission::MembersManage, Permission::MembersRead];
    let staff =
        world.service(world.gamma, &[&reads[..], &[Permission::CustomersRead, Permission::EntitlementsRead]].concat());
    made(&staff, "joe", "WORKER").await;
    staff.mutate("deactivateMember", json!({"id": bob}), "").await;
    world.forbidden(&staff, "createMember", named("eve", "ADMIN"), "organizations.read").await;
    world.forbidden(&staff, "updateMember", json!({"id": bob, "role": "ADMIN"}), "organizations.read").await;
    let clerk = world.service(world.gamma, &reads);
    world.forbidden(&clerk, "reactivateMember", json!({"id": bob}), "customers.read").await;
}

#[on_both]
async fn an_address_is_unique_in_its_organization(world: &World) {
    for tenant in [world.alpha, world.beta] {
        subscribe(world, tenant, "pro", json!({})).await;
    }
    let admin = world.admin(world.alpha);
    made(&admin, "ada", "ADMIN").await;
    let bob = made(&admin, "bob", "WORKER").await;
    let shouted = json!({"email": "ADA@EXAMPLE.COM", "name": "Ada", "role": "WORKER"});
    world.refused(&admin, "createMember", shouted, "DUPLICATE", "input.email").await;
    // One address is one member, however it is written.
    let address = |email: &str| json!({"email": email, "name": "Eve", "role": "WORKER"});
    world.refused(&admin, "createMember", address("\"ada\"@example.com"), "INVALID_FORMAT", "input.email").await;
    admin.mutate("createMember", address("eve@ex\u{e4}mple.com"), "").await;
    world.refused(&admin, "createMember", address("eve@xn--exmple-cua.com"), "DUPLICATE", "input.email").await;
    admin.mutate("deactivateMember", json!({"id": bob}), "").await;
    world.refused(&admin, "createMember", named("bob", "WORKER"), "DUPLICATE", "input.email").await;
    made(&world.admin(world.beta), "ada", "ADMIN").await;
}

#[on_both]
async fn bad_input_names_its_field_and_writes_nothing(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let admin = world.admin(world.alpha);
    let ada = made(&admin, "ada", "ADMIN").await;
    let with = |field: &str, value: Value| {
        let mut input = named("bob", "WORKER");
        input[field] = value;
        input
    };
    for (input, code, path) in [
        (with("email", json!(" ")), "REQUIRED", "input.email"),
        (with("email", json!("nobody")), "INVALID_FORMAT", "input.email"),
        (
            with("email", json!(format!("a@{}", [63, 63, 63, 61].map(|length| "x".repeat(length)).join(".")))),
            "TOO_LONG",
            "input.email",
        ),
        (with("name", json!("")), "REQUIRED", "input.name"),
        (with("name", json!("x".repeat(201))), "TOO_LONG", "input.name"),
        (with("organizationId", json!(world.beta.id.to_string())), "NOT_FOUND", "input.organizationId"),
        (with("organizationId", json!(ada)), "INVALID_ID", "input.organizationId"),
    ] {
        world.refused(&admin, "createMember", input, code, path).await;
    }
    world.refused(&world.root(), "createMember", named("bob", "WORKER"), "REQUIRED", "input.organizationId").await;
    for (mutation, input, code, path) in [
        ("updateMember", json!({"id": ada, "name": " "}), "REQUIRED", "input.name"),
        (
            "updateMember",
            json!({"id": ada, "name": "x", "expectedVersion": 7}),
            "STALE_VERSION",
            "input.expectedVersion",
        ),
        ("deactivateMember", json!({"id": ada, "expectedVersion": 7}), "STALE_VERSION", "input.expectedVersion"),
        ("updateMember", json!({"id": world.alpha.id.to_string(), "name": "x"}), "INVALID_ID", "input.id"),
        ("deactivateMember", json!({"id": "mem_01h2xcejqtf2nbrexx3vqjhp41"}), "NOT_FOUND", "input.id"),
    ] {
        world.refused(&admin, mutation, input, code, path).await;
    }
    world
        .refused(&world.admin(world.beta), "updateMember", json!({"id": ada, "name": "x"}), "NOT_FOUND", "input.id")
        .await;
    let answer = admin.send_mutation("updateMember", json!({"id": ada, "email": "new@example.com"}), "").await;
    assert!(!answer.0["errors"].is_null(), "an address never changes");
    let answer = admin.send_mutation("createMember", with("role", json!("OWNER")), "").await;
    assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()), "{:#}", answer.0);
}

#[on_both]
async fn permissions_are_asked_for(world: &World) {
    subscribe(world, world.alpha, "pro", json!({})).await;
    let ada = made(&world.admin(world.alpha), "ada", "ADMIN").await;
    let support = world.caller(Role::Support, world.alpha);
    assert_eq!(each(&support.ok(LIST, json!({})).await["members"]["nodes"], "name"), ["ada"]);
    for client in [&support, &world.caller(Role::Worker, world.alpha)] {
        world.forbidden(client, "createMember", named("x", "WORKER"), "members.manage").await;
        world.forbidden(client, "updateMember", json!({"id": ada, "name": "x"}), "members.manage").await;
        world.forbidden(client, "deactivateMember", json!({"id": ada}), "members.manage").await;
        world.forbidden(client, "reactivateMember", json!({"id": ada}), "members.manage").await;
    }
    let worker = world.caller(Role::Worker, world.alpha);
    for document in [LIST, "query($id: ID) { member(id: $id) { id } }", "query($id: ID) { node(id: $id) { id } }"] {
        let document = document.replace("$id: ID)", "$id: ID!)");
        let answer = worker.send(&document, json!({"id": ada})).await;
        assert_eq!(
            (answer.code(), &answer.0["errors"][0]["extensions"]["permission"]),
            ("FORBIDDEN", &json!("members.read"))
        );
    }
}

#[on_both]
async fn lists_are_filtered_sorted_and_paged(world: &World) {
    subscribe(world, world.gamma, "pro", json!({})).await;
    subscribe(world, world.delta, "pro", json!({})).await;
    let reseller = world.caller(Role::Reseller, world.gamma);
    for (name, role) in [("Ada", "ADMIN"), ("bob", "WORKER"), ("Cid", "WORKER"), ("d_n", "RESELLER")] {
        made(&reseller, name, role).await;
        world.pass(TimeDelta::hours(1));
    }
    made(&world.admin(world.delta), "Eve", "ADMIN").await;
    let bob =
        reseller.ok("{ members(where: {search: \"BOB@\"}) { nodes { id } } }", json!({})).await["members"]["nodes"][0]
            ["id"]
            .clone();
    reseller.mutate("deactivateMember", json!({"id": bob}), "").await;
    let cases = [
        (json!({}), vec!["Ada", "bob", "Cid", "d_n", "Eve"]),
        (json!({"organizationId": world.delta.id.to_string()}), vec!["Eve"]),
        (json!({"organizationId": world.alpha.id.to_string()}), vec![]),
        (json!({"role": {"eq": "WORKER"}}), vec!["bob", "Cid"]),
        (json!({"role": {"in": ["ADMIN", "RESELLER"]}}), vec!["Ada", "d_n", "Eve"]),
        (json!({"active": false}), vec!["bob"]),
        (json!({"active": true, "role": {"eq": "WORKER"}}), vec!["Cid"]),
        (json!({"email": "ADA@example.com"}), vec!["Ada"]),
        (json!({"search": "d_n"}), vec!["d_n"]),
        (json!({"search": "a_a"}), vec![]),
        (json!({"search": "CI"}), vec!["Cid"]),
        (json!({"createdAt": {"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T15:00:00Z"}}), vec!["bob", "Cid"]),
    ];
    let order = json!([{"field": "NAME"}]);
    for (filter, expected) in cases {
        let data = reseller.ok(LIST, json!({"where": filter, "orderBy": order})).await;
        assert_eq!(each(&data["members"]["nodes"], "name"), expected, "{filter}");
        assert_eq!(data["members"]["totalCount"]["value"], json!(expected.len()), "{filter}");
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    for more in [true, true, false] {
        let page = reseller
            .ok(LIST, json!({"first": 2, "after": after, "orderBy": [{"field": "EMAIL", "direction": "DESC"}]}))
            .await;
        assert_eq!(page["members"]["pageInfo"]["hasNextPage"], json!(more));
        seen.extend(each(&page["members"]["nodes"], "name"));
        after = page["members"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, ["Eve", "d_n", "Cid", "bob", "Ada"]);
    let nested = "{ organizations(orderBy: [{field: SLUG}]) { nodes { slug
            members(first: 1, where: {active: true}, orderBy: [{field: NAME, direction: DESC}]) { nodes { name } pageInfo { hasNextPage } totalCount { value } } } } }";
    assert_eq!(
        reseller.ok(nested, json!({})).await["organizations"]["nodes"],
        json!([
            {"slug": "delta", "members": {"nodes": [{"name": "Eve"}], "pageInfo": {"hasNextPage": false}, "totalCount": {"value": 1}}},
            {"slug": "gamma", "members": {"nodes": [{"name": "d_n"}], "pageInfo": {"hasNextPage": true}, "totalCount": {"value": 3}}},
        ])
    );
}
