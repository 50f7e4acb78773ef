//! Organizations: creation with a subscription, who may do what to whom, operational life, lists.

mod life;
mod list;
mod management;
mod proof;

use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Client, World, each, on_both};

const LIST: &str = "query($first: Int, $after: String, $where: OrganizationFilter, $orderBy: [OrganizationOrder!]) {
    organizations(first: $first, after: $after, where: $where, orderBy: $orderBy) {
        nodes { slug } pageInfo { hasNextPage endCursor } totalCount { value exact }
    }
}";

async fn slugs(client: &Client, filter: Value) -> Vec<Value> {
    let order = json!([{"field": "SLUG"}]);
    each(&client.ok(LIST, json!({"where": filter, "orderBy": order})).await["organizations"]["nodes"], "slug")
}

async fn of(client: &Client, id: &str, fields: &str) -> Value {
    let document = format!("query($id: ID!) {{ organization(id: $id) {{ {fields} }} }}");
    client.ok(&document, json!({"id": id})).await["organization"].clone()
}

/// A new organization of the platform's own: its id.
async fn made(world: &World, slug: &str, more: Value) -> String {
    let mut input = json!({"name": slug, "slug": slug});
    for (key, value) in more.as_object().expect("more input") {
        input[key] = value.clone();
    }
    let created = world.root().mutate("createOrganization", input, "organization { id }").await;
    created["organization"]["id"].as_str().expect("an id").to_owned()
}

#[on_both]
async fn an_organization_is_created_with_its_subscription(world: &World) {
    let input = json!({
        "name": " Acme Ltd ", "slug": "acme", "billingEmail": "Billing@Acme.example", "defaultCurrency": "USD",
        "timeZone": "Europe/Madrid", "metadata": {"segment": "b"},
        "subscription": {"tierId": world.platform_tiers["pro"].to_string(), "billingCycle": "YEARLY", "userLimit": 40},
    });
    let fields = "organization { name slug status exempt billingEmail defaultCurrency timeZone metadata version tierId
            parent { id } subscription { status tierId billingCycle userLimit price { amountMinor currency } currentPeriodEnd
            owner { __typename ... on Organization { slug } } } }";
    let pro = world.platform_tiers["pro"].to_string();
    let payload = world.root().mutate("createOrganization", input, fields).await;
    assert_eq!(
        payload["organization"],
        json!({
            "name": "Acme Ltd", "slug": "acme", "status": "ACTIVE", "exempt": false, "billingEmail": "billing@acme.example",
            "defaultCurrency": "USD", "timeZone": "Europe/Madrid", "metadata": {"segment": "b"}, "version": 1, "tierId": pro,
            "parent": null,
            "subscription": {
                "status": "ACTIVE", "tierId": pro, "billingCycle": "YEARLY", "userLimit": 40,
                "price": {"amountMinor": 99000, "currency": "USD"}, "currentPeriodEnd": "2027-03-01T12:00:00Z",
                "owner": {"__typename": "Organization", "slug": "acme"},
            },
        })
    );
}

#[on_both]
async fn an_organization_without_terms_gets_the_default_trial(world: &World) {
    let fields = "organization { defaultCurrency timeZone metadata
            subscription { status tier { key } billingCycle trialEndsAt userLimit effectiveStatus { daysUntilExpiry } } }";
    let payload = world.root().mutate("createOrganization", json!({"name": "Acme", "slug": "acme"}), fields).await;
    assert_eq!(
        payload["organization"],
        json!({
            "defaultCurrency": "USD", "timeZone": "UTC", "metadata": {},
            "subscription": {
                "status": "TRIALING", "tier": {"key": "starter"}, "billingCycle": "MONTHLY",
                "trialEndsAt": "2026-04-01T12:00:00Z", "userLimit": 10, "effectiveStatus": {"daysUntilExpiry": 31},
            },
        })
    );
}

#[on_both]
async fn an_organization_whose_subscription_fails_does_not_stay(world: &World) {
    let root = world.root();
    let cases = [
        (json!({"tierId": world.alpha.basic.to_string()}), "WRONG_TIER_KIND", "input.subscription.tierId"),
        (json!({"currency": "JPY"}), "NO_PRICE", "input.subscription.billingCycle"),
        (json!({"userLimit": 0}), "OUT_OF_RANGE", "input.subscription.userLimit"),
        (json!({"userLimit": 100_001}), "OUT_OF_RANGE", "input.subscription.userLimit"),
        (
            json!({"trialEndsAt": "2026-03-01T11:59:59Z", "startsAt": "2026-02-01T00:00:00Z"}),
            "INVALID_DATE",
            "input.subscription.trialEndsAt",
        ),
    ];
    for (terms, code, path) in cases {
        let input = json!({"name": "Acme", "slug": "acme", "subscription": terms});
        world.refused(&root, "createOrganization", input, code, path).await;
    }
    // Its own currency has no price either.
    let input = json!({"name": "Acme", "slug": "acme", "defaultCurrency": "EUR"});
    world.refused(&root, "createOrganization", input, "NO_PRICE", "input.subscription.billingCycle").await;
    assert_eq!(slugs(&root, json!({"search": "acme"})).await, Vec::<Value>::new());
    made(world, "acme", json!({})).await;
}

#[on_both]
async fn a_reseller_makes_organizations_below_its_own(world: &World) {
    let reseller = world.caller(Role::Reseller, world.gamma);
    let fields = "organization { slug parent { slug } subscription { status } }";
    for (slug, parent) in [("one", json!({})), ("two", json!({"parentId": world.gamma.id.to_string()}))] {
        let mut input = json!({"name": slug, "slug": slug});
        if let Some(id) = parent.get("parentId") {
            input["parentId"] = id.clone();
        }
        let payload = reseller.mutate("createOrganization", input, fields).await;
        assert_eq!(
            payload["organization"],
            json!({"slug": slug, "parent": {"slug": "gamma"}, "subscription": {"status": "TRIALING"}})
        );
    }
    assert_eq!(slugs(&reseller, json!({})).await, ["delta", "gamma", "one", "two"]);

    let below = |parent: &dyn std::fmt::Display| json!({"name": "x", "slug": "x", "parentId": parent.to_string()});
    world.refused(&reseller, "createOrganization", below(&world.alpha.id), "NOT_FOUND", "input.parentId").await;
    world.refused(&reseller, "createOrganization", below(&world.delta.id), "CONFLICT", "input.parentId").await;
    world.refused(&world.root(), "createOrganization", below(&world.delta.id), "CONFLICT", "input.parentId").await;
    world.refused(&reseller, "createOrganization", below(&"cus_x"), "INVALID_ID", "input.parentId").await;
    let exempt = json!({"name": "x", "slug": "x", "exempt": true});
    world.forbidden(&reseller, "createOrganization", exempt, "platform.manage").await;
    let input = json!({"name": "x", "slug": "x"});
    world.forbidden(&world.admin(world.alpha), "createOrganization", input.clone(), "organizations.manage").await;
    world
        .forbidden(
            &world.caller(Role::Support, world.alpha),
            "createOrganization",
            input.clone(),
            "subscriptions.manage",
        )
        .await;
    world
        .forbidden(
            &world.caller(Role::Worker, world.alpha),
            "createOrganization",
            input.clone(),
            "subscriptions.manage",
        )
        .await;

    world.root().mutate("suspendOrganization", json!({"id": world.gamma.id.to_string()}), "").await;
    world.refused(&reseller, "createOrganization", input, "OWNER_INACTIVE", "input").await;
}

#[on_both]
async fn the_platform_makes_organizations_below_a_reseller(world: &World) {
    let id = made(world, "epsilon", json!({"parentId": world.gamma.id.to_string(), "exempt": true})).await;
    let data = of(&world.caller(Role::Reseller, world.gamma), &id, "slug exempt parent { slug }").await;
    assert_eq!(data, json!({"slug": "epsilon", "exempt": true, "parent": {"slug": "gamma"}}));
    assert_eq!(of(&world.admin(world.alpha), &id, "slug").await, Value::Null);
}

#[on_both]
async fn bad_input_names_its_field_and_writes_nothing(world: &World) {
    let root = world.root();
    let cases = [
        (json!({"name": "  ", "slug": "acme"}), "REQUIRED", "input.name"),
        (json!({"name": "x".repeat(201), "slug": "acme"}), "TOO_LONG", "input.name"),
        (json!({"name": "A", "slug": ""}), "REQUIRED", "input.slug"),
        (json!({"name": "A", "slug": "Acme"}), "INVALID_FORMAT", "input.slug"),
        (json!({"name": "A", "slug": "-acme"}), "INVALID_FORMAT", "input.slug"),
        (json!({"name": "A", "slug": "acme-"}), "INVALID_FORMAT", "input.slug"),
        (json!({"name": "A", "slug": "ac me"}), "INVALID_FORMAT", "input.slug"),
        (json!({"name": "A", "slug": "äcme"}), "INVALID_FORMAT", "input.slug"),
        (json!({"name": "A", "slug": "a".repeat(64)}), "TOO_LONG", "input.slug"),
        (json!({"name": "A", "slug": "alpha"}), "DUPLICATE", "input.slug"),
        (json!({"name": "A", "slug": "acme", "billingEmail": "nobody"}), "INVALID_FORMAT", "input.billingEmail"),
        (json!({"name": "A", "slug": "acme", "timeZone": "Mars/Base"}), "INVALID_FORMAT", "input.timeZone"),
        (json!({"name": "A", "slug": "acme", "metadata": [1]}), "INVALID_FORMAT", "input.metadata"),
        (json!({"name": "A", "slug": "acme", "metadata": {"k": "x".repeat(17 * 1024)}}), "TOO_LONG", "input.metadata"),
        (json!({"name": "A", "slug": "acme", "idempotencyKey": "k".repeat(256)}), "TOO_LONG", "input.idempotencyKey"),
    ];
    for (input, code, path) in cases {
        world.refused(&root, "createOrganization", input, code, path).await;
    }
    let both = root.attempt("createOrganization", json!({"name": "", "slug": "_", "timeZone": "x"}), "").await;
    let paths: Vec<_> =
        both["userErrors"].as_array().expect("a list").iter().map(|error| error["path"][1].clone()).collect();
    assert_eq!(paths, ["name", "slug", "timeZone"], "all problems are told at once");
    let answer =
        root.send_mutation("createOrganization", json!({"name": "A", "slug": "a", "defaultCurrency": "ABC"}), "").await;
    assert_eq!(answer.0["data"], Value::Null);
    assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()), "{:#}", answer.0);
    made(world, &"a".repeat(63), json!({})).await;
}

#[on_both]
async fn an_update_changes_what_is_given(world: &World) {
    let admin = world.admin(world.alpha);
    let id = world.alpha.id.to_string();
    let fields = "organization { name slug billingEmail defaultCurrency timeZone metadata version }";
    let renamed = admin
        .mutate("updateOrganization", json!({"id": id, "name": "Alpha 2", "timeZone": "Asia/Tokyo"}), fields)
        .await;
    assert_eq!(
        renamed["organization"],
        json!({
            "name": "Alpha 2", "slug": "alpha", "billingEmail": "billing@alpha.example.com", "defaultCurrency": "USD",
            "timeZone": "Asia/Tokyo", "metadata": {}, "version": 2,
        })
    );
    let input =
        json!({"id": id, "billingEmail": null, "defaultCurrency": "EUR", "metadata": {"a": 1}, "expectedVersion": 2});
    let cleared = admin.mutate("updateOrganization", input, fields).await;
    assert_eq!(
        cleared["organization"],
        json!({
            "name": "Alpha 2", "slug": "alpha", "billingEmail": null, "defaultCurrency": "EUR", "timeZone": "Asia/Tokyo",
            "metadata": {"a": 1}, "version": 3,
        })
    );
    let before = world.writes().await;
    let same = admin.mutate("updateOrganization", json!({"id": id, "name": "Alpha 2"}), fields).await;
    assert_eq!((&same["organization"]["version"], world.writes().await), (&json!(3), before));

    world
        .refused(
            &admin,
            "updateOrganization",
            json!({"id": id, "name": "x", "expectedVersion": 2}),
            "STALE_VERSION",
            "input.expectedVersion",
        )
        .await;
    world
        .refused(&admin, "updateOrganization", json!({"id": id, "timeZone": "x"}), "INVALID_FORMAT", "input.timeZone")
        .await;
    world.refused(&admin, "updateOrganization", json!({"id": id, "name": " "}), "REQUIRED", "input.name").await;
    world
        .refused(&admin, "updateOrganization", json!({"id": id, "reason": "x".repeat(501)}), "TOO_LONG", "input.reason")
        .await;
    world
        .refused(
            &admin,
            "updateOrganization",
            json!({"id": world.beta.id.to_string(), "name": "x"}),
            "NOT_FOUND",
            "input.id",
        )
        .await;
    world
        .refused(
            &admin,
            "updateOrganization",
            json!({"id": "sub_01h2xcejqtf2nbrexx3vqjhp41", "name": "x"}),
            "INVALID_ID",
            "input.id",
        )
        .await;
    world
        .forbidden(
            &world.caller(Role::Worker, world.alpha),
            "updateOrganization",
            json!({"id": id, "name": "x"}),
            "organizations.update",
        )
        .await;
}

#[on_both]
async fn slug_and_exemption_are_the_platforms(world: &World) {
    let id = world.alpha.id.to_string();
    for field in [json!({"id": id, "slug": "new"}), json!({"id": id, "exempt": true})] {
        world.forbidden(&world.admin(world.alpha), "updateOrganization", field.clone(), "platform.manage").await;
        world
            .forbidden(&world.caller(Role::Reseller, world.alpha), "updateOrganization", field, "platform.manage")
            .await;
    }
    let root = world.root();
    world.refused(&root, "updateOrganization", json!({"id": id, "slug": "beta"}), "DUPLICATE", "input.slug").await;
    world.refused(&root, "updateOrganization", json!({"id": id, "slug": "Beta"}), "INVALID_FORMAT", "input.slug").await;
    let fields = "organization { slug exempt }";
    let changed = root.mutate("updateOrganization", json!({"id": id, "slug": "new", "exempt": true}), fields).await;
    assert_eq!(changed["organization"], json!({"slug": "new", "exempt": true}));
    let own = root.mutate("updateOrganization", json!({"id": id, "slug": "new", "name": "x"}), fields).await;
    assert_eq!(own["organization"]["slug"], "new", "the own slug is not taken");
}
