//! Tokens at the door: expired, forged, narrowed, missing; over HTTP, as clients see it.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::{Value, json};
use tessera::auth::{Grant, Permission, Role, TokenIssuer};
use tessera::config::{AuthConfig, KeySource};
use tessera::http::{Options, router};
use tower::ServiceExt;

use crate::support::introspection::{Input, Schema};
use crate::support::{World, each, on_both};

/// What the HTTP interface answered.
struct Answer {
    status: u16,
    challenge: String,
    body: Value,
}

/// Sends a document over HTTP with an `Authorization` header, or with none.
async fn post(world: &World, token: Option<&str>, document: &str) -> Answer {
    let mut request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(json!({ "query": document }).to_string())).expect("a request");
    let response = router(world.app.clone(), Options::new(&world.config)).oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let challenge = parts.headers.get("www-authenticate").map(|value| value.to_str().expect("ASCII").to_owned());
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    Answer {
        status: parts.status.as_u16(),
        challenge: challenge.unwrap_or_default(),
        body: serde_json::from_slice(&body).expect("JSON"),
    }
}

/// Asserts that a token is not let in, for reading or writing, and that nothing is written.
async fn refused(world: &World, token: &str, message: &str) {
    let before = world.writes().await;
    for document in ["{ __typename }", CREATE] {
        let answer = post(world, Some(token), document).await;
        assert_eq!((answer.status, answer.challenge.as_str()), (401, r#"Bearer error="invalid_token""#), "{token}");
        let expected = json!({"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]});
        assert_eq!(answer.body, expected, "{token}: not executed, so there is no data");
    }
    assert_eq!(world.writes().await, before);
}

const CREATE: &str = "mutation { createCustomer(input: {name: \"Ada\"}) { customer { name } userErrors { code } } }";
const NOT_VALID: &str = "The token is not valid.";

/// What an administrator of alpha is granted, for a minute.
fn grant(world: &World) -> Grant {
    Grant {
        subject: "ada@example.com".to_owned(),
        role: Role::Admin,
        organization: Some(world.alpha.id),
        customer: None,
        member: None,
        permissions: None,
        expires_in: Duration::from_secs(60),
        impersonator: None,
    }
}

fn issued(world: &World, change: impl FnOnce(&mut AuthConfig)) -> String {
    let mut config = world.config.auth.clone();
    change(&mut config);
    TokenIssuer::new(&config, world.clock.clone()).expect("a secret").issue(grant(world)).expect("a token")
}

/// The same token with other bytes in one of its three parts.
fn with_part(token: &str, index: usize, part: &Value) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts[index] = URL_SAFE_NO_PAD.encode(part.to_string());
    parts.join(".")
}

/// A well-formed id of what a query finds.
fn id_of(query: &str) -> String {
    let prefixes =
        [("member", "mem"), ("subscription", "sub"), ("payment", "pay"), ("paymentMethod", "pm"), ("tier", "tier")];
    let prefix = prefixes.iter().find(|(name, _)| *name == query).map_or("cus", |(_, prefix)| prefix);
    format!("{prefix}_01h2xcejqtf2nbrexx3vqjhp41")
}

/// An argument of a root field that the schema accepts, whatever it means.
fn any_value(schema: &Schema, field: &str, input: &Input) -> String {
    let one = match input.of.named() {
        "ID" => format!("\"{}\"", id_of(field)),
        "Int" | "SafeInt" => "1".to_owned(),
        "Boolean" => "true".to_owned(),
        "DateTime" => "\"2026-03-01T00:00:00Z\"".to_owned(),
        "CurrencyCode" => "\"EUR\"".to_owned(),
        "JSON" => "{}".to_owned(),
        "String" => "\"x\"".to_owned(),
        name => match schema.get(name).values().first() {
            Some(value) => value.name.clone(),
            None => format!("{{{}}}", arguments(schema, field, schema.get(name).inputs())),
        },
    };
    if input.of.is_list() { format!("[{one}]") } else { one }
}

/// The arguments that must be given.
fn arguments(schema: &Schema, field: &str, inputs: &[Input]) -> String {
    let required = inputs.iter().filter(|input| input.of.is_required() && input.default_value.is_none());
    required.map(|input| format!("{}: {}", input.name, any_value(schema, field, input))).collect::<Vec<_>>().join(", ")
}

#[on_both]
async fn an_expired_token_is_refused(world: &World) {
    let token = issued(world, |_| {});
    assert_eq!(
        post(world, Some(&token), "{ viewer { role } }").await.body,
        json!({"data": {"viewer": {"role": "ADMIN"}}})
    );
    world.pass(TimeDelta::seconds(60 + 29));
    assert_eq!(post(world, Some(&token), "{ __typename }").await.status, 200, "clocks differ a little");
    world.pass(TimeDelta::seconds(1));
    refused(world, &token, "The token has expired.").await;
}

#[on_both]
async fn a_forged_token_is_refused(world: &World) {
    let other_secret = |config: &mut AuthConfig| {
        config.key = KeySource::Hs256(SecretString::from("another secret that is long enough to be one too"));
    };
    refused(world, &issued(world, other_secret), NOT_VALID).await;
    refused(world, &issued(world, |config| config.issuer = "https://elsewhere.example.com".to_owned()), NOT_VALID)
        .await;
    refused(world, &issued(world, |config| config.audience = "another-service".to_owned()), NOT_VALID).await;

    let good = issued(world, |_| {});
    let payload = good.split('.').nth(1).expect("three parts");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON");
    for (claim, value) in [
        ("role", json!("ROOT")),
        ("org", json!(world.beta.id.to_string())),
        ("sub", json!("root@example.com")),
        ("exp", json!(253_402_300_799_i64)),
        ("permissions", json!(["platform.manage"])),
    ] {
        let mut claims = claims.clone();
        claims[claim] = value;
        refused(world, &with_part(&good, 1, &claims), NOT_VALID).await;
    }
    for algorithm in ["none", "None", "HS512", "RS256"] {
        let header = with_part(&good, 0, &json!({"alg": algorithm, "typ": "JWT"}));
        refused(world, &header, NOT_VALID).await;
        let (unsigned, _) = header.rsplit_once('.').expect("a signature");
        refused(world, &format!("{unsigned}."), NOT_VALID).await;
    }
    for garbage in ["x", "a.b", "a.b.c.d", "..", &good[..good.len() - 1], &format!("{good}A"), &"x".repeat(9000)] {
        refused(world, garbage, NOT_VALID).await;
    }
    assert_eq!(post(world, Some(&good), CREATE).await.body["data"]["createCustomer"]["customer"]["name"], "Ada");
}

#[on_both]
async fn a_token_whose_claims_do_not_fit_is_not_issued(world: &World) {
    let issuer = TokenIssuer::new(&world.config.auth, world.clock.clone()).expect("a secret");
    for grant in [
        Grant { role: Role::Root, ..grant(world) },
        Grant { organization: None, ..grant(world) },
        Grant { role: Role::Customer, ..grant(world) },
        Grant { role: Role::Service, ..grant(world) },
    ] {
        assert!(issuer.issue(grant.clone()).is_err(), "{grant:?}");
    }
}

#[on_both]
async fn a_token_may_narrow_what_its_role_may(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let reader = world.narrowed(Role::Admin, world.alpha, None, &[Permission::CustomersRead]);
    let data = reader.ok("{ viewer { role permissions } customers { nodes { name } } }", json!({})).await;
    assert_eq!(
        data,
        json!({
            "viewer": {"role": "ADMIN", "permissions": ["customers.read"]}, "customers": {"nodes": [{"name": "Ada"}]},
        })
    );
    let id = world.alpha.id.to_string();
    let basic = world.alpha.basic.to_string();
    for (mutation, input, permission) in [
        ("createCustomer", json!({"name": "Eve"}), "subscriptions.manage"),
        ("updateCustomer", json!({"id": customer, "name": "Eve"}), "customers.update"),
        ("suspendCustomer", json!({"id": customer}), "customers.manage"),
        ("deleteCustomer", json!({"id": customer}), "customers.manage"),
        ("updateOrganization", json!({"id": id, "name": "x"}), "organizations.update"),
        ("createOrganization", json!({"name": "x", "slug": "x"}), "subscriptions.manage"),
        ("createMember", json!({"email": "a@example.com", "name": "A", "role": "ADMIN"}), "members.manage"),
        ("createTier", json!({"key": "x", "name": "x", "kind": "CUSTOMER", "rank": 1}), "tiers.manage"),
        ("archiveTier", json!({"id": basic}), "tiers.manage"),
        ("extendSubscription", json!({"id": subscription, "days": 1}), "subscriptions.manage"),
        ("cancelSubscription", json!({"id": subscription}), "subscriptions.manage"),
        ("ensureSubscription", json!({"customerId": customer}), "subscriptions.manage"),
        ("overrideTier", json!({"id": subscription, "tierId": basic, "reason": "x"}), "subscriptions.override"),
    ] {
        world.forbidden(&reader, mutation, input, permission).await;
    }
    for (document, permission) in [
        ("{ organizations { nodes { id } } }", "organizations.read"),
        ("{ members { nodes { id } } }", "members.read"),
        ("{ payments { nodes { id } } }", "payments.read"),
        ("{ auditEvents { nodes { id } } }", "audit.read"),
    ] {
        let answer = reader.send(document, json!({})).await;
        assert_eq!(
            (answer.code(), &answer.0["errors"][0]["extensions"]["permission"]),
            ("FORBIDDEN", &json!(permission))
        );
    }
    // Half of what a creation needs is not enough.
    let half = world.narrowed(Role::Admin, world.alpha, None, &[Permission::SubscriptionsManage]);
    world.forbidden(&half, "createCustomer", json!({"name": "Eve"}), "customers.manage").await;
    // What the list names beyond the role, or beyond all knowledge, it does not give.
    let wide = world.narrowed(Role::Worker, world.alpha, None, Permission::ALL);
    assert_eq!(
        wide.ok("{ viewer { permissions } }", json!({})).await["viewer"]["permissions"],
        json!(["customers.read", "entitlements.read"])
    );
    world.forbidden(&wide, "suspendCustomer", json!({"id": customer}), "customers.manage").await;
    let nothing = world.narrowed(Role::Root, world.alpha, None, &[]);
    assert_eq!(nothing.ok("{ viewer { permissions } }", json!({})).await["viewer"]["permissions"], json!([]));
    world.forbidden(&nothing, "suspendCustomer", json!({"id": customer}), "customers.manage").await;
}

#[on_both]
async fn a_forbidden_mutation_is_told_over_http(world: &World) {
    let before = world.writes().await;
    let answer = post(world, Some(world.caller(Role::Worker, world.alpha).token()), CREATE).await;
    assert_eq!((answer.status, answer.challenge.as_str()), (200, ""));
    let error = &answer.body["errors"][0];
    assert_eq!((&answer.body["data"], &error["path"]), (&json!({"createCustomer": null}), &json!(["createCustomer"])));
    assert_eq!(error["extensions"], json!({"code": "FORBIDDEN", "permission": "subscriptions.manage"}));
    assert_eq!(error["message"], "This needs the permission subscriptions.manage.");
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn a_program_may_do_exactly_what_its_token_says(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let seller = world.service(world.alpha, &[Permission::CustomersManage, Permission::SubscriptionsManage]);
    let created = seller
        .mutate(
            "createCustomer",
            json!({"name": "Bob", "subscription": {"tierId": world.alpha.plus.to_string()}}),
            "customer { name }",
        )
        .await;
    assert_eq!(created["customer"]["name"], "Bob");
    world.forbidden(&seller, "updateCustomer", json!({"id": customer, "name": "x"}), "customers.update").await;
    let answer = seller.send("{ customers { nodes { id } } }", json!({})).await;
    assert_eq!(
        (answer.code(), &answer.0["errors"][0]["extensions"]["permission"]),
        ("FORBIDDEN", &json!("customers.read"))
    );

    let everything = world.service(world.alpha, Permission::ALL);
    let permissions = everything.ok("{ viewer { role permissions } }", json!({})).await["viewer"].clone();
    assert_eq!(permissions["role"], "SERVICE");
    for beyond in ["platform.manage", "organizations.manage", "subscriptions.override", "subscriptions.self_service"] {
        assert!(!permissions["permissions"].as_array().expect("a list").contains(&json!(beyond)), "{beyond}");
    }
    let over = json!({"id": subscription, "tierId": world.alpha.plus.to_string(), "reason": "x"});
    world.forbidden(&everything, "overrideTier", over, "subscriptions.override").await;
    let nothing = world.service(world.alpha, &[]);
    assert_eq!(
        nothing.ok("{ viewer { subject permissions organization { id } } }", json!({})).await["viewer"],
        json!({
            "subject": "service", "permissions": [], "organization": null,
        })
    );
    // Other organizations do not exist for it.
    let elsewhere = world.service(world.beta, &[Permission::CustomersManage, Permission::CustomersRead]);
    world.refused(&elsewhere, "suspendCustomer", json!({"id": customer}), "NOT_FOUND", "input.id").await;
}

#[on_both]
async fn without_a_token_only_the_door_is_open(world: &World) {
    let schema = Schema::load(&world.nobody()).await;
    let before = world.writes().await;
    let mut open = Vec::new();
    let queries = schema.queries().iter().map(|field| ("query", field));
    for (operation, field) in queries.chain(schema.mutations().iter().map(|field| ("mutation", field))) {
        let given = match arguments(&schema, &field.name, &field.args) {
            none if none.is_empty() => none,
            some => format!("({some})"),
        };
        let document = format!("{operation} {{ {}{given} {{ __typename }} }}", field.name);
        let answer = post(world, None, &document).await;
        if answer.body["errors"].is_null() {
            open.push(field.name.clone());
            continue;
        }
        assert_eq!((answer.status, answer.challenge.as_str()), (200, ""), "{document}");
        let error = &answer.body["errors"][0];
        assert_eq!(error["extensions"], json!({"code": "UNAUTHENTICATED"}), "{document} {error:#}");
        assert_eq!((&error["path"], answer.body["errors"].as_array().map(Vec::len)), (&json!([field.name]), Some(1)));
        assert!(answer.body["data"].is_null() || answer.body["data"][&field.name].is_null(), "{document}");
    }
    open.sort();
    assert_eq!(open, ["checkoutTiers", "viewer"]);
    assert_eq!(world.writes().await, before);
    let answer = post(world, None, "{ viewer { role } checkoutTiers { key } }").await;
    assert_eq!(answer.body["data"]["viewer"], Value::Null);
    assert_eq!(each(&answer.body["data"]["checkoutTiers"], "key"), ["starter", "pro", "enterprise"]);
}

#[on_both]
async fn a_token_that_is_refused_is_not_taken_for_none(world: &World) {
    let expired = issued(world, |_| {});
    world.pass(TimeDelta::seconds(120));
    let answer = post(world, Some(&expired), "{ viewer { role } checkoutTiers { key } }").await;
    assert_eq!((answer.status, answer.body.get("data")), (401, None), "the client believes it is somebody");
}
