//! What the scheduler cannot carry out keeps no other waiting.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{pass, recorded, subscribed, tier};
use crate::support::{Backend, World, connect, on_both};

const PARKED: &str = "{ parkedTransitions { subscription { id } dueAt attempts error parkedAt } }";

#[on_both]
async fn what_fails_waits_alone_and_is_tried_again_when_asked_for(world: &World) {
    let (_, broken) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 3})).await;
    let (_, sound) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"trialDays": 3})).await;
    // The change cannot be told of: no trail has this request twice.
    world
        .sql(
            "CREATE TABLE kept AS SELECT * FROM tiers; UPDATE subscriptions SET external_id = 'Ada'
        WHERE customer_id = (SELECT id FROM customers WHERE name = 'Ada')",
        )
        .await;
    break_row(world, true).await;
    world.pass(TimeDelta::days(3));
    assert_eq!(pass(world).await, (1, 1));
    assert_eq!(recorded(world, &sound).await["status"], "EXPIRED");
    let root = world.root();
    let parked = root.ok(PARKED, json!({})).await["parkedTransitions"].clone();
    assert_eq!(parked.as_array().map(Vec::len), Some(1), "{parked}");
    assert_eq!(
        (&parked[0]["subscription"]["id"], &parked[0]["dueAt"], &parked[0]["attempts"]),
        (&json!(broken), &json!("2026-03-04T12:00:00Z"), &json!(1))
    );
    assert!(parked[0]["error"].as_str().is_some_and(|error| !error.is_empty()));
    // By the clock it is over nevertheless.
    let row = recorded(world, &broken).await;
    assert_eq!((&row["status"], &row["effectiveStatus"]["status"]), (&json!("TRIALING"), &json!("EXPIRED")));
    assert_eq!(pass(world).await, (0, 0), "it is not tried again by itself");
    let refusal = root.refusal("retryTransition", json!({"subscriptionId": broken})).await;
    assert_eq!(refusal["code"], "CONFLICT");
    assert_eq!(root.ok(PARKED, json!({})).await["parkedTransitions"][0]["attempts"], 2);
    break_row(world, false).await;
    root.mutate("retryTransition", json!({"subscriptionId": broken}), "subscription { status }").await;
    assert_eq!(recorded(world, &broken).await["status"], "EXPIRED");
    assert_eq!(root.ok(PARKED, json!({})).await["parkedTransitions"], json!([]));
    for client in [world.admin(world.alpha), world.caller(tessera::auth::Role::Worker, world.alpha)] {
        let answer = client.send(PARKED, json!({})).await;
        assert_eq!(answer.code(), "FORBIDDEN");
    }
}

/// Has the database refuse the end of one subscription, or take it again.
async fn break_row(world: &World, broken: bool) {
    let refuse = match world.backend {
        Backend::Sqlite => {
            "CREATE TRIGGER refuse BEFORE UPDATE ON subscriptions WHEN new.external_id = 'Ada'
            BEGIN SELECT RAISE(ABORT, 'broken'); END"
        }
        Backend::Postgres => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON subscriptions FOR EACH ROW WHEN (new.external_id = 'Ada')
            EXECUTE FUNCTION refuse()"
        }
    };
    let take = match world.backend {
        Backend::Sqlite => "DROP TRIGGER refuse",
        Backend::Postgres => "DROP TRIGGER refuse ON subscriptions; DROP FUNCTION refuse",
    };
    world.sql(if broken { refuse } else { take }).await;
}

#[on_both]
async fn what_is_locked_waits_alone(world: &World) {
    if world.backend == Backend::Sqlite {
        // Who writes has locked everything.
        return;
    }
    let tier = tier(world, "renews", 700, json!({"periodEndPolicy": "RENEW"})).await;
    let ids = [subscribed(world, "Ada", &tier, json!({})).await, subscribed(world, "Bob", &tier, json!({})).await];
    world.pass(TimeDelta::days(31));
    // The payment that falls due refers to the customer.
    let database = connect(world.config.database.url.expose_secret()).await;
    let holder = database.begin().await.expect("a transaction");
    holder.execute_unprepared("SELECT 1 FROM customers WHERE name = 'Ada' FOR UPDATE").await.expect("locked");
    assert_eq!(pass(world).await, (1, 0));
    holder.rollback().await.expect("let go");
    database.close().await.expect("closed");
    assert_eq!(pass(world).await, (1, 0));
    for id in &ids {
        assert_eq!(recorded(world, id).await["status"], "PAST_DUE");
    }
}
