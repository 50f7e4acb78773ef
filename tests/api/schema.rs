//! The schema as a contract: published as it is, explained throughout, and of one shape everywhere.

use std::collections::HashSet;

use serde_json::json;

use crate::support::introspection::{INTROSPECTION, Schema, Type};
use crate::support::{Backend, World};

async fn schema() -> Schema {
    let world = World::new(Backend::Sqlite).await;
    Schema::load(&world.nobody()).await
}

/// Fails with all problems at once.
fn none(problems: &[String], what: &str) {
    assert!(problems.is_empty(), "{what}:\n  {}", problems.join("\n  "));
}

#[test]
fn the_published_schema_is_the_one_that_is_served() {
    let published = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap_or_default();
    let served = tessera::graphql::sdl(false);
    let differs = published.lines().zip(served.lines()).position(|(published, served)| published != served);
    let line = differs.unwrap_or_else(|| published.lines().count().min(served.lines().count())) + 1;
    // No `assert_eq`: it would print both schemas whole.
    assert!(
        published == served,
        "schema.graphql is stale from line {line} on: run `make schema` and review the change"
    );
}

#[tokio::test]
async fn everything_is_described() {
    fn check(problems: &mut Vec<String>, what: String, description: Option<&str>) {
        if description.is_none_or(|text| text.trim().is_empty()) {
            problems.push(what);
        }
    }
    /// The specification describes these itself.
    const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
    let schema = schema().await;
    let mut missing = Vec::new();
    for one in schema.types().filter(|one| !BUILT_IN.contains(&one.name.as_str())) {
        let name = &one.name;
        check(&mut missing, name.clone(), one.description.as_deref());
        for field in one.fields() {
            check(&mut missing, format!("{name}.{}", field.name), field.description.as_deref());
            for arg in &field.args {
                check(&mut missing, format!("{name}.{}({}:)", field.name, arg.name), arg.description.as_deref());
            }
        }
        for input in one.inputs() {
            check(&mut missing, format!("{name}.{}", input.name), input.description.as_deref());
        }
        for value in one.values() {
            check(&mut missing, format!("{name}.{}", value.name), value.description.as_deref());
        }
    }
    none(&missing, "these have no description");
}

#[tokio::test]
async fn whatever_has_an_id_is_a_node() {
    // TierPrice: a part of its tier, read and replaced with it.
    const PARTS: [&str; 1] = ["TierPrice"];
    let schema = schema().await;
    let has_id = |one: &&Type| one.kind == "OBJECT" && one.field("id").is_some_and(|id| id.of.to_string() == "ID!");
    let nodes: Vec<&Type> = schema.types().filter(has_id).collect();
    assert!(PARTS.iter().all(|part| nodes.iter().any(|node| node.name == *part)), "an exception is out of date");
    let not: Vec<_> = nodes
        .iter()
        .filter(|one| one.implements("Node") == PARTS.contains(&one.name.as_str()))
        .map(|one| one.name.clone())
        .collect();
    none(&not, "these have an id and are no Node, or are a Node and listed as a part");
}

#[tokio::test]
async fn every_mutation_takes_one_input_and_answers_with_a_payload() {
    let schema = schema().await;
    let mut problems = Vec::new();
    for mutation in schema.mutations() {
        let name = &mutation.name;
        let [input] = mutation.args.as_slice() else {
            problems.push(format!("{name} does not take exactly one argument"));
            continue;
        };
        let of = input.of.to_string();
        if input.name != "input" || !of.ends_with("Input!") {
            problems.push(format!("{name} takes {}: {of} instead of input: …Input!", input.name));
        }
        let key = schema.get(input.of.named()).input("idempotencyKey");
        // These do no more than once by themselves.
        let once = ["ensureGatewayCustomer", "retryTransition"].contains(&name.as_str());
        if !once && key.is_none_or(|key| key.of.to_string() != "String") {
            problems.push(format!("{} has no idempotencyKey: String", input.of.named()));
        }
        let payload = schema.get(mutation.of.named());
        let errors = payload.field("userErrors").map(|errors| errors.of.to_string());
        if !mutation.of.to_string().ends_with("Payload") || errors.as_deref() != Some("[UserError!]!") {
            problems.push(format!("{name} answers {} with userErrors: {errors:?}", mutation.of));
        }
        let nullable = payload.fields().iter().all(|field| field.name == "userErrors" || !field.of.is_required());
        if !nullable {
            problems.push(format!("{} cannot be answered when the mutation is refused", payload.name));
        }
    }
    none(&problems, "these mutations are of another shape");
}

#[tokio::test]
async fn whoever_changes_an_object_can_name_the_version_it_saw() {
    let schema = schema().await;
    let changes = |one: &&Type| one.name.ends_with("Input") && one.input("id").is_some_and(|id| id.of.is_required());
    let (with, without): (Vec<&Type>, Vec<&Type>) = schema
        .types()
        .filter(changes)
        .partition(|one| one.input("expectedVersion").is_some_and(|version| version.of.to_string() == "Int"));
    assert!(with.len() > 10, "the inputs that change an object are found by their `id`");
    let names: Vec<_> = without.iter().map(|one| one.name.clone()).collect();
    none(&names, "these inputs have an `id` and no expectedVersion: Int");
}

#[tokio::test]
async fn every_list_is_paged_filtered_and_sorted_alike() {
    let schema = schema().await;
    let mut problems = Vec::new();
    let mut lists = 0;
    for one in schema.types() {
        for field in one.fields().iter().filter(|field| schema.get(field.of.named()).is_connection()) {
            lists += 1;
            // Inputs keep the plain word.
            let noun = field.of.named().trim_end_matches("Connection").trim_end_matches("Contract");
            let expected = [
                ("where", format!("{noun}Filter")),
                ("orderBy", format!("[{noun}Order!]")),
                ("first", "Int".to_owned()),
                ("after", "String".to_owned()),
                ("last", "Int".to_owned()),
                ("before", "String".to_owned()),
            ];
            let args: Vec<_> = field.args.iter().map(|arg| (arg.name.as_str(), arg.of.to_string())).collect();
            if args != expected {
                problems.push(format!("{}.{} takes {args:?}", one.name, field.name));
            }
        }
    }
    assert!(lists > 10, "lists are found by their type");
    none(&problems, "these lists take other arguments");
}

#[tokio::test]
async fn money_is_never_a_plain_number() {
    const ABOUT_MONEY: [&str; 7] = ["amount", "price", "revenue", "refunded", "minor", "cost", "fee"];
    let schema = schema().await;
    let mut problems = Vec::new();
    let mut found = 0;
    for one in schema.types() {
        let fields = one.fields().iter().map(|field| (&field.name, &field.of));
        for (name, of) in fields.chain(one.inputs().iter().map(|input| (&input.name, &input.of))) {
            let about_money = ABOUT_MONEY.iter().any(|word| name.to_lowercase().contains(word));
            found += usize::from(about_money);
            if of.named() == "Float" || (about_money && of.named() == "Int") {
                problems.push(format!("{}.{name}: {of}", one.name));
            }
        }
    }
    assert!(found > 10, "fields about money are found by their names");
    none(&problems, "these lose digits: use Money, or minor units as SafeInt");
}

#[tokio::test]
async fn the_introspection_query_of_clients_is_within_the_limits() {
    let world = World::new(Backend::Sqlite).await;
    let answer = world.nobody().send(INTROSPECTION, json!({})).await;
    assert!(answer.0["errors"].is_null(), "{:#}", answer.0["errors"]);
    let schema = &answer.0["data"]["__schema"];
    assert_eq!(schema["queryType"]["name"], "Query");
    let types = schema["types"].as_array().expect("types");
    let date = types.iter().find(|one| one["name"] == "DateTime").expect("a scalar of its own");
    assert_eq!(date["specifiedByURL"], "https://scalars.graphql.org/andimarek/date-time.html");
}

/// Generated clients name a property after each field.
#[tokio::test]
async fn no_field_is_named_by_a_reserved_word_of_a_clients_language() {
    const RESERVED: &str = "abstract and as assert associatedtype async await base bool boolean break byte case \
        catch char checked class const continue decimal def default defer deinit del delegate do double elif else enum \
        event except explicit extends extension extern fallthrough false fileprivate final finally fixed float for \
        foreach from fun func global goto guard if implements implicit import in init inout instanceof int interface \
        internal is lambda let lock long namespace native new nil nonlocal not null object open operator or out override \
        package params pass private protected protocol public raise readonly ref repeat rethrows return sbyte sealed self \
        short sizeof stackalloc static strictfp string struct subscript super switch synchronized this throw throws \
        transient true try typealias typeof uint ulong unchecked unsafe ushort using val var virtual void volatile when \
        where while with yield";
    let reserved: HashSet<&str> = RESERVED.split_whitespace().collect();
    let schema = schema().await;
    let outputs = schema.types().filter(|one| ["OBJECT", "INTERFACE"].contains(&one.kind.as_str()));
    let named: Vec<_> = outputs
        .flat_map(|one| one.fields().iter().map(move |field| format!("{}.{}", one.name, field.name)))
        .filter(|name| name.split('.').nth(1).is_some_and(|field| reserved.contains(field)))
        .collect();
    none(&named, "these are named by a reserved word");
}

/// Caches take an object of this name for the root of subscriptions.
#[tokio::test]
async fn no_object_has_the_name_of_a_root_that_is_not_there() {
    let schema = schema().await;
    let names: Vec<_> = schema.types().map(|one| one.name.as_str()).filter(|name| *name == "Subscription").collect();
    assert!(names.is_empty());
}
