//! Connections to the database: replaced when they were lost, encrypted and with a password where that is asked for.
//!
//! Each request is sent twice: the resolvers answer a document the first time, the read path the second time, and they
//! have connections of their own.

use secrecy::ExposeSecret;
use serde_json::json;
use tessera::app::App;

use crate::support::{Backend, Client, World, on_both};

const DOCUMENT: &str = "{ members(first: 2) { nodes { id } } }";

/// Whether a program with this database answers, over all its drivers.
async fn answers(world: &World, url: String) -> bool {
    let mut config = world.config.clone();
    config.database.url = url.into();
    let Ok(app) = App::start(&config, world.clock.clone()).await else { return false };
    let client = world.admin(world.alpha).with_app(app);
    client.ok(DOCUMENT, json!({})).await;
    client.send(DOCUMENT, json!({})).await.0["errors"].is_null()
}

/// Sends a document to the resolvers, and again to the read path.
async fn ask_both(client: &Client, number: usize) {
    let document = format!("{DOCUMENT} # {number}");
    client.ok(&document, json!({})).await;
    client.ok(&document, json!({})).await;
}

/// Ends all sessions of the world's database; SQLite has none.
async fn lose_connections(world: &World) {
    if world.backend == Backend::Postgres {
        world
            .sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
    }
}

on_both! {
    async fn connections_that_were_lost_are_replaced(world: World) {
        let client = world.admin(world.alpha);
        for number in 0..10 {
            if number % 5 == 0 {
                lose_connections(world).await;
            }
            ask_both(&client, number).await;
        }
        lose_connections(world).await;
        let created = client.mutate("createCustomer", json!({"name": "Ada"}), "customer { name }").await;
        assert_eq!(created["customer"]["name"], "Ada");
    }
}

/// The file of the authority that signed the server's certificate.
#[expect(clippy::disallowed_methods, reason = "tests are told where")]
fn authority() -> Option<String> {
    std::env::var("TESSERA_TEST_POSTGRES_CA").ok()
}

/// The address of the world's database, with these parameters, if its server is the one that `scripts/with-postgres`
/// starts.
fn address(world: &World, user: &str, host: &str, parameters: &str) -> Option<String> {
    authority()?;
    let url = world.config.database.url.expose_secret();
    let place = url.split_once("@127.0.0.1").expect("an address of this machine").1;
    Some(format!("postgres://{user}@{host}{place}?{parameters}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_encrypted_as_far_as_it_is_asked_for() {
    let world = World::new(Backend::Postgres).await;
    let ca = authority().unwrap_or_default();
    let trusting = |mode: &str| format!("sslmode={mode}&sslrootcert={ca}&application_name=encrypted");
    for (host, parameters, good) in [
        ("127.0.0.1", "sslmode=prefer&application_name=encrypted".to_owned(), true),
        ("127.0.0.1", "sslmode=require&application_name=encrypted".to_owned(), true),
        ("127.0.0.1", "sslmode=verify-ca".to_owned(), false),
        ("127.0.0.1", trusting("verify-ca"), true),
        ("127.0.0.1", trusting("verify-full"), false),
        ("localhost", trusting("verify-full"), true),
    ] {
        let Some(url) = address(&world, "tessera", host, &parameters) else { return };
        assert_eq!(answers(&world, url).await, good, "{host} {parameters}");
        world
            .sql(
                "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
            WHERE application_name = 'encrypted' AND NOT ssl) THEN RAISE EXCEPTION 'not encrypted'; END IF; END $$",
            )
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_password_is_good() {
    let world = World::new(Backend::Postgres).await;
    world.sql("CREATE ROLE tessera_password LOGIN SUPERUSER PASSWORD 'p@ss w%rd/:?#é'").await;
    for (password, good) in [("p%40ss%20w%25rd%2F%3A%3F%23%C3%A9", true), ("wrong", false)] {
        let Some(url) = address(&world, &format!("tessera_password:{password}"), "127.0.0.1", "") else { break };
        assert_eq!(answers(&world, url).await, good, "{password}");
    }
    world.sql("DROP ROLE tessera_password").await;
}
