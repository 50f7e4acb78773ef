//! Series: what was used in each of many days or months.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::Role;

use super::{consume, counter, customer};
use crate::support::{World, each, on_both};

const USAGE: &str =
    "query($of: ID, $features: [String!], $from: DateTimeOrDate, $to: DateTimeOrDate, $size: UsageBucketSize! = DAY) {
    usage(ownerId: $of, features: $features, from: $from, to: $to, bucket: $size) {
        feature name kind unit total buckets { start used last maximum } } }";

#[on_both]
async fn days_without_use_are_there_and_gauges_have_a_last_value(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    consume(&client, &ada, 5, json!({})).await;
    consume(&client, &ada, 6, json!({})).await;
    world.pass(TimeDelta::days(2));
    consume(&client, &ada, 7, json!({})).await;
    for value in [9, 4] {
        client.mutate("setGauge", json!({"ownerId": ada, "feature": "products", "value": value}), "").await;
    }
    let variables = json!({"of": ada, "from": "2026-02-28", "to": "2026-03-03"});
    let data = client.ok(USAGE, variables.clone()).await;
    let [queries, products] = [&data["usage"][0], &data["usage"][1]];
    assert_eq!(
        (&queries["feature"], &queries["kind"], &queries["total"]),
        (&json!("ai.queries"), &json!("METER"), &json!(18))
    );
    assert_eq!(each(&queries["buckets"], "used"), [0, 11, 0, 7]);
    assert_eq!(queries["buckets"][1]["start"], "2026-03-01T00:00:00Z");
    assert_eq!(each(&products["buckets"], "last"), [Value::Null, Value::Null, Value::Null, json!(4)]);
    assert_eq!(products["buckets"][3]["maximum"], 9);
    // The owner itself sees it, and whoever sees its subscription.
    for reader in [world.customer(world.alpha, &ada), world.caller(Role::Worker, world.alpha)] {
        assert_eq!(reader.ok(USAGE, variables.clone()).await, data);
    }
    let own = world.customer(world.alpha, &ada).ok(USAGE, json!({"features": ["ai.queries"]})).await;
    let own = each(&own["usage"][0]["buckets"], "used");
    assert_eq!((own.len(), &own[30]), (31, &json!(7)), "the 30 days before, and today");
    assert_eq!(world.admin(world.beta).ok(USAGE, variables).await["usage"], Value::Null);
}

#[on_both]
async fn months_add_up_and_there_is_an_end_to_buckets(world: &World) {
    let (ada, _) = customer(world).await;
    let client = counter(world);
    for _ in 0..3 {
        consume(&client, &ada, 10, json!({})).await;
        world.pass(TimeDelta::days(20));
    }
    let variables =
        json!({"of": ada, "from": "2026-02-10", "to": "2026-05-01", "size": "MONTH", "features": ["ai.queries"]});
    let data = client.ok(USAGE, variables).await;
    assert_eq!(each(&data["usage"][0]["buckets"], "used"), [0, 20, 10, 0]);
    for (variables, path) in [
        (json!({"of": ada, "from": "2020-01-01"}), json!(["from"])),
        (json!({"of": ada, "from": "2026-03-02", "to": "2026-03-01"}), json!(["to"])),
        (json!({"of": ada, "features": ["ai.queries", "nothing"]}), json!(["features", "1"])),
        (json!({"of": "nonsense"}), json!(["ownerId"])),
    ] {
        let answer = client.send(USAGE, variables.clone()).await;
        assert_eq!(answer.0["errors"][0]["extensions"]["problems"][0]["path"], path, "{variables} {:#}", answer.0);
    }
}
