//! What errors tell, and that they tell the same each time.

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use tessera::app::{Allowed, Answer, App, RequestMeta};
use tessera::auth::Role;
use tessera::config::Config;

use crate::support::introspection::Schema;
use crate::support::{Backend, World, ask, on_both, reference};

/// The errors of a request that is refused.
async fn refused(app: &App, document: &str, variables: &Value) -> String {
    let request = Request::new(document).variables(Variables::from_json(variables.clone()));
    match app.execute(request, Allowed::Everything, None, RequestMeta::default()).await {
        Answer::Refused(response) => json!({"errors": response.errors}).to_string(),
        other => panic!("{document} {variables} is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn who_may_not_read_the_schema_is_not_told_of_it() {
    let world = World::new(Backend::Sqlite).await;
    let schema = Schema::load(&world.nobody()).await;
    let config = Config { introspection: false, ..world.config.clone() };
    let closed = App::with_store(&config, world.store.clone()).expect("an app");
    let mut names: Vec<&str> =
        schema.types().map(|of| of.name.as_str()).filter(|name| !name.starts_with("__")).collect();
    // Codes of errors are told, by their nature.
    let enums = schema.types().filter(|of| of.values().iter().all(|value| value.name != "INVALID_FORMAT"));
    names.extend(enums.flat_map(|of| of.values().iter().map(|value| value.name.as_str())));
    let told = |text: &str| {
        let words: Vec<&str> = text.split(|sign: char| !sign.is_alphanumeric() && sign != '_').collect();
        names.iter().find(|name| words.contains(name)).map(|name| (*name).to_owned())
    };
    let wanted = "query($where: CustomerFilter) { customers(where: $where) { totalCount { value } } }";
    let order = "query($by: [CustomerOrder!]) { customers(orderBy: $by) { totalCount { value } } }";
    let made = "mutation($input: CreateMemberInput!) { createMember(input: $input) { __typename } }";
    let mut telling = 0;
    for (document, variables) in [
        ("{ nothing }", json!({})),
        ("{ customers }", json!({})),
        ("{ customer(id: 1.5) { id } }", json!({})),
        ("{ customer { id } }", json!({})),
        ("{ customer2(id: \"x\") { id } }", json!({})),
        ("{ node(id: \"x\") { ... on Nobody { id } } }", json!({})),
        ("{ node(id: \"x\") { ... on CheckoutTier { id } } }", json!({})),
        ("{ customers(where: {status: {eq: NEVER}}) { totalCount { value } } }", json!({})),
        ("{ customers(where: {nothing: 1}) { totalCount { value } } }", json!({})),
        ("query($id: Int) { customer(id: $id) { id } }", json!({})),
        ("{ customers(first: \"x\") { totalCount { value } } }", json!({})),
        ("{ viewer { role { x } } }", json!({})),
        (wanted, json!({"where": 1})),
        (wanted, json!({"where": {"status": {"eq": "NEVER"}}})),
        (wanted, json!({"where": {"nothing": 1}})),
        (order, json!({"by": [{"field": "NEVER"}]})),
        (made, json!({"input": {}})),
        (made, json!({})),
    ] {
        let open = refused(&world.app, document, &variables).await;
        telling += usize::from(told(&open).is_some());
        let answer = refused(&closed, document, &variables).await;
        assert_eq!(told(&answer), None, "{document} {variables}: {answer}");
    }
    assert!(telling > 12, "the questions are not good ones");
}

#[on_both]
async fn errors_are_the_same_in_the_same_order_each_time(world: &World) {
    for number in 0..5 {
        world.subscribed(world.alpha, &format!("Customer {number}"), world.alpha.basic, json!({})).await;
    }
    let worker = world.caller(Role::Worker, world.alpha);
    let document = "{
            auditEvents { nodes { id } }
            customers(first: 5) { nodes {
                payments { nodes { id } } defaultPaymentMethod { id } paymentMethods { totalCount { value } }
                subscription { payments { nodes { id } } tier { statistics { total } } }
            } }
            members { nodes { id } }
            b: node(id: \"nothing\") { id }
            a: nodes(ids: [\"x\", \"mem_01h2xcejqtf2nbrexx3vqjhp41\", \"y\", \"aud_01h2xcejqtf2nbrexx3vqjhp41\"]) { id }
        }";
    let first = reference(&worker, document, &json!({})).await.text;
    assert!(first.matches("\"path\"").count() > 8, "{first}");
    for _ in 0..15 {
        assert_eq!(reference(&worker, document, &json!({})).await.text, first);
        assert_eq!(ask(&worker, document, &json!({})).await.text, first);
    }
}
