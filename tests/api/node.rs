//! Any object by its id.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, Payer, World, card, on_both, payment};

const NODE: &str = "query($id: ID!) { node(id: $id) { __typename id } }";
const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";

/// One object of every kind of the organization alpha: type, id, and the permission that reading it needs.
async fn one_of_each(world: &World) -> Vec<(&'static str, String, Option<&'static str>)> {
    let admin = world.admin(world.alpha);
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let terms = json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers["pro"].to_string()}});
    world.root().mutate("createSubscription", terms, "").await;
    let member = admin
        .mutate("createMember", json!({"email": "ada@example.com", "name": "Ada", "role": "ADMIN"}), "member { id }")
        .await;
    let payer = Payer { tenant: world.alpha, customer: Some(&customer) };
    let (paid, method) = (payment(payer, &subscription, world.clock.now()), card(payer, world.clock.now()));
    let (paid_id, method_id) = (paid.id.to_string(), method.id.to_string());
    world.put_payments(vec![paid]).await;
    world.put_methods(vec![method]).await;
    let input = json!({"key": "storage", "name": "Storage", "kind": "LIMIT"});
    let feature = admin.mutate("createFeature", input, "feature { id }").await;
    let audit = admin.ok("{ auditEvents(first: 1) { nodes { id } } }", json!({})).await;
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    vec![
        ("Organization", world.alpha.id.to_string(), Some("organizations.read")),
        ("Member", text(&member["member"]["id"]), Some("members.read")),
        ("Customer", customer, None),
        ("SubscriptionContract", subscription, None),
        ("Tier", world.alpha.basic.to_string(), None),
        ("Payment", paid_id, Some("payments.read")),
        ("PaymentMethod", method_id, Some("payments.read")),
        ("AuditEvent", text(&audit["auditEvents"]["nodes"][0]["id"]), Some("audit.read")),
        ("Feature", text(&feature["feature"]["id"]), Some("tiers.manage")),
    ]
}

async fn forbidden(client: &Client, document: &str, variables: Value, permission: &str) {
    let answer = client.send(document, variables.clone()).await;
    assert_eq!(answer.code(), "FORBIDDEN", "{variables} {:#}", answer.0);
    assert_eq!(answer.0["errors"][0]["extensions"]["permission"], permission, "{variables}");
}

#[on_both]
async fn every_kind_is_found_by_its_id(world: &World) {
    let admin = world.admin(world.alpha);
    let kinds = one_of_each(world).await;
    for (kind, id, _) in &kinds {
        assert_eq!(admin.ok(NODE, json!({"id": id})).await["node"], json!({"__typename": kind, "id": id}));
    }
    let ids: Vec<_> = kinds.iter().map(|(_, id, _)| id.clone()).collect();
    let expected: Vec<_> = kinds.iter().map(|(kind, id, _)| json!({"__typename": kind, "id": id})).collect();
    assert_eq!(admin.ok(NODES, json!({"ids": ids})).await["nodes"], json!(expected));
    assert_eq!(world.root().ok(NODES, json!({"ids": ids})).await["nodes"], json!(expected));

    let fields = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Customer { name subscription { status } } ... on SubscriptionContract { owner { ... on Customer { name } } }
            ... on Tier { key } ... on Payment { amount { amountMinor } } ... on PaymentMethod { last4 } ... on Member { email } ... on Organization { slug }
            ... on AuditEvent { action } } }";
    let data = admin.ok(fields, json!({"ids": [ids[2], ids[3], ids[4], ids[5]]})).await;
    assert_eq!(
        data["nodes"],
        json!([
            {"id": ids[2], "name": "Ada", "subscription": {"status": "ACTIVE"}}, {"id": ids[3], "owner": {"name": "Ada"}},
            {"id": ids[4], "key": "basic"}, {"id": ids[5], "amount": {"amountMinor": 900}},
        ])
    );
}

#[on_both]
async fn order_and_gaps_are_kept(world: &World) {
    let admin = world.admin(world.alpha);
    let kinds = one_of_each(world).await;
    let (other, _) = world.subscribed(world.beta, "Eve", world.beta.basic, json!({})).await;
    let (customer, tier, organization) = (&kinds[2].1, &kinds[4].1, &kinds[0].1);
    let unknown = "cus_01h2xcejqtf2nbrexx3vqjhp41";
    let ids = json!([
        tier,
        unknown,
        customer,
        other,
        organization,
        customer,
        world.beta.basic.to_string(),
        world.beta.id.to_string()
    ]);
    let node = |kind: &str, id: &String| json!({"__typename": kind, "id": id});
    assert_eq!(
        admin.ok(NODES, json!({"ids": ids})).await["nodes"],
        json!([
            node("Tier", tier),
            null,
            node("Customer", customer),
            null,
            node("Organization", organization),
            node("Customer", customer),
            null,
            null,
        ])
    );
    assert_eq!(admin.ok(NODES, json!({"ids": []})).await["nodes"], json!([]));
    assert_eq!(
        admin.ok(NODE, json!({"id": other})).await,
        admin.ok(NODE, json!({"id": unknown})).await,
        "foreign is as good as unknown"
    );
    admin.mutate("deleteCustomer", json!({"id": customer}), "").await;
    assert_eq!(admin.ok(NODES, json!({"ids": [customer]})).await["nodes"], json!([null]));
}

#[on_both]
async fn what_is_no_id_is_a_field_error(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let uuid_part = customer.strip_prefix("cus_").expect("a prefix");
    let wrong = [
        String::new(),
        "cus".to_owned(),
        "cus_".to_owned(),
        "nonsense".to_owned(),
        "_".to_owned(),
        uuid_part.to_owned(),
        format!("xyz_{uuid_part}"),
        format!("CUS_{uuid_part}"),
        format!("cus_{}", uuid_part.to_uppercase()),
        format!("cus_{uuid_part}0"),
        format!("cus_8{}", &uuid_part[1..]),
        format!(" {customer}"),
        format!("cus-{uuid_part}"),
        "cus_01h2xcejqtf2nbrexx3vqjhp4u".to_owned(),
        format!("price_{uuid_part}"),
        format!("evt_{uuid_part}"),
    ];
    for id in wrong {
        for (document, variables, field, path) in [
            (NODE, json!({"id": id}), json!(["node"]), "id"),
            (NODES, json!({"ids": [customer, id]}), json!(["nodes", 1]), "ids"),
        ] {
            let answer = admin.send(document, variables).await;
            assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &field), "{id:?} {:#}", answer.0);
            assert_eq!(
                answer.0["errors"][0]["extensions"]["problems"],
                json!([{"code": "INVALID_ID", "path": [path]}]),
                "{id:?}"
            );
        }
    }
    let many = vec![customer.clone(); 101];
    let answer = admin.send(NODES, json!({"ids": many})).await;
    assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()), "{:#}", answer.0);
    assert_eq!(admin.ok(NODES, json!({"ids": vec![customer; 100]})).await["nodes"].as_array().map(Vec::len), Some(100));
}

#[on_both]
async fn each_kind_needs_its_permission(world: &World) {
    let kinds = one_of_each(world).await;
    let worker = world.caller(Role::Worker, world.alpha);
    let powerless = world.service(world.alpha, &[]);
    for (kind, id, permission) in &kinds {
        match permission {
            Some(permission) => {
                forbidden(&worker, NODE, json!({"id": id}), permission).await;
                forbidden(&worker, NODES, json!({"ids": [kinds[2].1, id]}), permission).await;
                forbidden(&powerless, NODE, json!({"id": id}), permission).await;
            }
            None => assert_eq!(worker.ok(NODE, json!({"id": id})).await["node"]["__typename"], json!(kind)),
        }
    }
    for (kind, permission) in [(2, Permission::CustomersRead), (3, Permission::CustomersRead)] {
        forbidden(&powerless, NODE, json!({"id": kinds[kind].1}), permission.as_str()).await;
    }
    let exactly = world.service(world.alpha, &[Permission::PaymentsRead, Permission::CustomersRead]);
    assert_eq!(exactly.ok(NODE, json!({"id": kinds[5].1})).await["node"]["__typename"], "Payment");
}

#[on_both]
async fn a_customer_finds_itself_and_what_is_its(world: &World) {
    let kinds = one_of_each(world).await;
    let (bob, bob_sub) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({})).await;
    let ada = world.customer(world.alpha, &kinds[2].1);
    for index in [2, 3, 4, 5, 6] {
        let (kind, id, _) = &kinds[index];
        assert_eq!(ada.ok(NODE, json!({"id": id})).await["node"]["__typename"], json!(kind));
    }
    assert_eq!(ada.ok(NODES, json!({"ids": [bob, bob_sub]})).await["nodes"], json!([null, null]));
    for (index, permission) in [(0, "organizations.read"), (1, "members.read"), (7, "audit.read")] {
        forbidden(&ada, NODE, json!({"id": kinds[index].1}), permission).await;
    }
}

#[on_both]
async fn without_a_token_there_is_nothing(world: &World) {
    for (_, id, _) in one_of_each(world).await {
        let answer = world.nobody().send(NODE, json!({"id": id})).await;
        assert_eq!((answer.code(), answer.path()), ("UNAUTHENTICATED", &json!(["node"])));
    }
    let answer = world.nobody().send(NODE, json!({"id": "nonsense"})).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED", "not even what an id looks like");
    let answer = world.nobody().send(NODES, json!({"ids": []})).await;
    assert_eq!((answer.code(), answer.path()), ("UNAUTHENTICATED", &json!(["nodes"])));
}
