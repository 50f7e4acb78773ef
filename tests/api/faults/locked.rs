//! Something is locked for long: by a command that stands still, a migration, somebody's session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tessera::app::App;
use tessera::config::Config;
use tessera::http::{Options, router};
use tokio::time::sleep;
use tower::ServiceExt;

use super::{Session, customers, extend, impatient, is_unavailable, program, work};
use crate::support::{Backend, Client, World};

/// What reads a table that is locked, each time in other words: a point, a page, a nested list.
const PAYMENTS: [&str; 3] = [
    "{ payments(first: 3) { nodes { id } } }",
    "{ payments(first: 3) { nodes { id status } } }",
    "{ customers(first: 3) { nodes { payments(first: 2) { nodes { id } } } } }",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_locked_holds_up_who_wants_it_alone() {
    let world = World::new(Backend::Postgres).await;
    let app = impatient(&world).await;
    let (_, wanted) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (_, other) = world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    let alpha = world.admin(world.alpha).with_app(app.clone());
    let beta = world.admin(world.beta).with_app(app);
    let before = customers(&beta).await;
    let row = "SELECT FROM subscriptions WHERE customer_id IN (SELECT id FROM customers WHERE name = 'Ada') FOR UPDATE";
    let session = Session::holding(&world, row).await;
    let stuck: Vec<_> = (0..16)
        .map(|_| {
            let (alpha, wanted) = (alpha.clone(), wanted.clone());
            tokio::spawn(async move { extend(&alpha, &wanted).await })
        })
        .collect();
    work(&beta, &other, 20).await;
    // The row is still locked.
    for answer in join_all(stuck).await {
        is_unavailable(&answer.expect("no panic"));
    }
    assert_eq!(customers(&beta).await.as_u64(), before.as_u64().map(|before| before + 80));
    // Its own tenant goes on, too.
    alpha.mutate("createCustomer", json!({"name": "Cleo"}), "").await;
    session.let_go().await;
    assert!(extend(&alpha, &wanted).await.0["errors"].is_null());
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_is_locked_holds_up_what_is_made_in_it_alone() {
    let world = World::new(Backend::Postgres).await;
    let app = impatient(&world).await;
    let (_, other) = world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    let alpha = world.admin(world.alpha).with_app(app.clone());
    let beta = world.admin(world.beta).with_app(app);
    let session = Session::holding(&world, "SELECT FROM organizations WHERE slug = 'alpha' FOR UPDATE").await;
    let stuck: Vec<_> = (0..16)
        .map(|number| {
            let alpha = alpha.clone();
            let input = json!({"name": format!("stuck {number}")});
            tokio::spawn(async move { alpha.send_mutation("createCustomer", input, "").await })
        })
        .collect();
    work(&beta, &other, 20).await;
    for answer in join_all(stuck).await {
        is_unavailable(&answer.expect("no panic"));
    }
    session.let_go().await;
    alpha.mutate("createCustomer", json!({"name": "after"}), "").await;
    assert_eq!(customers(&alpha).await, 1, "who was told to try again was not written");
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_locked_holds_up_who_reads_it_alone() {
    let world = World::new(Backend::Postgres).await;
    let app = impatient(&world).await;
    let (_, other) = world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let alpha = world.admin(world.alpha).with_app(app.clone());
    let beta = world.admin(world.beta).with_app(app.clone());
    for document in PAYMENTS {
        alpha.ok(document, json!({})).await;
    }
    let session = Session::holding(&world, "LOCK TABLE payments IN ACCESS EXCLUSIVE MODE").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let stuck: Vec<_> = (0..12)
        .map(|number| {
            let (alpha, is_over) = (alpha.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut answers = 0;
                while !is_over.load(Ordering::SeqCst) || answers == 0 {
                    is_unavailable(&alpha.send(PAYMENTS[number % PAYMENTS.len()], json!({})).await);
                    answers += 1;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    work(&beta, &other, 20).await;
    is_over.store(true, Ordering::SeqCst);
    join_all(stuck).await.into_iter().for_each(|stuck| stuck.expect("no panic"));
    over_http(&world.config, &alpha, app).await;
    session.let_go().await;
    for document in PAYMENTS {
        let mut answer = alpha.send(document, json!({})).await;
        // What was locked is tried again once a second.
        while !answer.0["errors"].is_null() {
            is_unavailable(&answer);
            sleep(Duration::from_millis(50)).await;
            answer = alpha.send(document, json!({})).await;
        }
    }
}

/// A request of which nothing can be answered has status 503, and one that is answered in part does not.
async fn over_http(config: &Config, alpha: &Client, app: App) {
    let router = router(app, Options::new(config));
    let ask = async |document: &str| {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", alpha.token()));
        let body = json!({ "query": document }).to_string();
        let response = router.clone().oneshot(request.body(Body::from(body)).expect("a request")).await;
        let (parts, body) = response.expect("infallible").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        (parts, serde_json::from_slice::<Value>(&body).expect("JSON"))
    };
    for document in
        ["{ payments(first: 3) { nodes { id } } }", "{ again: payments(first: 3) { nodes { id __typename } } }"]
    {
        let (parts, body) = ask(document).await;
        assert_eq!((parts.status.as_u16(), &parts.headers["retry-after"]), (503, &"1".parse().expect("a value")));
        assert!(body.get("data").is_none(), "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    }
    let (parts, body) = ask("{ members(first: 1) { nodes { id } } payments(first: 3) { nodes { id } } }").await;
    assert_eq!(parts.status, 200);
    assert!(body["data"]["payments"].is_null() && body["data"]["members"].is_object(), "{body}");
    let extensions = json!({"code": "SERVICE_UNAVAILABLE", "retryAfterMs": 1000});
    assert_eq!((&body["errors"][0]["path"], &body["errors"][0]["extensions"]), (&json!(["payments"]), &extensions));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_locked_for_a_moment_is_waited_for() {
    let world = World::new(Backend::Postgres).await;
    let app = program(&world, |database| database.lock_timeout = Duration::from_mins(1)).await;
    let alpha = world.admin(world.alpha).with_app(app.clone());
    let beta = world.admin(world.beta).with_app(app);
    let (_, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let tables = "LOCK TABLE payments, subscriptions, customers IN ACCESS EXCLUSIVE MODE";
    let session = Session::holding(&world, tables).await;
    let reads = (0..6).map(|number| {
        let alpha = alpha.clone();
        tokio::spawn(async move { alpha.ok(PAYMENTS[number % PAYMENTS.len()], json!({})).await })
    });
    let reads: Vec<_> = reads.collect();
    let extending = alpha.clone();
    let extending = tokio::spawn(async move { extend(&extending, &subscription).await });
    let creating =
        tokio::spawn(async move { beta.mutate("createCustomer", json!({"name": "Bob"}), "customer { name }").await });
    // Longer than they wait where others stand behind them.
    sleep(Duration::from_millis(200)).await;
    until_somebody_waits(&world).await;
    session.let_go().await;
    for read in reads {
        assert!(read.await.expect("it goes well").is_object());
    }
    assert_eq!(creating.await.expect("it goes well")["customer"]["name"], "Bob");
    let extended = extending.await.expect("it goes well");
    assert!(extended.0["errors"].is_null(), "{:#}", extended.0);
}

/// Waits until nobody waits for a lock of the database any more. It would be so by itself long after the test.
async fn until_nobody_waits(world: &World) {
    let nobody = "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock') THEN RAISE EXCEPTION 'somebody waits'; END IF; END $$";
    while world.try_sql(nobody).await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn until_somebody_waits(world: &World) {
    let somebody = "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock') THEN RAISE EXCEPTION 'nobody waits'; END IF; END $$";
    while world.try_sql(somebody).await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_that_left_was_waiting_for_is_given_up() {
    let world = World::new(Backend::Postgres).await;
    let alpha = world.admin(world.alpha);
    let (_, wanted) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    extend(&alpha, &wanted).await;
    for document in PAYMENTS {
        alpha.ok(document, json!({})).await;
    }
    let row = "SELECT FROM subscriptions FOR UPDATE";
    let table = "LOCK TABLE payments IN ACCESS EXCLUSIVE MODE";
    for (statement, document) in [
        (
            row,
            format!(
                r#"mutation {{ extendSubscription(input: {{ id: "{wanted}", days: 1 }}) {{ userErrors {{ code }} }} }}"#
            ),
        ),
        (table, PAYMENTS[0].to_owned()),
    ] {
        let session = Session::holding(&world, statement).await;
        let client = alpha.clone();
        let waiting = tokio::spawn(async move { client.send(&document, json!({})).await });
        until_somebody_waits(&world).await;
        waiting.abort();
        until_nobody_waits(&world).await;
        session.let_go().await;
    }
    assert_eq!(extend(&alpha, &wanted).await.0["data"]["extendSubscription"]["subscription"]["version"], 3);
    alpha.ok(PAYMENTS[0], json!({})).await;
}
