//! What a document means: validation, merging, coercion, and what an error leaves standing.

use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Backend, Client, World, on_both};

const REFUSED: &str = "GRAPHQL_VALIDATION_FAILED";

async fn code(client: &Client, document: &str, variables: Value) -> String {
    let answer = client.send(document, variables).await;
    assert!(answer.0.get("data").is_none(), "{document} is executed: {:#}", answer.0);
    answer.code().to_owned()
}

/// The problems that an error tells of: code and path of each.
fn problems(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let of = |problem: &Value| {
        let path: Vec<_> = problem["path"].as_array().expect("a path").iter().map(text).collect();
        (text(&problem["code"]), path.join("."))
    };
    let errors = answer["errors"].as_array().expect("errors").iter();
    errors
        .flat_map(|error| error["extensions"]["problems"].as_array().cloned().unwrap_or_default())
        .map(|it| of(&it))
        .collect()
}

#[tokio::test]
async fn fields_that_cannot_be_merged_are_refused() {
    let world = World::new(Backend::Sqlite).await;
    let client = world.admin(world.alpha);
    for document in [
        "{ viewer { a: role } viewer { a: subject } }",
        "{ viewer { a: role a: subject } }",
        "{ customers(first: 1) { nodes { id } } customers(first: 2) { nodes { id } } }",
        "{ customers(first: 1) { nodes { id } } ...F } fragment F on Query { customers(first: 2) { nodes { name } } }",
        "{ ...F ...G } fragment F on Query { customers(first: 1) { nodes { id } } }
            fragment G on Query { customers(first: 2) { nodes { id } } }",
        "query($n: Int) { customers(first: 1) { nodes { id } } customers(first: $n) { nodes { id } } }",
        "{ customers { nodes { subscriptions(first: 1) { nodes { id } } } } customers { nodes { subscriptions { nodes { id } } } } }",
        "{ customers { nodes { subscriptions(first: 1, orderBy: [{field: STATUS}]) { nodes { id } } } }
            ... { customers { nodes { subscriptions(first: 1, orderBy: [{field: AMOUNT}]) { nodes { id } } } } } }",
        "{ nodes(ids: [\"cus_1\"]) { id } nodes(ids: []) { id } }",
        "{ nodes(ids: []) { id } nodes(ids: [\"cus_1\"]) { id } }",
        "{ customers(where: {status: {in: [ACTIVE, SUSPENDED]}}) { nodes { id } } customers(where: {status: {in: [ACTIVE]}}) { nodes { id } } }",
        "{ customers(orderBy: [{field: NAME}]) { nodes { id } } ... @skip(if: true) { customers(orderBy: []) { nodes { id } } } }",
        "mutation { createCustomer(input: {name: \"A\", metadata: {l: [1, 2]}}) { userErrors { code } } createCustomer(input: {name: \"A\", metadata: {l: [1]}}) { customer { id } } }",
        "{ customers { nodes { a: subscription { id } } nodes { a: organization { name } } } }",
        "{ customers { nodes { a: id } } customers { ... on CustomerConnection { nodes { a: name } } } }",
        "query($id: ID!) { node(id: $id) { ... on Customer { x: name } ... on Member { x: active } } }",
        "query($id: ID!) { node(id: $id) { ... on Customer { x: name } ... on Node { x: id } } }",
        "query($id: ID!) { node(id: $id) { ... on Customer { x: metadata } ... on Tier { x: name } } }",
        "query($id: ID!) { subscription(id: $id) { owner { ... on Customer { x: name } ... on Organization { x: exempt } } } }",
    ] {
        assert_eq!(code(&client, document, json!({"id": "cus_1"})).await, REFUSED, "{document}");
    }
}

#[tokio::test]
async fn every_rule_of_the_specification_is_asked() {
    let world = World::new(Backend::Sqlite).await;
    let client = world.admin(world.alpha);
    for document in [
        // 5.2 and 5.3: operations, selections.
        "query a { viewer { role } } query a { viewer { role } }",
        "{ viewer { role } } query a { viewer { role } }",
        "{ nothing }",
        "{ viewer }",
        "{ viewer { role { of } } }",
        "subscription { viewer { role } }",
        // 5.4: arguments.
        "{ customers(nothing: 1) { nodes { id } } }",
        "{ customers(first: 1, first: 1) { nodes { id } } }",
        "{ customer { id } }",
        // 5.5: fragments.
        "{ ...F } fragment F on Query { viewer { role } } fragment F on Query { viewer { role } }",
        "{ viewer { ...F } } fragment F on Nothing { role }",
        "{ viewer { ...F } } fragment F on Role { role }",
        "{ viewer { role } } fragment F on Query { viewer { role } }",
        "{ viewer { ...F } }",
        "{ viewer { ...F } } fragment F on Viewer { ...G } fragment G on Viewer { ...F }",
        "{ viewer { ... on Customer { id } } }",
        "query($id: ID!) { node(id: $id) { ... on Viewer { role } } }",
        // 5.6: values.
        "{ customers(first: \"1\") { nodes { id } } }",
        "{ customers(first: 1.0) { nodes { id } } }",
        "{ customers(first: 3000000000) { nodes { id } } }",
        "{ customers(orderBy: [{field: \"NAME\"}]) { nodes { id } } }",
        "{ customers(orderBy: [{field: NOTHING}]) { nodes { id } } }",
        "{ customers(orderBy: [{}]) { nodes { id } } }",
        "{ customers(where: {nothing: 1}) { nodes { id } } }",
        "{ customers(where: {createdAt: {from: \"yesterday\"}}) { nodes { id } } }",
        "{ customers(where: {search: ANNA}) { nodes { id } } }",
        "{ customers(where: {search: \"a\", search: \"b\"}) { nodes { id } } }",
        "{ customers(where: {createdAt: {from: \"2026-01-01T00:00:00Z\", from: \"2026-01-01T00:00:00Z\"}}) { nodes { id } } }",
        "{ customer(id: null) { id } }",
        "{ payments(where: {amount: {min: 1e400}}) { nodes { id } } }",
        "mutation { createCustomer(input: {name: \"a\", metadata: {a: 1e400}}) { userErrors { code } } }",
        "mutation { createCustomer(input: {name: \"a\", metadata: {b: [-1e999]}}) { userErrors { code } } }",
        "mutation { updateSubscription(input: {id: \"sub_1\", expiresAt: 1e400}) { userErrors { code } } }",
        "mutation($m: JSON = 1e400) { createCustomer(input: {name: \"a\", metadata: $m}) { userErrors { code } } }",
        "{ customer(id: 1.5) { id } }",
        "{ customer(id: true) { id } }",
        "mutation { createCustomer(input: {name: \"a\", name: \"b\"}) { userErrors { code } } }",
        "mutation { createCustomer(input: {name: \"a\", metadata: {a: 1, a: 2}}) { userErrors { code } } }",
        // 5.7: directives.
        "{ viewer @nothing { role } }",
        "query @skip(if: true) { viewer { role } }",
        "{ viewer @skip { role } }",
        "{ viewer @skip(if: true) @skip(if: false) { role } }",
        "{ viewer @include(if: \"yes\") { role } }",
        // 5.8: variables.
        "mutation { createCustomer(input: {name: \"a\", metadata: {v: $x}}) { userErrors { code } } }",
        "mutation { createCustomer(input: {name: \"a\", metadata: {v: [{w: $x}]}}) { userErrors { code } } }",
        "query($v: Boolean = null) { viewer { role @include(if: $v) } }",
        "query($v: String!) { viewer { role @skip(if: $v) } }",
        "query($a: Int, $a: Int) { customers(first: $a) { nodes { id } } }",
        "query($a: Customer) { viewer { role } }",
        "query($a: Nothing) { viewer { role } }",
        "query { customers(first: $a) { nodes { id } } }",
        "query($a: Int) { viewer { role } }",
        "query($a: String) { customers(first: $a) { nodes { id } } }",
        "query($a: Int) { customer(id: $a) { id } }",
        "query($a: ID) { customer(id: $a) { id } }",
        "query($a: [ID]!) { nodes(ids: $a) { id } }",
        "query($a: ID!) { nodes(ids: $a) { id } }",
        "query($a: Boolean) { viewer @skip(if: $a) { role } }",
        "query($a: Int = \"1\") { customers(first: $a) { nodes { id } } }",
        "query($a: CustomerFilter = {search: \"a\", search: \"b\"}) { customers(where: $a) { nodes { id } } }",
    ] {
        assert_eq!(code(&client, document, json!({})).await, REFUSED, "{document}");
    }
    for document in [
        "",
        "{",
        "{ viewer { role }",
        "{ a(b: \"\\uD800\") }",
        "{ a(b: \"\\u{110000}\") }",
        "{ a(b: \"\\x\") }",
        "type A { b: C }",
        "{ a } }",
    ] {
        let code = code(&client, document, json!({})).await;
        assert!(["GRAPHQL_PARSE_FAILED", REFUSED].contains(&code.as_str()), "{document}: {code}");
    }
}

#[tokio::test]
async fn null_is_no_condition_and_no_id_of_somebody() {
    let world = World::new(Backend::Sqlite).await;
    let client = world.admin(world.alpha);
    for (document, path) in [
        ("query($x: Boolean = true) { viewer { role @include(if: $x) subject } }", "x"),
        ("query($x: Boolean = true) { viewer { role @skip(if: $x) subject } }", "x"),
        ("query($x: ID) { subscriptionStatus(customerId: $x) { entitled } }", "customerId"),
        ("query($x: ID) { currentSubscription(customerId: $x) { id } }", "customerId"),
        ("query($x: ID) { organization(id: $x) { id } }", "id"),
    ] {
        let answer = client.send(document, json!({"x": null})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{document}: {answer:?}");
        assert_eq!(problems(&answer.0), [("REQUIRED".to_owned(), path.to_owned())], "{document}");
        assert!(client.send(document, json!({})).await.0["errors"].is_null(), "{document}");
    }
}

#[tokio::test]
async fn limits_are_where_they_are_said_to_be() {
    let world = World::new(Backend::Sqlite).await;
    let client = world.admin(world.alpha);
    let each = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let viewers = |count| format!("{{ {} }}", each(count, &|it| format!("a{it}: viewer {{ role }} ")));
    let aliases = |count| format!("{{ viewer {{ {} }} }}", each(count, &|it| format!("a{it}: role ")));
    let directives = |count: usize| format!("{{ viewer {{ {} }} }}", "role @skip(if: false) ".repeat(count));
    let mutation = |it| format!("a{it}: createCustomer(input: {{name: \"\"}}) {{ userErrors {{ code }} }} ");
    let mutations = |count| format!("mutation {{ {} }}", each(count, &mutation));
    let tokens = |count: usize| format!("{{ viewer {{ {} }} }}", "role ".repeat(count - 5));
    let bytes = |count: usize| format!("{{ viewer {{ role }} }} #{}", "x".repeat(count - 21));
    for (least, most, make) in [
        (10, 11, &viewers as &dyn Fn(usize) -> String),
        (30, 31, &aliases),
        (50, 51, &directives),
        (4, 5, &mutations),
        (1_990, 2_005, &tokens),
        (16 * 1024, 16 * 1024 + 1, &bytes),
    ] {
        let answer = client.send(&make(least), json!({})).await;
        assert!(answer.0.get("data").is_some(), "{least} are allowed: {answer:?}");
        let refused = code(&client, &make(most), json!({})).await;
        assert!(["OPERATION_TOO_COMPLEX", "GRAPHQL_PARSE_FAILED"].contains(&refused.as_str()), "{most}: {refused}");
    }
}

#[tokio::test]
async fn documents_that_ask_for_too_much_are_refused_at_once() {
    let world = World::new(Backend::Sqlite).await;
    let client = world.admin(world.alpha);
    let bomb = |levels: usize, leaf: &str| {
        let steps = (0..levels).map(|it| {
            format!(" fragment F{it} on Customer {{ a{it}: organization {{ customers {{ nodes {{ ...F{0} }} }} }} b{it}: organization {{ customers {{ nodes {{ ...F{0} }} }} }} }}", it + 1)
        });
        format!(
            "{{ customers {{ nodes {{ ...F0 }} }} }}{} fragment F{levels} on Customer {{ {leaf} }}",
            steps.collect::<String>()
        )
    };
    let many = |count: usize| (0..count).map(|it| format!("a{it}: viewer {{ role }} ")).collect::<String>();
    for document in [
        "{ a".repeat(20_000),
        format!("{{ __type(name: {}{}) {{ name }} }}", "[".repeat(450), "]".repeat(450)),
        format!("{{ {} }}", many(5_000)),
        format!("{{ {} }}", many(31)),
        format!("query {} {{ viewer {{ role }} }}", "@skip(if: false) ".repeat(200)),
        bomb(12, "id"),
        bomb(3, "id name"),
        format!("{{ {} {} }}", "parent { ".repeat(60), "}".repeat(60)),
    ] {
        let code = code(&client, &document, json!({})).await;
        let expected = ["GRAPHQL_PARSE_FAILED", REFUSED, "OPERATION_TOO_COMPLEX"];
        assert!(expected.contains(&code.as_str()), "{code}: {}", &document[..document.len().min(100)]);
    }
}

#[on_both]
async fn texts_are_what_the_specification_says(world: &World) {
    let admin = world.admin(world.alpha);
    for (literal, expected) in [
        (r#""\u00e9\u00e8 \ud83d\ude00""#, "éè 😀"),
        (r#""\u{1F600} \u{e9}""#, "😀 é"),
        (r#""a \"b\" \\ \/ c""#, "a \"b\" \\ / c"),
        (r#""""say \""" twice""""#, "say \"\"\" twice"),
        ("\"\"\"\n    one\n    \"\"\"", "one"),
        (r#""""no \u00e9scape""""#, "no \\u00e9scape"),
    ] {
        let document = format!(
            "mutation {{ createCustomer(input: {{name: {literal}}}) {{ customer {{ name }} userErrors {{ message }} }} }}"
        );
        let data = admin.ok(&document, json!({})).await;
        assert_eq!(data["createCustomer"]["customer"]["name"], expected, "{literal}");
    }
}

#[on_both]
async fn a_list_beside_a_fragment_is_itself_however_often_it_is_asked(world: &World) {
    for name in ["Anna", "Zoe"] {
        world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await;
    }
    let admin = world.admin(world.alpha);
    let document = "{ customers(first: 1, orderBy: [{field: NAME}]) { nodes { name } ...F }
            last: customers(first: 1, orderBy: [{field: NAME, direction: DESC}]) { nodes { name subscription { id } } } }
            fragment F on CustomerConnection { nodes { subscription { owner { ... on Customer { name } ...G } } } }
            fragment G on SubscriptionOwner { __typename ... on Node { id } }";
    for _ in 0..3 {
        let data = admin.ok(document, json!({})).await;
        let first = &data["customers"]["nodes"][0];
        assert_eq!((&first["name"], &first["subscription"]["owner"]["name"]), (&json!("Anna"), &json!("Anna")));
        assert_eq!(first["subscription"]["owner"]["__typename"], "Customer");
        assert_eq!(data["last"]["nodes"][0]["name"], "Zoe");
    }
}

#[on_both]
async fn a_mutation_that_is_selected_twice_runs_once(world: &World) {
    let admin = world.admin(world.alpha);
    let (_, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 0})).await;
    let end = "query($id: ID!) { subscription(id: $id) { currentPeriodEnd version } }";
    let before = admin.ok(end, json!({"id": subscription})).await;
    let document = "mutation($id: ID!) { ...A ...B extendSubscription(input: {id: $id, days: 1}) { userErrors { code } } }
            fragment A on Mutation { extendSubscription(input: {id: $id, days: 1}) { subscription { version } } }
            fragment B on Mutation { extendSubscription(input: {id: $id, days: 1}) { subscription { currentPeriodEnd } } }";
    let data = admin.ok(document, json!({"id": subscription})).await;
    let after = admin.ok(end, json!({"id": subscription})).await;
    assert_eq!(data["extendSubscription"]["subscription"], after["subscription"]);
    assert_eq!(
        after["subscription"]["version"],
        json!(before["subscription"]["version"].as_i64().expect("a number") + 1)
    );
}

#[on_both]
async fn conditions_are_asked_for_each_request(world: &World) {
    world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let document = "query($a: Boolean!, $b: Boolean = true) { customers {
            nodes { ...F @include(if: $a) name @skip(if: $b) ... @include(if: $b) { status } externalRef @include(if: false) } } }
            fragment F on Customer { id name @include(if: $a) }";
    for (variables, keys) in [
        (json!({"a": true}), vec!["id", "name", "status"]),
        (json!({"a": false}), vec!["status"]),
        (json!({"a": false, "b": false}), vec!["name"]),
        (json!({"a": true, "b": false}), vec!["id", "name"]),
        (json!({"a": true, "b": true}), vec!["id", "name", "status"]),
    ] {
        let data = admin.ok(document, variables.clone()).await;
        let node = data["customers"]["nodes"][0].as_object().expect("an object").clone();
        let mut found: Vec<_> = node.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, keys, "{variables}");
    }
}

#[on_both]
async fn values_that_do_not_fit_are_told_all_at_once(world: &World) {
    let admin = world.admin(world.alpha);
    let before = world.writes().await;
    let variables = json!({"i": {
        "name": 5, "nothing": true, "metadata": {},
        "subscription": {"startsAt": "yesterday", "billingCycle": "DAILY", "currency": "EURO", "userLimit": 1.5,
            "featureOverrides": [{"enabled": "yes", "ceiling": 1e30}]},
    }});
    let document = "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { userErrors { code } } }";
    let answer = admin.send(document, variables).await;
    assert_eq!((answer.code(), answer.0["errors"].as_array().map(Vec::len)), ("BAD_USER_INPUT", Some(1)));
    let mut found = problems(&answer.0);
    found.sort();
    let expected = [
        ("INVALID_FORMAT", "input.name"),
        ("INVALID_FORMAT", "input.nothing"),
        ("INVALID_FORMAT", "input.subscription.billingCycle"),
        ("INVALID_FORMAT", "input.subscription.currency"),
        ("INVALID_FORMAT", "input.subscription.featureOverrides.0.enabled"),
        ("INVALID_FORMAT", "input.subscription.startsAt"),
        ("INVALID_FORMAT", "input.subscription.userLimit"),
        ("OUT_OF_RANGE", "input.subscription.featureOverrides.0.ceiling"),
        ("REQUIRED", "input.subscription.featureOverrides.0.key"),
    ];
    assert_eq!(found, expected.map(|(code, path)| (code.to_owned(), path.to_owned())));
    // Written into the document, each has its place there.
    let document =
        "mutation { createCustomer(input: {name: \"A\", subscription: {startsAt: \"yesterday\", currency: \"EURO\"}})
            { userErrors { code } } }";
    let answer = admin.send(document, json!({})).await;
    assert_eq!(answer.code(), REFUSED);
    let mut found = problems(&answer.0);
    found.sort();
    let expected =
        [("INVALID_FORMAT", "input.subscription.currency"), ("INVALID_FORMAT", "input.subscription.startsAt")];
    assert_eq!(found, expected.map(|(code, path)| (code.to_owned(), path.to_owned())));
    // A part of the input as a variable is told of by its place in the input.
    let document = "mutation($s: DateTimeOrDate) { createCustomer(input: {name: \"A\", subscription: {startsAt: $s}}) { userErrors { code } } }";
    let answer = admin.send(document, json!({"s": "yesterday"})).await;
    assert_eq!(problems(&answer.0), [("INVALID_FORMAT".to_owned(), "input.subscription.startsAt".to_owned())]);
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn variables_are_coerced_as_graphql_does(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let list = "query($f: Int, $o: [CustomerOrder!], $w: CustomerFilter) { customers(first: $f, orderBy: $o, where: $w) { nodes { name } } }";
    for good in [
        json!({}),
        json!({"f": 1}),
        json!({"f": 1.0}),
        json!({"f": null}),
        json!({"o": {"field": "NAME"}}),
        json!({"o": [{"field": "NAME", "direction": "DESC"}]}),
        json!({"w": {"ids": customer}}),
        json!({"unknown": 1}),
    ] {
        let data = admin.ok(list, good.clone()).await;
        assert_eq!(data["customers"]["nodes"][0]["name"], "Ada", "{good}");
    }
    for bad in [
        json!({"f": "1"}),
        json!({"f": 1.5}),
        json!({"f": true}),
        json!({"f": 3_000_000_000_i64}),
        json!({"f": [1]}),
        json!({"o": [null]}),
        json!({"o": ["NAME"]}),
        json!({"w": []}),
        json!({"w": {"search": 5}}),
        json!({"w": {"nothing": 1}}),
    ] {
        assert_eq!(code(&admin, list, bad.clone()).await, "BAD_USER_INPUT", "{bad}");
    }
    let default =
        "query($c: ID!, $l: String) { customer(id: $c) { subscription { price { formatted(locale: $l) } } } }";
    let data = admin.ok(default, json!({"c": customer})).await;
    let plain = admin
        .ok("query($c: ID!) { customer(id: $c) { subscription { price { formatted } } } }", json!({"c": customer}))
        .await;
    assert_eq!(data, plain, "an omitted variable is the argument's default");
    assert_eq!(code(&admin, "query($c: ID!) { customer(id: $c) { id } }", json!({})).await, "BAD_USER_INPUT");
    assert_eq!(code(&admin, "query($c: ID!) { customer(id: $c) { id } }", json!({"c": null})).await, "BAD_USER_INPUT");
    let several = "query a { viewer { role } } query b($c: ID!) { customer(id: $c) { name } }";
    assert_eq!(code(&admin, several, json!({})).await, REFUSED);
}

#[on_both]
async fn an_error_nulls_its_own_field_alone(world: &World) {
    let worker = world.caller(Role::Worker, world.alpha);
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let document = "{ viewer { role } customers { nodes { name payments { nodes { id } } } } dashboard { subscriptions } members { nodes { id } } }";
    let answer = worker.send(document, json!({})).await.0;
    assert_eq!(
        answer["data"],
        json!({
            "viewer": {"role": "WORKER"}, "customers": {"nodes": [{"name": "Ada", "payments": null}]}, "dashboard": null, "members": null,
        })
    );
    let mut paths: Vec<_> =
        answer["errors"].as_array().expect("errors").iter().map(|error| error["path"].to_string()).collect();
    paths.sort();
    assert_eq!(paths, [r#"["customers","nodes",0,"payments"]"#, r#"["dashboard"]"#, r#"["members"]"#]);

    let nodes = "query($ids: [ID!]!) { viewer { role } nodes(ids: $ids) { id __typename } }";
    let member = world.root().ok("{ members { nodes { id } } }", json!({})).await["members"]["nodes"][0]["id"].clone();
    let member = if member.is_null() { json!("mem_01h455vb4pex5vsknk084sn02q") } else { member };
    let answer =
        worker.send(nodes, json!({"ids": [customer, "nonsense_1", member, "cus_01h455vb4pex5vsknk084sn02q"]})).await.0;
    assert_eq!(answer["data"]["viewer"]["role"], "WORKER");
    assert_eq!(answer["data"]["nodes"], json!([{"id": customer, "__typename": "Customer"}, null, null, null]));
    let codes: Vec<_> = answer["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (error["extensions"]["code"].as_str().expect("a code"), error["path"].to_string()))
        .collect();
    assert_eq!(codes, [("BAD_USER_INPUT", r#"["nodes",1]"#.to_owned()), ("FORBIDDEN", r#"["nodes",2]"#.to_owned())]);

    // What was committed is told, whatever fails behind it.
    let admin = world.admin(world.alpha);
    let document =
        "mutation($id: ID!, $t: ID!) { createCustomer(input: {name: \"Bob\"}) { customer { name } userErrors { code } }
            overrideTier(input: {id: $id, tierId: $t, reason: \"a gift\"}) { userErrors { code } }
            extendSubscription(input: {id: $id, days: 1}) { subscription { id } } }";
    let answer = admin.send(document, json!({"id": subscription, "t": world.alpha.plus.to_string()})).await.0;
    assert_eq!(
        answer["data"],
        json!({
            "createCustomer": {"customer": {"name": "Bob"}, "userErrors": []}, "overrideTier": null,
            "extendSubscription": {"subscription": {"id": subscription}},
        })
    );
    assert_eq!(answer["errors"][0]["path"], json!(["overrideTier"]));
}
