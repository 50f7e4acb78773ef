//! Many consume at once, near the limit: what is accepted is exact, and nobody is refused while there is room.

use serde_json::{Value, json};
use tessera::app::App;

use super::{METER, consume, counter, customer};
use crate::support::{Client, World, on_both, race};

/// Two programs on one database.
async fn clients(world: &World, count: usize) -> Vec<Client> {
    let other = App::start(&world.config, world.clock.clone()).await.unwrap_or_else(|error| panic!("{error}"));
    let client = counter(world);
    let one = |place: usize| if place < count / 2 { client.clone() } else { client.clone().with_app(other.clone()) };
    (0..count).map(one).collect()
}

#[on_both]
async fn what_is_accepted_is_exact_and_nobody_is_refused_while_there_is_room(world: &World) {
    let (ada, _) = customer(world).await;
    let clients = clients(world, 32).await;
    let (_, before) = consume(&clients[0], &ada, 30, json!({})).await;
    // 93 are wanted, and there is room for 70.
    let amounts: Vec<i64> = (0..32).map(|number| number % 5 + 1).collect();
    let input = |amount: &i64| json!({"ownerId": ada, "feature": "ai.queries", "amount": amount});
    let inputs: Vec<Value> = amounts.iter().map(input).collect();
    let payloads = race(&clients, "consume", inputs, "consumption { granted meter { used } }").await;
    let mut accepted = 0;
    let mut refused = Vec::new();
    for (payload, amount) in payloads.iter().zip(&amounts) {
        match payload["userErrors"][0]["code"].as_str() {
            None => {
                assert_eq!(payload["consumption"]["granted"], json!(amount), "{payload}");
                accepted += amount;
            }
            Some(code) => {
                assert_eq!(code, "LIMIT_EXCEEDED", "{payload}");
                refused.push(*amount);
            }
        }
    }
    let input = json!({"ownerId": ada, "feature": "ai.queries", "partial": true});
    let made = clients[0].mutate("consume", input, &format!("consumption {{ granted {METER} }}")).await;
    let extra = made["consumption"]["granted"].as_i64().expect("a number");
    let used = made["consumption"]["meter"]["used"].as_i64().expect("a number") - extra;
    assert_eq!(used, before + accepted);
    assert!(used <= 100, "{used} are used");
    assert!(!refused.is_empty(), "the limit was not reached");
    assert!(refused.iter().all(|amount| used + amount > 100), "{refused:?} were refused at {used}");
}

#[on_both]
async fn a_key_that_is_sent_many_times_at_once_counts_once(world: &World) {
    let (ada, _) = customer(world).await;
    let clients = clients(world, 8).await;
    let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 3, "idempotencyKey": "once"});
    let payloads = race(&clients, "consume", vec![input; 8], "consumption { granted meter { used } }").await;
    for payload in &payloads {
        assert_eq!(payload["consumption"], json!({"granted": 3, "meter": {"used": 3}}), "{payload}");
    }
    let records: Vec<_> = (0..8).map(|_| json!({"records": [
        {"ownerId": ada, "feature": "ai.queries", "amount": 4, "key": "b"}, {"ownerId": ada, "feature": "ai.queries", "key": "a"},
    ]})).collect();
    let payloads = race(&clients, "recordUsage", records, "records { status }").await;
    let accepted = payloads.iter().filter(|payload| payload["records"][0]["status"] == "ACCEPTED").count();
    assert_eq!(accepted, 1);
    assert_eq!(consume(&clients[0], &ada, 1, json!({})).await, (1, 9));
}
