//! Accounts at payment gateways.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::{GatewayMode, gateway_account};
use tessera::gateway_account::Gateways;
use tessera_gateway::{Seconds, WebhookError};

use crate::support::{Client, World, on_both};

const FIELDS: &str = "gatewayAccount { id kind mode name gatewayAccountId capabilities webhookPath keyChangedAt
    secretsChangedAt instructions disabledAt version viewerCanManage seller { slug } }";

fn simulated(key: &str) -> Value {
    json!({"kind": "SIMULATOR", "mode": "TEST", "name": "Cards", "apiKey": key, "webhookSecrets": ["whsec_canary1"]})
}

async fn stored(world: &World) -> Vec<gateway_account::Model> {
    world.store.system().all::<gateway_account::Entity>().await.expect("rows")
}

#[on_both]
async fn an_account_is_kept_once_its_gateway_has_said_whose_it_is(world: &World) {
    let admin = world.admin(world.alpha);
    let made = admin.mutate("createGatewayAccount", simulated("sk_test_shop_canary2"), FIELDS).await;
    let account = &made["gatewayAccount"];
    assert_eq!(account["gatewayAccountId"], "acct_shop");
    assert_eq!((&account["seller"]["slug"], &account["viewerCanManage"]), (&json!("alpha"), &json!(true)));
    let path = account["webhookPath"].as_str().expect("a path");
    assert!(path.starts_with("/webhooks/simulator/") && path.len() == "/webhooks/simulator/".len() + 24, "{path}");
    assert!(account["capabilities"].as_array().expect("a list").contains(&json!("CHECKOUT")));

    // Sealed, and opened again where it belongs.
    let rows = stored(world).await;
    let shown = format!("{rows:?}");
    assert!(!shown.contains("canary"), "{shown}");
    let gateways = Gateways::new(&world.config.gateways).expect("clients");
    let opened = gateways.of(&rows[0]).unwrap_or_else(|_| panic!("the key opens"));
    let said = opened.call("account", |gateway| gateway.account()).await;
    assert_eq!(said.expect("an account").id.as_str(), "acct_shop");
    let unsigned = |row| gateways.verify(row, &|_| None, b"{}", Seconds(0));
    assert!(matches!(unsigned(&rows[0]), Ok(Err(WebhookError::NoSignature))));
    let elsewhere = gateway_account::Model { tenant_id: Some(world.beta.id), ..rows[0].clone() };
    assert!(gateways.of(&elsewhere).is_err() && unsigned(&elsewhere).is_err());
    assert_eq!(rows[0].mode, GatewayMode::Test);

    // Another key of the same account takes its place; one of another account does not.
    let id = &account["id"];
    world.pass(chrono::TimeDelta::hours(1));
    let other = json!({"id": id, "apiKey": "sk_test_other_1"});
    world.refused(&admin, "rotateGatewayKey", other, "CONFLICT", "input.apiKey").await;
    let rotated = admin.mutate("rotateGatewayKey", json!({"id": id, "apiKey": "sk_test_shop_2"}), FIELDS).await;
    assert_ne!(rotated["gatewayAccount"]["keyChangedAt"], account["keyChangedAt"]);
    assert_ne!(stored(world).await[0].sealed_key, rows[0].sealed_key);

    let off = admin.mutate("disableGatewayAccount", json!({"id": id}), FIELDS).await;
    assert!(off["gatewayAccount"]["disabledAt"].is_string());
    let on = admin.mutate("enableGatewayAccount", json!({"id": id}), FIELDS).await;
    assert!(on["gatewayAccount"]["disabledAt"].is_null());
    let none = admin.mutate("updateGatewayAccount", json!({"id": id, "webhookSecrets": []}), FIELDS).await;
    assert_eq!(none["gatewayAccount"]["version"], 5);
    assert_eq!(stored(world).await[0].sealed_secrets, None);
}

#[on_both]
async fn what_does_not_fit_is_refused(world: &World) {
    let admin = world.admin(world.alpha);
    let new = |more: Value| {
        let mut input = json!({"kind": "SIMULATOR", "mode": "TEST", "name": "Cards", "apiKey": "sk_test_shop_1"});
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        input
    };
    for (more, code, path) in [
        (json!({"apiKey": null}), "REQUIRED", "input.apiKey"),
        (json!({"apiKey": " "}), "REQUIRED", "input.apiKey"),
        (json!({"apiKey": "sk_test\u{20ac}"}), "INVALID_FORMAT", "input.apiKey"),
        (json!({"apiKey": "x".repeat(256)}), "TOO_LONG", "input.apiKey"),
        (json!({"apiKey": "none"}), "GATEWAY_REFUSED", "input.apiKey"),
        // The key is one of live mode.
        (json!({"apiKey": "sk_live_shop_1"}), "CONFLICT", "input.mode"),
        (json!({"mode": "LIVE"}), "CONFLICT", "input.mode"),
        (json!({"name": ""}), "REQUIRED", "input.name"),
        (json!({"instructions": "Pay"}), "CONFLICT", "input.instructions"),
        (json!({"webhookSecrets": [""]}), "REQUIRED", "input.webhookSecrets.0"),
        (json!({"kind": "MANUAL"}), "CONFLICT", "input.apiKey"),
        (json!({"kind": "MANUAL", "apiKey": null, "webhookSecrets": ["x"]}), "CONFLICT", "input.webhookSecrets"),
    ] {
        world.refused(&admin, "createGatewayAccount", new(more), code, path).await;
    }
    admin.mutate("createGatewayAccount", new(json!({})), "").await;
    world.refused(&admin, "createGatewayAccount", new(json!({})), "DUPLICATE", "input.apiKey").await;
    // Ids are unique within a seller: another one may sell through the same account.
    world.admin(world.beta).mutate("createGatewayAccount", new(json!({})), "").await;
    let manual = json!({"kind": "MANUAL", "mode": "LIVE", "name": "Bank", "instructions": "Account 1"});
    let made = admin.mutate("createGatewayAccount", manual, FIELDS).await;
    let manual = &made["gatewayAccount"];
    assert_eq!((&manual["capabilities"], &manual["webhookPath"]), (&json!([]), &Value::Null));
    let key = json!({"id": manual["id"], "apiKey": "sk_test_shop_1"});
    world.refused(&admin, "rotateGatewayKey", key, "CONFLICT", "input.apiKey").await;

    // A gateway that does not answer.
    world.simulator.set_faults(tessera_gateway::simulator::Faults { rate_limited: 1, ..Default::default() });
    let later = new(json!({"apiKey": "sk_test_later_1"}));
    world.refused(&admin, "createGatewayAccount", later, "GATEWAY_UNAVAILABLE", "input.apiKey").await;
}

#[on_both]
async fn sellers_keep_their_own_accounts(world: &World) {
    let list = async |client: &Client| {
        let answer = client.send("{ gatewayAccounts { nodes { gatewayAccountId seller { slug } } } }", json!({})).await;
        let nodes = answer.0["data"]["gatewayAccounts"]["nodes"].clone();
        nodes.as_array().map(|nodes| nodes.iter().map(|node| node["gatewayAccountId"].clone()).collect::<Vec<_>>())
    };
    let root = world.root();
    let keep = async |client: &Client, name: &str, more: Value| {
        let mut input = simulated(&format!("sk_test_{name}_1"));
        if !more.is_null() {
            input["organizationId"] = more;
        }
        client.mutate("createGatewayAccount", input, FIELDS).await["gatewayAccount"].clone()
    };
    let platform = keep(&root, "platform", Value::Null).await;
    assert!(platform["seller"].is_null());
    keep(&world.admin(world.alpha), "alpha", Value::Null).await;
    // A reseller looks after the organizations below it.
    let reseller = world.caller(Role::Reseller, world.gamma);
    keep(&reseller, "delta", json!(world.delta.id.to_string())).await;

    assert_eq!(list(&world.admin(world.alpha)).await, Some(vec![json!("acct_alpha")]));
    assert_eq!(list(&reseller).await, Some(vec![json!("acct_delta")]));
    assert_eq!(list(&world.admin(world.delta)).await, Some(vec![json!("acct_delta")]));
    assert_eq!(list(&root).await.map(|all| all.len()), Some(3));
    assert_eq!(list(&world.caller(Role::Worker, world.alpha)).await, None);

    let admin = world.admin(world.alpha);
    let named = json!({"id": platform["id"], "name": "Mine"});
    world.refused(&admin, "updateGatewayAccount", named, "NOT_FOUND", "input.id").await;
    let mut foreign = simulated("sk_test_foreign_1");
    foreign["organizationId"] = json!(world.beta.id.to_string());
    world.refused(&admin, "createGatewayAccount", foreign.clone(), "NOT_FOUND", "input.organizationId").await;
    world.refused(&reseller, "createGatewayAccount", foreign, "NOT_FOUND", "input.organizationId").await;
    let limited = world.narrowed(Role::Root, world.alpha, None, &[Permission::PaymentsManage]);
    world.forbidden(&limited, "createGatewayAccount", simulated("sk_test_more_1"), "platform.manage").await;
    assert_eq!(stored(world).await.len(), 3);
}
