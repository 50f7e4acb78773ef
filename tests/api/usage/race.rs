//! Many consume at once, near the limit: what is accepted is exact, and nobody is refused while there is room.

use serde_json::{Value, json};
use tessera::app::App;

use super::{METER, consume, counter, customer};
use crate::support::{Client, World, on_both, race};

/// So many clients of several programs on one database.
async fn clients(world: &World, count: usize, programs: usize) -> Vec<Client> {
    let mut apps = vec![world.app.clone()];
    while apps.len() < programs {
        apps.push(App::start(&world.config, world.clock.clone()).await.unwrap_or_else(|error| panic!("{error}")));
    }
    let client = counter(world);
    apps.iter().cycle().take(count).map(|app| client.clone().with_app(app.clone())).collect()
}

/// What came of commands that consumed these amounts, when there was room for so much in the end.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) accepted: i64,
    pub(super) refused: Vec<i64>,
}

impl Outcome {
    /// Adds a payload of `consume`, which grants all or nothing.
    pub(super) fn add(&mut self, payload: &Value, amount: i64) {
        match payload["userErrors"][0]["code"].as_str() {
            None => {
                assert_eq!(payload["consumption"]["granted"], json!(amount), "{payload}");
                self.accepted += amount;
            }
            Some(code) => {
                assert_eq!(code, "LIMIT_EXCEEDED", "{payload}");
                self.refused.push(amount);
            }
        }
    }

    /// What was accepted is what is used, it is within the limit, and there was no room for what was refused.
    pub(super) fn check(&self, used: i64, limit: i64) {
        assert_eq!(used, self.accepted);
        assert!(used <= limit, "{used} are used");
        assert!(!self.refused.is_empty(), "the limit was not reached");
        let refused = &self.refused;
        assert!(refused.iter().all(|amount| used + amount > limit), "{refused:?} were refused at {used}");
    }
}

/// 32 clients of so many programs consume from 1 to 5 of a hundred.
async fn near_the_limit(world: &World, programs: usize) {
    let clients = clients(world, 32, programs).await;
    for round in 0..3 {
        let (ada, _) = customer(world).await;
        let (_, before) = consume(&clients[0], &ada, 30 + round, json!({})).await;
        let mut outcome = Outcome { accepted: before, refused: Vec::new() };
        // 93 are wanted, and there is room for 70 at most.
        let amounts: Vec<i64> = (0..32).map(|number| (number + round) % 5 + 1).collect();
        let input = |(number, amount): (usize, &i64)| {
            let key = number.is_multiple_of(3).then(|| format!("{round}-{number}"));
            json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "idempotencyKey": key})
        };
        let inputs: Vec<Value> = amounts.iter().enumerate().map(input).collect();
        let payloads = race(&clients, "consume", inputs, "consumption { granted meter { used } }").await;
        payloads.iter().zip(&amounts).for_each(|(payload, amount)| outcome.add(payload, *amount));
        let input = json!({"ownerId": ada, "feature": "ai.queries", "partial": true});
        let made = clients[0].mutate("consume", input, &format!("consumption {{ granted {METER} }}")).await;
        let number = |value: &Value| value.as_i64().expect("a number");
        let extra = number(&made["consumption"]["granted"]);
        outcome.check(number(&made["consumption"]["meter"]["used"]) - extra, 100);
    }
}

#[on_both]
async fn near_the_limit_what_is_accepted_is_exact_and_nobody_is_refused_while_there_is_room(world: &World) {
    near_the_limit(world, 1).await;
}

#[on_both]
async fn the_same_holds_for_three_programs(world: &World) {
    near_the_limit(world, 3).await;
}

/// How many rounds there may be until some were counted together.
const ROUNDS: usize = 100;

/// Those that come while one leads are counted together, each as if it were alone.
#[on_both]
async fn what_is_counted_together_is_answered_one_by_one(world: &World) {
    let client = counter(world);
    let told = |payload: &Value| match payload["userErrors"][0]["code"].as_str() {
        Some(code) => json!(code),
        None => payload["consumption"]["granted"].clone(),
    };
    let mut together = false;
    for round in 0..ROUNDS {
        let (ada, _) = customer(world).await;
        let before = world.store.statements();
        consume(&client, &ada, 86, json!({})).await;
        let alone = world.store.statements() - before;
        let more = |amount: i64, key: &str, partial: bool| {
            let key = format!("{round}-{key}");
            json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "idempotencyKey": key, "partial": partial})
        };
        let inputs = vec![more(4, "a", false), more(4, "a", false), more(3, "a", false), more(50, "b", false)];
        let clients = vec![client.clone(); inputs.len()];
        let one = json!({"ownerId": ada, "feature": "ai.queries"});
        let before = world.store.statements();
        race(&clients, "consume", vec![one; 4], "").await;
        together = together || world.store.statements() - before < 4 * alone;
        let payloads = race(&clients, "consume", inputs, "consumption { granted }").await;
        let answers: Vec<_> = payloads.iter().map(told).collect();
        // Of several with one key whoever comes first counts.
        let reused = json!("IDEMPOTENCY_KEY_REUSED");
        let four_first = [json!(4), json!(4), reused.clone(), json!("LIMIT_EXCEEDED")];
        let three_first = [reused.clone(), reused, json!(3), json!("LIMIT_EXCEEDED")];
        assert!(answers == four_first || answers == three_first, "{answers:?}");
        let left = if answers == four_first { 6 } else { 7 };
        let rest = vec![more(30, "c", true); 4];
        let payloads = race(&clients, "consume", rest, "consumption { granted }").await;
        assert_eq!(payloads.iter().map(told).collect::<Vec<_>>(), vec![json!(left); 4]);
        if together {
            break;
        }
    }
    assert!(together, "nothing was counted together in {ROUNDS} rounds");
}

#[on_both]
async fn a_key_that_is_sent_many_times_at_once_counts_once(world: &World) {
    let (ada, _) = customer(world).await;
    let clients = clients(world, 8, 2).await;
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
