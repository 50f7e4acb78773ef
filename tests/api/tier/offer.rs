//! Which tiers are on offer to whom, and at what price.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use super::{keys, made, monthly, starter_of, tier};
use crate::support::{Client, World, each, on_both};

#[on_both]
async fn an_archived_tier_is_kept_and_not_sold(world: &World) {
    let admin = world.admin(world.alpha);
    let basic = world.alpha.basic.to_string();
    let (_, kept) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (_, other) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({})).await;
    let (_, ended) = world.subscribed(world.alpha, "Eve", world.alpha.basic, json!({})).await;
    admin.mutate("cancelSubscription", json!({"id": ended, "timing": "NOW"}), "").await;
    let archived =
        admin.mutate("archiveTier", json!({"id": basic, "reason": "old"}), "tier { archivedAt version }").await;
    assert_eq!(archived["tier"], json!({"archivedAt": "2026-03-01T12:00:00Z", "version": 2}));
    let before = world.writes().await;
    admin.mutate("archiveTier", json!({"id": basic}), "").await;
    assert_eq!(world.writes().await, before, "it is archived already");

    let data = admin
        .ok(
            "query($id: ID!) { subscription(id: $id) { status tier { key archivedAt } price { amountMinor } } }",
            json!({"id": kept}),
        )
        .await;
    assert_eq!(
        data["subscription"],
        json!({
            "status": "ACTIVE", "tier": {"key": "basic", "archivedAt": "2026-03-01T12:00:00Z"}, "price": {"amountMinor": 900},
        })
    );
    admin.mutate("extendSubscription", json!({"id": kept, "days": 3}), "").await;
    let sold = json!({"name": "x", "subscription": {"tierId": basic}});
    world.refused(&admin, "createCustomer", sold.clone(), "TIER_ARCHIVED", "input.subscription.tierId").await;
    world.refused(&admin, "changeTier", json!({"id": other, "tierId": basic}), "TIER_ARCHIVED", "input.tierId").await;
    world.refused(&admin, "reactivateSubscription", json!({"id": ended}), "TIER_ARCHIVED", "input.id").await;
    world
        .refused(
            &world.root(),
            "overrideTier",
            json!({"id": other, "tierId": basic, "reason": "x"}),
            "TIER_ARCHIVED",
            "input.tierId",
        )
        .await;
    assert_eq!(
        keys(&admin, json!({"archived": true, "catalogueOf": world.alpha.id.to_string()})).await,
        ["alpha/basic"]
    );

    admin.mutate("unarchiveTier", json!({"id": basic}), "").await;
    admin.mutate("createCustomer", sold, "").await;
}

#[on_both]
async fn a_fallback_is_not_archived(world: &World) {
    let admin = world.admin(world.alpha);
    let (basic, plus) = (world.alpha.basic.to_string(), world.alpha.plus.to_string());
    let input = json!({"id": plus, "periodEndPolicy": "DOWNGRADE", "fallbackTierId": basic});
    admin.mutate("updateTier", input, "").await;
    world.refused(&admin, "archiveTier", json!({"id": basic}), "IN_USE", "input.id").await;
    world
        .refused(&admin, "updateTier", json!({"id": plus, "fallbackTierId": null}), "REQUIRED", "input.fallbackTierId")
        .await;
    admin.mutate("archiveTier", json!({"id": plus}), "").await;
    admin.mutate("archiveTier", json!({"id": basic}), "").await;
    world.refused(&admin, "unarchiveTier", json!({"id": plus}), "TIER_ARCHIVED", "input.id").await;
}

#[on_both]
async fn a_subscription_keeps_the_price_it_was_made_with(world: &World) {
    let admin = world.admin(world.alpha);
    let basic = world.alpha.basic.to_string();
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let yearly = json!({"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 7000});
    admin.mutate("updateTier", json!({"id": basic, "prices": [monthly("USD", 5000), yearly]}), "").await;
    let price = "subscription { price { amountMinor currency } billingCycle }";
    let extended = admin.mutate("extendSubscription", json!({"id": id, "days": 1}), price).await;
    assert_eq!(extended["subscription"]["price"], json!({"amountMinor": 900, "currency": "USD"}));
    let (_, later) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let data =
        admin.ok("query($id: ID!) { subscription(id: $id) { price { amountMinor } } }", json!({"id": later})).await;
    assert_eq!(data["subscription"]["price"]["amountMinor"], 5000);
    let changed = admin.mutate("changeTier", json!({"id": id, "billingCycle": "YEARLY", "timing": "NOW"}), price).await;
    assert_eq!(
        changed["subscription"],
        json!({"price": {"amountMinor": 7000, "currency": "USD"}, "billingCycle": "YEARLY"})
    );
    admin.mutate("updateTier", json!({"id": basic, "prices": [monthly("USD", 1)]}), "").await;
    world
        .refused(
            &admin,
            "createCustomer",
            json!({"name": "x", "subscription": {"tierId": basic, "billingCycle": "YEARLY"}}),
            "NO_PRICE",
            "input.subscription.billingCycle",
        )
        .await;
}

#[on_both]
async fn a_catalogue_is_seen_by_whom_it_is_for(world: &World) {
    let gamma_private = made(&world.admin(world.gamma), "private", json!({})).await;
    let parents = ["-/enterprise", "-/internal", "-/pro", "-/starter"];
    let mut everything = keys(&world.root(), json!({})).await;
    everything.sort();
    assert_eq!(everything.len(), parents.len() + 4 * 3 + 1);
    assert_eq!(keys(&world.caller(Role::Support, world.alpha), json!({})).await.len(), everything.len());
    let sorted = async |client: &Client| {
        let mut seen = keys(client, json!({})).await;
        seen.sort();
        seen
    };
    let own = ["-/enterprise", "-/pro", "-/starter", "alpha/basic", "alpha/plus", "alpha/starter"];
    assert_eq!(sorted(&world.admin(world.alpha)).await, own);
    // Below a reseller: its public tiers too. They do not say whose they are, as the reseller is not seen.
    let below = [
        "-/basic",
        "-/enterprise",
        "-/plus",
        "-/pro",
        "-/starter",
        "-/starter",
        "delta/basic",
        "delta/plus",
        "delta/starter",
    ];
    assert_eq!(sorted(&world.admin(world.delta)).await, below);
    let reseller = sorted(&world.caller(Role::Reseller, world.gamma)).await;
    assert_eq!(reseller.len(), 3 + 3 + 3 + 1);
    assert!(reseller.contains(&"gamma/private".to_owned()));

    let (customer, _) = world.subscribed(world.gamma, "Ada", world.gamma.basic, json!({})).await;
    let ada = world.customer(world.gamma, &customer);
    assert_eq!(tier(&ada, &gamma_private, "key").await, Value::Null);
    let assigned = json!({"name": "Bob", "subscription": {"tierId": gamma_private}});
    world
        .refused(&world.admin(world.gamma), "createCustomer", assigned, "NO_PRICE", "input.subscription.billingCycle")
        .await;
    world
        .admin(world.gamma)
        .mutate("updateTier", json!({"id": gamma_private, "prices": [monthly("USD", 100)]}), "")
        .await;
    let sub = ada.ok("{ currentSubscription { id } }", json!({})).await["currentSubscription"]["id"].clone();
    world
        .admin(world.gamma)
        .mutate("changeTier", json!({"id": sub, "tierId": gamma_private, "timing": "NOW"}), "")
        .await;
    let seen =
        tier(&ada, &gamma_private, "key viewerCanManage prices { amount { amountMinor } gatewayPrices { priceId } }")
            .await;
    assert_eq!(
        seen,
        json!({"key": "private", "viewerCanManage": false, "prices": [{"amount": {"amountMinor": 100}, "gatewayPrices": null}]})
    );
    assert_eq!(tier(&world.admin(world.alpha), &gamma_private, "key").await, Value::Null);
}

#[on_both]
async fn a_private_tier_is_seen_below_by_who_is_subscribed(world: &World) {
    let private = made(&world.admin(world.gamma), "private", json!({"prices": [monthly("USD", 100)]})).await;
    let (ada, subscription) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    let (bob, _) = world.subscribed(world.delta, "Bob", world.delta.basic, json!({})).await;
    let [ada, bob] = [ada, bob].map(|id| world.customer(world.delta, &id));
    let (admin, reseller) = (world.admin(world.delta), world.caller(Role::Reseller, world.gamma));
    for client in [&admin, &ada, &bob] {
        assert_eq!(tier(client, &private, "key").await, Value::Null);
    }
    reseller.mutate("changeTier", json!({"id": subscription, "tierId": private, "timing": "NOW"}), "").await;
    for client in [&admin, &ada, &reseller] {
        let seen = tier(client, &private, "key prices { amount { amountMinor } }").await;
        assert_eq!(seen, json!({"key": "private", "prices": [{"amount": {"amountMinor": 100}}]}));
        assert!(keys(client, json!({})).await.iter().any(|key| key.ends_with("/private")));
    }
    assert_eq!(tier(&bob, &private, "key").await, Value::Null);
    assert!(!keys(&bob, json!({})).await.iter().any(|key| key.ends_with("/private")));
}

#[on_both]
async fn a_tier_is_sold_where_it_is_on_offer(world: &World) {
    let (admin, root) = (world.admin(world.alpha), world.root());
    let own = |tier: &str| json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers[tier].to_string()}});
    // Not public: for the administrator it does not exist, and the platform may sell it.
    world.refused(&admin, "createSubscription", own("internal"), "NOT_FOUND", "input.terms.tierId").await;
    root.mutate("createSubscription", own("internal"), "").await;
    // Seen, but of another catalogue: the platform's people see all, and sell only what is on offer there.
    let foreign = json!({"organizationId": world.alpha.id.to_string(), "name": "x", "subscription": {"tierId": world.beta.basic.to_string()}});
    world.refused(&root, "createCustomer", foreign, "TIER_NOT_AVAILABLE", "input.subscription.tierId").await;
    let below = json!({"organizationId": world.gamma.id.to_string(), "name": "x", "subscription": {"tierId": world.delta.basic.to_string()}});
    let reseller = world.caller(Role::Reseller, world.gamma);
    world.refused(&reseller, "createCustomer", below, "TIER_NOT_AVAILABLE", "input.subscription.tierId").await;
    let above = json!({"name": "x", "subscription": {"tierId": world.gamma.basic.to_string()}});
    world.admin(world.delta).mutate("createCustomer", above, "").await;
    let wrong = json!({"name": "x", "subscription": {"tierId": world.platform_tiers["pro"].to_string()}});
    world.refused(&admin, "createCustomer", wrong, "WRONG_TIER_KIND", "input.subscription.tierId").await;
    admin.mutate("updateTier", json!({"id": world.alpha.basic.to_string(), "public": false}), "").await;
    admin
        .mutate("createCustomer", json!({"name": "x", "subscription": {"tierId": world.alpha.basic.to_string()}}), "")
        .await;
    let seller = world.service(
        world.alpha,
        &[Permission::CustomersManage, Permission::CustomersRead, Permission::SubscriptionsManage],
    );
    seller
        .mutate("createCustomer", json!({"name": "y", "subscription": {"tierId": world.alpha.plus.to_string()}}), "")
        .await;
    // No tier `starter` to begin with.
    let starter = starter_of(&admin).await;
    admin.mutate("archiveTier", json!({"id": starter}), "").await;
    world.refused(&admin, "createCustomer", json!({"name": "z"}), "TIER_NOT_AVAILABLE", "input.subscription").await;
}

#[on_both]
async fn the_checkout_needs_no_login(world: &World) {
    let (nobody, admin) = (world.nobody(), world.admin(world.alpha));
    let gateway = json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 900, "gatewayPrices": [{"gateway": "STRIPE", "priceId": "p"}]},
        monthly("EUR", 800)]);
    admin.mutate("updateTier", json!({"id": world.alpha.basic.to_string(), "prices": gateway}), "").await;
    let document = "query($of: String, $kind: TierKind, $currency: CurrencyCode) {
            checkoutTiers(organizationSlug: $of, kind: $kind, currency: $currency) { key kind rank trialDays
                prices { billingCycle amount { amountMinor currency } } features { key ceiling } } }";
    let of = async |client: &Client, variables: Value| {
        let data = client.ok(document, variables).await;
        each(&data["checkoutTiers"], "key")
    };
    assert_eq!(of(&nobody, json!({})).await, ["starter", "pro", "enterprise"]);
    assert_eq!(of(&nobody, json!({"of": "alpha"})).await, ["starter", "basic", "plus"]);
    assert_eq!(of(&nobody, json!({"of": "nobody"})).await, Vec::<Value>::new());
    assert_eq!(of(&nobody, json!({"kind": "CUSTOMER"})).await, Vec::<Value>::new());
    assert_eq!(of(&nobody, json!({"of": "alpha", "kind": "ORGANIZATION"})).await, Vec::<Value>::new());
    assert_eq!(of(&world.root(), json!({})).await, ["starter", "pro", "enterprise"], "a login shows no more");
    let data = nobody.ok(document, json!({"of": "alpha", "currency": "EUR"})).await;
    assert_eq!(
        data["checkoutTiers"][1],
        json!({
            "key": "basic", "kind": "CUSTOMER", "rank": 10, "trialDays": 0,
            "prices": [{"billingCycle": "MONTHLY", "amount": {"amountMinor": 800, "currency": "EUR"}}],
            "features": [{"key": "ai.queries", "ceiling": 100}, {"key": "products", "ceiling": 10}],
        })
    );
    let answer = nobody.send("{ checkoutTiers { prices { gatewayPrices { priceId } } } }", json!({})).await;
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED", "ids at gateways are not even there");

    admin.mutate("archiveTier", json!({"id": world.alpha.plus.to_string()}), "").await;
    admin.mutate("updateTier", json!({"id": world.alpha.basic.to_string(), "public": false}), "").await;
    assert_eq!(of(&nobody, json!({"of": "alpha"})).await, ["starter"]);
    world.root().mutate("terminateOrganization", json!({"id": world.alpha.id.to_string()}), "").await;
    assert_eq!(of(&nobody, json!({"of": "alpha"})).await, Vec::<Value>::new());
    for document in ["{ tiers { nodes { id } } }", "query { tier(id: \"tier_01h2xcejqtf2nbrexx3vqjhp41\") { id } }"] {
        assert_eq!(nobody.send(document, json!({})).await.code(), "UNAUTHENTICATED");
    }
}
