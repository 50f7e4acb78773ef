//! Reserving: what is held, settled, released and over.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Permission;
use tessera::entity::{UsageReservationId, usage_counter, usage_reservation};
use tessera::scheduler::Retention;

use super::{METER, consume, counter, customer};
use crate::support::{Client, World, on_both};

async fn reserve(client: &Client, owner: &str, amount: i64, seconds: i64) -> Value {
    let input = json!({"ownerId": owner, "feature": "ai.queries", "amount": amount, "expiresInSeconds": seconds});
    let selection = format!("reservation {{ reservationId amount state expiresAt {METER} }}");
    client.mutate("reserve", input, &selection).await["reservation"].clone()
}

async fn settle(client: &Client, reservation: &Value, actual: i64) -> Value {
    let input = json!({"reservationId": reservation["reservationId"], "actual": actual});
    client.mutate("settle", input, "settlement { counted returned late beyondHold }").await["settlement"].clone()
}

#[on_both]
async fn what_is_held_is_settled_and_the_rest_comes_back(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let held = reserve(&client, &ada, 80, 600).await;
    assert_eq!((&held["amount"], &held["state"]), (&json!(80), &json!("HELD")));
    assert_eq!(held["expiresAt"], "2026-03-01T12:10:00Z");
    assert_eq!((&held["meter"]["held"], &held["meter"]["remaining"]), (&json!(80), &json!(20)));
    for mutation in ["consume", "reserve"] {
        let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 30});
        world.refused(&client, mutation, input, "LIMIT_EXCEEDED", "input.feature").await;
    }
    let expected = json!({"counted": 50, "returned": 30, "late": false, "beyondHold": false});
    for _ in 0..2 {
        assert_eq!(settle(&client, &held, 50).await, expected);
    }
    let other = json!({"reservationId": held["reservationId"], "actual": 51});
    world.refused(&client, "settle", other, "CONFLICT", "input.reservationId").await;
    assert_eq!(consume(&client, &ada, 50, json!({})).await, (50, 100));
}

#[on_both]
async fn what_is_released_or_over_is_free_again_and_work_that_was_done_counts(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let released = reserve(&client, &ada, 100, 600).await;
    let release = json!({"reservationId": released["reservationId"]});
    for _ in 0..2 {
        let made = client.mutate("release", release.clone(), "settlement { counted returned }").await;
        assert_eq!(made["settlement"], json!({"counted": 0, "returned": 100}));
    }
    let late = json!({"reservationId": released["reservationId"], "actual": 1});
    world.refused(&client, "settle", late, "CONFLICT", "input.reservationId").await;

    let first = reserve(&client, &ada, 60, 60).await;
    let second = reserve(&client, &ada, 40, 60).await;
    world.pass(TimeDelta::seconds(60));
    // The time of both is over.
    assert_eq!(consume(&client, &ada, 100, json!({})).await, (100, 100));
    let expected = json!({"counted": 5, "returned": 0, "late": true, "beyondHold": false});
    assert_eq!(settle(&client, &first, 5).await, expected);
    let made =
        client.mutate("release", json!({"reservationId": second["reservationId"]}), "settlement { returned }").await;
    assert_eq!(made["settlement"]["returned"], 0);
    let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 1, "partial": true});
    let meter =
        client.mutate("consume", input, &format!("consumption {{ {METER} }}")).await["consumption"]["meter"].clone();
    assert_eq!((&meter["used"], &meter["held"], &meter["overLimitBy"]), (&json!(105), &json!(0), &json!(5)));
}

#[on_both]
async fn more_than_is_held_counts_and_says_so(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let held = reserve(&client, &ada, 10, 600).await;
    let expected = json!({"counted": 120, "returned": 0, "late": false, "beyondHold": true});
    assert_eq!(settle(&client, &held, 120).await, expected);
    let input = json!({"ownerId": ada, "feature": "ai.queries"});
    world.refused(&client, "consume", input, "LIMIT_EXCEEDED", "input.feature").await;
}

#[on_both]
async fn the_same_key_reserves_once_and_nobody_elses_is_closed(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 60, "idempotencyKey": "one"});
    let first = client.mutate("reserve", input.clone(), "reservation { reservationId meter { held } }").await;
    assert_eq!(client.mutate("reserve", input, "reservation { reservationId meter { held } }").await, first);
    let other = json!({"ownerId": ada, "feature": "ai.queries", "amount": 6, "idempotencyKey": "one"});
    world.refused(&client, "reserve", other, "IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey").await;
    for seconds in [0, 86_401] {
        let input = json!({"ownerId": ada, "feature": "ai.queries", "expiresInSeconds": seconds});
        world.refused(&client, "reserve", input, "OUT_OF_RANGE", "input.expiresInSeconds").await;
    }
    let id = first["reservation"]["reservationId"].clone();
    let stranger = world.admin(world.beta);
    for id in [id, json!(UsageReservationId::generate().to_string())] {
        let settle = json!({"reservationId": id, "actual": 1});
        world.refused(&stranger, "settle", settle, "NOT_FOUND", "input.reservationId").await;
        world.refused(&stranger, "release", json!({"reservationId": id}), "NOT_FOUND", "input.reservationId").await;
    }
    world.refused(&client, "release", json!({"reservationId": ada}), "INVALID_ID", "input.reservationId").await;
}

#[on_both]
async fn what_there_is_no_more_of_a_limit_is_given_back(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let products = |amount: i64| json!({"ownerId": ada, "feature": "products", "amount": amount});
    let keyed = |amount: i64| {
        let mut input = products(amount);
        input["idempotencyKey"] = json!("back");
        input
    };
    client.mutate("consume", products(10), "").await;
    world.refused(&client, "consume", products(1), "LIMIT_EXCEEDED", "input.feature").await;
    for _ in 0..2 {
        let made = client.mutate("release", keyed(3), "settlement { counted returned }").await;
        assert_eq!(made["settlement"], json!({"counted": 0, "returned": 3}));
    }
    world.refused(&client, "release", keyed(2), "IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey").await;
    client.mutate("consume", products(3), "").await;
    world.refused(&client, "consume", products(1), "LIMIT_EXCEEDED", "input.feature").await;
    world.refused(&client, "release", products(11), "OUT_OF_RANGE", "input.amount").await;
    consume(&client, &ada, 5, json!({})).await;
    let queries = json!({"ownerId": ada, "feature": "ai.queries"});
    world.refused(&client, "release", queries, "CONFLICT", "input.feature").await;
    world.refused(&client, "release", json!({"ownerId": ada}), "REQUIRED", "input.reservationId").await;
    let mut both = products(1);
    both["reservationId"] = json!(UsageReservationId::generate().to_string());
    world.refused(&client, "release", both, "CONFLICT", "input.reservationId").await;
}

#[on_both]
async fn a_reservation_is_renewed_while_it_lasts(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let reserve = async || {
        let input = json!({"ownerId": ada, "feature": "ai.queries", "amount": 60, "expiresInSeconds": 60});
        let made = client.mutate("reserve", input, "reservation { reservationId }").await;
        made["reservation"]["reservationId"].clone()
    };
    let id = reserve().await;
    let renew = |id: &Value, seconds: i64| json!({"reservationId": id, "expiresInSeconds": seconds});
    world.pass(TimeDelta::seconds(50));
    let selection = "reservation { amount expiresAt state meter { held remaining } }";
    let renewed = client.mutate("renewReservation", renew(&id, 3600), selection).await["reservation"].clone();
    let expected = json!({"amount": 60, "expiresAt": "2026-03-01T13:00:50Z", "state": "HELD",
        "meter": {"held": 60, "remaining": 40}});
    assert_eq!(renewed, expected);
    // It ends no earlier than it would have.
    assert_eq!(client.mutate("renewReservation", renew(&id, 5), selection).await["reservation"], expected);
    world.pass(TimeDelta::minutes(59));
    let more = json!({"ownerId": ada, "feature": "ai.queries", "amount": 41});
    world.refused(&client, "consume", more.clone(), "LIMIT_EXCEEDED", "input.feature").await;
    for seconds in [0, 86_401] {
        let path = "input.expiresInSeconds";
        world.refused(&client, "renewReservation", renew(&id, seconds), "OUT_OF_RANGE", path).await;
    }
    world.pass(TimeDelta::minutes(1));
    world.refused(&client, "renewReservation", renew(&id, 60), "CONFLICT", "input.reservationId").await;
    client.mutate("consume", more, "").await;
    world.refused(&client, "renewReservation", renew(&id, 60), "CONFLICT", "input.reservationId").await;
    let nowhere = json!(UsageReservationId::generate().to_string());
    world.refused(&client, "renewReservation", renew(&nowhere, 60), "NOT_FOUND", "input.reservationId").await;
    let other = world.service(world.beta, &[Permission::UsageRecord]);
    world.refused(&other, "renewReservation", renew(&id, 60), "NOT_FOUND", "input.reservationId").await;
}

/// Closed ones are deleted when their keys need not count any more, and what nobody closed is given back first.
#[on_both]
async fn reservations_are_forgotten_when_they_are_old(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    let hold = json!({"ownerId": ada, "feature": "products", "amount": 3});
    let settled = client.mutate("reserve", hold.clone(), "reservation { reservationId }").await;
    let id = &settled["reservation"]["reservationId"];
    client.mutate("settle", json!({"reservationId": id, "actual": 1}), "").await;
    client.mutate("reserve", hold, "").await;
    let states = async || {
        Retention::new(30).delete(&world.store).await.expect("the database answers");
        let rows = world.store.system().all::<usage_reservation::Entity>().await.expect("the database answers");
        let mut states: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
        states.sort_unstable();
        states
    };
    let held = async || {
        let rows = world.store.system().all::<usage_counter::Entity>().await.expect("the database answers");
        rows.iter().map(|row| (row.used, row.held)).collect::<Vec<_>>()
    };
    world.pass(TimeDelta::days(39));
    assert_eq!(states().await, ["HELD", "SETTLED"]);
    assert_eq!(held().await, [(1, 3)]);
    world.pass(TimeDelta::days(2));
    assert_eq!(states().await, ["EXPIRED"]);
    assert_eq!(held().await, [(1, 0)]);
    world.pass(TimeDelta::days(41));
    assert!(states().await.is_empty());
}
