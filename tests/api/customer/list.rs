//! Lists of customers: sorted, paged and searched.

use serde_json::{Value, json};

use super::{LIST, names};
use crate::support::{World, on_both};

async fn some_customers(world: &World) {
    for name in ["Delta", "alpha", "Charlie", "bravo", "Echo"] {
        world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await;
        world.pass(chrono::TimeDelta::seconds(1));
    }
}

#[on_both]
async fn a_list_is_sorted_and_paged_both_ways(world: &World) {
    some_customers(world).await;
    let admin = world.admin(world.alpha);
    let order = json!([{"field": "NAME", "direction": "ASC"}]);
    let first = admin.ok(LIST, json!({"first": 2, "orderBy": order})).await;
    assert_eq!(names(&first), ["alpha", "bravo"]);
    assert_eq!(first["customers"]["totalCount"], json!({"value": 5, "exact": true}));
    let info = &first["customers"]["pageInfo"];
    assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(true), &json!(false)));
    let second = admin.ok(LIST, json!({"first": 2, "after": info["endCursor"], "orderBy": order})).await;
    assert_eq!(names(&second), ["Charlie", "Delta"]);
    let third = admin
        .ok(LIST, json!({"first": 2, "after": second["customers"]["pageInfo"]["endCursor"], "orderBy": order}))
        .await;
    assert_eq!(names(&third), ["Echo"]);
    assert_eq!(third["customers"]["pageInfo"]["hasNextPage"], json!(false));
    let back = admin
        .ok(LIST, json!({"last": 2, "before": third["customers"]["pageInfo"]["startCursor"], "orderBy": order}))
        .await;
    assert_eq!(names(&back), ["Charlie", "Delta"]);
    assert_eq!(back["customers"]["pageInfo"]["hasPreviousPage"], json!(true));
    let newest = admin.ok(LIST, json!({"first": 1})).await;
    assert_eq!(names(&newest), ["Echo"]);
}

#[on_both]
async fn nested_lists_are_each_organization_s_own(world: &World) {
    some_customers(world).await;
    for name in ["Zoe", "Abe"] {
        world.subscribed(world.beta, name, world.beta.basic, json!({})).await;
    }
    let document = "query($first: Int, $after: String, $last: Int, $before: String) {
            organizations(where: {status: {eq: ACTIVE}}, orderBy: [{field: NAME, direction: ASC}], first: 4) { nodes { slug
                customers(first: $first, after: $after, last: $last, before: $before, orderBy: [{field: NAME, direction: DESC}]) {
                    nodes { name } totalCount { value exact } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";
    let mut cursors = json!({});
    for (page, expected) in [
        (
            json!({"first": 2}),
            [(&["Echo", "Delta"][..], true, false), (&["Zoe", "Abe"], false, false), (&[], false, false)],
        ),
        (
            json!({"last": 2}),
            [(&["bravo", "alpha"], false, true), (&["Zoe", "Abe"], false, false), (&[], false, false)],
        ),
        (
            json!({"first": 2, "after": "endCursor"}),
            [(&["Charlie", "bravo"], true, true), (&["Abe"], false, true), (&[], false, true)],
        ),
        (
            json!({"last": 1, "before": "endCursor"}),
            [(&["Echo"], true, false), (&["Zoe"], true, false), (&[], true, false)],
        ),
    ] {
        let mut variables = page.clone();
        for name in ["after", "before"] {
            if let Some(cursor) = page[name].as_str() {
                variables[name] = cursors[cursor].clone();
            }
        }
        // The resolvers answer first, then the read path.
        for _ in 0..2 {
            let data = world.root().ok(document, variables.clone()).await;
            let of = |slug: &str| {
                let nodes = data["organizations"]["nodes"].as_array().expect("nodes");
                nodes.iter().find(|node| node["slug"] == slug).expect("an organization")["customers"].clone()
            };
            for ((slug, length), (names, next, previous)) in
                [("alpha", 5), ("beta", 2), ("gamma", 0)].into_iter().zip(expected)
            {
                let list = of(slug);
                let found: Vec<_> = list["nodes"]
                    .as_array()
                    .expect("nodes")
                    .iter()
                    .map(|node| node["name"].as_str().expect("a name"))
                    .collect();
                assert_eq!(found, names, "{slug} {page}");
                let info = &list["pageInfo"];
                assert_eq!(
                    (&info["hasNextPage"], &info["hasPreviousPage"]),
                    (&json!(next), &json!(previous)),
                    "{slug} {page}"
                );
                assert_eq!(list["totalCount"], json!({"value": length, "exact": true}), "{slug} {page}");
            }
            if page == json!({"first": 2}) {
                cursors = of("alpha")["pageInfo"].clone();
            }
        }
    }
}

#[on_both]
async fn mixed_directions_page_without_gaps(world: &World) {
    for (name, status) in [("a", "ACTIVE"), ("b", "SUSPENDED"), ("c", "ACTIVE"), ("d", "SUSPENDED"), ("e", "ACTIVE")] {
        let (id, _) = world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await;
        if status == "SUSPENDED" {
            world.admin(world.alpha).mutate("suspendCustomer", json!({"id": id}), "").await;
        }
    }
    let order = json!([{"field": "STATUS", "direction": "DESC"}, {"field": "NAME", "direction": "ASC"}]);
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let page = world.admin(world.alpha).ok(LIST, json!({"first": 2, "after": after, "orderBy": order})).await;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        after = page["customers"]["pageInfo"]["endCursor"].clone();
        if page["customers"]["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(seen, ["b", "d", "a", "c", "e"]);
}

#[on_both]
async fn a_search_takes_wildcards_literally(world: &World) {
    let admin = world.admin(world.alpha);
    for name in ["100% Ltd", "1000 Ltd", "under_score", "underscore"] {
        world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await;
    }
    for (search, found) in
        [("100%", vec!["100% Ltd"]), ("r_s", vec!["under_score"]), ("LTD", vec!["1000 Ltd", "100% Ltd"])]
    {
        let order = json!([{"field": "NAME", "direction": "DESC"}]);
        let data = admin.ok(LIST, json!({"where": {"search": search}, "orderBy": order})).await;
        assert_eq!(names(&data), found, "searching {search}");
    }
}

#[on_both]
async fn an_altered_or_foreign_cursor_is_refused(world: &World) {
    some_customers(world).await;
    let admin = world.admin(world.alpha);
    let page = admin.ok(LIST, json!({"first": 1})).await;
    let cursor = page["customers"]["pageInfo"]["endCursor"].as_str().expect("a cursor").to_owned();
    let other = if &cursor[5..6] == "A" { "B" } else { "A" };
    let altered = format!("{}{other}{}", &cursor[..5], &cursor[6..]);
    let cases = [
        (&admin, json!({"after": altered})),
        (&admin, json!({"after": "garbage"})),
        (&admin, json!({"after": cursor, "orderBy": [{"field": "NAME"}]})),
        (&admin, json!({"after": cursor, "where": {"search": "a"}})),
    ];
    for (client, variables) in cases {
        let answer = client.send(LIST, variables.clone()).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{variables}");
        assert_eq!(answer.path(), &json!(["customers"]));
        assert_eq!(
            answer.0["errors"][0]["extensions"]["problems"],
            json!([{"code": "INVALID_CURSOR", "path": ["after"]}])
        );
    }
    let foreign = world.admin(world.beta).send(LIST, json!({"after": cursor})).await;
    assert_eq!(foreign.0["errors"][0]["extensions"]["problems"][0]["code"], "INVALID_CURSOR");
}

#[on_both]
async fn page_sizes_out_of_range_are_refused(world: &World) {
    let admin = world.admin(world.alpha);
    for (variables, code) in [
        (json!({"first": 101}), "OUT_OF_RANGE"),
        (json!({"first": -1}), "OUT_OF_RANGE"),
        (json!({"first": 1, "last": 1}), "CONFLICT"),
    ] {
        let answer = admin.send(LIST, variables.clone()).await;
        assert_eq!(answer.0["errors"][0]["extensions"]["problems"][0]["code"], code, "{variables}");
    }
}
