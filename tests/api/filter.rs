//! Filters: a null is no value to find anything by.

use serde_json::{Value, json};

use crate::support::introspection::{Field, Schema};
use crate::support::{Client, World, on_both};

/// Every place in a filter where a null could stand, as the filter that has it and the path to it.
fn nulls(schema: &Schema, filter: &str) -> Vec<(Value, Vec<String>)> {
    let mut found = Vec::new();
    for field in schema.get(filter).inputs() {
        let name = field.name.clone();
        found.push((json!({ &name: null }), vec![name.clone()]));
        let of = schema.get(field.of.named());
        if !of.inputs().is_empty() {
            let below = nulls(schema, &of.name);
            found.extend(
                below.into_iter().map(|(filter, path)| (json!({ &name: filter }), [vec![name.clone()], path].concat())),
            );
        }
    }
    found
}

/// The lists of the schema: at the root, and those of objects below a list of them. Each as a document with its filter
/// in a variable, and the filter's type.
fn lists(schema: &Schema) -> Vec<(String, String)> {
    let is_list = |field: &&Field| schema.get(field.of.named()).is_connection();
    let filter_of = |field: &Field| {
        let filter = field.args.iter().find(|arg| arg.name == "where").expect("a list has a filter");
        filter.of.named().to_owned()
    };
    let mut found = Vec::new();
    for root in schema.queries().iter().filter(is_list) {
        let noun = root.of.named().trim_end_matches("Connection");
        let filter = filter_of(root);
        let document = format!("query($w: {filter}) {{ {}(where: $w) {{ nodes {{ __typename }} }} }}", root.name);
        found.push((document, filter));
        for nested in schema.get(noun).fields().iter().filter(is_list) {
            let filter = filter_of(nested);
            let document = format!(
                "query($w: {filter}) {{ {}(first: 1) {{ nodes {{ {}(where: $w) {{ nodes {{ __typename }} }} }} }} }}",
                root.name, nested.name
            );
            found.push((document, filter));
        }
    }
    found
}

async fn refused(client: &Client, document: &str, variables: Value, path: &[String]) {
    let answer = client.send(document, variables.clone()).await;
    let path = [&["where".to_owned()], path].concat();
    let expected = json!({"code": "BAD_USER_INPUT", "problems": [{"code": "REQUIRED", "path": path}]});
    assert_eq!(answer.0["errors"][0]["extensions"], expected, "{document} {variables} {:#}", answer.0);
}

#[on_both]
async fn a_null_in_a_filter_is_refused(world: &World) {
    let client = world.root();
    world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let schema = Schema::load(&client).await;
    let (mut tried, lists) = (0, lists(&schema));
    for (document, filter) in &lists {
        // Answered by both engines, when they know the document too.
        for nothing in [json!({}), json!({"w": null}), json!({"w": {}})] {
            assert_eq!(client.ok(document, nothing).await, client.ok(document, json!({})).await, "{document}");
        }
        for (value, path) in nulls(&schema, filter) {
            refused(&client, document, json!({"w": value}), &path).await;
            tried += 1;
        }
    }
    assert!(lists.len() > 15 && tried > 150, "{tried} of {}", lists.len());
}

#[on_both]
async fn all_nulls_are_told_at_once_wherever_they_come_from(world: &World) {
    let client = world.admin(world.alpha);
    let document = "query($c: ID, $f: DateTime) { subscriptions(where: {customerId: $c, status: {eq: null}, createdAt: {from: $f}}) { nodes { id } } }";
    let answer = client.send(document, json!({"c": null})).await;
    assert_eq!(
        answer.0["errors"][0]["extensions"]["problems"],
        json!([
            {"code": "REQUIRED", "path": ["where", "customerId"]}, {"code": "REQUIRED", "path": ["where", "status", "eq"]},
        ])
    );
    // A variable that is left out leaves its field out.
    let document = document.replace("status: {eq: null}, ", "");
    let all = client.ok(&document, json!({})).await;
    assert_eq!(all, client.ok("{ subscriptions { nodes { id } } }", json!({})).await);
    refused(&client, &document, json!({"f": null}), &["createdAt".to_owned(), "from".to_owned()]).await;
}
