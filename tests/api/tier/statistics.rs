//! What the subscriptions of a tier amount to.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::{TierId, TypedId};

use super::{made, monthly, tier};
use crate::support::{Client, World, on_both};

#[on_both]
async fn statistics_are_exact(world: &World) {
    let admin = world.admin(world.alpha);
    let prices = json!([monthly("USD", 1001), {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 10_000},
        monthly("JPY", 9_007_199_254_740_991_i64)]);
    let gold = made(&admin, "gold", json!({"prices": prices, "trialDays": 0})).await;
    let sell = async |name: &str, more: Value| {
        let mut terms = json!({"tierId": gold});
        for (field, value) in more.as_object().expect("terms") {
            terms[field] = value.clone();
        }
        let input = json!({"name": name, "subscription": terms});
        let payload = admin.mutate("createCustomer", input, "customer { subscription { id } }").await;
        payload["customer"]["subscription"]["id"].as_str().expect("an id").to_owned()
    };
    let statistics = "statistics { total pending trialing active pastDue paused suspended estimatedMonthlyRevenue { amountMinor currency } }";
    assert_eq!(
        tier(&admin, &gold, statistics).await["statistics"],
        json!({
            "total": 0, "pending": 0, "trialing": 0, "active": 0, "pastDue": 0, "paused": 0, "suspended": 0, "estimatedMonthlyRevenue": [],
        })
    );
    for name in ["a", "b", "c"] {
        sell(name, json!({})).await;
    }
    for name in ["d", "e"] {
        sell(name, json!({"billingCycle": "YEARLY"})).await;
    }
    sell("f", json!({"trialDays": 3})).await;
    sell("g", json!({"requiresPayment": true})).await;
    sell("h", json!({"currency": "JPY"})).await;
    for (name, mutation) in [("i", "suspendSubscription"), ("j", "pauseSubscription"), ("k", "expireSubscription")] {
        let id = sell(name, json!({})).await;
        admin.mutate(mutation, json!({"id": id}), "").await;
    }
    let given = sell("l", json!({"requiresPayment": true})).await;
    world.root().mutate("activateSubscription", json!({"id": given}), "").await;
    let deleted = sell("m", json!({})).await;
    admin.mutate("deleteSubscription", json!({"id": deleted}), "").await;
    let override_input = json!({"id": sell("n", json!({})).await, "tierId": gold, "reason": "goodwill"});
    world.root().mutate("overrideTier", override_input, "").await;
    // 4 × 1,001 + 2 × 10,000 / 12 = 5,670.67, rounded once.
    let expected = json!({
        "total": 12, "pending": 1, "trialing": 1, "active": 8, "pastDue": 0, "paused": 1, "suspended": 1,
        "estimatedMonthlyRevenue": [{"amountMinor": 9_007_199_254_740_991_i64, "currency": "JPY"}, {"amountMinor": 5671, "currency": "USD"}],
    });
    assert_eq!(tier(&admin, &gold, statistics).await["statistics"], expected);
    assert_eq!(tier(&world.root(), &gold, statistics).await["statistics"], expected);
    let document = format!("query($id: ID!) {{ tier(id: $id) {{ key {statistics} }} }}");
    let support = world.caller(Role::Support, world.alpha).ok(&document, json!({"id": gold})).await;
    assert_eq!(support["tier"]["statistics"], expected);
}

#[on_both]
async fn statistics_are_null_where_the_caller_does_not_manage_the_catalogue(world: &World) {
    let basic = world.alpha.basic;
    let (customer, _) = world.subscribed(world.alpha, "Ada", basic, json!({})).await;
    let document = "{ tiers(first: 100) { nodes { catalogue { slug } isPublic statistics { total } } } }";
    for (client, reads) in [
        (world.root(), [true, true]),
        (world.caller(Role::Support, world.alpha), [true, true]),
        (world.admin(world.alpha), [false, true]),
        (world.caller(Role::Worker, world.alpha), [false, false]),
        (world.customer(world.alpha, &customer), [false, false]),
    ] {
        // Without an error, for all rows.
        let data = client.ok(document, json!({})).await;
        let tiers = data["tiers"]["nodes"].as_array().expect("a list");
        assert!(tiers.len() > 3, "{data}");
        for tier in tiers {
            let is_own = !tier["catalogue"].is_null();
            assert_eq!(tier["statistics"].is_object(), reads[usize::from(is_own)], "{tier}");
        }
    }
}

#[on_both]
async fn statistics_add_up_over_all_tiers(world: &World) {
    let (root, admin) = (world.root(), world.admin(world.alpha));
    let gold =
        json!({"prices": [{"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 7}, monthly("EUR", 500)]});
    let gold = TierId::parse(&made(&admin, "gold", gold).await).expect("an id");
    let yearly = json!({"billingCycle": "YEARLY", "trialDays": 0});
    world.subscribed(world.alpha, "a", gold, yearly.clone()).await;
    world.subscribed(world.alpha, "b", gold, json!({"currency": "EUR", "trialDays": 0})).await;
    for tier in [world.alpha.basic, world.alpha.basic, world.alpha.plus] {
        world.subscribed(world.alpha, "c", tier, json!({"trialDays": 0})).await;
    }
    world.subscribed(world.beta, "d", world.beta.plus, yearly).await;
    let own = json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers["pro"].to_string()}});
    root.mutate("createSubscription", own, "").await;
    let total = async |client: &Client, filter: Value| {
        let document = "query($w: TierFilter) { tierStatistics(where: $w) { total active estimatedMonthlyRevenue { amountMinor currency } } }";
        client.ok(document, json!({"w": filter})).await["tierStatistics"].clone()
    };
    let sums = |total: i64, amounts: &[(i64, &str)]| {
        let amounts: Vec<_> =
            amounts.iter().map(|(amount, currency)| json!({"amountMinor": amount, "currency": currency})).collect();
        json!({"total": total, "active": total, "estimatedMonthlyRevenue": amounts})
    };
    // What the organization pays itself is no revenue of its tiers. 7 / 12 + 2 × 900 + 1,900 = 3,700.58.
    assert_eq!(total(&admin, json!({})).await, sums(5, &[(500, "EUR"), (3701, "USD")]));
    assert_eq!(total(&admin, json!({"key": "gold"})).await, sums(2, &[(500, "EUR"), (1, "USD")]));
    assert_eq!(total(&admin, json!({"platform": true})).await, sums(0, &[]));
    // 19,000 / 12 = 1,583.33.
    assert_eq!(total(&world.admin(world.beta), Value::Null).await, sums(1, &[(1583, "USD")]));
    for client in [&root, &world.caller(Role::Support, world.alpha)] {
        // 9,900 + 3,700.58 + 1,583.33 = 15,183.92.
        assert_eq!(total(client, json!({})).await, sums(7, &[(500, "EUR"), (15_184, "USD")]));
        assert_eq!(total(client, json!({"kind": "ORGANIZATION"})).await, sums(1, &[(9900, "USD")]));
    }
    let reseller = world.caller(Role::Reseller, world.gamma);
    world.subscribed(world.delta, "e", world.delta.basic, json!({})).await;
    assert_eq!(total(&reseller, json!({})).await, sums(1, &[(900, "USD")]));
    let answer = admin.send("{ tierStatistics(where: {kind: null}) { total } }", json!({})).await;
    let problems = &answer.0["errors"][0]["extensions"]["problems"];
    assert_eq!(*problems, json!([{"code": "REQUIRED", "path": ["where", "kind"]}]));
    let answer = world.caller(Role::Worker, world.alpha).send("{ tierStatistics { total } }", json!({})).await;
    assert_eq!((answer.code(), answer.path()), ("FORBIDDEN", &json!(["tierStatistics"])));
}

#[on_both]
async fn statistics_count_organizations_of_a_tier(world: &World) {
    let root = world.root();
    for tenant in [world.alpha, world.beta] {
        let input = json!({"organizationId": tenant.id.to_string(), "terms": {"tierId": world.platform_tiers["pro"].to_string()}});
        root.mutate("createSubscription", input, "").await;
    }
    let fields = "statistics { total active estimatedMonthlyRevenue { amountMinor currency } }";
    assert_eq!(
        tier(&root, &world.platform_tiers["pro"].to_string(), fields).await["statistics"],
        json!({
            "total": 2, "active": 2, "estimatedMonthlyRevenue": [{"amountMinor": 19800, "currency": "USD"}],
        })
    );
}

#[on_both]
async fn statistics_count_what_the_caller_could_list(world: &World) {
    use Permission::{CustomersRead, OrganizationsRead, TiersManage};
    let reseller = world.caller(Role::Reseller, world.gamma);
    let for_customers = made(&reseller, "gold", json!({"prices": [monthly("USD", 100)], "public": true})).await;
    let for_organizations = json!({"kind": "ORGANIZATION", "prices": [monthly("USD", 1000)], "public": true});
    let for_organizations = made(&reseller, "hall", for_organizations).await;
    for tenant in [world.gamma, world.delta] {
        let terms = json!({"tierId": for_customers});
        let input = json!({"name": "Ada", "organizationId": tenant.id.to_string(), "subscription": terms});
        reseller.mutate("createCustomer", input, "").await;
    }
    let input = json!({"organizationId": world.delta.id.to_string(), "terms": {"tierId": for_organizations}});
    reseller.mutate("createSubscription", input, "").await;

    let narrowed = |permissions: &[Permission]| world.narrowed(Role::Reseller, world.gamma, None, permissions);
    for (client, customers, organizations) in [
        (&reseller, 2, 1),
        (&narrowed(&[TiersManage, OrganizationsRead]), 0, 1),
        (&narrowed(&[TiersManage, CustomersRead]), 2, 0),
        (&world.service(world.gamma, Permission::ALL), 1, 0),
        (&world.root(), 2, 1),
    ] {
        for (id, total) in [(&for_customers, customers), (&for_organizations, organizations)] {
            let statistics = &tier(client, id, "statistics { total }").await["statistics"];
            assert_eq!(statistics["total"], total, "{}", client.token());
            let document = "query($ids: [ID!]!) { subscriptions(where: {tierIds: $ids}) { totalCount { value } } }";
            let listed = client.ok(document, json!({"ids": [id]})).await;
            assert_eq!(listed["subscriptions"]["totalCount"]["value"], total, "as many as are listed");
        }
    }
    world.root().mutate("deleteOrganization", json!({"id": world.delta.id.to_string()}), "").await;
    for client in [&reseller, &world.root()] {
        let statistics = &tier(client, &for_customers, "statistics { total }").await["statistics"];
        assert_eq!(statistics["total"], 1, "nothing is left of a deleted organization");
    }
}
