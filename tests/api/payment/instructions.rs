//! How payers are told to pay without a gateway.

use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Client, World, on_both};

async fn told(client: &Client, owner: &str) -> Value {
    let document = "query($owner: ID!) { paymentInstructions(ownerId: $owner) { name mode instructions } }";
    client.ok(document, json!({"owner": owner})).await["paymentInstructions"].clone()
}

async fn by_hand(client: &Client, name: &str, instructions: Option<&str>) -> Value {
    let input = json!({"kind": "MANUAL", "mode": "LIVE", "name": name, "instructions": instructions});
    client.mutate("createGatewayAccount", input, "gatewayAccount { id }").await["gatewayAccount"]["id"].clone()
}

#[on_both]
async fn the_seller_tells_its_payers(world: &World) {
    let (root, admin) = (world.root(), world.admin(world.alpha));
    by_hand(&root, "Platform's bank", Some("To the platform.")).await;
    by_hand(&admin, "Our bank", Some("To us.")).await;
    by_hand(&admin, "Nothing to tell", None).await;
    let closed = by_hand(&admin, "Closed", Some("Not here any more.")).await;
    admin.mutate("disableGatewayAccount", json!({"id": closed}), "").await;
    world.gateway(Some(world.alpha)).await;
    by_hand(&world.admin(world.beta), "Another seller's", Some("To others.")).await;
    let (ada, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let ours = json!([{"name": "Our bank", "mode": "LIVE", "instructions": "To us."}]);
    for client in [&admin, &world.customer(world.alpha, &ada), &root] {
        assert_eq!(told(client, &ada).await, ours);
    }
    // The organization itself buys from the platform.
    let own = world.alpha.id.to_string();
    let platform = json!([{"name": "Platform's bank", "mode": "LIVE", "instructions": "To the platform."}]);
    for client in [&admin, &root] {
        assert_eq!(told(client, &own).await, platform);
    }
}

#[on_both]
async fn only_those_that_see_the_payer_and_payments_are_told(world: &World) {
    by_hand(&world.admin(world.alpha), "Our bank", Some("To us.")).await;
    let (ada, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    assert_eq!(told(&world.admin(world.beta), &ada).await, Value::Null);
    assert_eq!(told(&world.customer(world.alpha, &bob), &ada).await, Value::Null);
    let document = "query($owner: ID!) { paymentInstructions(ownerId: $owner) { name } }";
    let organization = world.alpha.id.to_string();
    // A customer reads no organizations, and a worker no payments.
    for (client, owner) in
        [(world.customer(world.alpha, &ada), &organization), (world.caller(Role::Worker, world.alpha), &ada)]
    {
        assert_eq!(client.send(document, json!({"owner": owner})).await.code(), "FORBIDDEN");
    }
}
