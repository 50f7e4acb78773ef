//! What mutations return, against what queries say of the same objects.

use serde_json::json;
use tessera::auth::Permission;

use super::populate;
use crate::support::{World, on_both};

#[on_both]
async fn the_objects_of_payloads_are_what_queries_answer(world: &World) {
    populate(world).await;
    let (admin, root) = (world.admin(world.alpha), world.root());
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let tier = "tier { id key prices { id amount { amountMinor currency } } features { key } \
            fallbackTier { name } }";
    let held =
        format!("id version effectiveStatus {{ status daysUntilExpiry }} {tier} availableActions {{ action allowed }}");
    let owner = "owner { __typename ... on Customer { name organization { slug } } \
            ... on Organization { exempt } }";
    let person =
        format!("id name version subscription {{ {held} }} payments(first: 2) {{ nodes {{ id }} edges {{ cursor }} }}");
    let own = world.alpha.id.to_string();
    let members = admin.ok("{ members(first: 1) { nodes { id } } }", json!({})).await;
    let member = &members["members"]["nodes"][0]["id"];
    let firm =
        format!("id name parent {{ name }} subscription {{ {held} }} customers(first: 3) {{ nodes {{ id name }} }}");
    for (client, mutation, input, object, selection) in [
        (&admin, "createCustomer", json!({"name": "Eve"}), "customer", person.as_str()),
        (&admin, "updateCustomer", json!({"id": customer, "name": "Ada L."}), "customer", &person),
        (&admin, "pauseSubscription", json!({"id": subscription}), "subscription", &format!("{held} {owner}")),
        (&admin, "updateMember", json!({"id": member, "name": "Mia"}), "member", "id name organization { name }"),
        (
            &admin,
            "updateTier",
            json!({"id": world.alpha.plus.to_string(), "name": "Plus!"}),
            "tier",
            "id name catalogue { name } prices { id billingCycle } statistics { total pending }",
        ),
        (&root, "updateOrganization", json!({"id": own, "name": "Alpha AG"}), "organization", &firm),
    ] {
        let before = world.store.statements();
        client.mutate(mutation, input.clone(), &format!("{object} {{ id }}")).await;
        let alone = world.store.statements() - before;
        let mut input = input;
        if let Some(name) = input.get("name") {
            input["name"] = json!(format!("{} II", name.as_str().expect("a name")));
        }
        let mutation = if mutation == "pauseSubscription" { "resumeSubscription" } else { mutation };
        let before = world.store.statements();
        let payload = client.mutate(mutation, input, &format!("{object} {{ {selection} }}")).await;
        let all = world.store.statements() - before;
        let id = &payload[object]["id"];
        let document = format!("query($id: ID!) {{ {object}(id: $id) {{ {selection} }} }}");
        let expected = client.ok(&document, json!({"id": id})).await;
        assert_eq!(payload[object].to_string(), expected[object].to_string(), "{mutation}");
        // The lists of a plan are statements of their own; what it refers to is joined.
        let lists = ["(first", "prices", "features"].map(|list| selection.matches(list).count() as u64);
        if !selection.contains("statistics") {
            assert_eq!(all - alone, 1 + lists.iter().sum::<u64>(), "{mutation}");
        }
    }
    // Who may write but not read gets what the resolvers say.
    let writer = world.service(world.alpha, &[Permission::CustomersManage, Permission::SubscriptionsManage]);
    let document = r#"mutation { createCustomer(input: {name: "Zoe"}) { customer { name subscription { id } } } }"#;
    let answer = writer.send(document, json!({})).await;
    let path = json!(["createCustomer", "customer", "subscription"]);
    assert_eq!((answer.code(), answer.path()), ("FORBIDDEN", &path));
}
