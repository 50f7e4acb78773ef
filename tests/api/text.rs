//! Text as people mean it: what is found, what comes first, and what is a name or an address at all.

use serde_json::{Value, json};

use crate::support::{Client, Payer, World, at, each, on_both, payment};

/// Names, and what people type to find them.
const NAMES: [(&str, &[&str]); 12] = [
    ("Ökostrom Größe", &["Ökostrom", "ökostrom", "OKOSTROM", "o\u{308}kostrom", "größe", "GRÖSSE", "grosse"]),
    ("O\u{308}lmühle", &["Ölmühle", "olmuhle", "ÖLMÜHLE"]),
    ("ΚΩΣΤΑΣ ΑΕ", &["ΚΩ", "ΚΩΣ", "κωσ", "κως", "κώστας", "Κωστασ"]),
    ("Ελένη", &["ΕΛΕΝΗ", "ελενη"]),
    ("ДОГОВОР", &["договор", "Договор", "дОГ"]),
    ("Королёв", &["КОРОЛЕВ", "королёв"]),
    ("İstanbul", &["istanbul", "ISTANBUL", "İSTANBUL", "ıstanbul"]),
    ("Łódź", &["lodz", "ŁÓDŹ"]),
    ("Ørsted & Đorđe", &["orsted", "dorde", "& đ"]),
    ("ﬁnance Ⅸ", &["FINANCE ix"]),
    ("Co\u{ad}op\u{200b}erative", &["cooperative"]),
    ("100%_\\Sure", &["%_\\s", "100%"]),
];

/// The names of a list, or the keys where it has no names, in its order.
async fn listed(client: &Client, list: &str, property: &str, arguments: &str, search: &str) -> Vec<Value> {
    let document = format!(
        "query($search: String) {{ list: {list}(where: {{search: $search{arguments}}}, first: 100) {{ nodes {{ {property} }} totalCount {{ value }} }} }}"
    );
    let data = client.ok(&document, json!({"search": search})).await;
    let found = each(&data["list"]["nodes"], property);
    assert_eq!(data["list"]["totalCount"]["value"], json!(found.len()), "{list} {search}");
    found
}

/// As many members as it likes.
async fn without_limit(world: &World) {
    world.root().mutate("updateOrganization", json!({"id": world.alpha.id.to_string(), "exempt": true}), "").await;
}

/// Makes a member of alpha and an organization of this name.
async fn member_and_organization(world: &World, place: usize, name: &str) {
    let member = json!({"email": format!("m{place}@example.com"), "name": name, "role": "WORKER"});
    world.admin(world.alpha).mutate("createMember", member, "").await;
    let organization = json!({"name": name, "slug": format!("o-{place}")});
    world.root().mutate("createOrganization", organization, "").await;
}

#[on_both]
async fn what_people_type_finds_what_they_mean(world: &World) {
    without_limit(world).await;
    let (admin, root) = (world.admin(world.alpha), world.root());
    for (place, (name, searches)) in NAMES.into_iter().enumerate() {
        let mut input =
            json!({"name": name, "subscription": {"tierId": world.alpha.basic.to_string(), "externalId": name}});
        let made = admin.mutate("createCustomer", input.take(), "customer { id subscription { id } }").await;
        let subscription = made["customer"]["subscription"]["id"].clone();
        admin
            .mutate("createTier", json!({"key": format!("t{place}"), "kind": "CUSTOMER", "name": name, "rank": 1}), "")
            .await;
        member_and_organization(world, place, name).await;
        for search in searches {
            for (list, arguments) in [("customers", ""), ("tiers", ", platform: false"), ("members", "")] {
                assert_eq!(listed(&admin, list, "name", arguments, search).await, [json!(name)], "{list} {search}");
            }
            assert_eq!(listed(&root, "organizations", "name", "", search).await, [json!(name)], "{search}");
            let found = listed(&admin, "subscriptions", "id", "", search).await;
            assert_eq!(found, std::slice::from_ref(&subscription), "{search}");
        }
    }
}

#[on_both]
async fn what_an_owner_has_is_found_by_its_name(world: &World) {
    let (admin, root) = (world.admin(world.alpha), world.root());
    let (ada, of_ada) = world.subscribed(world.alpha, "Żółć Łukasz", world.alpha.basic, json!({})).await;
    let (_, of_bob) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"externalId": "zolc"})).await;
    world.subscribed(world.beta, "Żółć", world.beta.basic, json!({})).await;
    let own = root
        .mutate("ensureSubscription", json!({"organizationId": world.alpha.id.to_string()}), "subscription { id }")
        .await;
    let own = own["subscription"]["id"].as_str().expect("an id").to_owned();
    let payer = |customer| Payer { tenant: world.alpha, customer };
    let rows = vec![
        payment(payer(Some(&ada)), &of_ada, at("2026-03-02T00:00:00Z")),
        payment(payer(None), &own, at("2026-03-03T00:00:00Z")),
    ];
    let paid: Vec<_> = rows.iter().map(|row| json!(row.id.to_string())).collect();
    world.put_payments(rows).await;
    let find = async |client: &Client, list: &str, search: &str| {
        let mut found = listed(client, list, "id", "", search).await;
        found.sort_by_key(Value::to_string);
        found
    };
    let mut both = vec![json!(of_ada), json!(of_bob)];
    both.sort_by_key(Value::to_string);
    assert_eq!(find(&admin, "subscriptions", "ŻÓŁĆ").await, both, "by the owner and by the key");
    assert_eq!(find(&admin, "subscriptions", "alpha ORG").await, [json!(own)]);
    assert_eq!(find(&root, "subscriptions", "żółć").await.len(), 3);
    assert_eq!(find(&admin, "payments", "lukasz").await, [paid[0].clone()]);
    assert_eq!(find(&admin, "payments", "alpha organ").await, [paid[1].clone()]);
    assert_eq!(find(&admin, "payments", "bob").await, Vec::<Value>::new());

    // Nested lists, and who may not read an owner does not find by its name.
    let nested = "query($s: String) { customers { nodes { name subscriptions(where: {search: $s}) { nodes { id } } payments(where: {search: $s}) { nodes { id } } } } }";
    let data = admin.ok(nested, json!({"s": "łukasz"})).await;
    let told = json!({"name": "Żółć Łukasz", "subscriptions": {"nodes": [{"id": of_ada}]}, "payments": {"nodes": [{"id": paid[0]}]}});
    assert!(data["customers"]["nodes"].as_array().expect("a list").contains(&told), "{data:#}");
    let worker = world.caller(tessera::auth::Role::Worker, world.alpha);
    assert_eq!(find(&worker, "subscriptions", "lukasz").await, [json!(of_ada)]);
    assert_eq!(find(&worker, "subscriptions", "alpha organ").await, Vec::<Value>::new());
    assert_eq!(find(&world.customer(world.alpha, &ada), "subscriptions", "zolc").await, [json!(of_ada)]);

    // A new name finds at once, the old one no more.
    admin.mutate("updateCustomer", json!({"id": ada, "name": "Ada"}), "").await;
    assert_eq!(find(&admin, "payments", "lukasz").await, Vec::<Value>::new());
    assert_eq!(find(&admin, "payments", "ADA").await, [paid[0].clone()]);
}

/// One or two characters are looked for at the start of names.
#[on_both]
async fn a_text_that_tells_little_begins_a_name(world: &World) {
    without_limit(world).await;
    let admin = world.admin(world.alpha);
    let names = ["Ökostrom", "oko", "Kuo", "Łódź", "日本橋", "100%_\\Sure"];
    let mut of_name = std::collections::BTreeMap::new();
    for name in names {
        let (customer, subscription) =
            world.subscribed(world.alpha, name, world.alpha.basic, json!({"externalId": format!("ko {name}")})).await;
        of_name.insert(name, (customer, subscription));
        admin
            .mutate(
                "createMember",
                json!({"email": format!("ko{}@example.com", of_name.len()), "name": name, "role": "WORKER"}),
                "",
            )
            .await;
    }
    world.subscribed(world.beta, "Oko of another", world.beta.basic, json!({})).await;
    for (search, found) in [
        ("ok", &["Ökostrom", "oko"][..]),
        ("Ö", &["Ökostrom", "oko"]),
        ("ko", &[]),
        ("k", &["Kuo"]),
        ("ŁÓ", &["Łódź"]),
        ("日本", &["日本橋"]),
        ("10", &["100%_\\Sure"]),
        ("%_", &[]),
        ("本橋", &[]),
    ] {
        let mut expected: Vec<_> = found.iter().map(|name| json!(name)).collect();
        expected.sort_by_key(Value::to_string);
        for list in ["customers", "members"] {
            let mut names = listed(&admin, list, "name", "", search).await;
            names.sort_by_key(Value::to_string);
            assert_eq!(names, expected, "{list} {search}");
        }
        let mut ids: Vec<_> = found.iter().map(|name| json!(of_name[name].1)).collect();
        ids.sort_by_key(Value::to_string);
        let mut subscriptions = listed(&admin, "subscriptions", "id", "", search).await;
        subscriptions.sort_by_key(Value::to_string);
        assert_eq!(subscriptions, ids, "{search}");
    }
    let nested = "query($s: String) { customers(where: {search: $s}) { nodes { subscriptions(where: {search: $s}) { nodes { id } totalCount { value } } } } }";
    let data = admin.ok(nested, json!({"s": "k"})).await;
    let expected = json!([{"subscriptions": {"nodes": [{"id": of_name["Kuo"].1}], "totalCount": {"value": 1}}}]);
    assert_eq!(data["customers"]["nodes"], expected);
    // By the platform: the organization itself is an owner as well.
    let root = world.root();
    root.mutate("ensureSubscription", json!({"organizationId": world.alpha.id.to_string()}), "subscription { id }")
        .await;
    assert_eq!(listed(&root, "subscriptions", "id", "", "al").await.len(), 1);
    assert_eq!(listed(&root, "subscriptions", "id", "", "ok").await.len(), 3);
    assert_eq!(listed(&root, "organizations", "name", "", "al").await.len(), 1);
}

#[on_both]
async fn a_blank_search_is_no_search(world: &World) {
    let admin = world.admin(world.alpha);
    world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    for (list, property) in [
        ("customers", "id"),
        ("subscriptions", "id"),
        ("tiers", "id"),
        ("members", "id"),
        ("organizations", "id"),
        ("payments", "id"),
    ] {
        let all = each(
            &admin.ok(&format!("{{ {list}(first: 100) {{ nodes {{ id }} }} }}"), json!({})).await[list]["nodes"],
            "id",
        );
        for search in ["", "  \u{a0}", "\u{200b}"] {
            assert_eq!(listed(&admin, list, property, "", search).await, all, "{list} {search:?}");
        }
    }
    let answer = admin
        .send("query($s: String) { customers(where: {search: $s}) { nodes { id } } }", json!({"s": "é".repeat(501)}))
        .await;
    assert_eq!(
        answer.0["errors"][0]["extensions"]["problems"],
        json!([{"code": "TOO_LONG", "path": ["where", "search"]}])
    );
}

#[on_both]
async fn names_come_in_the_order_of_an_address_book(world: &World) {
    without_limit(world).await;
    let (admin, root) = (world.admin(world.alpha), world.root());
    let sorted = [
        "“Adler” GmbH",
        "1a Reisen",
        "abel",
        "Äbel",
        "Abel & Söhne",
        "Æon",
        "Ökostrom",
        "Oma",
        "Österreich",
        "Zebra",
        "Договор",
    ];
    for (place, name) in sorted.iter().enumerate().rev() {
        admin.mutate("createCustomer", json!({"name": name}), "").await;
        member_and_organization(world, place, name).await;
    }
    for (client, list) in [(&admin, "customers"), (&admin, "members"), (&root, "organizations")] {
        let document = format!(
            "query($after: String, $way: OrderDirection!) {{ list: {list}(first: 4, after: $after, orderBy: [{{field: NAME, direction: $way}}]) {{ nodes {{ name }} pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        for way in ["ASC", "DESC"] {
            let (mut found, mut after) = (Vec::new(), Value::Null);
            loop {
                let page = client.ok(&document, json!({"after": after, "way": way})).await["list"].clone();
                found.extend(each(&page["nodes"], "name"));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == json!(false) {
                    break;
                }
            }
            let known: Vec<_> = found.into_iter().filter(|name| sorted.iter().any(|sorted| name == sorted)).collect();
            let mut expected = sorted.map(|name| json!(name)).to_vec();
            if way == "DESC" {
                expected.reverse();
            }
            assert_eq!(known, expected, "{list} {way}");
        }
    }
}

#[on_both]
async fn a_name_can_be_seen(world: &World) {
    let (admin, root) = (world.admin(world.alpha), world.root());
    let inputs = |name: &str| {
        [
            (&admin, "createCustomer", json!({"name": name}), ["input", "name"]),
            (
                &admin,
                "createMember",
                json!({"email": "a@example.com", "name": name, "role": "WORKER"}),
                ["input", "name"],
            ),
            (&root, "createOrganization", json!({"name": name, "slug": "seen"}), ["input", "name"]),
            (
                &admin,
                "createTier",
                json!({"key": "seen", "kind": "CUSTOMER", "name": name, "rank": 1}),
                ["input", "name"],
            ),
        ]
    };
    let before = world.writes().await;
    for name in
        ["\u{200b}\u{200d}", "\u{3164}", "\u{ad}", "\u{2800}\u{2800}", " \u{2060}\u{feff} ", "\u{e0041}\u{fe0f}"]
    {
        for (client, mutation, input, path) in inputs(name) {
            let refusal = client.refusal(mutation, input).await;
            assert_eq!((&refusal["code"], &refusal["path"]), (&json!("REQUIRED"), &json!(path)), "{mutation} {name:?}");
        }
    }
    for name in ["a\u{202e}b", "a\u{2067}b", "a\u{2028}b", "a\nb"] {
        for (client, mutation, input, path) in inputs(name) {
            let refusal = client.refusal(mutation, input).await;
            assert_eq!(
                (&refusal["code"], &refusal["path"]),
                (&json!("INVALID_FORMAT"), &json!(path)),
                "{mutation} {name:?}"
            );
        }
    }
    assert_eq!(world.writes().await, before);
    for name in ["👨\u{200d}👩\u{200d}👧", "می\u{200c}خواهم", "❤\u{fe0f}", "\u{200f}שלום"] {
        let payload = admin.mutate("createCustomer", json!({"name": name}), "customer { name }").await;
        assert_eq!(payload["customer"]["name"], json!(name), "as it was written");
    }
}

#[on_both]
async fn an_address_stands_by_itself(world: &World) {
    without_limit(world).await;
    let (admin, root) = (world.admin(world.alpha), world.root());
    for email in [
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "a@[1.2.3.4]",
        "a@[IPv6:::1]",
        "ada",
        "ada@",
        "a\u{200b}da@example.com",
        "ada@example.com, bob@example.com",
    ] {
        for (client, mutation, input, field) in [
            (&admin, "createCustomer", json!({"name": "Ada", "email": email}), "email"),
            (&admin, "createMember", json!({"name": "Ada", "email": email, "role": "WORKER"}), "email"),
            (&root, "createOrganization", json!({"name": "Ada", "slug": "ada", "billingEmail": email}), "billingEmail"),
        ] {
            let refusal = client.refusal(mutation, input).await;
            assert_eq!(
                (&refusal["code"], &refusal["path"]),
                (&json!("INVALID_FORMAT"), &json!(["input", field])),
                "{mutation} {email}"
            );
        }
    }
    // What a search takes for the same are two addresses all the same; composed or not makes none.
    for email in ["jose@example.com", "josé@example.com"] {
        let payload = admin
            .mutate("createMember", json!({"name": "J", "email": email, "role": "WORKER"}), "member { email }")
            .await;
        assert_eq!(payload["member"]["email"], json!(email));
    }
    let refusal =
        admin.refusal("createMember", json!({"name": "J", "email": "JOSE\u{301}@example.com", "role": "WORKER"})).await;
    assert_eq!(refusal["code"], json!("DUPLICATE"));
    let data = admin.ok("{ members(where: {email: \" JOSÉ@example.com \"}) { nodes { email } } }", json!({})).await;
    assert_eq!(data["members"]["nodes"], json!([{"email": "josé@example.com"}]));
}

#[on_both]
async fn rows_of_an_earlier_version_get_their_keys(world: &World) {
    let admin = world.admin(world.alpha);
    let (id, _) = world.subscribed(world.alpha, "Łódź", world.alpha.basic, json!({"externalId": "Ö-1"})).await;
    let system = world.store.system();
    assert_eq!(system.refold().await.expect("the database answers"), 0, "what is written has its keys");
    for statement in [
        "UPDATE customers SET name_key = 'łódź', search_text = 'łódź'",
        "UPDATE tiers SET search_text = ''",
        "UPDATE subscriptions SET search_text = NULL",
        "UPDATE text_keys SET version = 0",
    ] {
        world.sql(statement).await;
    }
    assert_eq!(listed(&admin, "customers", "id", "", "lodz").await, Vec::<Value>::new());
    let started = tessera::app::App::start(&world.config, world.clock.clone()).await;
    assert!(started.err().is_some_and(|error| error.to_string().contains("tessera migrate up")));
    assert_eq!(world.store.migrate_up().await.expect("the database answers"), Vec::<String>::new());
    assert_eq!(listed(&admin, "customers", "id", "", "lodz").await, [json!(id)]);
    assert_eq!(listed(&admin, "subscriptions", "id", "", "O-1").await.len(), 1);
    assert!(!listed(&admin, "tiers", "key", "", "BASIC").await.is_empty());
    assert!(tessera::app::App::start(&world.config, world.clock.clone()).await.is_ok());
    let version = admin.ok("query($id: ID!) { customer(id: $id) { version } }", json!({"id": id})).await;
    assert_eq!(version["customer"]["version"], json!(1), "nothing of the row itself changed");
}
