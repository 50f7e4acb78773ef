//! Documents that ask for too much: refused at little cost, whatever they look like.
//!
//! Here work is counted: statements, errors, bytes. `make prove-abuse` counts the time that a processor spends as well.

mod bystander;
mod hostile;
mod prove;

use tessera::auth::Role;

use self::hostile::{Hostile, hostile};
use crate::support::{Backend, Client, Told, World, ask};

/// How many errors and bytes a refusal may have.
const ERRORS: usize = 20;
const REFUSAL: usize = 64 * 1024;
/// How many bytes an answer may have.
const ANSWER: usize = 4 * 1024 * 1024;
/// How many statements a document may run.
const STATEMENTS: u64 = 100;

async fn callers(world: &World) -> [Client; 3] {
    world.subscribed(world.alpha, "Ada", world.alpha.basic, serde_json::json!({})).await;
    [world.admin(world.alpha), world.nobody(), world.caller(Role::Worker, world.alpha)]
}

/// Asks, and checks that the document cost little. Says whether it was refused.
async fn check(world: &World, client: &Client, hostile: &Hostile) -> bool {
    let before = world.store.statements();
    let Told { text, .. } = ask(client, &hostile.document, &hostile.variables).await;
    is_refused(hostile, &text, world.store.statements() - before)
}

/// Checks that a document cost little, and says whether it was refused.
fn is_refused(Hostile { kind, document, .. }: &Hostile, text: &str, statements: u64) -> bool {
    let start = &document[..document.char_indices().nth(300).map_or(document.len(), |(at, _)| at)];
    let value: serde_json::Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{kind}: {error}: {start}"));
    let errors = value["errors"].as_array().map_or(0, Vec::len);
    assert!(!text.contains("INTERNAL_SERVER_ERROR"), "{kind}: {start}: {text}");
    let refused = value.get("data").is_none();
    if refused {
        assert_eq!(statements, 0, "{kind}: {start}");
        assert!(errors <= ERRORS && text.len() <= REFUSAL, "{kind}: {errors} errors, {} bytes: {start}", text.len());
    } else {
        assert!(statements <= STATEMENTS, "{kind}: {statements} statements: {start}");
        assert!(text.len() <= ANSWER, "{kind}: {} bytes: {start}", text.len());
    }
    refused
}

#[tokio::test]
async fn a_hostile_document_costs_little() {
    let world = World::new(Backend::Sqlite).await;
    let callers = callers(&world).await;
    let mut refused = 0;
    for (document, client) in hostile(0, 2_600).zip(callers.iter().cycle()) {
        refused += u32::from(check(&world, client, &document).await);
    }
    assert!((1_000..2_500).contains(&refused), "{refused} were refused: too tame or too wild");
}

/// As much as a short text can ask for where no token is needed: lists of everything public, ten times.
#[tokio::test]
async fn nobody_cannot_ask_for_much() {
    let world = World::new(Backend::Sqlite).await;
    let tiers = "tiers(first:100){nodes{fallbackTier{prices{gatewayPrices{id}}features{key}}}}";
    let all: String = (0..10).map(|number| format!("a{number}:{tiers} ")).collect();
    let deep = format!("{{tiers(first:1){{nodes{{{}id{}}}}}}}", "fallbackTier{".repeat(12), "}".repeat(12));
    let few: String =
        (0..10).map(|number| format!("a{number}:tiers(first:1){{nodes{{fallbackTier{{key}}}}}} ")).collect();
    for (document, refused) in [(format!("{{{all}}}"), true), (deep, false), (format!("{{{few}}}"), false)] {
        let document = Hostile { kind: "without a token", document, variables: serde_json::json!({}) };
        assert_eq!(check(&world, &world.nobody(), &document).await, refused, "{}", document.document);
    }
}
