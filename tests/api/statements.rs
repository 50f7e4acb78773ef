//! How many statements a request costs: that depends on its shape, never on the number of rows.

use serde_json::{Value, json};
use tessera::auth::Role;

use crate::support::{Backend, Client, Payer, Tenant, Told, World, ask, card, each, on_both, payment, reference};

/// A page of customers with everything that a table of them shows.
const CUSTOMERS: &str = "{ customers(first: 50) { nodes {
    name
    organization { name }
    defaultPaymentMethod { last4 }
    payments(first: 3) { nodes { amount { amountMinor } } pageInfo { hasNextPage } }
    subscription { status effectiveStatus { status } tier { key prices { amount { amountMinor } } features { key } } }
} } }";

/// What a document costs.
struct Cost {
    /// Answered by the resolvers: one statement for each kind of object at each level.
    resolvers: u64,
    /// Answered by the read path: one statement for each list.
    read_path: u64,
}

/// The page, organizations, default methods, payments, subscriptions, tiers, prices, features; and the lists of these.
const CUSTOMERS_COST: Cost = Cost { resolvers: 8, read_path: 4 };

/// The page, customers, members, subscriptions of the organizations, their tiers, the organizations once more to see
/// which are exempt, and subscriptions of the customers; and the lists of these.
const ORGANIZATIONS_COST: Cost = Cost { resolvers: 7, read_path: 3 };

/// New customers, each with a subscription, four payments and a card.
async fn fill(world: &World, tenant: Tenant, count: usize) {
    let now = world.clock.now();
    let (mut payments, mut cards) = (Vec::new(), Vec::new());
    for number in 0..count {
        let tier = if number % 2 == 0 { tenant.basic } else { tenant.plus };
        let (customer, subscription) = world.subscribed(tenant, &format!("Customer {number}"), tier, json!({})).await;
        let payer = Payer { tenant, customer: Some(&customer) };
        payments.extend((0..4).map(|day| payment(payer, &subscription, now.plus_days(day))));
        cards.push(card(payer, now));
    }
    world.put_payments(payments).await;
    world.put_methods(cards).await;
}

/// How many statements it takes to answer; `BEGIN` and `COMMIT`, which queries do not need, are not counted.
async fn counted(world: &World, answer: impl Future<Output = Told>) -> (Told, u64) {
    let before = world.store.statements();
    let told = answer.await;
    assert!(told.is_ok(), "{}", told.text);
    (told, world.store.statements() - before)
}

/// Asks three times, because a batch that falls apart now and then falls apart too often.
async fn costs_exactly(world: &World, client: &Client, document: &str, variables: Value, expected: Cost) -> Value {
    let mut answer = Value::Null;
    let told = |statements| format!("{statements} statements for {variables} {document}");
    for _ in 0..3 {
        let (data, statements) = counted(world, reference(client, document, &variables)).await;
        assert_eq!(statements, expected.resolvers, "resolvers: {}", told(statements));
        let (again, statements) = counted(world, ask(client, document, &variables)).await;
        assert_eq!(statements, expected.read_path, "read path: {}", told(statements));
        assert_eq!(again.text, data.text);
        answer = data.value()["data"].clone();
    }
    answer
}

fn rows(data: &Value, list: &str) -> usize {
    data[list]["nodes"].as_array().expect("a list").len()
}

#[on_both]
async fn a_page_of_customers_costs_the_same_for_1_10_and_50(world: &World) {
    let admin = world.admin(world.alpha);
    let mut there = 0;
    for wanted in [1, 10, 50] {
        fill(world, world.alpha, wanted - there).await;
        there = wanted;
        for client in [&admin, &world.root()] {
            let data = costs_exactly(world, client, CUSTOMERS, json!({}), CUSTOMERS_COST).await;
            assert_eq!(rows(&data, "customers"), wanted);
            for customer in data["customers"]["nodes"].as_array().expect("a list") {
                assert_eq!(rows(customer, "payments"), 3, "nobody's payments are missing");
                assert_eq!(customer["defaultPaymentMethod"]["last4"], "4242");
                assert_eq!(customer["subscription"]["tier"]["prices"].as_array().map(Vec::len), Some(2));
                assert_eq!(customer["subscription"]["tier"]["features"].as_array().map(Vec::len), Some(2));
            }
        }
    }
}

#[on_both]
async fn it_costs_a_reseller_the_same_over_several_organizations(world: &World) {
    let reseller = world.caller(Role::Reseller, world.gamma);
    for (more, total) in [(1, 2), (4, 10), (20, 50)] {
        fill(world, world.gamma, more).await;
        fill(world, world.delta, more).await;
        let data = costs_exactly(world, &reseller, CUSTOMERS, json!({}), CUSTOMERS_COST).await;
        assert_eq!(rows(&data, "customers"), total);
    }
}

#[on_both]
async fn a_page_of_organizations_with_their_customers_costs_the_same(world: &World) {
    let document = "query($n: Int!) { organizations(first: $n) { nodes { name
            subscription { status effectiveStatus { status } tier { key } }
            customers(first: 5) { nodes { name subscription { status } } }
            members(first: 5) { nodes { name } } } } }";
    let root = world.root();
    for number in 0..20 {
        let input = json!({"name": "Acme", "slug": format!("acme-{number}"), "parentId": world.gamma.id.to_string()});
        let created = root.mutate("createOrganization", input, "organization { id }").await;
        let member = json!({
            "organizationId": created["organization"]["id"], "email": "ada@example.com", "name": "Ada", "role": "ADMIN",
        });
        root.mutate("createMember", member, "").await;
        for name in ["Ada", "Bob"] {
            let terms = json!({"tierId": world.gamma.basic.to_string()});
            let input = json!({"organizationId": created["organization"]["id"], "name": name, "subscription": terms});
            root.mutate("createCustomer", input, "").await;
        }
    }
    for count in [1, 10, 20] {
        let data = costs_exactly(world, &root, document, json!({"n": count}), ORGANIZATIONS_COST).await;
        assert_eq!(rows(&data, "organizations"), count);
        for organization in data["organizations"]["nodes"].as_array().expect("a list") {
            assert_eq!((rows(organization, "customers"), rows(organization, "members")), (2, 1));
        }
    }
}

#[on_both]
async fn owners_of_each_kind_cost_one_statement(world: &World) {
    fill(world, world.alpha, 10).await;
    let pro = json!({"tierId": world.platform_tiers["pro"].to_string()});
    for tenant in [world.alpha, world.beta] {
        let own = json!({"organizationId": tenant.id.to_string(), "terms": pro});
        world.root().mutate("createSubscription", own, "").await;
    }
    let document = "query($n: Int!) { subscriptions(first: $n) { nodes { owner {
            ... on Customer { payments(first: 1) { nodes { id } } } ... on Organization { payments(first: 1) { nodes { id } } } } } } }";
    // The newest two are organizations'. The page, owners and payments of each kind; the read path joins the owners.
    for (count, cost) in [
        (2, Cost { resolvers: 3, read_path: 2 }),
        (5, Cost { resolvers: 5, read_path: 3 }),
        (12, Cost { resolvers: 5, read_path: 3 }),
    ] {
        let data = costs_exactly(world, &world.root(), document, json!({"n": count}), cost).await;
        assert_eq!(rows(&data, "subscriptions"), count);
    }
}

#[on_both]
async fn a_page_of_the_audit_trail_costs_the_same(world: &World) {
    fill(world, world.gamma, 25).await;
    fill(world, world.delta, 25).await;
    let document = "query($n: Int!) { auditEvents(first: $n) { nodes { action organization { name } } } }";
    for client in [world.root(), world.caller(Role::Reseller, world.gamma)] {
        for count in [1, 10, 100] {
            let data =
                costs_exactly(world, &client, document, json!({"n": count}), Cost { resolvers: 2, read_path: 1 }).await;
            assert_eq!(rows(&data, "auditEvents"), count);
        }
    }
}

#[on_both]
async fn a_page_of_tiers_with_statistics_costs_the_same(world: &World) {
    fill(world, world.alpha, 2).await;
    let admin = world.admin(world.alpha);
    for number in 0..40 {
        let input = json!({
            "key": format!("extra-{number}"), "name": "Extra", "kind": "CUSTOMER", "rank": number,
            "periodEndPolicy": "DOWNGRADE", "fallbackTierId": world.alpha.basic.to_string(),
            "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}],
        });
        admin.mutate("createTier", input, "").await;
    }
    let document =
        "query($n: Int!, $of: ID!) { tiers(first: $n, where: {catalogueOf: $of}) { nodes { key catalogue { slug }
            prices { amount { amountMinor } } features { key } statistics { total } fallbackTier { key } } } }";
    for count in [1, 10, 40] {
        let variables = json!({"n": count, "of": world.alpha.id.to_string()});
        let data = costs_exactly(world, &admin, document, variables, Cost { resolvers: 6, read_path: 6 }).await;
        assert_eq!(rows(&data, "tiers"), count);
    }
}

#[on_both]
async fn a_dashboard_costs_the_same_for_any_number_of_subscriptions(world: &World) {
    let admin = world.admin(world.alpha);
    let totals = "{ dashboard { subscriptions subscriptionsByStatus { count } revenueByTier { subscriptions } } }";
    let whole = "{ dashboard { revenueByTier { tier { id key } subscriptions monthlyRevenue { amountMinor } } } }";
    // Without subscriptions the organization has to be looked for.
    costs_exactly(world, &admin, totals, json!({}), Cost { resolvers: 2, read_path: 2 }).await;
    for more in [1, 9, 40] {
        fill(world, world.alpha, more).await;
        costs_exactly(world, &admin, totals, json!({}), Cost { resolvers: 1, read_path: 1 }).await;
        costs_exactly(world, &admin, whole, json!({}), Cost { resolvers: 2, read_path: 1 }).await;
    }
}

#[on_both]
async fn any_objects_cost_one_statement_for_each_kind(world: &World) {
    fill(world, world.alpha, 45).await;
    let admin = world.admin(world.alpha);
    let data = admin.ok("{ customers(first: 100) { nodes { id subscription { id } } } }", json!({})).await;
    let customers = each(&data["customers"]["nodes"], "id");
    let subscriptions: Vec<_> =
        each(&data["customers"]["nodes"], "subscription").iter().map(|one| one["id"].clone()).collect();
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    for count in [1, 10, 45] {
        let ids = [&customers[..count], &subscriptions[..count]].concat();
        let data =
            costs_exactly(world, &admin, document, json!({"ids": ids}), Cost { resolvers: 2, read_path: 2 }).await;
        assert_eq!(data["nodes"].as_array().map(Vec::len), Some(2 * count));
    }
}

#[on_both]
async fn a_later_page_costs_what_the_first_does(world: &World) {
    fill(world, world.alpha, 30).await;
    let admin = world.admin(world.alpha);
    let document = "query($after: String) { customers(first: 5, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }";
    let (mut after, mut pages) = (Value::Null, 0);
    loop {
        let (told, statements) = counted(world, ask(&admin, document, &json!({"after": after}))).await;
        let data = &told.value()["data"];
        assert_eq!(statements, 1, "page {pages}");
        pages += 1;
        after = data["customers"]["pageInfo"]["endCursor"].clone();
        if data["customers"]["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(pages, 6);
}

#[on_both]
async fn the_lengths_of_nested_lists_cost_one_statement_for_each_list(world: &World) {
    let admin = world.admin(world.alpha);
    fill(world, world.alpha, 30).await;
    let document = "query($n: Int!) { customers(first: $n) { nodes {
            payments(first: 0) { totalCount { value exact } } subscriptions(first: 0) { totalCount { value } } } } }";
    for count in [1, 10, 30] {
        // The page, two lists, two lengths.
        let data =
            costs_exactly(world, &admin, document, json!({"n": count}), Cost { resolvers: 5, read_path: 5 }).await;
        for customer in each(&data["customers"]["nodes"], "payments") {
            assert_eq!(customer["totalCount"], json!({"value": 4, "exact": true}));
        }
    }
}

#[on_both]
async fn what_a_mutation_writes_is_one_statement_where_the_database_can(world: &World) {
    let admin = world.admin(world.alpha);
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (free, second) = world.subscribed(world.alpha, "Free", world.alpha.basic, json!({})).await;
    admin.mutate("deleteSubscription", json!({"id": second}), "").await;
    let pro = json!({"tierId": world.platform_tiers["pro"].to_string()});
    let own = json!({"organizationId": world.alpha.id.to_string(), "terms": pro});
    world.root().mutate("createSubscription", own, "").await;
    let terms = json!({"tierId": world.alpha.basic.to_string()});
    let prices = json!([{"billingCycle": "MONTHLY", "currency": "EUR", "amountMinor": 100}]);
    let tier = json!({"key": "gold", "name": "Gold", "kind": "CUSTOMER", "rank": 1, "prices": prices});
    let plus = world.alpha.plus.to_string();
    // The row that is changed, or the organization, if the key was not used; for a change what is locked with one
    // another: the organization, a subscription's customer and the row; what the use case reads; what it writes: on SQLite a statement for each, and two for the trail.
    for (mutation, input, selection, [postgres, sqlite]) in [
        ("createCustomer", json!({"name": "Bob", "subscription": terms}), "customer { id }", [3, 9]),
        ("createCustomer", json!({"name": "Eve"}), "customer { id }", [3, 9]),
        ("createCustomer", json!({"name": "Joe", "externalRef": "joe"}), "customer { id }", [4, 10]),
        ("updateCustomer", json!({"id": customer, "name": "Ada L."}), "customer { id }", [4, 7]),
        ("createSubscription", json!({"customerId": free, "terms": terms}), "subscription { id }", [8, 11]),
        ("ensureSubscription", json!({"customerId": free}), "subscription { id }", [5, 5]),
        ("extendSubscription", json!({"id": subscription, "days": 1}), "subscription { id }", [5, 8]),
        ("changeTier", json!({"id": subscription, "tierId": plus, "timing": "NOW"}), "subscription { id }", [7, 10]),
        ("createMember", json!({"email": "a@example.com", "name": "Ada", "role": "WORKER"}), "member { id }", [7, 9]),
        ("createTier", tier, "tier { id }", [3, 7]),
        ("terminateCustomer", json!({"id": customer}), "customer { id }", [5, 9]),
    ] {
        let expected = if world.backend == Backend::Postgres { postgres } else { sqlite };
        let mut input = input;
        input["idempotencyKey"] = json!(format!("{mutation} {input}"));
        let before = world.store.statements();
        admin.mutate(mutation, input.clone(), selection).await;
        assert_eq!(world.store.statements() - before, expected, "{mutation}");
        let before = world.store.statements();
        admin.mutate(mutation, input, selection).await;
        // What a command in an organization reads first, and no more, may be sent with the look for the organization,
        // before it hears of its record.
        let together = ["createCustomer", "createMember", "createTier"].contains(&mutation);
        let most = if together { 4 } else { 3 };
        let sent = world.store.statements() - before;
        assert!((3..=most).contains(&sent), "{mutation} again: the key, its record, the row, but {sent} statements");
    }
}
