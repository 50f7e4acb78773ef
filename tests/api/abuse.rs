//! Documents that ask for too much: refused at little cost, whatever they look like.
//!
//! Here work is counted: statements, errors, bytes. `make prove-abuse` counts the time that a processor spends as well.

mod hostile;

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
/// How many microseconds of a processor's time a refusal may take.
const MICROS: u64 = 5_000;

async fn callers(world: &World) -> [Client; 3] {
    world.subscribed(world.alpha, "Ada", world.alpha.basic, serde_json::json!({})).await;
    [world.admin(world.alpha), world.nobody(), world.caller(Role::Worker, world.alpha)]
}

/// Checks that a document cost little, and says whether it was refused.
async fn check(world: &World, client: &Client, Hostile { kind, document, variables }: &Hostile) -> bool {
    let before = world.store.statements();
    let Told { text, .. } = ask(client, document, variables).await;
    let statements = world.store.statements() - before;
    let start = &document[..document.char_indices().nth(300).map_or(document.len(), |(at, _)| at)];
    let value: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{kind}: {error}: {start}"));
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

/// Microseconds that this thread has had a processor.
fn cpu_micros() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    told.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).expect("a number") / 1_000
}

/// One thread, so that its time is that of the document.
#[tokio::test]
#[ignore = "slow, and in a debug build it says nothing: make prove-abuse"]
async fn prove() {
    #[expect(clippy::disallowed_methods, reason = "it is told how many")]
    let count = std::env::var("DOCUMENTS").map_or(100_000, |count| count.parse().expect("a number"));
    let world = World::new(Backend::Sqlite).await;
    let callers = callers(&world).await;
    let (mut refused, mut worst, mut slow) = (0, (0, String::new()), 0);
    let mut total = 0;
    for (document, client) in hostile(0, count).zip(callers.iter().cycle()) {
        let before = cpu_micros();
        let is_refused = check(&world, client, &document).await;
        let micros = cpu_micros() - before;
        if is_refused {
            refused += 1;
            total += micros;
            slow += u32::from(micros > MICROS);
            if micros > worst.0 {
                worst = (micros, format!("{}, {} bytes", document.kind, document.document.len()));
            }
        }
    }
    let (micros, what) = worst;
    println!(
        "{count} documents, {refused} refused: {} µs of CPU each, at most {micros} µs ({what})",
        total / refused.max(1)
    );
    assert_eq!(slow, 0, "refusals that took more than {MICROS} µs");
}
