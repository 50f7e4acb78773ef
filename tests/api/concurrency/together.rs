//! Commands that write at the same time are written together, and none of them is the worse for it.
//!
//! Which of them meet in a statement is chance, so there are rounds until it was the right ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use sea_orm::{Statement, Value as Sql};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use super::stop::Stop;
use crate::support::{Backend, Client, Tenant, World};

/// How many commands there are of each kind in a round.
const COMMANDS: usize = 8;

/// How many rounds there may be.
const ROUNDS: usize = 200;

fn create(client: &Client, input: Value) -> JoinHandle<Value> {
    let client = client.clone();
    tokio::spawn(async move { client.attempt("createCustomer", input, "customer { id }").await })
}

async fn all(answers: Vec<JoinHandle<Value>>) -> Vec<Value> {
    join_all(answers).await.into_iter().map(|answer| answer.expect("no panic")).collect()
}

fn done(payloads: &[Value]) -> usize {
    payloads.iter().filter(|payload| payload["userErrors"] == json!([])).count()
}

async fn customers(world: &World, tenant: Tenant) -> usize {
    let data = world.admin(tenant).ok("{ customers { totalCount { value } } }", json!({})).await;
    usize::try_from(data["customers"]["totalCount"]["value"].as_u64().expect("a number")).expect("a small one")
}

/// The values of a statement that writes for several.
fn together(statement: &Statement) -> &[Sql] {
    let values = statement.values.as_ref().filter(|_| statement.sql.contains("lock_timeout"));
    values.map_or(&[], |values| &values.0)
}

/// One statement with rows of two tenants fails, because one of them was suspended just before: the other's are written
/// all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_wrong_with_one_is_no_matter_of_the_others() {
    let world = World::new(Backend::Postgres).await;
    let ids = [world.alpha, world.beta].map(|tenant| Sql::from(Uuid::from(tenant.id)));
    let mut stop = Stop::of(&world, move |statement| ids.iter().all(|id| together(statement).contains(id)));
    let [alpha, beta] = [world.admin(world.alpha), world.admin(world.beta)];
    let (mut expected, mut refused) = ([customers(&world, world.alpha).await, customers(&world, world.beta).await], 0);
    for _ in 0..ROUNDS {
        stop.at_next(1);
        let (mut alphas, mut betas) = (Vec::new(), Vec::new());
        for number in 0..COMMANDS {
            let input = json!({"name": format!("together {number}")});
            alphas.push(create(&alpha, input.clone()));
            betas.push(create(&beta, input));
        }
        let mut answers = tokio::spawn(async { (all(alphas).await, all(betas).await) });
        let (alphas, betas) = tokio::select! {
            () = stop.reached() => {
                let input = json!({"id": world.alpha.id.to_string(), "reason": "a test"});
                world.root().mutate("suspendOrganization", input, "").await;
                stop.go_on();
                answers.await
            }
            answers = &mut answers => answers,
        }
        .expect("no panic");
        assert_eq!(done(&betas), COMMANDS, "{betas:#?}");
        expected[0] += done(&alphas);
        expected[1] += COMMANDS;
        for payload in alphas.iter().filter(|payload| payload["userErrors"] != json!([])) {
            assert_eq!(payload["userErrors"][0]["code"], "OWNER_INACTIVE", "{payload}");
            refused += 1;
        }
        if refused > 0 {
            break;
        }
    }
    assert!(refused > 0, "nothing of both tenants was written together");
    world.root().mutate("resumeOrganization", json!({"id": world.alpha.id.to_string()}), "").await;
    assert_eq!([customers(&world, world.alpha).await, customers(&world, world.beta).await], expected);
    world.check_invariants().await;
}

/// Of a tenant whose writes fail again and again, only the first ones are written together with others'.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_keeps_failing_does_not_make_others_fail() {
    let world = World::new(Backend::Postgres).await;
    let alpha_id = world.alpha.id;
    world
        .sql(&format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a test'; END $$; \
             CREATE TRIGGER fail BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.tenant_id = '{}') \
             EXECUTE FUNCTION fail();",
            Uuid::from(alpha_id)
        ))
        .await;
    let ids = [world.alpha, world.beta].map(|tenant| Sql::from(Uuid::from(tenant.id)));
    let met = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&met);
    let is_first = world.store.observe(move |statement| {
        let meets = ids.iter().all(|id| together(statement).contains(id));
        counting.fetch_add(usize::from(meets), Ordering::Relaxed);
    });
    assert!(is_first, "nobody else observes");
    let [alpha, beta] = [world.admin(world.alpha), world.admin(world.beta)];
    for round in 0..20 {
        let (mut alphas, mut betas) = (Vec::new(), Vec::new());
        for number in 0..COMMANDS {
            let input = json!({"name": format!("failing {round} {number}")});
            let client = alpha.clone();
            let failing = input.clone();
            alphas.push(tokio::spawn(async move { client.send_mutation("createCustomer", failing, "").await }));
            betas.push(create(&beta, input));
        }
        for answer in join_all(alphas).await {
            let answer = answer.expect("no panic").0;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{answer}");
        }
        let betas = all(betas).await;
        assert_eq!(done(&betas), COMMANDS, "{betas:#?}");
    }
    assert!(met.load(Ordering::Relaxed) <= COMMANDS, "{met:?} statements of both");
}

/// One statement would carry out a command twice: it is carried out once, and both are told what came of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_comes_twice_at_the_same_time_is_carried_out_once() {
    let world = World::new(Backend::Postgres).await;
    let twice = |statement: &Statement| {
        let is_key = |value: &&Sql| matches!(value, Sql::String(Some(text)) if text.starts_with("twice-"));
        let keys: Vec<_> = together(statement).iter().filter(is_key).collect();
        keys.iter().enumerate().any(|(place, key)| keys[..place].contains(key))
    };
    let mut stop = Stop::of(&world, twice);
    let (client, mut expected, mut met) = (world.admin(world.alpha), customers(&world, world.alpha).await, false);
    for round in 0..ROUNDS {
        stop.at_next(1);
        let input = |number| json!({"name": "twice", "idempotencyKey": format!("twice-{round}-{}", number / 2)});
        let answers = (0..2 * COMMANDS).map(|number| create(&client, input(number))).collect();
        let mut answers = tokio::spawn(all(answers));
        let payloads = tokio::select! {
            () = stop.reached() => {
                met = true;
                stop.go_on();
                answers.await
            }
            answers = &mut answers => answers,
        }
        .expect("no panic");
        assert_eq!(done(&payloads), 2 * COMMANDS, "{payloads:#?}");
        for pair in payloads.chunks(2) {
            assert_eq!(pair[0]["customer"]["id"], pair[1]["customer"]["id"]);
        }
        expected += COMMANDS;
        if met {
            break;
        }
    }
    assert!(met, "no command came twice in one statement");
    assert_eq!(customers(&world, world.alpha).await, expected);
    world.check_invariants().await;
}

/// What others have locked holds up who needs it, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_for_a_lock_that_another_one_needs() {
    let world = World::new(Backend::Postgres).await;
    let is_change = |statement: &Statement| {
        ["organizations", "tiers"].iter().any(|table| statement.sql.contains(&format!(r#"UPDATE "{table}""#)))
    };
    let mut stop = Stop::of(&world, is_change);
    let [alpha, beta] = [world.admin(world.alpha), world.admin(world.beta)];
    for (mutation, input) in [
        ("updateTier", json!({"id": world.alpha.basic.to_string(), "name": "Basic 2"})),
        ("suspendOrganization", json!({"id": world.alpha.id.to_string(), "reason": "a test"})),
    ] {
        let before = customers(&world, world.beta).await;
        stop.at_next(1);
        let root = world.root();
        let change = tokio::spawn(async move { root.mutate(mutation, input, "").await });
        stop.reached().await;
        let (mut alphas, mut betas) = (Vec::new(), Vec::new());
        for number in 0..COMMANDS {
            let name = format!("{mutation} {number}");
            let input = |tenant: Tenant| json!({"name": name, "subscription": {"tierId": tenant.basic.to_string()}});
            alphas.push(create(&alpha, input(world.alpha)));
            betas.push(create(&beta, input(world.beta)));
        }
        // The lock is still held: this would take as long as a statement may.
        let betas = timeout(world.config.database.statement_timeout / 2, all(betas)).await.expect("they do not wait");
        assert_eq!(done(&betas), COMMANDS, "{mutation}: {betas:#?}");
        assert_eq!(customers(&world, world.beta).await, before + COMMANDS);
        assert!(alphas.iter().all(|answer| !answer.is_finished()), "{mutation}: who needs it waits");
        stop.go_on();
        change.await.expect("no panic");
        let alphas = all(alphas).await;
        let is_suspended = |payload: &Value| payload["userErrors"][0]["code"] == "OWNER_INACTIVE";
        match mutation {
            "updateTier" => assert_eq!(done(&alphas), COMMANDS, "{alphas:#?}"),
            _ => assert!(alphas.iter().all(is_suspended), "{alphas:#?}"),
        }
    }
    world.root().mutate("resumeOrganization", json!({"id": world.alpha.id.to_string()}), "").await;
    world.check_invariants().await;
}
