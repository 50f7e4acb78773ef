//! Add-ons: what a catalogue sells beside its tiers.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};

use crate::support::{Client, World, each, on_both};

const FIELDS: &str = "addOn { key name description kind isPublic sortOrder maxQuantity tierIds
    prices { billingCycle amount { amountMinor currency } } features { key kind ceiling }
    archivedAt version catalogue { slug } viewerCanManage }";

async fn keys(client: &Client, filter: Value) -> Vec<Value> {
    let document = "query($where: AddOnFilter) { addOns(where: $where, orderBy: [{field: KEY}], first: 100) {
        nodes { key } totalCount { value } } }";
    let data = client.ok(document, json!({"where": filter})).await;
    let keys = each(&data["addOns"]["nodes"], "key");
    assert_eq!(data["addOns"]["totalCount"]["value"], json!(keys.len()));
    keys
}

#[on_both]
async fn an_add_on_is_made_changed_and_archived(world: &World) {
    let admin = world.admin(world.alpha);
    let plus = world.alpha.plus.to_string();
    let input = json!({
        "key": "seats", "name": " Seats ", "kind": "CUSTOMER", "maxQuantity": 20, "tierIds": [plus, plus],
        "prices": [
            {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 2000},
            {"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 200},
        ],
        "features": [{"key": "products", "kind": "LIMIT", "ceiling": 5}, {"key": "export", "kind": "SWITCH"}],
    });
    let made = admin.mutate("createAddOn", input, FIELDS).await["addOn"].clone();
    let price =
        |cycle: &str, amount: i64| json!({"billingCycle": cycle, "amount": {"amountMinor": amount, "currency": "USD"}});
    let expected = json!({
        "key": "seats", "name": "Seats", "description": null, "kind": "CUSTOMER", "isPublic": false, "sortOrder": 0,
        "maxQuantity": 20, "tierIds": [plus], "prices": [price("MONTHLY", 200), price("YEARLY", 2000)],
        "features": [{"key": "export", "kind": "SWITCH", "ceiling": null}, {"key": "products", "kind": "LIMIT", "ceiling": 5}],
        "archivedAt": null, "version": 1, "catalogue": {"slug": "alpha"}, "viewerCanManage": true,
    });
    assert_eq!(made, expected);
    // What it grants is declared in its catalogue.
    let declared = admin.ok("{ features(where: {key: \"export\"}) { nodes { kind } } }", json!({})).await;
    assert_eq!(declared["features"]["nodes"], json!([{"kind": "SWITCH"}]));
    let found = admin.ok("{ addOns { nodes { id } } }", json!({})).await;
    let id = &found["addOns"]["nodes"][0]["id"];
    let more = json!({"id": id, "name": "More seats", "public": true, "tierIds": null, "features": null});
    let changed = admin.mutate("updateAddOn", more, FIELDS).await["addOn"].clone();
    let told = ["name", "isPublic", "tierIds", "features", "version"].map(|field| changed[field].clone());
    assert_eq!(json!(told), json!(["More seats", true, [], [], 2]));
    let archived = admin.mutate("archiveAddOn", json!({"id": id}), FIELDS).await;
    assert_ne!(archived["addOn"]["archivedAt"], Value::Null);
    assert_eq!(keys(&admin, json!({"archived": false})).await, [] as [Value; 0]);
    assert_eq!(keys(&admin, json!({"archived": true, "search": "SEAT"})).await, ["seats"]);
    admin.mutate("unarchiveAddOn", json!({"id": id}), "").await;
    assert_eq!(keys(&admin, json!({"archived": false, "kind": "CUSTOMER"})).await, ["seats"]);
}

#[on_both]
async fn an_add_on_that_makes_no_sense_is_refused(world: &World) {
    let admin = world.admin(world.alpha);
    world.seats("CUSTOMER", json!({"organizationId": world.alpha.id.to_string()})).await;
    let foreign = world.beta.basic.to_string();
    let of_platform = world.platform_tiers["pro"].to_string();
    let price = json!({"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 1});
    let before = world.writes().await;
    for (more, code, path) in [
        (json!({"key": "seats"}), "DUPLICATE", "input.key"),
        (json!({"maxQuantity": 0}), "OUT_OF_RANGE", "input.maxQuantity"),
        (json!({"tierIds": [foreign]}), "NOT_FOUND", "input.tierIds.0"),
        (json!({"tierIds": [of_platform]}), "NOT_FOUND", "input.tierIds.0"),
        (
            json!({"kind": "ORGANIZATION", "tierIds": [world.alpha.basic.to_string()]}),
            "WRONG_TIER_KIND",
            "input.tierIds.0",
        ),
        (json!({"prices": [price, price]}), "DUPLICATE", "input.prices.1.billingCycle"),
        (json!({"features": [{"key": "products", "kind": "METER"}]}), "CONFLICT", "input.features.0.kind"),
        (
            json!({"features": [{"key": "x", "kind": "SWITCH", "enabled": false}]}),
            "CONFLICT",
            "input.features.0.enabled",
        ),
    ] {
        let mut input = json!({"key": "other", "name": "Other", "kind": "CUSTOMER"});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        world.refused(&admin, "createAddOn", input, code, path).await;
    }
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn an_add_on_is_seen_by_who_manages_it_and_by_who_may_have_it(world: &World) {
    let of_alpha = json!({"organizationId": world.alpha.id.to_string()});
    let own = |key: &str, public: bool| {
        let mut more = of_alpha.clone();
        (more["key"], more["public"]) = (json!(key), json!(public));
        more
    };
    world.seats("CUSTOMER", own("offered", true)).await;
    world.seats("CUSTOMER", own("special", false)).await;
    let of_platform = world.seats("ORGANIZATION", json!({"key": "platform"})).await;
    world.seats("CUSTOMER", json!({"key": "foreign", "organizationId": world.beta.id.to_string()})).await;
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let of_family = json!({"key": "family", "organizationId": world.gamma.id.to_string()});
    world.seats("CUSTOMER", of_family).await;

    assert_eq!(keys(&world.admin(world.alpha), json!({})).await, ["offered", "platform", "special"]);
    for client in [world.customer(world.alpha, &customer), world.caller(Role::Worker, world.alpha)] {
        assert_eq!(keys(&client, json!({})).await, ["offered", "platform"]);
        world
            .forbidden(&client, "createAddOn", json!({"key": "x", "name": "x", "kind": "CUSTOMER"}), "tiers.manage")
            .await;
    }
    // What an organization above sells is on offer below it.
    assert_eq!(keys(&world.admin(world.delta), json!({})).await, ["family", "platform"]);
    assert_eq!(keys(&world.caller(Role::Support, world.alpha), json!({})).await.len(), 5);
    let update = json!({"id": of_platform, "name": "y"});
    world.forbidden(&world.admin(world.alpha), "updateAddOn", update.clone(), "platform.manage").await;
    let limited = world.narrowed(Role::Root, world.alpha, None, &[Permission::TiersManage]);
    world.forbidden(&limited, "updateAddOn", update, "platform.manage").await;
    assert_eq!(world.nobody().send("{ addOns { nodes { key } } }", json!({})).await.code(), "UNAUTHENTICATED");
}
