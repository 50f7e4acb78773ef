//! The schema changes while the program runs: nobody notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::work;
use crate::support::{Backend, World};

/// What a migration does: a column, a type that changes what prepared statements find, an index, a table.
const STEPS: [&str; 5] = [
    "ALTER TABLE customers ADD COLUMN added text",
    "ALTER TABLE customers ALTER COLUMN version TYPE bigint",
    "ALTER TABLE subscriptions ALTER COLUMN version TYPE bigint",
    "CREATE INDEX added ON customers (tenant_id, added)",
    "CREATE TABLE added_table (id uuid PRIMARY KEY)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_fails_no_request() {
    let world = World::new(Backend::Postgres).await;
    let (steps, rounds) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let mut working = Vec::new();
    for tenant in [world.alpha, world.beta] {
        let (client, steps, rounds) = (world.admin(tenant), Arc::clone(&steps), Arc::clone(&rounds));
        let (_, subscription) = world.subscribed(tenant, "Ada", tenant.basic, json!({})).await;
        working.push(tokio::spawn(async move {
            while steps.load(Ordering::SeqCst) < STEPS.len() {
                work(&client, &subscription, 1).await;
                rounds.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    for step in STEPS {
        // All statements were prepared, and are used after that.
        let before = rounds.load(Ordering::SeqCst);
        while rounds.load(Ordering::SeqCst) < before + 6 && !working.iter().any(|working| working.is_finished()) {
            sleep(Duration::from_millis(5)).await;
        }
        world.sql(step).await;
        steps.fetch_add(1, Ordering::SeqCst);
    }
    for working in working {
        working.await.expect("no request failed");
    }
    for tenant in [world.alpha, world.beta] {
        let (_, subscription) = world.subscribed(tenant, "Bob", tenant.basic, json!({})).await;
        work(&world.admin(tenant), &subscription, 2).await;
    }
    world.check_invariants().await;
}

/// As it is where a pool in between gives each transaction another session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_not_known_any_more_is_prepared_again() {
    let world = World::new(Backend::Postgres).await;
    let (_, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let client = world.admin(world.alpha);
    work(&client, &subscription, 2).await;
    // Each session forgets what it prepared when it runs this function, which every flush does.
    world
        .sql(
            "CREATE OR REPLACE FUNCTION must_hold(holds boolean) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                IF holds IS NOT TRUE THEN RAISE EXCEPTION 'a row changed meanwhile' USING ERRCODE = '40001'; END IF;
                DEALLOCATE ALL;
                RETURN TRUE;
            END $$",
        )
        .await;
    work(&client, &subscription, 10).await;
    world.check_invariants().await;
}
