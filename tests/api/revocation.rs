//! Tokens that are revoked: refused on every replica, and no others.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::app::App;
use tessera::auth::{Permission, Role, TokenError};
use tessera::entity::{RevocationId, revocation};

use crate::support::{Backend, Client, World, on_both};

/// The id of a token.
fn token_id(client: &Client) -> String {
    let payload = client.token().split('.').nth(1).expect("a payload");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON");
    claims["jti"].as_str().expect("an id").to_owned()
}

/// Whether a program takes the token.
async fn takes(app: &App, client: &Client) -> bool {
    match app.verifier().verify(client.token()).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, TokenError::Revoked);
            false
        }
    }
}

async fn revoke(client: &Client, input: Value) -> Value {
    let fields = "revocation { tokenId subject createdAt expiresAt }";
    client.mutate("revokeTokens", input, fields).await["revocation"].clone()
}

/// Another replica on the same database.
async fn replica(world: &World) -> App {
    App::start(&world.config, world.clock.clone()).await.unwrap_or_else(|error| panic!("{error}"))
}

#[on_both]
async fn a_revoked_token_is_refused_on_every_replica(world: &World) {
    let (other, admin) = (replica(world).await, world.admin(world.alpha));
    let ada = || world.acting(Role::Admin, world.alpha, "ada");
    let (ada, again) = (ada(), ada());
    // Verified and remembered.
    assert!(takes(&world.app, &ada).await && takes(&other, &ada).await);
    let input = json!({"tokenId": token_id(&ada), "reason": "lost", "idempotencyKey": "one"});
    let told = revoke(&admin, input.clone()).await;
    assert_eq!(
        told,
        json!({"tokenId": token_id(&ada), "subject": null, "createdAt": "2026-03-01T12:00:00Z", "expiresAt": "2027-04-05T12:00:00Z"})
    );
    assert!(!takes(&world.app, &ada).await, "at once where it was revoked");
    other.store().learn_revoked().await.expect("the database answers");
    assert!(!takes(&other, &ada).await);
    assert!(!takes(&replica(world).await, &ada).await, "known from the start");
    assert!(takes(&world.app, &again).await, "another token of the same subject");
    assert!(takes(&world.app, &admin).await);
    assert_eq!(revoke(&admin, input).await, told);
    let data = admin
        .ok("{ auditEvents(where: {entityType: \"revocation\"}) { nodes { action reason changes } } }", json!({}))
        .await;
    let entry = &data["auditEvents"]["nodes"][0];
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("revocation.create"), &json!("lost")));
    assert_eq!(entry["changes"]["token_id"]["to"], json!(token_id(&ada)));
}

#[on_both]
async fn a_subject_signs_in_again(world: &World) {
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let elsewhere = world.acting(Role::Admin, world.beta, "ada@example.com");
    let old = [Role::Admin, Role::Worker].map(|role| world.acting(role, world.alpha, "ada@example.com"));
    let of_customer = world.customer(world.alpha, &customer);
    revoke(&admin, json!({"subject": "ada@example.com"})).await;
    revoke(&admin, json!({"subject": "customer@example.com", "expiresAt": "2026-03-01T12:30:00Z"})).await;
    for client in old.iter().chain([&of_customer]) {
        assert!(!takes(&world.app, client).await);
    }
    assert!(takes(&world.app, &elsewhere).await, "another organization's");
    world.pass(TimeDelta::seconds(1));
    assert!(takes(&world.app, &world.acting(Role::Admin, world.alpha, "ada@example.com")).await, "a new token");
    assert!(!takes(&world.app, &old[0]).await, "the old one stays revoked");
    world.pass(TimeDelta::minutes(30));
    assert!(takes(&world.app, &of_customer).await, "as long as it was said");
}

#[on_both]
async fn nobody_revokes_more_than_it_holds(world: &World) {
    let reseller = world.caller(Role::Reseller, world.gamma);
    let (admin, below) = (world.admin(world.gamma), world.admin(world.delta));
    revoke(&admin, json!({"organizationId": world.gamma.id.to_string(), "subject": "reseller@example.com"})).await;
    revoke(&admin, json!({"tokenId": token_id(&reseller)})).await;
    assert!(takes(&world.app, &reseller).await, "it may do more than an administrator");
    let clerk = world.service(world.delta, &[Permission::MembersManage]);
    revoke(&clerk, json!({"tokenId": token_id(&below)})).await;
    assert!(takes(&world.app, &below).await, "an administrator may do more than this program");
    let foreign = json!({"organizationId": world.alpha.id.to_string(), "subject": "x"});
    world.refused(&admin, "revokeTokens", foreign, "NOT_FOUND", "input.organizationId").await;
    for role in [Role::Worker, Role::Support] {
        world
            .forbidden(&world.caller(role, world.gamma), "revokeTokens", json!({"subject": "x"}), "members.manage")
            .await;
    }
    let of_child = json!({"organizationId": world.delta.id.to_string(), "subject": "admin@example.com"});
    revoke(&reseller, of_child).await;
    assert!(!takes(&world.app, &below).await && takes(&world.app, &admin).await);
    let root = world.root();
    revoke(&root, json!({"subject": "reseller@example.com"})).await;
    assert!(!takes(&world.app, &reseller).await);
    revoke(&root, json!({"tokenId": token_id(&root)})).await;
    assert!(!takes(&world.app, &root).await, "the platform's own as well");
}

#[on_both]
async fn an_organization_has_so_many_at_most(world: &World) {
    let admin = world.admin(world.alpha);
    let one = |number: usize, days: i64| revocation::Model {
        id: RevocationId::generate(),
        tenant_id: Some(world.alpha.id),
        token_id: Some(format!("token-{number}")),
        subject: None,
        holds: String::new(),
        expires_at: world.clock.now().plus_days(days),
        created_at: world.clock.now(),
        updated_at: world.clock.now(),
        version: 1,
    };
    let rows: Vec<_> = (0..1_000).map(|number| one(number, if number == 0 { 1 } else { 400 })).collect();
    world.store.system().insert::<_, revocation::Entity>(rows).await.expect("revocations");
    world.refused(&admin, "revokeTokens", json!({"subject": "x"}), "CONFLICT", "input").await;
    revoke(&world.admin(world.beta), json!({"subject": "x"})).await;
    world.pass(TimeDelta::days(1));
    revoke(&admin, json!({"subject": "x"})).await;
}

#[on_both]
async fn what_is_revoked_is_named_rightly(world: &World) {
    let admin = world.admin(world.alpha);
    for (input, code, path) in [
        (json!({}), "REQUIRED", "input.tokenId"),
        (json!({"tokenId": "a", "subject": "b"}), "REQUIRED", "input.tokenId"),
        (json!({"tokenId": " "}), "REQUIRED", "input.tokenId"),
        (json!({"tokenId": "x".repeat(256)}), "TOO_LONG", "input.tokenId"),
        (json!({"subject": "x".repeat(256)}), "TOO_LONG", "input.subject"),
        (json!({"subject": "x", "expiresAt": "2026-03-01T12:00:00Z"}), "OUT_OF_RANGE", "input.expiresAt"),
        (json!({"subject": "x", "expiresAt": "2036-04-01T12:00:00Z"}), "OUT_OF_RANGE", "input.expiresAt"),
    ] {
        world.refused(&admin, "revokeTokens", input, code, path).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_learns_by_itself_what_others_revoke() {
    let world = World::new(Backend::Sqlite).await;
    let other = replica(&world).await;
    other.keep_learning();
    let ada = world.acting(Role::Admin, world.alpha, "ada");
    revoke(&world.admin(world.alpha), json!({"tokenId": token_id(&ada)})).await;
    while takes(&other, &ada).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
