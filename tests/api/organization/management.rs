//! Who manages an organization's own subscription, and what it cannot give itself by any detour.

use serde_json::{Value, json};
use tessera::auth::Role;

use super::of;
use crate::support::{Client, Tenant, World, on_both};

/// Decides who manages it.
async fn managed(world: &World, tenant: Tenant, management: &str) {
    let input = json!({"id": tenant.id.to_string(), "subscriptionManagement": management});
    world.root().mutate("updateOrganization", input, "").await;
}

/// Subscribes the organization itself, from above: the subscription's id.
async fn subscribe(world: &World, tenant: Tenant, tier: &str, terms: Value) -> Value {
    let mut terms = terms;
    terms["tierId"] = json!(world.platform_tiers[tier].to_string());
    let input = json!({"organizationId": tenant.id.to_string(), "terms": terms});
    world.root().mutate("createSubscription", input, "subscription { id }").await["subscription"]["id"].clone()
}

pub(super) fn at(moment: &str) -> Value {
    json!(format!("{moment}T12:00:00Z"))
}

/// What a client may do with a subscription, by the field that tells it.
async fn allowed(client: &Client, id: &Value) -> Vec<Value> {
    let document = "query($id: ID!) { subscription(id: $id) { availableActions { action allowed } } }";
    let data = client.ok(document, json!({"id": id})).await;
    let actions = data["subscription"]["availableActions"].as_array().expect("a list").clone();
    actions.into_iter().filter(|one| one["allowed"] == json!(true)).map(|one| one["action"].clone()).collect()
}

#[on_both]
async fn it_is_decided_from_above(world: &World) {
    let (root, reseller, admin) = (world.root(), world.caller(Role::Reseller, world.gamma), world.admin(world.gamma));
    let to = |tenant: Tenant, who: &str| json!({"id": tenant.id.to_string(), "subscriptionManagement": who});
    let told = async |tenant: Tenant| {
        of(&root, &tenant.id.to_string(), "subscriptionManagement").await["subscriptionManagement"].clone()
    };
    managed(world, world.gamma, "PLATFORM_MANAGED").await;
    managed(world, world.delta, "PLATFORM_MANAGED").await;
    for (client, tenant) in [
        (&reseller, world.gamma),
        (&reseller, world.delta),
        (&admin, world.gamma),
        (&world.admin(world.delta), world.delta),
    ] {
        world.forbidden(client, "updateOrganization", to(tenant, "SELF_MANAGED"), "platform.manage").await;
    }
    managed(world, world.gamma, "SELF_MANAGED").await;
    reseller.mutate("updateOrganization", to(world.delta, "SELF_MANAGED"), "").await;
    assert_eq!(told(world.delta).await, "SELF_MANAGED");
    reseller.mutate("updateOrganization", to(world.delta, "PLATFORM_MANAGED"), "").await;
    for (client, tenant) in [(&reseller, world.gamma), (&world.admin(world.delta), world.delta)] {
        world.forbidden(client, "updateOrganization", to(tenant, "PLATFORM_MANAGED"), "platform.manage").await;
    }

    let below = |slug: &str, who: Option<&str>| {
        let mut input = json!({"name": slug, "slug": slug, "parentId": world.gamma.id.to_string()});
        who.into_iter().for_each(|who| input["subscriptionManagement"] = json!(who));
        input
    };
    let fields = "organization { subscriptionManagement }";
    let made = reseller.mutate("createOrganization", below("one", None), fields).await;
    assert_eq!(made["organization"]["subscriptionManagement"], "PLATFORM_MANAGED", "the default");
    let made = reseller.mutate("createOrganization", below("two", Some("SELF_MANAGED")), fields).await;
    assert_eq!(made["organization"]["subscriptionManagement"], "SELF_MANAGED");
    managed(world, world.gamma, "PLATFORM_MANAGED").await;
    world.forbidden(&reseller, "createOrganization", below("three", Some("SELF_MANAGED")), "platform.manage").await;
    reseller.mutate("createOrganization", below("four", None), fields).await;
}

#[on_both]
async fn what_is_managed_from_above_gives_itself_nothing(world: &World) {
    managed(world, world.alpha, "PLATFORM_MANAGED").await;
    let (admin, root) = (world.admin(world.alpha), world.root());
    let id = subscribe(world, world.alpha, "pro", json!({})).await;
    let tier = |key: &str| json!(world.platform_tiers[key].to_string());
    let with = |more: Value| {
        let mut input = json!({"id": id});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    let own = json!({"organizationId": world.alpha.id.to_string()});
    let order = json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": tier("enterprise")}});
    for (mutation, input, path) in [
        ("updateSubscription", with(json!({"currentPeriodEnd": at("2099-01-01")})), "input.currentPeriodEnd"),
        ("updateSubscription", with(json!({"currentPeriodStart": at("2026-02-01")})), "input.currentPeriodStart"),
        ("updateSubscription", with(json!({"expiresAt": null})), "input.expiresAt"),
        ("updateSubscription", with(json!({"userLimit": 100_000})), "input.userLimit"),
        ("updateSubscription", with(json!({"featureOverrides": [{"key": "ai.queries"}]})), "input.featureOverrides"),
        ("changeTier", with(json!({"tierId": tier("enterprise")})), "input.tierId"),
        ("changeTier", with(json!({"tierId": tier("enterprise"), "timing": "PERIOD_END"})), "input.tierId"),
        ("changeTier", with(json!({"tierId": tier("starter"), "timing": "NOW"})), "input.timing"),
        ("changeTier", with(json!({"billingCycle": "YEARLY"})), "input.billingCycle"),
        ("extendSubscription", with(json!({"days": 1})), "input.id"),
        ("pauseSubscription", with(json!({})), "input.id"),
        ("suspendSubscription", with(json!({})), "input.id"),
        ("resumeSubscription", with(json!({})), "input.id"),
        ("activateSubscription", with(json!({})), "input.id"),
        ("startTrial", with(json!({"days": 5})), "input.id"),
        ("reactivateSubscription", with(json!({})), "input.id"),
        ("expireSubscription", with(json!({})), "input.id"),
        ("deleteSubscription", with(json!({})), "input.id"),
        ("createSubscription", order, "input.organizationId"),
    ] {
        for client in [
            &admin,
            &world.service(
                world.alpha,
                &[tessera::auth::Permission::SubscriptionsManage, tessera::auth::Permission::OrganizationsRead],
            ),
        ] {
            world.refused(client, mutation, input.clone(), "OWN_ACCOUNT", path).await;
        }
    }
    world
        .forbidden(
            &admin,
            "overrideTier",
            with(json!({"tierId": tier("enterprise"), "reason": "x"})),
            "subscriptions.override",
        )
        .await;
    assert_eq!(allowed(&admin, &id).await, ["UPDATE", "CHANGE_TIER", "CANCEL"].map(Value::from));

    // What it may: notes, a downgrade that waits, a cancellation; and taking these back.
    admin.mutate("updateSubscription", with(json!({"externalId": "crm-1", "metadata": {"note": 1}})), "").await;
    let fields = "subscription { status tier { key } scheduledChange { tierId } cancelAt }";
    let waiting =
        admin.mutate("changeTier", with(json!({"tierId": tier("starter")})), fields).await["subscription"].clone();
    assert_eq!((&waiting["tier"]["key"], &waiting["scheduledChange"]["tierId"]), (&json!("pro"), &tier("starter")));
    admin.mutate("changeTier", with(json!({"tierId": tier("pro")})), fields).await;
    admin.mutate("cancelSubscription", with(json!({})), "").await;
    admin.mutate("undoCancel", with(json!({})), "").await;
    let ensured = admin.mutate("ensureSubscription", own.clone(), "subscription { id }").await;
    assert_eq!(ensured["subscription"]["id"], id);

    // From above everything goes, and what ended stays so for its own people.
    root.mutate("extendSubscription", with(json!({"days": 1})), "").await;
    admin.mutate("cancelSubscription", with(json!({"timing": "NOW"})), "").await;
    world.refused(&admin, "reactivateSubscription", with(json!({})), "OWN_ACCOUNT", "input.id").await;
    let ensured = admin.mutate("ensureSubscription", own, "subscription { id status }").await;
    assert_eq!(ensured["subscription"], json!({"id": id, "status": "CANCELED"}));
    root.mutate("reactivateSubscription", with(json!({})), "").await;
}

#[on_both]
async fn the_default_trial_comes_once_in_a_life(world: &World) {
    managed(world, world.delta, "PLATFORM_MANAGED").await;
    let (admin, reseller) = (world.admin(world.delta), world.caller(Role::Reseller, world.gamma));
    let own = json!({"organizationId": world.delta.id.to_string()});
    let trial =
        admin.mutate("ensureSubscription", own.clone(), "subscription { id status }").await["subscription"].clone();
    assert_eq!(trial["status"], "TRIALING");
    world.refused(&admin, "deleteSubscription", json!({"id": trial["id"]}), "OWN_ACCOUNT", "input.id").await;
    reseller.mutate("deleteSubscription", json!({"id": trial["id"]}), "").await;
    world.refused(&admin, "ensureSubscription", own.clone(), "OWN_ACCOUNT", "input.organizationId").await;
    let again = reseller.mutate("ensureSubscription", own, "subscription { status }").await;
    assert_eq!(again["subscription"]["status"], "TRIALING", "from above it comes again");
}

#[on_both]
async fn a_reseller_manages_those_below_and_not_itself(world: &World) {
    for tenant in [world.gamma, world.delta] {
        managed(world, tenant, "PLATFORM_MANAGED").await;
    }
    let reseller = world.caller(Role::Reseller, world.gamma);
    let (above, below) =
        (subscribe(world, world.gamma, "pro", json!({})).await, subscribe(world, world.delta, "pro", json!({})).await);
    reseller.mutate("extendSubscription", json!({"id": below, "days": 3}), "").await;
    world.refused(&reseller, "extendSubscription", json!({"id": above, "days": 3}), "OWN_ACCOUNT", "input.id").await;
}

#[on_both]
async fn who_manages_its_own_does_as_with_its_customers(world: &World) {
    managed(world, world.alpha, "SELF_MANAGED").await;
    let admin = world.admin(world.alpha);
    let order = json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers["starter"].to_string()}});
    let id = admin.mutate("createSubscription", order, "subscription { id }").await["subscription"]["id"].clone();
    admin.mutate("activateSubscription", json!({"id": id}), "").await;
    admin.mutate("changeTier", json!({"id": id, "tierId": world.platform_tiers["enterprise"].to_string()}), "").await;
    admin
        .mutate("updateSubscription", json!({"id": id, "userLimit": 50, "currentPeriodEnd": at("2027-03-01")}), "")
        .await;
    admin.mutate("suspendSubscription", json!({"id": id}), "").await;
    admin.mutate("resumeSubscription", json!({"id": id}), "").await;
    admin.mutate("cancelSubscription", json!({"id": id, "timing": "NOW"}), "").await;
    admin.mutate("reactivateSubscription", json!({"id": id}), "").await;
    world
        .forbidden(
            &admin,
            "overrideTier",
            json!({"id": id, "tierId": world.platform_tiers["pro"].to_string(), "reason": "x"}),
            "subscriptions.override",
        )
        .await;
}

#[on_both]
async fn a_suspension_from_above_is_lifted_only_from_above(world: &World) {
    let reseller = world.caller(Role::Reseller, world.gamma);
    let admin = world.admin(world.delta);
    let own = subscribe(world, world.delta, "pro", json!({})).await;
    let (customer, theirs) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    let theirs = json!(theirs);
    for (id, owner) in
        [(&own, json!({"organizationId": world.delta.id.to_string()})), (&theirs, json!({"customerId": customer}))]
    {
        let path = if owner["customerId"].is_null() { "input.organizationId" } else { "input.customerId" };
        let order = json!({"organizationId": owner["organizationId"], "customerId": owner["customerId"],
            "terms": if owner["customerId"].is_null() { json!({"tierId": world.platform_tiers["pro"].to_string()}) }
                else { json!({"tierId": world.delta.basic.to_string()}) }});
        let by_id = json!({"id": id});
        for (above, below) in [(&reseller, vec![&admin]), (&world.root(), vec![&admin, &reseller])] {
            // Its own suspension is its own to lift.
            admin.mutate("suspendSubscription", by_id.clone(), "").await;
            admin.mutate("resumeSubscription", by_id.clone(), "").await;
            above.mutate("suspendSubscription", by_id.clone(), "").await;
            for client in &below {
                world.refused(client, "resumeSubscription", by_id.clone(), "SUSPENDED_FROM_ABOVE", "input.id").await;
                world.refused(client, "deleteSubscription", by_id.clone(), "SUSPENDED_FROM_ABOVE", "input.id").await;
                assert!(!allowed(client, id).await.contains(&json!("RESUME")));
            }
            // Ending it is no way around.
            admin.mutate("cancelSubscription", json!({"id": id, "timing": "NOW"}), "").await;
            for client in &below {
                for mutation in ["reactivateSubscription", "deleteSubscription"] {
                    world.refused(client, mutation, by_id.clone(), "SUSPENDED_FROM_ABOVE", "input.id").await;
                }
                world.refused(client, "createSubscription", order.clone(), "SUSPENDED_FROM_ABOVE", path).await;
                assert!(!allowed(client, id).await.contains(&json!("REACTIVATE")));
            }
            above.mutate("reactivateSubscription", by_id.clone(), "").await;
            admin.mutate("suspendSubscription", by_id.clone(), "").await;
            admin.mutate("resumeSubscription", by_id.clone(), "").await;
        }
    }
}

#[on_both]
async fn what_was_ordered_with_payment_is_not_had_without(world: &World) {
    let admin = world.admin(world.alpha);
    let pays = json!({"requiresPayment": true});
    let free = |owner: &Value, more: Value| {
        let mut input = owner.clone();
        input["terms"] = more;
        input
    };
    let tier = json!(world.platform_tiers["pro"].to_string());
    for number in 0..6 {
        let (customer, id) =
            world.subscribed(world.alpha, &format!("Ada {number}"), world.alpha.basic, pays.clone()).await;
        let by_id = json!({"id": id});
        for (mutation, input) in [("activateSubscription", by_id.clone()), ("startTrial", json!({"id": id, "days": 5}))]
        {
            world.forbidden(&admin, mutation, input, "subscriptions.override").await;
        }
        admin.mutate("changeTier", json!({"id": id, "tierId": world.alpha.plus.to_string()}), "").await;
        world.forbidden(&admin, "activateSubscription", by_id.clone(), "subscriptions.override").await;
        let end = match number {
            0 => Some(("cancelSubscription", json!({"id": id, "timing": "NOW"}))),
            1 => Some(("expireSubscription", by_id.clone())),
            2 => Some(("deleteSubscription", by_id.clone())),
            3 => {
                admin.mutate("cancelSubscription", json!({"id": id, "timing": "NOW"}), "").await;
                Some(("deleteSubscription", by_id.clone()))
            }
            4 => {
                let gift = json!({"id": id, "tierId": world.alpha.plus.to_string(), "reason": "a gift"});
                world.root().mutate("overrideTier", gift, "").await;
                world.root().mutate("endOverride", by_id.clone(), "").await;
                world.forbidden(&admin, "activateSubscription", by_id.clone(), "subscriptions.override").await;
                Some(("cancelSubscription", json!({"id": id, "timing": "NOW"})))
            }
            _ => None,
        };
        match end {
            Some((mutation, input)) => drop(admin.mutate(mutation, input, "").await),
            None => world.pass(chrono::TimeDelta::days(3)),
        }
        if !matches!(number, 2 | 3) {
            world.forbidden(&admin, "reactivateSubscription", by_id.clone(), "subscriptions.override").await;
        }
        let owner = json!({"customerId": customer});
        let basic = json!({"tierId": world.alpha.basic.to_string()});
        if number == 5 {
            // What nobody paid in time blocks nobody.
            admin.mutate("createSubscription", free(&owner, basic), "").await;
            continue;
        }
        world.forbidden(&admin, "createSubscription", free(&owner, basic.clone()), "subscriptions.override").await;
        if matches!(number, 2 | 3) {
            world.forbidden(&admin, "ensureSubscription", owner.clone(), "subscriptions.override").await;
        }
        let mut again = basic.clone();
        again["requiresPayment"] = json!(true);
        let ordered =
            admin.mutate("createSubscription", free(&owner, again), "subscription { id status }").await["subscription"]
                .clone();
        assert_eq!(ordered["status"], "PENDING");
        world.root().mutate("activateSubscription", json!({"id": ordered["id"]}), "").await;
        admin.mutate("cancelSubscription", json!({"id": ordered["id"], "timing": "NOW"}), "").await;
        admin.mutate("createSubscription", free(&owner, basic), "").await;
    }
    let own = json!({"organizationId": world.alpha.id.to_string()});
    let order = free(&own, json!({"tierId": tier, "requiresPayment": true}));
    let id = admin.mutate("createSubscription", order, "subscription { id }").await["subscription"]["id"].clone();
    admin.mutate("deleteSubscription", json!({"id": id}), "").await;
    world.forbidden(&admin, "ensureSubscription", own, "subscriptions.override").await;
}
