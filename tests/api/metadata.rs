//! Metadata: what can be stored can be read, and what cannot be read does not take the rest with it.

use serde_json::{Map, Value, json};
use tessera::entity::TypedId as _;
use tessera::entity::json::parse;

use crate::support::{Backend, Client, World, ask, on_both, reference};

/// An object in an object and so on, so many levels of them.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

/// The answer as a client reads it who knows of no keys but its own.
async fn read(client: &Client, document: &str, variables: Value) -> Value {
    let told = ask(client, document, &variables).await;
    if told.is_written {
        let expected = reference(client, document, &variables).await.text;
        assert_eq!(told.text, expected, "the two engines differ: {document}");
    }
    parse(&told.text).expect("JSON")
}

const OBJECTS: [(&str, &str, &str); 3] = [
    ("createCustomer", "customer", "customers"),
    ("createOrganization", "organization", "organizations"),
    ("createSubscription", "subscription", "subscriptions"),
];

/// The input that makes an object with this metadata.
async fn input(world: &World, mutation: &str, number: usize, metadata: Value) -> Value {
    match mutation {
        "createCustomer" => json!({"name": "Ada", "metadata": metadata}),
        "createOrganization" => json!({"name": "Ada", "slug": format!("ada-{number}"), "metadata": metadata}),
        _ => {
            let (id, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
            world
                .admin(world.alpha)
                .mutate("cancelSubscription", json!({"id": subscription, "timing": "NOW"}), "")
                .await;
            json!({"customerId": id, "terms": {"tierId": world.alpha.basic.to_string(), "metadata": metadata}})
        }
    }
}

#[on_both]
async fn metadata_comes_back_as_it_was_given(world: &World) {
    let root = world.root();
    let documents = [
        json!({}),
        nested(32),
        (0..1_000).map(|number| (number.to_string(), json!(1))).collect::<Map<_, _>>().into(),
        json!({"$serde_json::private::RawValue": "{\"a\":1}"}),
        json!({"$serde_json::private::Number": "1"}),
        json!({"a": [{"$serde_json::private::RawValue": "[", "b": {"$serde_json::private::Number": []}}]}),
        json!({"max": u64::MAX, "min": i64::MIN, "safe": 9_007_199_254_740_993_u64, "float": 0.1, "small": 5e-324, "third": 1.0 / 3.0}),
        json!({"text": "\\u0000", "emoji": "😀", "\\u0000": "\u{7f}\u{1}\u{2028}", "": null}),
        json!({"list": [[], {}, [null, true, "a"]]}),
    ];
    for (mutation, object, list) in OBJECTS {
        for (number, document) in documents.iter().enumerate() {
            let input = input(world, mutation, number, document.clone()).await;
            let client = if mutation == "createOrganization" { world.root() } else { world.admin(world.alpha) };
            let payload = client.mutate(mutation, input, &format!("{object} {{ id }}")).await;
            let id = payload[object]["id"].clone();
            let asked = format!(
                "query($id: ID!) {{ {object}(id: $id) {{ metadata }} auditEvents(first: 1, where: {{entityId: $id}}) {{ nodes {{ changes }} }} }}"
            );
            let answer = read(&root, &asked, json!({"id": id})).await;
            assert_eq!(answer["data"][object]["metadata"], *document, "{mutation}");
            assert_eq!(answer["data"]["auditEvents"]["nodes"][0]["changes"]["metadata"]["to"], *document, "{mutation}");
            // What a mutation answers is read in another way.
            let update = object[..1].to_uppercase() + &object[1..];
            let again = format!(
                "mutation($input: Update{update}Input!) {{ u: update{update}(input: $input) {{ {object} {{ metadata tierId }} }} }}"
            );
            let answer = read(&client, &again, json!({"input": {"id": id, "metadata": document}})).await;
            assert_eq!(answer["data"]["u"][object]["metadata"], *document, "{mutation}");
        }
        let answer = read(&root, &format!("{{ {list}(first: 100) {{ nodes {{ metadata }} }} }}"), json!({})).await;
        for document in &documents {
            assert!(
                answer["data"][list]["nodes"].as_array().expect("a list").contains(&json!({"metadata": document})),
                "{list}"
            );
        }
    }
}

#[on_both]
async fn what_could_not_be_read_is_refused(world: &World) {
    let root = world.root();
    let long: Map<_, _> = (0..1_001).map(|number| (number.to_string(), json!(1))).collect();
    let halves = json!({"a": [nested(2), nested(3)], "b": [Value::from(long.clone())]});
    for (document, code) in [
        (nested(33), "TOO_LONG"),
        (json!({"a": (0..31).fold(json!([]), |inner, _| json!([inner]))}), "TOO_LONG"),
        (long.into(), "TOO_LONG"),
        (halves, "TOO_LONG"),
        (json!({"a": "x".repeat(16 * 1024)}), "TOO_LONG"),
        (json!([1]), "INVALID_FORMAT"),
        (json!({"a": ["b\u{0}"]}), "INVALID_FORMAT"),
        (json!({"a\u{0}": 1}), "INVALID_FORMAT"),
        (json!({"a": [{"b": 1e300}]}), "OUT_OF_RANGE"),
        (json!({"a": vec![json!(-1e-300); 60]}), "TOO_LONG"),
        (parse(r#"{"a": 123456789012345678901234567890}"#).expect("JSON"), "OUT_OF_RANGE"),
        (parse(r#"{"a": -9223372036854775809}"#).expect("JSON"), "OUT_OF_RANGE"),
    ] {
        for (number, (mutation, _, _)) in OBJECTS.into_iter().enumerate() {
            let input = input(world, mutation, number, document.clone()).await;
            let before = world.writes().await;
            let client = if mutation == "createOrganization" { &root } else { &world.admin(world.alpha) };
            let refusal = client.refusal(mutation, input).await;
            let path = if mutation == "createSubscription" {
                json!(["input", "terms", "metadata"])
            } else {
                json!(["input", "metadata"])
            };
            assert_eq!((&refusal["code"], &refusal["path"]), (&json!(code), &path), "{mutation}");
            assert_eq!(world.writes().await, before);
        }
    }
    // A literal around a variable is one value.
    let around = format!(
        "mutation($m: JSON) {{ createCustomer(input: {{name: \"Ada\", metadata: {}$m{}}}) {{ userErrors {{ code path }} }} }}",
        "{a: ".repeat(20),
        "}".repeat(20)
    );
    let answer = world.admin(world.alpha).send(&around, json!({"m": nested(20)})).await;
    assert_eq!(
        answer.0["data"]["createCustomer"]["userErrors"],
        json!([{"code": "TOO_LONG", "path": ["input", "metadata"]}])
    );
    let big = "mutation { createCustomer(input: {name: \"Ada\", metadata: {a: 123456789012345678901234567890}}) { userErrors { code } } }";
    let answer = world.admin(world.alpha).send(big, json!({})).await;
    assert_eq!(answer.0["data"]["createCustomer"]["userErrors"], json!([{"code": "OUT_OF_RANGE"}]));
}

#[on_both]
async fn a_document_that_cannot_be_read_is_an_error_of_its_field(world: &World) {
    let (admin, root) = (world.admin(world.alpha), world.root());
    let (deep, of_deep) = world.subscribed(world.alpha, "Deep", world.alpha.basic, json!({})).await;
    world.subscribed(world.alpha, "Good", world.alpha.basic, json!({})).await;
    // As an earlier version stored it.
    let text = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
    for table in ["customers", "subscriptions"] {
        let id = if table == "customers" { &deep } else { &of_deep };
        let uuid =
            tessera::entity::CustomerId::parse(&id.replace("sub_", "cus_")).map(uuid::Uuid::from).expect("an id");
        let uuid = if world.backend == Backend::Sqlite { format!("x'{}'", uuid.simple()) } else { format!("'{uuid}'") };
        world.sql(&format!("UPDATE {table} SET metadata = '{text}' WHERE id = {uuid}")).await;
    }
    world.sql(&format!("UPDATE organizations SET metadata = '{text}' WHERE slug = 'beta'")).await;
    world.sql(&format!("UPDATE audit_events SET changes = '{text}' WHERE action = 'customer.create'")).await;

    let error = |answer: &Value, place: usize| answer["errors"][place]["path"].clone();
    let list = "{ customers(orderBy: [{field: NAME}]) { nodes { name metadata subscription { metadata status } } } }";
    let answer = read(&admin, list, json!({})).await;
    assert_eq!(
        answer["data"]["customers"]["nodes"],
        json!([
            {"name": "Deep", "metadata": null, "subscription": {"metadata": null, "status": "ACTIVE"}},
            {"name": "Good", "metadata": {}, "subscription": {"metadata": {}, "status": "ACTIVE"}},
        ])
    );
    assert_eq!(error(&answer, 0), json!(["customers", "nodes", 0, "metadata"]));
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(2), "{answer:#}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], json!("INTERNAL_SERVER_ERROR"));
    let answer =
        read(&root, "{ organizations(orderBy: [{field: SLUG}]) { nodes { slug metadata } } }", json!({})).await;
    assert_eq!(answer["data"]["organizations"]["nodes"].as_array().map(Vec::len), Some(4));
    let answer = read(&root, "{ auditEvents { nodes { action changes } } }", json!({})).await;
    let events = answer["data"]["auditEvents"]["nodes"].as_array().expect("a list");
    assert!(events.contains(&json!({"action": "customer.create", "changes": null})), "{answer:#}");
    assert!(events.iter().any(|event| event["action"] == json!("subscription.create") && event["changes"].is_object()));
    let without = read(&admin, "{ customers { nodes { name } } }", json!({})).await;
    assert!(without["errors"].is_null(), "nobody asked for it");

    // It goes on, and can be mended.
    let beta = world.beta.id.to_string();
    for (mutation, id) in [
        ("suspendCustomer", &deep),
        ("resumeCustomer", &deep),
        ("suspendOrganization", &beta),
        ("resumeOrganization", &beta),
    ] {
        let client = if mutation.ends_with("Customer") { &admin } else { &root };
        client.mutate(mutation, json!({"id": id}), "").await;
    }
    admin.mutate("updateSubscription", json!({"id": of_deep, "externalId": "x"}), "").await;
    admin.mutate("updateCustomer", json!({"id": deep, "metadata": {"a": 1}}), "customer { metadata }").await;
    let answer = read(&admin, "query($id: ID!) { customer(id: $id) { metadata } auditEvents(first: 1, where: {entityId: $id}) { nodes { changes } } }", json!({"id": deep})).await;
    assert_eq!(answer["data"]["customer"]["metadata"], json!({"a": 1}));
    let from = &answer["data"]["auditEvents"]["nodes"][0]["changes"]["metadata"]["from"];
    assert_eq!(from.as_str().map(|from| from.replace(' ', "")), Some(text.clone()), "what was there is not lost");
    root.mutate("deleteOrganization", json!({"id": beta}), "").await;
    admin.mutate("deleteCustomer", json!({"id": deep}), "").await;
}
