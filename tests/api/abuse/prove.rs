//! What hostile documents cost in an optimised build: `make prove-abuse`.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Client as Http;
use serde_json::json;

use super::hostile::{Hostile, hostile};
use super::{callers, is_refused};
use crate::support::{Backend, Client, PROGRAM, Program, Told, World, ask};

/// How many microseconds of a processor's time a document may take.
const MICROS: u64 = 5_000;
/// How many kilobytes the process may take.
const KILOBYTES: u64 = 150_000;
/// How many clients send hostile documents at the same time.
const ATTACKERS: u64 = 2;
/// How long each of them waits between two. They share the processors with the program: without a pause the bystander would
/// wait for the attackers' own work.
const PAUSE: Duration = Duration::from_millis(5);
/// How often a bystander asks while nobody else does.
const QUIET: usize = 5_000;

fn documents() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "it is told how many")]
    std::env::var("DOCUMENTS").map_or(100_000, |count| count.parse().expect("a number"))
}

/// Microseconds that this thread has had a processor.
fn cpu_micros() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    told.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).expect("a number") / 1_000
}

/// What documents of a kind took.
#[derive(Default)]
struct Taken {
    count: u64,
    micros: u64,
    most: u64,
    what: String,
}

impl Taken {
    fn add(&mut self, micros: u64, document: &Hostile) {
        self.count += 1;
        self.micros += micros;
        if micros > self.most {
            self.most = micros;
            self.what = format!("{}, {} bytes", document.kind, document.document.len());
        }
    }
}

/// One thread, so that its time is that of the document.
#[tokio::test]
#[ignore = "slow, and in a debug build it says nothing: make prove-abuse"]
async fn what_documents_take() {
    let world = World::new(Backend::Sqlite).await;
    let callers = callers(&world).await;
    let (mut refused, mut answered) = (Taken::default(), Taken::default());
    for (document, client) in hostile(0, documents()).zip(callers.iter().cycle()) {
        let (begun, before) = (cpu_micros(), world.store.statements());
        let Told { text, .. } = ask(client, &document.document, &document.variables).await;
        let (micros, statements) = (cpu_micros() - begun, world.store.statements() - before);
        let taken = if is_refused(&document, &text, statements) { &mut refused } else { &mut answered };
        taken.add(micros, &document);
    }
    for (name, Taken { count, micros, most, what }) in [("refused", &refused), ("answered", &answered)] {
        println!("{count} documents {name}: {} µs of CPU each, at most {most} µs ({what})", micros / (*count).max(1));
    }
    assert!(refused.most <= MICROS && answered.most <= MICROS, "a document took more than {MICROS} µs");
}

/// Serves the world's database, as much as is asked for.
async fn serve(world: &World) -> Program {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").env("TESSERA_TENANT_RATE", "0").env("TESSERA_USER_RATE", "0");
    Program::serving(world, &mut command).await
}

/// The most memory that a program has taken, in kilobytes.
fn memory(program: &Program) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("it runs");
    let most = told.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
    most.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Sends hostile documents, and counts the answers that are faults of the server. Every fourth short one comes by GET.
async fn attack(url: String, client: Client, numbers: std::ops::Range<u64>, failed: Arc<AtomicU64>) {
    let http = Http::new();
    for (number, Hostile { kind, document, variables }) in
        hostile(numbers.start, numbers.end - numbers.start).enumerate()
    {
        let request = if number % 4 == 0 && document.len() < 2_000 {
            http.get(format!("{url}?query={}", utf8_percent_encode(&document, NON_ALPHANUMERIC)))
        } else {
            http.post(&url).json(&json!({ "query": document, "variables": variables }))
        };
        let answer = request.bearer_auth(client.token()).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{kind}, {} bytes: {error:?}", document.len()));
        if answer.status().is_server_error() {
            println!("{kind}: {}", answer.status());
            failed.fetch_add(1, Ordering::Relaxed);
        }
        drop(answer.bytes().await.expect("a body"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// How long answers to an ordinary request take, in microseconds: the 99th of a hundred.
async fn slowest(url: &str, client: &Client, goes_on: impl Fn(usize) -> bool) -> u128 {
    let http = Http::new();
    let body = json!({ "query": "{ customers(first: 5) { nodes { name subscription { status } } } }" });
    let mut taken = Vec::new();
    while goes_on(taken.len()) {
        let begun = Instant::now();
        let answer = http.post(url).bearer_auth(client.token()).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        drop(answer.bytes().await.expect("a body"));
        taken.push(begun.elapsed().as_micros());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    taken.sort_unstable();
    taken[taken.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow, and in a debug build it says nothing: make prove-abuse"]
async fn what_others_notice() {
    let world = World::new(Backend::Sqlite).await;
    let (attacker, bystander) = (world.admin(world.alpha), world.admin(world.beta));
    world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    let program = serve(&world).await;
    let url = program.url("graphql");
    slowest(&url, &bystander, |asked| asked < QUIET / 5).await;
    let quiet = slowest(&url, &bystander, |asked| asked < QUIET).await;
    let (failed, over) = (Arc::<AtomicU64>::default(), Arc::new(AtomicBool::new(false)));
    let share = documents() / ATTACKERS;
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|place| attack(url.clone(), attacker.clone(), place * share..(place + 1) * share, Arc::clone(&failed)))
        .map(tokio::spawn)
        .collect();
    let watched = Arc::clone(&over);
    let ends = tokio::spawn(async move {
        let ended = join_all(attackers).await;
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|attacker| attacker.expect("all are answered"));
    });
    let flooded = slowest(&url, &bystander, |_| !watched.load(Ordering::Relaxed)).await;
    ends.await.expect("all are answered");
    let (failed, memory) = (failed.load(Ordering::Relaxed), memory(&program));
    println!("{} documents over HTTP: {failed} faults of the server, at most {memory} kB of memory", documents());
    println!("a bystander's 99th percentile: {quiet} µs, and {flooded} µs meanwhile");
    assert_eq!(failed, 0, "faults of the server");
    assert!(memory < KILOBYTES, "{memory} kB");
    assert!(flooded <= 2 * quiet, "the bystander waits more than twice as long");
}
