//! Commands that a client may safely send again: same key and same input, same answer, one effect.

use serde_json::{Value, json};
use tessera::auth::Role;
use tessera::entity::idempotency_key;

use crate::support::{World, on_both, race};

/// How many commands are remembered.
async fn remembered(world: &World) -> u64 {
    world.store.system().count::<idempotency_key::Entity>().await.expect("the database answers")
}

async fn customers(world: &World) -> Value {
    let data = world.admin(world.alpha).ok("{ customers { totalCount { value } } }", json!({})).await;
    data["customers"]["totalCount"]["value"].clone()
}

fn with_key(mut input: Value, key: &str) -> Value {
    input["idempotencyKey"] = json!(key);
    input
}

#[on_both]
async fn a_command_is_what_was_meant_and_not_how_it_was_written(world: &World) {
    let admin = world.admin(world.alpha);
    let payload = "{ customer { id } userErrors { code } }";
    let literal = format!(
        "mutation {{ createCustomer(input: {{name: \"Ada\", idempotencyKey: \"k\", metadata: {{a: [1, {{b: X}}]}},
                subscription: {{billingCycle: MONTHLY, featureOverrides: {{key: \"x\"}}, expiresAt: \"2099-01-01T00:00:00Z\"}}}}) {payload} }}"
    );
    let first = admin.ok(&literal, json!({})).await["createCustomer"]["customer"]["id"].clone();
    assert!(first.is_string());
    let whole = format!("mutation($i: CreateCustomerInput!) {{ createCustomer(input: $i) {payload} }}");
    let parts = format!(
        "mutation($c: BillingCycle, $e: DateTimeOrDate, $k: String, $m: JSON) {{ createCustomer(input: {{idempotencyKey: $k, name: \"\"\"Ada\"\"\",
                metadata: $m, externalRef: $k2, subscription: {{billingCycle: $c, featureOverrides: [{{key: \"x\", enabled: true}}], expiresAt: $e}}}}) {payload} }}"
    ).replace("externalRef: $k2, ", "");
    let terms = |cycle: Value, overrides: Value| json!({"billingCycle": cycle, "featureOverrides": overrides, "expiresAt": "2099-01-01T01:00:00.000+01:00"});
    let input = |terms: Value| json!({"i": {"subscription": terms, "metadata": {"a": [1, {"b": "X"}]}, "name": "Ada", "idempotencyKey": "k"}});
    let mut unsaid = terms(json!("MONTHLY"), json!({"key": "x", "enabled": true}));
    unsaid.as_object_mut().expect("an object").remove("billingCycle");
    for (document, variables) in [
        (&whole, input(terms(json!("MONTHLY"), json!([{"key": "x"}])))),
        (&whole, input(terms(json!("MONTHLY"), json!({"key": "x", "enabled": true})))),
        (&whole, input(unsaid)),
        (&parts, json!({"c": "MONTHLY", "e": "2098-12-31T23:00:00-01:00", "k": "k", "m": {"a": [1, {"b": "X"}]}})),
        (&parts, json!({"e": "2099-01-01T00:00:00Z", "k": "k", "m": {"a": [1, {"b": "X"}]}})),
    ] {
        let data = admin.ok(document, variables.clone()).await;
        assert_eq!(data["createCustomer"], json!({"customer": {"id": first}, "userErrors": []}), "{variables}");
    }
    // Texts that read alike when they are strung together are others.
    let (one, other) = (json!({"a:1,b": 2, "c": "x"}), json!({"a": 1, "b": 2, "c": "x"}));
    let with = |metadata: &Value, key: &str| json!({"name": "Bob", "metadata": metadata, "idempotencyKey": key});
    for (first, second) in [
        (&one, &other),
        (&json!({"a": "1"}), &json!({"a": 1})),
        (&json!({"a": "b\",\"c"}), &json!({"a": "b", "c": ""})),
        (&json!({"a": null}), &json!({})),
    ] {
        let key = format!("{first}{second}");
        admin.mutate("createCustomer", with(first, &key), "customer { id }").await;
        let refusal = admin.refusal("createCustomer", with(second, &key)).await;
        assert_eq!(refusal["code"], "IDEMPOTENCY_KEY_REUSED", "{key}");
    }
}

#[on_both]
async fn a_creation_sent_again_makes_nothing_new(world: &World) {
    let admin = world.admin(world.alpha);
    let root = world.root();
    world.root().mutate("createSubscription", json!({
        "organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers["pro"].to_string()},
    }), "").await;
    let (free, _) = world.subscribed(world.alpha, "Free", world.alpha.basic, json!({})).await;
    let subscription =
        admin.ok("query($id: ID!) { customer(id: $id) { subscription { id } } }", json!({"id": free})).await;
    admin.mutate("deleteSubscription", json!({"id": subscription["customer"]["subscription"]["id"]}), "").await;
    for (client, mutation, input, selection) in [
        (
            &admin,
            "createCustomer",
            json!({"name": "Ada", "externalRef": "a"}),
            "customer { id version subscription { id } }",
        ),
        (
            &root,
            "createOrganization",
            json!({"name": "Acme", "slug": "acme"}),
            "organization { id version subscription { id } }",
        ),
        (
            &admin,
            "createMember",
            json!({"email": "ada@example.com", "name": "Ada", "role": "ADMIN"}),
            "member { id version }",
        ),
        (
            &admin,
            "createTier",
            json!({"key": "gold", "name": "Gold", "kind": "CUSTOMER", "rank": 1}),
            "tier { id version }",
        ),
        (
            &root,
            "createTier",
            json!({"key": "gold", "name": "Gold", "kind": "CUSTOMER", "rank": 1}),
            "tier { id version }",
        ),
        (&admin, "createSubscription", json!({"customerId": free, "terms": {}}), "subscription { id version }"),
        (&admin, "ensureSubscription", json!({"customerId": free}), "subscription { id version }"),
    ] {
        let input = with_key(input, mutation);
        let first = client.mutate(mutation, input.clone(), selection).await;
        let (writes, keys) = (world.writes().await, remembered(world).await);
        for _ in 0..3 {
            assert_eq!(client.mutate(mutation, input.clone(), selection).await, first, "{mutation}");
        }
        assert_eq!((world.writes().await, remembered(world).await), (writes, keys), "{mutation}");
    }
}

#[on_both]
async fn a_change_sent_again_changes_nothing_more(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let state = "subscription { id status version currentPeriodEnd cancelAt tierId }";
    for (mutation, input, selection) in [
        ("updateCustomer", json!({"id": customer, "name": "Ada 2", "expectedVersion": 1}), "customer { name version }"),
        ("suspendCustomer", json!({"id": customer}), "customer { status version }"),
        ("resumeCustomer", json!({"id": customer}), "customer { status version }"),
        ("extendSubscription", json!({"id": subscription, "days": 3, "expectedVersion": 1}), state),
        ("changeTier", json!({"id": subscription, "tierId": world.alpha.plus.to_string()}), state),
        ("suspendSubscription", json!({"id": subscription}), state),
        ("resumeSubscription", json!({"id": subscription}), state),
        ("cancelSubscription", json!({"id": subscription}), state),
        ("undoCancel", json!({"id": subscription}), state),
        ("cancelSubscription", json!({"id": subscription, "timing": "NOW"}), state),
        ("reactivateSubscription", json!({"id": subscription}), state),
        ("updateTier", json!({"id": world.alpha.basic.to_string(), "name": "x"}), "tier { name version }"),
        ("archiveTier", json!({"id": world.alpha.basic.to_string()}), "tier { archivedAt version }"),
        ("createFeature", json!({"key": "storage", "name": "Storage", "kind": "LIMIT"}), "feature { id version }"),
        ("updateOrganization", json!({"id": world.alpha.id.to_string(), "name": "x"}), "organization { name version }"),
    ] {
        let input = with_key(input.clone(), &format!("{mutation} {input}"));
        let first = admin.mutate(mutation, input.clone(), selection).await;
        let writes = world.writes().await;
        assert_eq!(admin.mutate(mutation, input, selection).await, first, "{mutation}");
        assert_eq!(world.writes().await, writes, "{mutation}");
    }
}

#[on_both]
async fn a_deletion_sent_again_answers_as_before(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (_, subscription) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    for (client, mutation, id) in [
        (&admin, "deleteCustomer", &customer),
        (&admin, "deleteSubscription", &subscription),
        (&world.root(), "deleteOrganization", &world.beta.id.to_string()),
    ] {
        let input = json!({"id": id, "idempotencyKey": mutation});
        let first = client.mutate(mutation, input.clone(), "deletedId").await;
        assert_eq!(first["deletedId"], json!(id));
        let writes = world.writes().await;
        assert_eq!(client.mutate(mutation, input, "deletedId").await, first, "{mutation}");
        assert_eq!(world.writes().await, writes);
        world.refused(client, mutation, json!({"id": id, "idempotencyKey": "another"}), "NOT_FOUND", "input.id").await;
    }
    let reseller = world.caller(Role::Reseller, world.gamma);
    let input = json!({"id": world.delta.id.to_string(), "idempotencyKey": "delta"});
    let first = reseller.mutate("deleteOrganization", input.clone(), "deletedId").await;
    assert_eq!(reseller.mutate("deleteOrganization", input, "deletedId").await, first);
    // What belongs to no organization is not mistaken for what belongs to a deleted one.
    let input = json!({"id": world.platform_tiers["pro"].to_string(), "name": "x", "idempotencyKey": "tier"});
    let first = world.root().mutate("updateTier", input.clone(), "tier { version }").await;
    assert_eq!(world.root().mutate("updateTier", input, "tier { version }").await, first);
}

#[on_both]
async fn a_key_is_good_for_one_input_of_one_mutation(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let first = json!({"id": subscription, "days": 7, "idempotencyKey": "k"});
    admin.mutate("extendSubscription", first.clone(), "").await;
    for (mutation, input) in [
        ("extendSubscription", json!({"id": subscription, "days": 8})),
        ("extendSubscription", json!({"id": subscription, "days": 7, "reason": "because"})),
        ("extendSubscription", json!({"id": subscription, "days": 7, "expectedVersion": 2})),
        ("suspendSubscription", json!({"id": subscription})),
        ("updateCustomer", json!({"id": customer, "name": "x"})),
        ("createCustomer", json!({"name": "x"})),
        ("createTier", json!({"key": "x", "name": "x", "kind": "CUSTOMER", "rank": 1})),
        ("ensureSubscription", json!({"customerId": customer})),
    ] {
        world.refused(&admin, mutation, with_key(input, "k"), "IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey").await;
    }
    // Explicit null is another input than nothing said.
    let update = |more: Value| {
        let mut input = json!({"id": customer, "name": "Ada", "idempotencyKey": "null"});
        for (field, value) in more.as_object().expect("more input") {
            input[field] = value.clone();
        }
        input
    };
    admin.mutate("updateCustomer", update(json!({})), "").await;
    world
        .refused(
            &admin,
            "updateCustomer",
            update(json!({"email": null})),
            "IDEMPOTENCY_KEY_REUSED",
            "input.idempotencyKey",
        )
        .await;
    admin.mutate("updateCustomer", update(json!({})), "").await;
    assert_eq!(remembered(world).await, 2);
}

#[on_both]
async fn keys_belong_to_their_caller(world: &World) {
    let (_, subscription) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    let input = json!({"id": subscription, "days": 1, "idempotencyKey": "k"});
    let before = world.writes().await;
    let callers = [
        world.admin(world.delta),
        world.caller(Role::Reseller, world.gamma),
        world.root(),
        world.admins(world.delta, 1)[0].clone(),
    ];
    for (index, caller) in callers.iter().enumerate() {
        let payload = caller.mutate("extendSubscription", input.clone(), "subscription { version }").await;
        assert_eq!(payload["subscription"]["version"], json!(index + 2));
    }
    assert_eq!(world.writes().await, before + 4);
    // The same subject in another organization is another caller.
    for tenant in [world.alpha, world.beta] {
        world.admin(tenant).mutate("createCustomer", json!({"name": "x", "idempotencyKey": "same"}), "").await;
    }
    assert_eq!(world.writes().await, before + 8);
}

#[on_both]
async fn a_refused_command_is_not_remembered(world: &World) {
    let admin = world.admin(world.alpha);
    admin.mutate("createCustomer", json!({"name": "Taken", "externalRef": "taken"}), "").await;
    let input = json!({"name": "Ada", "externalRef": "taken", "idempotencyKey": "k"});
    world.refused(&admin, "createCustomer", input.clone(), "DUPLICATE", "input.externalRef").await;
    world.refused(&admin, "createCustomer", input.clone(), "DUPLICATE", "input.externalRef").await;
    assert_eq!(remembered(world).await, 0);
    let taken = admin.ok("{ customers { nodes { id } } }", json!({})).await["customers"]["nodes"][0]["id"].clone();
    admin.mutate("updateCustomer", json!({"id": taken, "externalRef": null}), "").await;
    let made = admin.mutate("createCustomer", input.clone(), "customer { id }").await;
    assert_eq!(admin.mutate("createCustomer", input, "customer { id }").await, made);

    // Nor is one with bad input, or one that is forbidden: the mended input may have the key.
    world
        .refused(&admin, "createCustomer", json!({"name": " ", "idempotencyKey": "b"}), "REQUIRED", "input.name")
        .await;
    world
        .forbidden(
            &admin,
            "createOrganization",
            json!({"name": "x", "slug": "x", "idempotencyKey": "b"}),
            "organizations.manage",
        )
        .await;
    admin.mutate("createCustomer", json!({"name": "Bob", "idempotencyKey": "b"}), "").await;
}

#[on_both]
async fn a_command_that_fails_in_the_middle_of_its_writes_leaves_nothing(world: &World) {
    let admin = world.admin(world.alpha);
    let input = json!({"name": "Ada", "idempotencyKey": "k"});
    let document = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }";
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    world.sql(&rename("outbox_events", "away")).await;
    let answer = admin.send(document, json!({"input": input})).await;
    assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR");
    world.sql(&rename("away", "outbox_events")).await;
    assert_eq!((world.writes().await, remembered(world).await, customers(world).await), (0, 0, json!(0)));
    let made = admin.mutate("createCustomer", input.clone(), "customer { id }").await;
    assert_eq!(admin.mutate("createCustomer", input, "customer { id }").await, made);
    assert_eq!((world.writes().await, remembered(world).await, customers(world).await), (2, 1, json!(1)));
}

#[on_both]
async fn what_was_deleted_since_is_not_shown_again(world: &World) {
    let admin = world.admin(world.alpha);
    let made = with_key(json!({"name": "Ada"}), "made");
    let first = admin.mutate("createCustomer", made.clone(), "customer { id }").await;
    let renamed = with_key(json!({"id": first["customer"]["id"], "name": "Eve"}), "renamed");
    admin.mutate("updateCustomer", renamed.clone(), "").await;
    let gone = with_key(json!({"id": first["customer"]["id"]}), "gone");
    let deleted = admin.mutate("deleteCustomer", gone.clone(), "deletedId").await;
    world.refused(&admin, "createCustomer", made, "NOT_FOUND", "input.idempotencyKey").await;
    world.refused(&admin, "updateCustomer", renamed, "NOT_FOUND", "input.idempotencyKey").await;
    assert_eq!(admin.mutate("deleteCustomer", gone, "deletedId").await, deleted);
}

#[on_both]
async fn a_change_that_lost_its_organization_is_not_done_again(world: &World) {
    let root = world.root();
    let key = json!({"organizationId": world.beta.id.to_string(), "name": "Ada", "idempotencyKey": "k"});
    root.mutate("createCustomer", key.clone(), "customer { id }").await;
    root.mutate("deleteOrganization", json!({"id": world.beta.id.to_string()}), "deletedId").await;
    world.refused(&root, "createCustomer", key.clone(), "NOT_FOUND", "input.idempotencyKey").await;
    world.refused(&root, "createCustomer", with_key(key, "another"), "NOT_FOUND", "input.organizationId").await;
    assert_eq!(remembered(world).await, 1, "a key whose organization is not there is not taken");
}

#[on_both]
async fn a_key_has_at_most_255_characters(world: &World) {
    let admin = world.admin(world.alpha);
    for (key, code) in [
        ("k".repeat(256), "TOO_LONG"),
        ("é".repeat(256), "TOO_LONG"),
        (String::new(), "REQUIRED"),
        ("  ".to_owned(), "REQUIRED"),
        ("a\u{0}b".to_owned(), "INVALID_FORMAT"),
    ] {
        for (mutation, input) in [
            ("createCustomer", json!({"name": "Ada"})),
            ("updateOrganization", json!({"id": world.alpha.id.to_string(), "name": "x"})),
            ("createTier", json!({"key": "x", "name": "x", "kind": "CUSTOMER", "rank": 1})),
            ("ensureSubscription", json!({"organizationId": world.alpha.id.to_string()})),
        ] {
            world.refused(&admin, mutation, with_key(input, &key), code, "input.idempotencyKey").await;
        }
    }
    assert_eq!(remembered(world).await, 0);
    for key in ["k".repeat(255), "é".repeat(255), "🔑".repeat(255), "' OR 1=1 --".to_owned()] {
        let first = admin.mutate("createCustomer", with_key(json!({"name": "Ada"}), &key), "customer { id }").await;
        assert_eq!(
            admin.mutate("createCustomer", with_key(json!({"name": "Ada"}), &key), "customer { id }").await,
            first
        );
    }
    assert_eq!((remembered(world).await, customers(world).await), (4, json!(4)));
}

#[on_both]
async fn sixteen_at_once_do_it_once(world: &World) {
    let clients = vec![world.admin(world.alpha); 16];
    for round in 0..10 {
        let before = world.writes().await;
        let input =
            json!({"name": "Ada", "externalRef": format!("r{round}"), "idempotencyKey": format!("create-{round}")});
        let payloads =
            race(&clients, "createCustomer", vec![input; 16], "customer { id version subscription { id } }").await;
        assert!(payloads.iter().all(|payload| *payload == payloads[0]), "round {round}: {payloads:#?}");
        assert_eq!(payloads[0]["userErrors"], json!([]));
        assert_eq!(world.writes().await, before + 2, "round {round}: one customer and its subscription");

        let subscription = &payloads[0]["customer"]["subscription"]["id"];
        let input =
            json!({"id": subscription, "days": 1, "expectedVersion": 1, "idempotencyKey": format!("extend-{round}")});
        let payloads =
            race(&clients, "extendSubscription", vec![input; 16], "subscription { version trialEndsAt }").await;
        assert!(payloads.iter().all(|payload| *payload == payloads[0]), "round {round}: {payloads:#?}");
        assert_eq!(payloads[0]["subscription"]["version"], 2);

        let input = json!({"id": subscription, "idempotencyKey": format!("delete-{round}")});
        let payloads = race(&clients, "deleteSubscription", vec![input; 16], "deletedId").await;
        assert!(
            payloads.iter().all(|payload| *payload == payloads[0] && payload["deletedId"] == *subscription),
            "round {round}"
        );
        assert_eq!(world.writes().await, before + 4, "round {round}");

        // What belongs to no organization yet, or to none at all.
        let roots = vec![world.root(); 16];
        let organization =
            json!({"name": "Acme", "slug": format!("acme-{round}"), "idempotencyKey": format!("organization-{round}")});
        let tier = json!({"key": format!("tier-{round}"), "name": "Gold", "kind": "CUSTOMER", "rank": 1, "idempotencyKey": format!("tier-{round}")});
        for (mutation, input, selection, writes) in [
            ("createOrganization", organization, "organization { id version subscription { id } }", 2),
            ("createTier", tier, "tier { id version }", 1),
        ] {
            let before = world.writes().await;
            let payloads = race(&roots, mutation, vec![input; 16], selection).await;
            assert!(payloads.iter().all(|payload| *payload == payloads[0]), "round {round}: {payloads:#?}");
            assert_eq!(payloads[0]["userErrors"], json!([]));
            assert_eq!(world.writes().await, before + writes, "round {round}: {mutation}");
        }
    }
    assert_eq!(customers(world).await, 10);
}

#[on_both]
async fn two_commands_at_once_with_one_key_are_told_apart(world: &World) {
    let clients = vec![world.admin(world.alpha); 16];
    for round in 0..10 {
        let before = world.writes().await;
        let inputs = (0..16)
            .map(|number| json!({"name": format!("c{number}"), "idempotencyKey": format!("k{round}")}))
            .collect();
        let payloads = race(&clients, "createCustomer", inputs, "customer { id }").await;
        let (won, lost): (Vec<_>, Vec<_>) = payloads.iter().partition(|payload| payload["userErrors"] == json!([]));
        assert_eq!(won.len(), 1, "round {round}");
        for payload in lost {
            let refusal = &payload["userErrors"][0];
            assert_eq!(
                (&refusal["code"], &refusal["path"]),
                (&json!("IDEMPOTENCY_KEY_REUSED"), &json!(["input", "idempotencyKey"]))
            );
        }
        assert_eq!(world.writes().await, before + 2, "round {round}");
    }
}

#[on_both]
async fn the_same_input_in_another_notation_is_the_same(world: &World) {
    let admin = world.admin(world.alpha);
    let literal = "mutation { createCustomer(input: {idempotencyKey: \"k\", name: \"Ada\", metadata: {b: 1, a: [true]}}) { customer { id } userErrors { code } } }";
    let variables = "mutation($name: String!, $key: String, $metadata: JSON) {
            createCustomer(input: {name: $name, metadata: $metadata, idempotencyKey: $key}) { customer { id } userErrors { code } } }";
    let first = admin.ok(literal, json!({})).await;
    assert!(first["createCustomer"]["customer"]["id"].is_string());
    let again = admin.ok(variables, json!({"key": "k", "name": "Ada", "metadata": {"a": [true], "b": 1}})).await;
    assert_eq!(again, first);
    assert_eq!(customers(world).await, 1);
}
