//! A file system without room: the program runs by itself, and its files may not grow beyond a limit of the process.
//! Commits fail then as on a disk that is full or broken.
#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera::config::KeySource;
use tessera::entity::customer;

use crate::support::{Backend, Client, World};

/// A program that is killed when it is dropped.
struct Program {
    child: Child,
    address: String,
    http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Program {
    /// Serves the world's database, and may not let any file grow beyond so many bytes.
    async fn start(world: &World, largest: u64) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
        let KeySource::Hs256(secret) = &world.config.auth.key else { panic!("tests have a secret") };
        // A write beyond the limit fails instead of ending the process.
        let script = format!("trap '' XFSZ; exec prlimit --fsize={largest}:unlimited \"$0\" serve");
        let child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_tessera")])
            .env("TESSERA_LISTEN", &free)
            .env("TESSERA_DATABASE_URL", world.config.database.url.expose_secret())
            .env("TESSERA_AUTH_ISSUER", &world.config.auth.issuer)
            .env("TESSERA_AUTH_AUDIENCE", &world.config.auth.audience)
            .env("TESSERA_AUTH_HS256_SECRET", secret.expose_secret())
            .env("TESSERA_CURSOR_SECRET", world.config.cursor_secret.expose_secret())
            .env("TESSERA_LOG", "off")
            .spawn()
            .expect("it starts");
        let program = Self { child, address: format!("http://{free}"), http: reqwest::Client::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while program.http.get(format!("{}/healthz", program.address)).send().await.is_err() {
            assert!(Instant::now() < deadline, "it does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program
    }

    /// Files may grow again.
    fn make_room(&self) {
        let pid = self.child.id().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:unlimited"]).status();
        assert!(done.expect("prlimit runs").success());
    }

    async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.address)).send().await.expect("an answer");
        answer.status().is_success()
    }

    /// Creates a customer, and tells whether that was acknowledged.
    async fn creates(&self, client: &Client, name: &str) -> bool {
        let document = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }";
        let body = json!({"query": document, "variables": {"input": {"name": name}}});
        let request = self.http.post(format!("{}/graphql", self.address)).bearer_auth(client.token()).json(&body);
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        answer["data"]["createCustomer"]["customer"]["id"].is_string()
    }
}

/// Creates customers, and tells whose creation was acknowledged.
async fn create(program: &Program, client: &Client, name: &str, times: usize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0..times {
        let name = format!("{name} {number:03}");
        if program.creates(client, &name).await {
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
    let program = Program::start(&world, size(&file).max(size(&log)) + 500_000).await;

    // In the order of the alphabet.
    let mut acknowledged = create(&program, &client, "1 before", 60).await;
    assert!(acknowledged.len() < 58, "there was room for everything");
    assert!(!program.is_ready().await, "nothing can be written");
    program.make_room();
    assert!(program.is_ready().await, "there is room again");
    let after = create(&program, &client, "2 later", 20).await;
    assert_eq!(after.len(), 20);
    acknowledged.extend(after);
    assert_eq!(stored(&world).await, acknowledged, "another connection reads what was acknowledged, and no more");

    drop(program);
    let again = Program::start(&world, u64::MAX >> 1).await;
    assert!(again.creates(&client, "3 restarted").await);
    acknowledged.push("3 restarted".to_owned());
    assert_eq!(stored(&world).await, acknowledged, "so it is when the program was killed");
    world.check_invariants().await;
}
