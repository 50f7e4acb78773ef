//! PostgreSQL is stuck, changed, gone or on standby: what can be done is done, and the rest is answered in time.

mod locked;
mod schema;
mod session;

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera::app::App;
use tessera::config::DatabaseConfig;
use tokio::spawn;

use crate::support::{Answer, Client, World, connect};

/// A session of somebody else, with an open transaction.
struct Session {
    database: DatabaseConnection,
    transaction: DatabaseTransaction,
}

impl Session {
    /// Runs a statement, and keeps what it locks.
    async fn holding(world: &World, statement: &str) -> Self {
        let database = connect(world.config.database.url.expose_secret()).await;
        let transaction = database.begin().await.expect("it begins");
        transaction.execute_unprepared(statement).await.expect("the statement works");
        Self { database, transaction }
    }

    async fn let_go(self) {
        self.transaction.rollback().await.expect("it ends");
        self.database.close().await.expect("it closes");
    }
}

/// A second program on the world's database.
async fn program(world: &World, change: impl FnOnce(&mut DatabaseConfig)) -> App {
    let mut config = world.config.clone();
    change(&mut config.database);
    App::start(&config, world.clock.clone()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// A program that waits for locks no longer than half a second.
async fn impatient(world: &World) -> App {
    program(world, |database| database.lock_timeout = Duration::from_millis(500)).await
}

/// That a request cannot be answered now, and says when to ask again.
fn is_unavailable(answer: &Answer) {
    assert_eq!(answer.code(), "SERVICE_UNAVAILABLE", "{:#}", answer.0);
    assert_eq!(answer.0["errors"][0]["extensions"]["retryAfterMs"], 1000);
    assert!(answer.0["data"].is_null(), "{:#}", answer.0);
}

/// The oldest customer, which stays as it is while others are made.
const FIRST: &str = "{ customers(first: 1, orderBy: [{field: CREATED_AT, direction: ASC}]) { nodes { name version subscription { id } } } }";

async fn extend(client: &Client, subscription: &str) -> Answer {
    client.send_mutation("extendSubscription", json!({"id": subscription, "days": 1}), "subscription { version }").await
}

/// Creates customers, reads them and extends a subscription, several of each at a time. All of it must go well.
async fn work(client: &Client, subscription: &str, rounds: usize) {
    for round in 0..rounds {
        let mut tasks = Vec::new();
        for number in 0..4 {
            let (creating, reading) = (client.clone(), client.clone());
            let input = json!({"name": format!("{round} {number}")});
            let selection = "customer { subscription { status } }";
            tasks.push(spawn(async move { creating.mutate("createCustomer", input, selection).await }));
            tasks.push(spawn(async move { reading.ok(FIRST, json!({})).await }));
        }
        let (looking, extending, id) = (client.clone(), client.clone(), json!({"id": subscription}));
        tasks.push(spawn(async move {
            looking.ok("query($id: ID!) { subscription(id: $id) { status tier { key version } } }", id).await
        }));
        let input = json!({"id": subscription, "days": 1});
        tasks.push(spawn(
            async move { extending.mutate("extendSubscription", input, "subscription { version }").await },
        ));
        join_all(tasks).await.into_iter().for_each(|answer| drop(answer.expect("it goes well")));
    }
}

async fn customers(client: &Client) -> Value {
    client.ok("{ customers { totalCount { value } } }", json!({})).await["customers"]["totalCount"]["value"].clone()
}
