//! What holds of our sessions: one that stands still is ended, and one that only reads, or has no room, says so.

use std::time::Duration;

use serde_json::json;
use tessera::store::Unwritable;

use super::{extend, is_unavailable, program};
use crate::concurrency::Stop;
use crate::support::{Backend, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_program_that_stands_still_loses_its_locks() {
    let world = World::new(Backend::Postgres).await;
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let frozen = program(&world, |database| database.idle_transaction_timeout = Duration::from_secs(1)).await;
    let mut stop = Stop::on(frozen.store(), |statement| statement.sql.contains(r#"UPDATE "subscriptions""#));
    stop.at_next(1);
    let client = world.admin(world.alpha).with_app(frozen);
    let (standing, subscription) = (client.clone(), id.clone());
    let standing = tokio::spawn(async move { extend(&standing, &subscription).await });
    stop.reached().await;
    // Another program waits for the row, and gets it while the first one still stands.
    let answer = extend(&world.admin(world.alpha), &id).await;
    assert_eq!(answer.0["data"]["extendSubscription"]["subscription"]["version"], 2, "{:#}", answer.0);
    assert!(!standing.is_finished());
    stop.go_on();
    let answer = standing.await.expect("no panic");
    assert_eq!(answer.0["data"]["extendSubscription"]["subscription"]["version"], 3, "it is run again: {:#}", answer.0);
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_only_reads_says_so_to_commands() {
    let world = World::new(Backend::Postgres).await;
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world
        .sql(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
            END $$",
        )
        .await;
    let client = world.admin(world.alpha).with_app(program(&world, |_| {}).await);
    for (mutation, input) in [
        ("createCustomer", json!({"name": "Bob"})),
        ("updateCustomer", json!({"id": customer, "name": "Bob"})),
        ("cancelSubscription", json!({"id": id})),
    ] {
        let answer = client.send_mutation(mutation, input, "").await;
        assert_eq!(answer.code(), "READ_ONLY", "{mutation}: {:#}", answer.0);
        assert_eq!(answer.0["errors"][0]["extensions"]["retryAfterMs"], 1000);
    }
    let data = client.ok("{ customers { nodes { name subscription { status } } } }", json!({})).await;
    assert_eq!(data["customers"]["nodes"], json!([{"name": "Ada", "subscription": {"status": "ACTIVE"}}]));
    // What is refused is refused there, too.
    let refusal = client.refusal("cancelSubscription", json!({"id": "sub_01jq0000000000000000000000"})).await;
    assert!(["INVALID_ID", "NOT_FOUND"].contains(&refusal["code"].as_str().expect("a code")), "{refusal}");
}

/// What PostgreSQL answers where a table or a temporary one cannot grow.
const NO_ROOM: [&str; 4] = [
    "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
    "CREATE TRIGGER no_room BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION no_room()",
    "CREATE FUNCTION no_temporary_room() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
    "CREATE EVENT TRIGGER no_temporary_room ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS')
        EXECUTE FUNCTION no_temporary_room()",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_is_not_ready_until_there_is_some() {
    let world = World::new(Backend::Postgres).await;
    let app = program(&world, |_| {}).await;
    let client = world.admin(world.alpha).with_app(app.clone());
    let create = async || client.send_mutation("createCustomer", json!({"name": "Ada"}), "").await;
    app.store().writable().await.expect("there is room");
    for statement in NO_ROOM {
        world.sql(statement).await;
    }
    app.store().writable().await.expect("nothing failed since");
    is_unavailable(&create().await);
    for _ in 0..2 {
        assert!(matches!(app.store().writable().await, Err(Unwritable::Full)));
    }
    world.sql("DROP EVENT TRIGGER no_temporary_room").await;
    world.sql("DROP TRIGGER no_room ON customers").await;
    app.store().writable().await.expect("there is room again");
    assert!(create().await.0["errors"].is_null());
    world.check_invariants().await;
}
