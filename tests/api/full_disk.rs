//! A file system without room: the program runs by itself, and its files may not grow beyond a limit of the process.
//! Commits fail then as on a disk that is full or broken.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera::entity::customer;

use crate::support::{Backend, Client, PROGRAM, Program, World};

/// Serves the world's database, and may not let any file grow beyond so many bytes.
async fn serve(world: &World, largest: u64) -> Program {
    // A write beyond the limit fails instead of ending the process.
    let script = format!("trap '' XFSZ; exec prlimit --fsize={largest}:unlimited \"$0\" serve");
    Program::serving(world, Command::new("sh").args(["-c", &script, PROGRAM])).await
}

/// Files may grow again.
fn make_room(program: &Program) {
    let pid = program.pid().to_string();
    let done = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:unlimited"]).status();
    assert!(done.expect("prlimit runs").success());
}

async fn is_ready(program: &Program) -> bool {
    let answer = program.http.get(program.url("readyz")).send().await.expect("an answer");
    answer.status().is_success()
}

/// Creates a customer, and tells whether that was acknowledged.
async fn creates(program: &Program, client: &Client, name: &str) -> bool {
    let document = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }";
    let body = json!({"query": document, "variables": {"input": {"name": name}}});
    let request = program.http.post(program.url("graphql")).bearer_auth(client.token()).json(&body);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    answer["data"]["createCustomer"]["customer"]["id"].is_string()
}

/// Creates customers, and tells whose creation was acknowledged.
async fn create(program: &Program, client: &Client, name: &str, times: usize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0..times {
        let name = format!("{name} {number:03}");
        if creates(program, client, &name).await {
            acknowledged.push(name);
        }
    }
    acknowledged
}

async fn stored(world: &World) -> Vec<String> {
    let rows = world.store.system().all::<customer::Entity>().await.expect("the database answers");
    let mut names: Vec<_> = rows.into_iter().map(|row| row.name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_lost() {
    let world = World::new(Backend::Sqlite).await;
    let client = world.admin(world.alpha);
    let url = world.config.database.url.expose_secret();
    let file = PathBuf::from(url.strip_prefix("sqlite://").expect("a file"));
    let log = PathBuf::from(format!("{}-wal", file.display()));
    let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |known| known.len());
    let program = serve(&world, size(&file).max(size(&log)) + 500_000).await;

    // In the order of the alphabet.
    let mut acknowledged = create(&program, &client, "1 before", 60).await;
    assert!(acknowledged.len() < 58, "there was room for everything");
    assert!(!is_ready(&program).await, "nothing can be written");
    make_room(&program);
    assert!(is_ready(&program).await, "there is room again");
    let after = create(&program, &client, "2 later", 20).await;
    assert_eq!(after.len(), 20);
    acknowledged.extend(after);
    assert_eq!(stored(&world).await, acknowledged, "another connection reads what was acknowledged, and no more");

    drop(program);
    let again = serve(&world, u64::MAX >> 1).await;
    assert!(creates(&again, &client, "3 restarted").await);
    acknowledged.push("3 restarted".to_owned());
    assert_eq!(stored(&world).await, acknowledged, "so it is when the program was killed");
    world.check_invariants().await;
}
