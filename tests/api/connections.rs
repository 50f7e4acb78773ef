//! Connections to the database: replaced when they were lost, encrypted and with a password where that is asked for.
//!
//! Each request is sent twice: the resolvers answer a document the first time, the read path the second time, and they
//! have connections of their own.

use std::future::poll_fn;
use std::task::Poll;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera::app::App;
use tessera::entity::customer;

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

/// The customers whose names begin like this, with how many subscriptions each has.
async fn named(client: &Client, prefix: &str) -> Vec<usize> {
    let found = all_customers(client).await;
    let named = found.iter().filter(|customer| customer["name"].as_str().is_some_and(|name| name.starts_with(prefix)));
    named.map(|customer| customer["subscriptions"]["nodes"].as_array().expect("a list").len()).collect()
}

/// Creates a customer, asking again with the same key until that is heard of.
async fn create_at_last(client: &Client, name: &str) {
    let input = json!({"name": name, "externalRef": name, "idempotencyKey": name});
    for _ in 0..1000 {
        let answer = client.send_mutation("createCustomer", input.clone(), "customer { externalRef }").await;
        if answer.0["errors"].is_null() {
            let payload = &answer.0["data"]["createCustomer"];
            assert_eq!(payload["userErrors"], json!([]));
            assert_eq!(payload["customer"]["externalRef"], name);
            return;
        }
        assert_eq!(answer.code(), "SERVICE_UNAVAILABLE");
    }
    panic!("{name} was never created");
}

async fn all_customers(client: &Client) -> Vec<Value> {
    let document = "{ customers(first: 100) { nodes { name subscriptions(first: 5) { nodes { id } } } } }";
    client.ok(document, json!({})).await["customers"]["nodes"].as_array().expect("a list").clone()
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

#[on_both]
async fn connections_that_were_lost_are_replaced(world: &World) {
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

#[on_both]
async fn what_loses_its_connection_is_done_once_or_not_at_all(world: &World) {
    let client = world.admin(world.alpha);
    let work = async |worker: usize| {
        for number in 0..15 {
            create_at_last(&client, &format!("{worker}-{number}")).await;
        }
    };
    let disturbed = async {
        for number in 0..15 {
            let name = format!("disturbed-{number}");
            tokio::join!(create_at_last(&client, &name), lose_connections(world));
        }
    };
    // Without a key or a reference, twice would be seen.
    let once = async {
        let mut heard = 0;
        for number in 0..15 {
            let input = json!({"name": format!("once-{number}_")});
            let answer = client.send_mutation("createCustomer", input, "").await;
            heard += usize::from(answer.0["errors"].is_null());
        }
        heard
    };
    let (heard, ..) = tokio::join!(once, work(0), work(1), disturbed);
    for (prefix, count) in [("0-", 15), ("1-", 15), ("disturbed-", 15)] {
        assert_eq!(named(&client, prefix).await, vec![1; count], "{prefix}");
    }
    let done = named(&client, "once-").await;
    assert!((heard..=15).contains(&done.len()) && done.iter().all(|count| *count == 1), "{heard} of {done:?}");
    for number in 0..15 {
        assert!(named(&client, &format!("once-{number}_")).await.len() <= 1);
    }
}

#[on_both]
async fn errors_of_the_database_do_not_show_rows(world: &World) {
    world.admin(world.alpha).mutate("createCustomer", json!({"name": "Ada Unmistakable"}), "").await;
    let system = world.store.system();
    let rows = system.all::<customer::Entity>().await.expect("they are read");
    let ids: Vec<_> = rows.iter().map(|row| uuid::Uuid::from(row.id).to_string()).collect();
    let error = system.insert::<_, customer::Entity>(rows).await.expect_err("their ids are taken").to_string();
    assert!(!error.contains("Unmistakable") && !ids.iter().any(|id| error.contains(id)), "{error}");
}

#[on_both]
async fn what_is_given_up_is_done_whole_or_not_at_all(world: &World) {
    let mut config = world.config.clone();
    // One for transactions: the next command gets the connection of the one that was given up.
    config.database.max_connections = 2;
    let app = App::start(&config, world.clock.clone()).await.expect("it starts");
    let client = world.admin(world.alpha).with_app(app);
    for polls in 0..40 {
        let input = json!({"name": format!("given-up-{polls}_")});
        let mut command = std::pin::pin!(client.send_mutation("createCustomer", input, ""));
        for _ in 0..polls {
            let ready = poll_fn(|context| Poll::Ready(command.as_mut().poll(context).is_ready()));
            if ready.await {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    client.mutate("createCustomer", json!({"name": "after"}), "").await;
    let (all, after) = (named(&client, "given-up-").await, named(&client, "after").await);
    assert_eq!(after, [1]);
    assert!(all.len() < 40, "nothing was given up");
    for polls in 0..40 {
        let done = named(&client, &format!("given-up-{polls}_")).await;
        assert!(done.is_empty() || done == [1], "{done:?}");
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
