//! Many consume at once by three programs that run by themselves. `make prove-usage` runs it.

use std::process::Command;

use futures_util::future::join_all;
use reqwest::Client as Http;
use serde_json::{Value, json};

use super::counter;
use super::race::Outcome;
use crate::support::{Backend, PROGRAM, Program, World};

/// How many clients there are.
const CLIENTS: usize = 32;
/// How often each asks in a round: together for more than there is.
const TIMES: usize = 3;

const DOCUMENT: &str = "mutation($input: ConsumeInput!) { consume(input: $input) {
    consumption { granted meter { used } } userErrors { code } } }";

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a setting of this proof alone")]
    let set = std::env::var("ROUNDS").ok();
    set.map_or(100, |rounds| rounds.parse().expect("ROUNDS is a number"))
}

async fn ask(http: &Http, url: &str, token: &str, document: &str, variables: Value) -> Value {
    let body = json!({"query": document, "variables": variables});
    let answer = http.post(url).bearer_auth(token).json(&body).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"].clone()
}

async fn consume(http: &Http, url: &str, token: &str, input: &Value) -> Value {
    ask(http, url, token, DOCUMENT, json!({"input": input})).await["consume"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts three servers: make prove-usage"]
async fn three_programs_count_exactly() {
    let world = World::new(Backend::Postgres).await;
    let mut programs = Vec::new();
    for _ in 0..3 {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").env("TESSERA_TENANT_RATE", "0").env("TESSERA_USER_RATE", "0");
        programs.push(Program::serving(&world, &mut command).await);
    }
    let urls: Vec<_> = programs.iter().map(|program| program.url("graphql")).collect();
    let (client, http) = (counter(&world), Http::new());
    let (mut all, mut refused) = (0, 0);
    for round in 0..rounds() {
        // The programs have another clock than the world: by theirs, a month from its March is over.
        let year = json!({"currentPeriodEnd": "2099-03-01T12:00:00Z"});
        let (ada, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, year).await;
        let one = |number: usize| {
            let (url, http, token, ada) = (&urls[number % urls.len()], &http, client.token(), &ada);
            async move {
                let mut told = Vec::new();
                for time in 0..TIMES {
                    let amount = i64::try_from((number + time * 7 + round) % 5 + 1).expect("small");
                    let key = number.is_multiple_of(2).then(|| format!("{round}-{number}-{time}"));
                    let input =
                        json!({"ownerId": ada, "feature": "ai.queries", "amount": amount, "idempotencyKey": key});
                    let payload = consume(http, url, token, &input).await;
                    if time == 1 && key.is_some() && payload["consumption"].is_object() {
                        let again = consume(http, url, token, &input).await;
                        assert_eq!(again["consumption"]["granted"], json!(amount), "sent again: {again}");
                    }
                    told.push((payload, amount));
                }
                told
            }
        };
        let mut outcome = Outcome::default();
        for (payload, amount) in join_all((0..CLIENTS).map(one)).await.into_iter().flatten() {
            all += 1;
            outcome.add(&payload, amount);
        }
        refused += outcome.refused.len();
        let document = "query($id: ID!) { access(ownerId: $id, features: [\"ai.queries\"]) { features { used } } }";
        // The programs have another clock than the world, and so another window.
        let access = ask(&http, &urls[0], world.admin(world.alpha).token(), document, json!({"id": ada})).await;
        outcome.check(access["access"]["features"][0]["used"].as_i64().expect("a number"), 100);
    }
    println!("{} rounds, {all} commands at three programs, {refused} refused: every sum exact", rounds());
}
