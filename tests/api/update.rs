//! Updates: what is left out stays, null clears what can be empty, and is refused where nothing can be.

use serde_json::{Value, json};

use crate::support::introspection::Schema;
use crate::support::{World, on_both};

/// Null means none for these.
const NONE: [&str; 3] = ["expectedVersion", "reason", "idempotencyKey"];

/// An object to be updated.
struct Subject {
    id: String,
    /// A value for each field that can be empty.
    filled: Value,
    /// The object in the payload, with these fields.
    shown: &'static str,
}

async fn subject(world: &World, mutation: &str) -> Option<Subject> {
    let (admin, tenant) = (world.admin(world.alpha), world.alpha);
    let own = json!({"organizationId": tenant.id.to_string()});
    let own = world.root().mutate("ensureSubscription", own, "subscription { id }").await;
    Some(match mutation {
        "updateOrganization" => Subject {
            id: tenant.id.to_string(),
            filled: json!({"billingEmail": "bills@example.com", "graceDays": 3, "unpaidDays": 9, "metadata": {"a": 1}, "privateMetadata": {"a": 1}}),
            shown: "organization { name slug billingEmail defaultCurrency timeZone graceDays unpaidDays exempt metadata privateMetadata version }",
        },
        "updateMember" => {
            let input = json!({"name": "Mia", "email": "mia@example.com", "role": "WORKER"});
            let made = admin.mutate("createMember", input, "member { id }").await;
            let id = made["member"]["id"].as_str()?.to_owned();
            Subject { id, filled: json!({}), shown: "member { name role version }" }
        }
        "updateCustomer" => Subject {
            id: world.subscribed(tenant, "Ada", tenant.basic, json!({})).await.0,
            filled: json!({"email": "ada@example.com", "phone": "+49 30 1", "externalRef": "ada", "metadata": {"a": 1}, "privateMetadata": {"a": 1}}),
            shown: "customer { name email phone externalRef metadata privateMetadata version }",
        },
        "updateSubscription" => Subject {
            id: own["subscription"]["id"].as_str()?.to_owned(),
            filled: json!({
                "expiresAt": "2027-01-01T00:00:00Z", "userLimit": 9, "externalId": "own", "metadata": {"a": 1},
                "privateMetadata": {"a": 1},
                "featureOverrides": [{"key": "users", "ceiling": 7}],
            }),
            shown: "subscription { currentPeriodStart currentPeriodEnd trialEndsAt expiresAt userLimit externalId metadata privateMetadata
                featureOverrides { key } version }",
        },
        "updateFeature" => {
            let input = json!({"key": "storage", "name": "Storage", "kind": "METER"});
            let made = admin.mutate("createFeature", input, "feature { id }").await;
            Subject {
                id: made["feature"]["id"].as_str()?.to_owned(),
                filled: json!({"description": "Space", "unit": "GB"}),
                shown: "feature { name description unit resets enforcement version }",
            }
        }
        "updateGatewayAccount" => {
            let input = json!({"kind": "MANUAL", "mode": "LIVE", "name": "Bank"});
            let made = admin.mutate("createGatewayAccount", input, "gatewayAccount { id }").await;
            Subject {
                id: made["gatewayAccount"]["id"].as_str()?.to_owned(),
                filled: json!({"instructions": "Account 1"}),
                shown: "gatewayAccount { name instructions version }",
            }
        }
        "updateAddOn" => {
            let input = json!({"key": "seats", "name": "Seats", "kind": "CUSTOMER", "maxQuantity": 9});
            let made = admin.mutate("createAddOn", input, "addOn { id }").await;
            Subject {
                id: made["addOn"]["id"].as_str()?.to_owned(),
                filled: json!({
                    "description": "More seats", "tierIds": [tenant.plus.to_string()],
                    "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}],
                    "features": [{"key": "seats", "kind": "LIMIT", "ceiling": 5}],
                }),
                shown: "addOn { name description public: isPublic sortOrder maxQuantity tierIds prices { billingCycle }
                    features { key } version }",
            }
        }
        "updateTier" => Subject {
            id: tenant.plus.to_string(),
            filled: json!({
                "description": "More", "periodEndPolicy": "DOWNGRADE", "fallbackTierId": tenant.basic.to_string(),
                "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}],
                "features": [{"key": "projects", "kind": "LIMIT", "ceiling": 5}],
                "paymentOptions": ["CARD"],
            }),
            shown: "tier { paymentOptions name description rank trialDays public: isPublic sortOrder periodEndPolicy fallbackTierId: fallbackTier { key }
                prices { id } features { key } version }",
        },
        _ => return None,
    })
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || *value == json!([]) || *value == json!({})
}

#[on_both]
async fn null_clears_a_field_or_is_refused(world: &World) {
    let root = world.root();
    let schema = Schema::load(&root).await;
    let (mut cleared, mut refused) = (0, 0);
    for mutation in schema.mutations().iter().filter(|mutation| mutation.name.starts_with("update")) {
        let name = &mutation.name;
        let Subject { id, filled, shown } = subject(world, name)
            .await
            .unwrap_or_else(|| panic!("the mutation `{name}` has no row: say in `subject` what it updates"));
        let noun = shown.split(' ').next().expect("an object");
        let with = |more: &Value| {
            let mut input = more.clone();
            input["id"] = json!(id);
            input
        };
        let input = schema.get(mutation.args[0].of.named());
        for field in
            input.inputs().iter().filter(|field| !field.of.is_required() && !NONE.contains(&field.name.as_str()))
        {
            let (field, null) = (&field.name, with(&json!({ &field.name: null })));
            if filled[field].is_null() || field == "periodEndPolicy" {
                let before = root.mutate(name, with(&json!({})), shown).await;
                world.refused(&root, name, null, "REQUIRED", &format!("input.{field}")).await;
                assert_eq!(root.mutate(name, with(&json!({})), shown).await, before, "{name} {field}");
                refused += 1;
            } else {
                let full = root.mutate(name, with(&filled), shown).await;
                assert!(!is_empty(&full[noun][field]), "{name} {field} is not filled: {full:#}");
                let mut null = null;
                if field == "fallbackTierId" {
                    null["periodEndPolicy"] = json!("EXPIRE");
                }
                let empty = root.mutate(name, null, shown).await;
                assert!(is_empty(&empty[noun][field]), "{name} {field}: {empty:#}");
                cleared += 1;
            }
        }
    }
    assert!(cleared >= 14 && refused >= 15, "{cleared} cleared, {refused} refused");
}

#[on_both]
async fn all_nulls_are_refused_at_once(world: &World) {
    let input = json!({"id": world.alpha.id.to_string(), "name": null, "timeZone": null, "billingEmail": null});
    let payload = world.admin(world.alpha).attempt("updateOrganization", input, "organization { id }").await;
    let refusals: Vec<_> =
        payload["userErrors"].as_array().expect("a list").iter().map(|one| (&one["code"], &one["path"])).collect();
    let (name, zone) = (json!(["input", "name"]), json!(["input", "timeZone"]));
    assert_eq!(refusals, [(&json!("REQUIRED"), &name), (&json!("REQUIRED"), &zone)]);
    assert!(payload["organization"].is_null());
}

#[on_both]
async fn prices_keep_their_ids_at_gateways(world: &World) {
    let root = world.root();
    let price = |cycle: &str, amount: i64| json!({"billingCycle": cycle, "currency": "EUR", "amountMinor": amount});
    let with = |mut price: Value, ids: Value| {
        price["gatewayPrices"] = ids;
        price
    };
    let (stripe, other) =
        (json!({"gateway": "STRIPE", "priceId": "price_1"}), json!({"gateway": "MERCADO_PAGO", "priceId": "mp-1"}));
    let tier = world.platform_tiers["pro"].to_string();
    let update = async |prices: Value| {
        let shown = "tier { prices { billingCycle amount { amountMinor } gatewayPrices { gateway priceId } } }";
        let payload = root.mutate("updateTier", json!({"id": tier, "prices": prices}), shown).await;
        let prices = payload["tier"]["prices"].as_array().expect("a list").clone();
        prices.into_iter().map(|price| price["gatewayPrices"].clone()).collect::<Vec<_>>()
    };
    let both = json!([stripe, other]);
    assert_eq!(update(json!([with(price("MONTHLY", 900), both.clone())])).await.len(), 1);
    let kept = update(json!([price("MONTHLY", 1000), price("YEARLY", 10_000)])).await;
    assert_eq!(kept[0].as_array().map(Vec::len), Some(2), "{kept:?}");
    assert_eq!(kept[1], json!([]));
    let replaced = update(json!([with(price("MONTHLY", 1000), json!([other]))])).await;
    assert_eq!(replaced, [json!([other])]);
    for none in [json!([]), json!(null)] {
        update(json!([with(price("MONTHLY", 1000), both.clone())])).await;
        assert_eq!(update(json!([with(price("MONTHLY", 1000), none)])).await, [json!([])]);
    }
    update(json!([with(price("MONTHLY", 1000), both)])).await;
    update(json!([])).await;
    assert_eq!(update(json!([price("MONTHLY", 1000)])).await, [json!([])], "a price that is gone takes its ids along");
}
