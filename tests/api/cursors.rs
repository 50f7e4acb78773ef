//! Cursors belong to a list, however the list is written.

use serde_json::{Value, json};

use crate::support::{Client, World, on_both};

const LIST: &str = "query($after: String, $where: SubscriptionFilter, $orderBy: [SubscriptionOrder!]) {
    subscriptions(first: 1, after: $after, where: $where, orderBy: $orderBy) { nodes { id } pageInfo { endCursor } } }";

/// The second page of a list, by the cursor of the first page of a list that is written otherwise.
async fn second(client: &Client, first: &Value, second: &Value) -> Result<Value, Value> {
    let page = client.ok(LIST, first.clone()).await;
    let mut variables = second.clone();
    variables["after"] = page["subscriptions"]["pageInfo"]["endCursor"].clone();
    let answer = client.send(LIST, variables).await;
    match answer.0["errors"].is_null() {
        true => Ok(answer.0["data"]["subscriptions"]["nodes"].clone()),
        false => Err(answer.0["errors"][0]["extensions"]["problems"].clone()),
    }
}

/// Ways to write lists: each inner list is one list of the API.
fn written(world: &World) -> Vec<Vec<Value>> {
    let (basic, plus) = (world.alpha.basic.to_string(), world.alpha.plus.to_string());
    let by = |filter: Value| json!({ "where": filter });
    let sorted = |order: Value| json!({ "orderBy": order });
    vec![
        vec![
            json!({}),
            by(Value::Null),
            by(json!({})),
            by(json!({"status": {}, "createdAt": {}, "amount": {}})),
            by(json!({"search": " "})),
            sorted(Value::Null),
            sorted(json!([])),
            sorted(json!({"field": "CREATED_AT", "direction": "DESC"})),
            sorted(json!([{"field": "CREATED_AT", "direction": "DESC"}, {"field": "CREATED_AT", "direction": "ASC"}])),
        ],
        vec![
            by(json!({"createdAt": {"from": "2026-01-01T00:00:00Z"}})),
            by(json!({"createdAt": {"from": "2026-01-01T01:00:00+01:00"}, "status": {}})),
        ],
        vec![by(json!({"createdAt": {"from": "2026-01-01T00:00:01Z"}}))],
        vec![
            by(json!({"tierIds": [basic, plus]})),
            by(json!({"tierIds": [plus, basic]})),
            by(json!({"tierIds": [plus, basic, plus]})),
        ],
        vec![by(json!({"tierIds": [basic]})), by(json!({"tierIds": basic}))],
        vec![
            by(json!({"status": {"in": ["ACTIVE", "TRIALING"]}})),
            by(json!({"status": {"in": ["TRIALING", "ACTIVE"]}})),
        ],
        vec![by(json!({"expired": false}))],
        vec![by(json!({"search": "anyone"})), by(json!({"search": " ANYone "}))],
        vec![sorted(json!([{"field": "CREATED_AT"}])), sorted(json!([{"field": "CREATED_AT", "direction": "ASC"}]))],
        vec![sorted(json!([{"field": "STATUS"}, {"field": "CREATED_AT"}]))],
        vec![sorted(json!([{"field": "CREATED_AT"}, {"field": "STATUS"}]))],
        vec![sorted(json!([{"field": "AMOUNT", "direction": "DESC"}]))],
    ]
}

#[on_both]
async fn a_list_has_the_same_cursors_however_it_is_written(world: &World) {
    let client = world.admin(world.alpha);
    for (name, tier) in [
        ("anyone a", world.alpha.basic),
        ("anyone b", world.alpha.basic),
        ("anyone c", world.alpha.plus),
        ("anyone d", world.alpha.basic),
    ] {
        world.subscribed(world.alpha, name, tier, json!({})).await;
    }
    let lists = written(world);
    for (place, list) in lists.iter().enumerate() {
        let expected = second(&client, &list[0], &list[0]).await.expect("its own cursor");
        assert_eq!(expected.as_array().map(Vec::len), Some(1), "{}", list[0]);
        for (first, other) in list.iter().flat_map(|first| list.iter().map(move |other| (first, other))) {
            assert_eq!(second(&client, first, other).await.as_ref(), Ok(&expected), "{first} {other}");
        }
        for other in lists.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, other)| &other[0]) {
            let refused = Err(json!([{"code": "INVALID_CURSOR", "path": ["after"]}]));
            assert_eq!(second(&client, &list[0], other).await, refused, "{} {other}", list[0]);
        }
    }
}

#[on_both]
async fn a_nested_list_has_the_same_cursors_however_it_is_written(world: &World) {
    let client = world.admin(world.alpha);
    let (customer, ended) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    client.mutate("expireSubscription", json!({"id": ended}), "").await;
    let terms = json!({"customerId": customer, "terms": {"tierId": world.alpha.plus.to_string()}});
    client.mutate("createSubscription", terms, "").await;
    let page = async |arguments: String| {
        let document = format!(
            "{{ customer(id: \"{customer}\") {{ subscriptions(first: 1{arguments}) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }} }}"
        );
        let twice = (client.ok(&document, json!({})).await, client.ok(&document, json!({})).await);
        assert_eq!(twice.0, twice.1, "{document}");
        twice.0["customer"]["subscriptions"].clone()
    };
    let ways = [
        "",
        ", where: {}",
        ", where: {status: {}}",
        ", orderBy: []",
        ", orderBy: {field: CREATED_AT, direction: DESC}",
    ];
    for first in ways {
        let cursor = page(first.to_owned()).await["pageInfo"]["endCursor"].clone();
        for other in ways {
            assert_eq!(
                page(format!("{other}, after: {cursor}")).await["nodes"],
                json!([{"id": ended}]),
                "{first} {other}"
            );
        }
    }
}
