//! Every way in which an organization could give itself something, in every state that its subscription can be in.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use super::management::at;
use crate::support::{Backend, Client, World, on_both};

/// In which hands the subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hands {
    Trial,
    Manual,
    Override,
    Gateway,
    Canceled,
}

/// A new organization below the reseller with its own subscription: both ids.
async fn prepare(world: &World, hands: Hands, suspended: bool) -> (Value, Value) {
    let (root, slug) = (world.root(), format!("{hands:?}-{suspended}").to_lowercase());
    let tier = |key: &str| world.platform_tiers[key].to_string();
    let terms = match hands {
        Hands::Trial => json!({"tierId": tier("starter")}),
        _ => json!({"tierId": tier("pro"), "trialDays": 0}),
    };
    let new = json!({"name": slug, "slug": slug, "parentId": world.gamma.id.to_string(), "subscription": terms});
    let made =
        root.mutate("createOrganization", new, "organization { id subscription { id } }").await["organization"].clone();
    let (organization, id) = (made["id"].clone(), made["subscription"]["id"].clone());
    match hands {
        Hands::Trial | Hands::Manual => {}
        Hands::Override => {
            let gift = json!({"id": id, "tierId": tier("enterprise"), "reason": "a gift"});
            root.mutate("overrideTier", gift, "").await;
        }
        Hands::Gateway => {
            let uuid = uuid_of(world, &id);
            let bill =
                format!("mode = 'GATEWAY', gateway = 'STRIPE', gateway_subscription_id = 'gw-{slug}', due_at = NULL");
            world.sql(&format!("UPDATE subscriptions SET {bill} WHERE id = {uuid}")).await;
        }
        Hands::Canceled => {
            root.mutate("cancelSubscription", json!({"id": id, "timing": "NOW"}), "").await;
        }
    }
    if suspended {
        root.mutate("suspendSubscription", json!({"id": id, "reason": "fraud"}), "").await;
    }
    (organization, id)
}

/// An id as the database writes it.
fn uuid_of(world: &World, id: &Value) -> String {
    use tessera::entity::{SubscriptionId, TypedId as _};
    let uuid: uuid::Uuid = SubscriptionId::parse(id.as_str().expect("an id")).expect("a subscription's").into();
    if world.backend == Backend::Sqlite { format!("x'{}'", uuid.simple()) } else { format!("'{uuid}'") }
}

/// What grants access, time, limits or price.
fn grants(world: &World, organization: &Value, id: &Value) -> Vec<(&'static str, Value)> {
    let tier = |key: &str| json!(world.platform_tiers[key].to_string());
    let with = |more: Value| {
        let mut input = json!({ "id": id });
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    let order = |terms: Value| json!({"organizationId": organization, "terms": terms});
    vec![
        ("extendSubscription", with(json!({"days": 730}))),
        ("updateSubscription", with(json!({"currentPeriodEnd": at("2099-01-01")}))),
        ("updateSubscription", with(json!({"currentPeriodStart": at("2026-02-01")}))),
        ("updateSubscription", with(json!({"trialEndsAt": at("2027-01-01")}))),
        ("updateSubscription", with(json!({"expiresAt": at("2099-01-01")}))),
        ("updateSubscription", with(json!({"expiresAt": null}))),
        ("updateSubscription", with(json!({"userLimit": 100_000}))),
        ("updateSubscription", with(json!({"userLimit": null}))),
        ("updateSubscription", with(json!({"featureOverrides": [{"key": "ai.queries"}]}))),
        ("changeTier", with(json!({"tierId": tier("enterprise")}))),
        ("changeTier", with(json!({"tierId": tier("internal")}))),
        ("changeTier", with(json!({"tierId": tier("enterprise"), "timing": "PERIOD_END"}))),
        ("changeTier", with(json!({"billingCycle": "YEARLY"}))),
        ("activateSubscription", with(json!({}))),
        ("startTrial", with(json!({"days": 700}))),
        ("resumeSubscription", with(json!({}))),
        ("pauseSubscription", with(json!({}))),
        ("reactivateSubscription", with(json!({}))),
        ("deleteSubscription", with(json!({}))),
        ("createSubscription", order(json!({"tierId": tier("starter"), "trialDays": 730}))),
        ("createSubscription", order(json!({"tierId": tier("enterprise"), "expiresAt": at("2099-01-01")}))),
    ]
}

/// What tells how much the organization has.
async fn had(world: &World, id: &Value) -> Value {
    let fields =
        "status mode tierId billingCycle currentPeriodStart currentPeriodEnd trialEndsAt expiresAt userLimit version
        featureOverrides { key } tierOverride { reason } effectiveStatus { entitled endsAt } price { amountMinor }";
    let document = format!("query($id: ID!) {{ subscription(id: $id) {{ {fields} }} }}");
    world.root().ok(&document, json!({ "id": id })).await["subscription"].clone()
}

#[on_both]
async fn nothing_is_given_to_itself_in_any_state(world: &World) {
    for hands in [Hands::Trial, Hands::Manual, Hands::Override, Hands::Gateway, Hands::Canceled] {
        for suspended in [false, true] {
            if hands == Hands::Canceled && suspended {
                continue;
            }
            let (organization, id) = prepare(world, hands, suspended).await;
            let tenant =
                tessera::entity::TypedId::parse(organization.as_str().expect("an id")).expect("an organization's");
            let tenant = crate::support::Tenant { id: tenant, ..world.delta };
            let permissions = [Permission::SubscriptionsManage, Permission::OrganizationsRead];
            let callers: [(&str, Client); 2] =
                [("ADMIN", world.admin(tenant)), ("SERVICE", world.service(tenant, &permissions))];
            let before = had(world, &id).await;
            for (mutation, input) in grants(world, &organization, &id) {
                for (name, client) in &callers {
                    let (place, writes) = (
                        format!("{name}'s {mutation} {input} on {hands:?}, suspended: {suspended}"),
                        world.writes().await,
                    );
                    let payload = client.attempt(mutation, input.clone(), "").await;
                    let codes: Vec<_> = payload["userErrors"]
                        .as_array()
                        .expect("a list")
                        .iter()
                        .map(|error| error["code"].clone())
                        .collect();
                    assert!(!codes.is_empty(), "{place} is carried out");
                    // What is not on offer to it does not exist for it.
                    let is_hidden = input["tierId"] == json!(world.platform_tiers["internal"].to_string());
                    if hands == Hands::Manual && !suspended && mutation != "createSubscription" && !is_hidden {
                        assert_eq!(codes, ["OWN_ACCOUNT"], "{place}");
                    }
                    assert_eq!(world.writes().await, writes, "{place} writes");
                    assert_eq!(had(world, &id).await, before, "{place} changes something");
                }
            }
            // Deleting and ensuring is no way around: nothing is deleted, and nothing is made.
            let admin = &callers[0].1;
            let ensured = admin
                .attempt("ensureSubscription", json!({"organizationId": organization}), "subscription { id }")
                .await;
            assert_eq!(ensured["subscription"]["id"], id, "{hands:?}");
            assert_eq!(had(world, &id).await, before, "{hands:?}");
            let gift = json!({"id": id, "tierId": world.platform_tiers["enterprise"].to_string(), "reason": "x"});
            world.forbidden(admin, "overrideTier", gift, "subscriptions.override").await;
            world.forbidden(admin, "endOverride", json!({"id": id}), "subscriptions.override").await;
            // The reseller above is bound by the platform's suspension alone.
            if suspended {
                let reseller = world.caller(Role::Reseller, world.gamma);
                world
                    .refused(&reseller, "resumeSubscription", json!({"id": id}), "SUSPENDED_FROM_ABOVE", "input.id")
                    .await;
            }
        }
    }
}
