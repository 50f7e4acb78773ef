//! Whoever pays, as a gateway knows it: made once, whatever goes wrong.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::auth::Role;
use tessera::entity::{gateway_account, gateway_intent};
use tessera::gateway::remote::Side;
use tessera_gateway::simulator::Faults;
use tessera_gateway::{Reference, Seconds};

use crate::support::{Client, World, on_both};

const MUTATION: &str = "ensureGatewayCustomer";
const FIELDS: &str = "gatewayCustomer { ownerId gatewayAccountId gateway mode gatewayCustomerId }";

async fn ensured(client: &Client, owner: &str) -> Value {
    client.mutate(MUTATION, json!({"ownerId": owner}), FIELDS).await["gatewayCustomer"]["gatewayCustomerId"].clone()
}

/// The ids that the gateway has for an owner.
async fn at_gateway(world: &World, account: &gateway_account::Model, owner: &str) -> Vec<String> {
    let remote = world.app.gateways().of(account).unwrap_or_else(|_| panic!("the key opens"));
    let reference = Reference(owner.to_owned());
    let found = remote.call("find_customers", |gateway| gateway.find_customers(&reference, Seconds(0))).await;
    found.expect("a list").into_iter().map(|id| id.0).collect()
}

async fn intents(world: &World) -> Vec<gateway_intent::Model> {
    world.store.system().all::<gateway_intent::Entity>().await.expect("rows")
}

#[on_both]
async fn an_owner_is_made_known_once(world: &World) {
    let account = world.gateway(Some(world.alpha)).await;
    let (owner, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let first = admin.mutate(MUTATION, json!({"ownerId": owner}), FIELDS).await["gatewayCustomer"].clone();
    assert_eq!(
        (&first["ownerId"], &first["gateway"], &first["mode"]),
        (&json!(owner), &json!("SIMULATOR"), &json!("TEST"))
    );
    assert_eq!(first["gatewayAccountId"], account.id.to_string());
    // Another address is nothing that makes it another customer.
    admin.mutate("updateCustomer", json!({"id": owner, "email": "ada@example.com"}), "").await;
    assert_eq!(ensured(&admin, &owner).await, first["gatewayCustomerId"]);
    let clients = world.admins(world.alpha, 8);
    let (other, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let raced = join_all(clients.iter().map(|client| ensured(client, &other))).await;
    assert!(raced.iter().all(|id| *id == raced[0] && id.is_string()), "{raced:?}");
    assert_eq!(at_gateway(world, &account, &other).await.len(), 1);
    assert_eq!(json!(at_gateway(world, &account, &owner).await), json!([first["gatewayCustomerId"]]));
    // What was told of a person is not kept.
    assert!(intents(world).await.iter().all(|intent| intent.request == json!({}) && intent.due_at.is_none()));
}

#[on_both]
async fn only_the_seller_s_side_asks(world: &World) {
    let account = world.gateway(Some(world.alpha)).await;
    let (owner, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let input = json!({"ownerId": owner});
    world.refused(&world.admin(world.beta), MUTATION, input.clone(), "NOT_FOUND", "input.ownerId").await;
    for client in [world.customer(world.alpha, &owner), world.caller(Role::Worker, world.alpha)] {
        assert_eq!(client.send_mutation(MUTATION, input.clone(), FIELDS).await.code(), "FORBIDDEN");
    }
    // Its own subscription is sold by the platform.
    let own = json!({"ownerId": world.alpha.id.to_string()});
    assert_eq!(world.admin(world.alpha).send_mutation(MUTATION, own.clone(), FIELDS).await.code(), "FORBIDDEN");
    world.refused(&world.root(), MUTATION, own.clone(), "GATEWAY_UNAVAILABLE", "input.gatewayAccountId").await;
    let platform = world.gateway(None).await;
    assert!(ensured(&world.root(), &world.alpha.id.to_string()).await.is_string());
    // Only the seller's own accounts bill.
    let named = |id: &gateway_account::Model| json!({"ownerId": owner, "gatewayAccountId": id.id.to_string()});
    let admin = world.admin(world.alpha);
    world.refused(&admin, MUTATION, named(&platform), "NOT_FOUND", "input.gatewayAccountId").await;
    admin.mutate("disableGatewayAccount", json!({"id": account.id.to_string()}), "").await;
    world.refused(&admin, MUTATION, named(&account), "CONFLICT", "input.gatewayAccountId").await;
    world.refused(&admin, MUTATION, input, "GATEWAY_UNAVAILABLE", "input.gatewayAccountId").await;
}

#[on_both]
async fn an_answer_that_is_lost_makes_no_second_customer(world: &World) {
    let account = world.gateway(Some(world.alpha)).await;
    let admin = world.admin(world.alpha);
    for (place, faults) in [
        Faults { lost_answers: 1, ..Faults::default() },
        // The fault is what the key remembers.
        Faults { errors_after: 1, ..Faults::default() },
        Faults { errors_before: 1, ..Faults::default() },
    ]
    .into_iter()
    .enumerate()
    {
        let (owner, _) = world.subscribed(world.alpha, &format!("c{place}"), world.alpha.basic, json!({})).await;
        world.simulator.set_faults(faults);
        assert!(ensured(&admin, &owner).await.is_string(), "{place}");
        assert_eq!(at_gateway(world, &account, &owner).await.len(), 1, "{place}");
    }
    // Nothing was done: whoever asks again asks anew.
    let (owner, _) = world.subscribed(world.alpha, "Eve", world.alpha.basic, json!({})).await;
    world.simulator.set_faults(Faults { rate_limited: 1, ..Faults::default() });
    let input = json!({"ownerId": owner});
    world.refused(&admin, MUTATION, input, "GATEWAY_UNAVAILABLE", "input.ownerId").await;
    assert_eq!(at_gateway(world, &account, &owner).await.len(), 0);
    assert!(ensured(&admin, &owner).await.is_string());
}

/// Whatever ends the program on whichever side of the call, the janitor finds out what came of it, also when the gateway has
/// forgotten the key.
#[on_both]
async fn the_janitor_finds_out_what_came_of_it(world: &World) {
    let account = world.gateway(Some(world.alpha)).await;
    let admin = world.admin(world.alpha);
    let point: &'static AtomicU32 = Box::leak(Box::new(AtomicU32::new(0)));
    world.app.gateways().calls().fail_as(Box::new(move |call, side| {
        let point = point.load(Ordering::SeqCst);
        assert!(
            call != "create_customer" || !matches!((point, side), (1, Side::Before) | (3, Side::After)),
            "the program ends here"
        );
        // Where the answer is lost, nothing can be looked up either.
        (point, side) == (2, Side::After) && ["create_customer", "find_customers"].contains(&call)
    }));
    for (at, later) in [1, 2, 3].into_iter().flat_map(|at| [(at, TimeDelta::minutes(3)), (at, TimeDelta::hours(25))]) {
        let (owner, _) = world.subscribed(world.alpha, &format!("c{at}{later}"), world.alpha.basic, json!({})).await;
        point.store(at, Ordering::SeqCst);
        let (client, input) = (admin.clone(), json!({"ownerId": owner}));
        let asked = tokio::spawn(async move { client.send_mutation(MUTATION, input, FIELDS).await.0 }).await;
        match at {
            2 => {
                assert_eq!(asked.expect("an answer")["data"][MUTATION]["userErrors"][0]["code"], "GATEWAY_UNAVAILABLE")
            }
            _ => assert!(asked.is_err(), "it panicked"),
        }
        point.store(0, Ordering::SeqCst);
        let open = intents(world).await.into_iter().filter(|intent| intent.due_at.is_some()).count();
        assert_eq!(open, 1, "{at} {later}");
        world.pass(later);
        let looked_after = world.app.applier().asker().look_after().await.unwrap_or_else(|_| panic!("{at}"));
        assert_eq!(looked_after, 1, "{at} {later}");
        let known = at_gateway(world, &account, &owner).await;
        assert_eq!((known.len(), json!(known[0])), (1, ensured(&admin, &owner).await), "{at} {later}");
        assert!(intents(world).await.iter().all(|intent| intent.due_at.is_none()), "{at} {later}");
    }
}
