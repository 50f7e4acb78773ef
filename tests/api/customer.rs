//! Customers: lists, creation with a subscription, changes, refusals.

mod limit;
mod list;

use serde_json::{Value, json};

use crate::support::{World, on_both};

const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $where: CustomerFilter, $orderBy: [CustomerOrder!]) {
    customers(first: $first, after: $after, last: $last, before: $before, where: $where, orderBy: $orderBy) {
        nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount { value exact }
    }
}";

fn names(data: &Value) -> Vec<&str> {
    let nodes = data["customers"]["nodes"].as_array().expect("nodes");
    nodes.iter().map(|node| node["name"].as_str().expect("a name")).collect()
}

#[on_both]
async fn a_customer_is_created_with_its_subscription(world: &World) {
    let input = json!({
        "name": "  Ada Ltd ", "email": "Ada@Example.com", "externalRef": "crm-1", "metadata": {"segment": "a"},
        "subscription": {"tierId": world.alpha.plus.to_string(), "billingCycle": "YEARLY"},
    });
    let selection = "customer { name email externalRef status metadata version tierId
            subscription { status tierId billingCycle trialEndsAt price { amountMinor currency } owner { __typename } } }";
    let payload = world.admin(world.alpha).mutate("createCustomer", input, selection).await;
    assert_eq!(
        payload["customer"],
        json!({
            "name": "Ada Ltd", "email": "ada@example.com", "externalRef": "crm-1", "status": "ACTIVE",
            "metadata": {"segment": "a"}, "version": 1, "tierId": world.alpha.plus.to_string(),
            "subscription": {
                "status": "TRIALING", "tierId": world.alpha.plus.to_string(), "billingCycle": "YEARLY",
                "trialEndsAt": "2026-03-15T12:00:00Z", "price": {"amountMinor": 19000, "currency": "USD"},
                "owner": {"__typename": "Customer"},
            },
        })
    );
}

#[on_both]
async fn a_customer_without_terms_gets_the_default_trial(world: &World) {
    let selection = "customer { subscription { status tier { key } trialEndsAt billingCycle } }";
    let payload = world.admin(world.alpha).mutate("createCustomer", json!({"name": "Ada"}), selection).await;
    assert_eq!(
        payload["customer"]["subscription"],
        json!({
            "status": "TRIALING", "tier": {"key": "starter"}, "trialEndsAt": "2026-04-01T12:00:00Z", "billingCycle": "MONTHLY",
        })
    );
}

#[on_both]
async fn a_customer_whose_subscription_fails_does_not_stay(world: &World) {
    let admin = world.admin(world.alpha);
    let before = world.writes().await;
    let input = json!({"name": "Ada", "subscription": {"tierId": world.platform_tiers["pro"].to_string()}});
    let refusal = admin.refusal("createCustomer", input).await;
    assert_eq!(refusal["code"], "WRONG_TIER_KIND");
    assert_eq!(refusal["path"], json!(["input", "subscription", "tierId"]));
    let data = admin.ok(LIST, json!({})).await;
    assert_eq!(names(&data), Vec::<&str>::new());
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn an_update_changes_what_is_given_and_clears_nulls(world: &World) {
    let admin = world.admin(world.alpha);
    let input = json!({"name": "Ada", "email": "ada@example.com", "externalRef": "a"});
    let created = admin.mutate("createCustomer", input, "customer { id }").await;
    let id = &created["customer"]["id"];
    let fields = "customer { name email externalRef version }";
    let renamed = admin.mutate("updateCustomer", json!({"id": id, "name": "Ada 2"}), fields).await;
    assert_eq!(
        renamed["customer"],
        json!({"name": "Ada 2", "email": "ada@example.com", "externalRef": "a", "version": 2})
    );
    let cleared = admin.mutate("updateCustomer", json!({"id": id, "email": null}), fields).await;
    assert_eq!(cleared["customer"], json!({"name": "Ada 2", "email": null, "externalRef": "a", "version": 3}));
    let same = admin.mutate("updateCustomer", json!({"id": id, "name": "Ada 2"}), fields).await;
    assert_eq!(same["customer"]["version"], 3, "a change that changes nothing writes nothing");
}

#[on_both]
async fn an_omitted_variable_keeps_the_field(world: &World) {
    let admin = world.admin(world.alpha);
    let created =
        admin.mutate("createCustomer", json!({"name": "Ada", "email": "ada@example.com"}), "customer { id }").await;
    let document = "mutation($id: ID!, $name: String, $email: String) {
            updateCustomer(input: {id: $id, name: $name, email: $email}) { customer { name email } userErrors { code } } }";
    let data = admin.ok(document, json!({"id": created["customer"]["id"], "name": "Eva"})).await;
    assert_eq!(data["updateCustomer"]["customer"], json!({"name": "Eva", "email": "ada@example.com"}));
}

#[on_both]
async fn a_deleted_customer_is_gone(world: &World) {
    let admin = world.admin(world.alpha);
    let (id, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"externalId": "x"})).await;
    let deleted = admin.mutate("deleteCustomer", json!({"id": id, "reason": "asked to"}), "deletedId").await;
    assert_eq!(deleted["deletedId"], json!(id));
    let document = "query($id: ID!, $sub: ID!) { customer(id: $id) { id } node(id: $id) { id } subscription(id: $sub) { status owner { __typename } } }";
    let data = admin.ok(document, json!({"id": id, "sub": subscription})).await;
    assert_eq!(data, json!({"customer": null, "node": null, "subscription": {"status": "CANCELED", "owner": null}}));
    assert_eq!(admin.refusal("updateCustomer", json!({"id": id, "name": "x"})).await["code"], "NOT_FOUND");
}

#[on_both]
async fn bad_input_names_its_field_and_writes_nothing(world: &World) {
    let admin = world.admin(world.alpha);
    world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    admin.mutate("createCustomer", json!({"name": "Taken", "externalRef": "taken"}), "").await;
    let before = world.writes().await;
    let big = "x".repeat(17 * 1024);
    let cases = [
        (json!({"name": "  "}), "REQUIRED", "input.name"),
        (json!({"name": "x".repeat(201)}), "TOO_LONG", "input.name"),
        (json!({"name": "a\u{0}b"}), "INVALID_FORMAT", "input.name"),
        (json!({"name": "A", "email": "no address"}), "INVALID_FORMAT", "input.email"),
        (json!({"name": "A", "externalRef": "taken"}), "DUPLICATE", "input.externalRef"),
        (json!({"name": "A", "metadata": []}), "INVALID_FORMAT", "input.metadata"),
        (json!({"name": "A", "metadata": {"k": big}}), "TOO_LONG", "input.metadata"),
        (json!({"name": "A", "idempotencyKey": " "}), "REQUIRED", "input.idempotencyKey"),
        (json!({"name": "A", "organizationId": world.beta.id.to_string()}), "NOT_FOUND", "input.organizationId"),
        (json!({"name": "A", "organizationId": "cus_x"}), "INVALID_ID", "input.organizationId"),
        (json!({"name": "A", "subscription": {"userLimit": 0}}), "OUT_OF_RANGE", "input.subscription.userLimit"),
        (json!({"name": "A", "subscription": {"userLimit": 100_001}}), "OUT_OF_RANGE", "input.subscription.userLimit"),
        (json!({"name": "A", "subscription": {"trialDays": 731}}), "OUT_OF_RANGE", "input.subscription.trialDays"),
        (
            json!({"name": "A", "subscription": {"tierId": world.beta.basic.to_string()}}),
            "NOT_FOUND",
            "input.subscription.tierId",
        ),
        (json!({"name": "A", "subscription": {"currency": "JPY"}}), "NO_PRICE", "input.subscription.billingCycle"),
    ];
    for (input, code, path) in cases {
        let refusal = admin.refusal("createCustomer", input.clone()).await;
        assert_eq!(refusal["code"], code, "{input}");
        assert_eq!(refusal["path"], json!(path.split('.').collect::<Vec<_>>()), "{input}");
    }
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn malformed_values_are_errors_with_a_path(world: &World) {
    let admin = world.admin(world.alpha);
    for (document, variables) in [
        ("query($id: ID!) { customer(id: $id) { id } }", json!({"id": "sub_01h2xcejqtf2nbrexx3vqjhp41"})),
        ("query($id: ID!) { customer(id: $id) { id } }", json!({"id": "nonsense"})),
    ] {
        let answer = admin.send(document, variables).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        assert_eq!(answer.path(), &json!(["customer"]));
        assert_eq!(answer.0["errors"][0]["extensions"]["problems"], json!([{"code": "INVALID_ID", "path": ["id"]}]));
    }
    let answer = admin.send("{ customers(where: {status: {eq: SLEEPING}}) { nodes { id } } }", json!({})).await;
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
    let variables = json!({"where": {"status": {"eq": "SLEEPING"}}});
    let answer = admin.send(LIST, variables).await;
    assert!(!answer.code().is_empty() && answer.code() != "INTERNAL_SERVER_ERROR", "{:#}", answer.0);
}

#[on_both]
async fn a_customer_changes_its_own_name_and_contacts_and_nothing_else(world: &World) {
    let (id, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (other, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let ada = world.customer(world.alpha, &id);
    let data = ada.ok("{ customers { nodes { name } totalCount { value } } viewer { role organization { id } customer { name } } }", json!({})).await;
    assert_eq!(
        data,
        json!({
            "customers": {"nodes": [{"name": "Ada"}], "totalCount": {"value": 1}},
            "viewer": {"role": "CUSTOMER", "organization": null, "customer": {"name": "Ada"}},
        })
    );
    let own = json!({"id": id, "name": "Ada L.", "phone": " +49 30 123 "});
    let changed = ada.mutate("updateCustomer", own, "customer { name phone }").await;
    assert_eq!(changed["customer"], json!({"name": "Ada L.", "phone": "+49 30 123"}));
    let long = json!({"id": id, "phone": "1".repeat(41)});
    assert_eq!(ada.refusal("updateCustomer", long).await["path"], json!(["input", "phone"]));
    assert_eq!(ada.refusal("updateCustomer", json!({"id": other, "name": "Eve"})).await["code"], "NOT_FOUND");
    let answer = ada.send_mutation("updateCustomer", json!({"id": id, "metadata": {"vip": true}}), "").await;
    assert_eq!(answer.code(), "FORBIDDEN");
    assert_eq!(answer.0["errors"][0]["extensions"]["permission"], "customers.manage");
}

#[on_both]
async fn a_deleted_customer_s_token_shows_nothing(world: &World) {
    let (id, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let ada = world.customer(world.alpha, &id);
    let document = "{ currentSubscription { id } subscriptions { nodes { id } } payments { nodes { id } } }";
    assert!(ada.ok(document, json!({})).await["currentSubscription"].is_object());
    world.admin(world.alpha).mutate("deleteCustomer", json!({"id": id}), "").await;
    let none = json!({"nodes": []});
    let data = ada.ok(document, json!({})).await;
    assert_eq!(data, json!({"currentSubscription": null, "subscriptions": none, "payments": none}));
}

#[on_both]
async fn a_suspended_reseller_has_no_power_below_itself(world: &World) {
    let reseller = world.caller(tessera::auth::Role::Reseller, world.gamma);
    let (id, _) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    reseller.mutate("updateCustomer", json!({"id": id, "name": "Ada 2"}), "").await;
    world.root().mutate("suspendOrganization", json!({"id": world.gamma.id.to_string()}), "").await;
    let before = world.writes().await;
    for (mutation, input) in [
        ("updateCustomer", json!({"id": id, "name": "Ada 3"})),
        ("suspendOrganization", json!({"id": world.delta.id.to_string()})),
    ] {
        let refusal = reseller.refusal(mutation, input).await;
        assert_eq!((&refusal["code"], &refusal["path"]), (&json!("OWNER_INACTIVE"), &json!(["input"])), "{mutation}");
    }
    assert_eq!(world.writes().await, before);
    world.admin(world.delta).mutate("updateCustomer", json!({"id": id, "name": "Ada 4"}), "").await;
}

#[on_both]
async fn a_customer_that_is_shut_off_changes_nothing_itself(world: &World) {
    let admin = world.admin(world.alpha);
    for (step, back) in [("suspendCustomer", Some("resumeCustomer")), ("terminateCustomer", None)] {
        let (id, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
        let ada = world.customer(world.alpha, &id);
        ada.mutate("updateCustomer", json!({"id": id, "name": "Ada 2"}), "").await;
        admin.mutate(step, json!({"id": id}), "").await;
        for (mutation, input) in [
            ("updateCustomer", json!({"id": id, "name": "Ada 3"})),
            ("updateCustomer", json!({"id": id, "email": null})),
            ("cancelSubscription", json!({"id": subscription})),
            ("undoCancel", json!({"id": subscription})),
            ("reactivateSubscription", json!({"id": subscription})),
        ] {
            world.refused(&ada, mutation, input, "OWNER_INACTIVE", "input.id").await;
        }
        let data = ada.ok("{ viewer { customer { name subscription { id } } } }", json!({})).await;
        assert_eq!(
            data["viewer"]["customer"],
            json!({"name": "Ada 2", "subscription": {"id": subscription}}),
            "it reads"
        );
        admin.mutate("updateCustomer", json!({"id": id, "name": "Ada 4"}), "").await;
        if let Some(back) = back {
            admin.mutate(back, json!({"id": id}), "").await;
            ada.mutate("updateCustomer", json!({"id": id, "name": "Ada 5"}), "").await;
        }
    }
}

#[on_both]
async fn what_cannot_be_asked_is_refused_before_anything_runs(world: &World) {
    let admin = world.admin(world.alpha);
    let long = "a".repeat(60_000);
    let beside = "query Q($w: CustomerFilter) { customers(where: $w) { nodes { id } } }";
    for (document, variables) in [
        ("query($id: ID!) { customer(id: $id) { id } }".to_owned(), json!({})),
        ("query($id: ID!) { customer(id: $id) { id } }".to_owned(), json!({"id": null})),
        (beside.to_owned(), json!({"w": {"search": "a\u{0}"}})),
        (beside.to_owned(), json!({"w": {"search": long}})),
        ("{ customers(where: {search: \"\\u0000\"}) { nodes { id } } }".to_owned(), json!({})),
        ("{ checkoutTiers(organizationSlug: \"\\u0000\") { tierId } }".to_owned(), json!({})),
    ] {
        let answer = admin.send(&document, variables).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", &document[..document.len().min(80)]);
    }
    let refusal = admin.refusal("createCustomer", json!({"name": "A", "metadata": {"k": "a\u{0}"}})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("INVALID_FORMAT"), &json!(["input", "metadata"])));
}
