//! What a subscription has besides its tier: price, features, changes now and later.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, World, on_both};

const SHOWN: &str = "subscription { status price { amountMinor } addOns { key name quantity unitPrice { amountMinor }
    price { amountMinor } } scheduledChange { at price { amountMinor } addOns { key quantity } } }";

async fn shown(client: &Client, id: &str) -> Value {
    let document = format!("query($id: ID!) {{ {} }}", SHOWN.replacen("subscription", "subscription(id: $id)", 1));
    client.ok(&document, json!({"id": id})).await["subscription"].clone()
}

/// What it costs each cycle, its add-ons by key and quantity, and the same of what waits.
fn told(subscription: &Value) -> Value {
    let lines = |of: &Value| {
        let lines = of["addOns"].as_array().cloned().unwrap_or_default();
        lines.iter().map(|line| json!([line["key"], line["quantity"]])).collect::<Vec<_>>()
    };
    let later = &subscription["scheduledChange"];
    json!([subscription["price"]["amountMinor"], lines(subscription), later["price"]["amountMinor"], lines(later)])
}

async fn limit(client: &Client, id: &str, key: &str) -> Value {
    let document = "query($id: ID!) { subscription(id: $id) { features { key limit source } } }";
    let data = client.ok(document, json!({"id": id})).await;
    let all = data["subscription"]["features"].as_array().expect("a list").clone();
    all.into_iter().find(|one| one["key"] == key).map_or(Value::Null, |one| json!([one["limit"], one["source"]]))
}

async fn seats(world: &World, more: Value) -> String {
    let mut own = json!({"organizationId": world.alpha.id.to_string()});
    more.as_object().expect("an object").iter().for_each(|(name, value)| own[name] = value.clone());
    world.seats("CUSTOMER", own).await
}

#[on_both]
async fn an_add_on_costs_and_grants_by_its_quantity(world: &World) {
    let admin = world.admin(world.alpha);
    let seats = seats(world, json!({})).await;
    let terms = json!({"addOns": [{"addOnId": seats, "quantity": 2}]});
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let expected = json!({
        "status": "ACTIVE", "price": {"amountMinor": 1300}, "scheduledChange": null,
        "addOns": [{"key": "seats", "name": "Seats", "quantity": 2, "unitPrice": {"amountMinor": 200}, "price": {"amountMinor": 400}}],
    });
    assert_eq!(shown(&admin, &id).await, expected);
    assert_eq!(shown(&world.customer(world.alpha, &customer), &id).await, expected);
    assert_eq!(limit(&admin, &id, "products").await, json!([20, "TIER"]), "10 of the tier and twice 5");
    assert_eq!(limit(&admin, &id, "branches").await, json!([6, "ADD_ON"]), "the tier grants none");
    // What it grants is the catalogue's, what it costs was agreed on.
    let dearer = json!({"id": seats, "name": "Chairs", "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 900}],
        "features": [{"key": "products", "kind": "LIMIT", "ceiling": null}]});
    admin.mutate("updateAddOn", dearer, "").await;
    assert_eq!(shown(&admin, &id).await, expected);
    assert_eq!(limit(&admin, &id, "products").await, json!([null, "TIER"]), "with anything unlimited it is unlimited");
    admin.mutate("changeAddOns", json!({"id": id, "addOns": [{"addOnId": seats, "quantity": 3}]}), "").await;
    assert_eq!(told(&shown(&admin, &id).await), json!([1500, [["seats", 3]], null, []]), "at the price that it has");
}

#[on_both]
async fn more_is_added_now_and_less_waits_for_the_end_of_what_is_paid_for(world: &World) {
    let admin = world.admin(world.alpha);
    let renews = json!({"id": world.alpha.basic.to_string(), "periodEndPolicy": "RENEW"});
    admin.mutate("updateTier", renews, "").await;
    let (seats, extra) = (seats(world, json!({})).await, seats(world, json!({"key": "extra"})).await);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let change = async |lines: Value, more: Value| {
        let mut input = json!({"id": id, "addOns": lines});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        told(&admin.mutate("changeAddOns", input, SHOWN).await["subscription"])
    };
    let line = |id: &str, quantity: i64| json!({"addOnId": id, "quantity": quantity});
    let both = json!([line(&seats, 3), line(&extra, 1)]);
    assert_eq!(change(both, json!({})).await, json!([1700, [["seats", 3], ["extra", 1]], null, []]));
    let fewer = json!([line(&seats, 1), line(&extra, 0)]);
    let waits = json!([1700, [["seats", 3], ["extra", 1]], 1100, [["seats", 1]]]);
    assert_eq!(change(fewer, json!({})).await, waits);
    let refusal = admin.refusal("changeAddOns", json!({"id": id, "addOns": [line(&seats, 1)]})).await;
    assert_eq!(refusal["code"], "CONFLICT", "nothing would change: {refusal}");
    // More comes now, and stays.
    let raised = json!([1900, [["seats", 4], ["extra", 1]], 1700, [["seats", 4]]]);
    assert_eq!(change(json!([line(&seats, 4)]), json!({})).await, raised);
    // Naming the present quantity takes back what waits, at the price that it has, whoever sells it still.
    let dearer = json!({"id": extra, "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 999}]});
    admin.mutate("updateAddOn", dearer, "").await;
    admin.mutate("archiveAddOn", json!({"id": extra}), "").await;
    assert_eq!(
        change(json!([line(&extra, 1)]), json!({})).await,
        json!([1900, [["seats", 4], ["extra", 1]], null, []])
    );
    assert_eq!(
        change(json!([line(&extra, 0)]), json!({"timing": "NOW"})).await,
        json!([1700, [["seats", 4]], null, []])
    );
    let later = json!([1700, [["seats", 4]], 2100, [["seats", 6]]]);
    assert_eq!(change(json!([line(&seats, 6)]), json!({"timing": "PERIOD_END"})).await, later);

    world.pass(TimeDelta::days(31));
    crate::scheduler::together::scheduler(world).pass().await.expect("the database answers");
    let next = shown(&admin, &id).await;
    assert_eq!((told(&next), &next["status"]), (json!([2100, [["seats", 6]], null, []]), &json!("PAST_DUE")));
    let document = "query($id: ID!) { subscription(id: $id) { payments { nodes { amount { amountMinor } status } } } }";
    let owed = admin.ok(document, json!({"id": id})).await["subscription"]["payments"]["nodes"].clone();
    assert_eq!(owed, json!([{"amount": {"amountMinor": 2100}, "status": "PENDING"}]));
}

#[on_both]
async fn add_ons_go_along_to_another_tier_or_are_dropped(world: &World) {
    let admin = world.admin(world.alpha);
    let (basic, plus) = (world.alpha.basic.to_string(), world.alpha.plus.to_string());
    let everywhere = seats(world, json!({})).await;
    let here = seats(world, json!({"key": "here", "tierIds": [basic]})).await;
    let monthly = json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 100}]);
    let monthly = seats(world, json!({"key": "monthly", "prices": monthly})).await;
    let dropped = seats(world, json!({"key": "dropped"})).await;
    let terms = json!({"addOns": [{"addOnId": everywhere}, {"addOnId": here}, {"addOnId": monthly}]});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    assert_eq!(shown(&admin, &id).await["price"]["amountMinor"], 900 + 200 + 200 + 100);
    let change = json!({"id": id, "tierId": plus});
    world.refused(&admin, "changeTier", change, "ADD_ON_NOT_AVAILABLE", "input.dropAddOns").await;
    let other = json!({"id": id, "tierId": plus, "dropAddOns": [here, dropped]});
    world.refused(&admin, "changeTier", other, "NOT_FOUND", "input.dropAddOns.1").await;
    let yearly = json!({"id": id, "tierId": plus, "billingCycle": "YEARLY", "dropAddOns": [here]});
    world.refused(&admin, "changeTier", yearly, "NO_PRICE", "input.dropAddOns").await;
    // The price agreed on goes along; that of another cycle is the catalogue's.
    let dearer = json!({"id": everywhere, "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 900},
        {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 7000}]});
    admin.mutate("updateAddOn", dearer, "").await;
    let changed = admin.mutate("changeTier", json!({"id": id, "tierId": plus, "dropAddOns": [here]}), SHOWN).await;
    assert_eq!(told(&changed["subscription"]), json!([1900 + 200 + 100, [["seats", 1], ["monthly", 1]], null, []]));
    let yearly = json!({"id": id, "billingCycle": "YEARLY", "timing": "PERIOD_END", "dropAddOns": [monthly]});
    let changed = admin.mutate("changeTier", yearly, SHOWN).await["subscription"].clone();
    assert_eq!(told(&changed), json!([2200, [["seats", 1], ["monthly", 1]], 19_000 + 7_000, [["seats", 1]]]));
    let missing = json!({"id": id, "addOns": [{"addOnId": monthly, "quantity": 2}]});
    world.refused(&admin, "changeAddOns", missing, "NO_PRICE", "input.addOns.0").await;
    // The change that waits is for a tier that this one does not go with.
    let stays = json!({"id": id, "addOns": [{"addOnId": here}]});
    world.refused(&admin, "changeAddOns", stays, "ADD_ON_NOT_AVAILABLE", "input.addOns.0.addOnId").await;
}

#[on_both]
async fn an_override_leaves_add_ons_and_charges_nothing(world: &World) {
    let admin = world.admin(world.alpha);
    let seats = seats(world, json!({})).await;
    let terms = json!({"addOns": [{"addOnId": seats, "quantity": 2}]});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let gift = json!({"id": id, "tierId": world.alpha.plus.to_string(), "reason": "a gift"});
    world.root().mutate("overrideTier", gift, "").await;
    assert_eq!(told(&shown(&admin, &id).await), json!([0, [["seats", 2]], null, []]));
    assert_eq!(limit(&admin, &id, "products").await, json!([20, "TIER"]));
    let change = json!({"id": id, "addOns": [{"addOnId": seats}]});
    world.refused(&admin, "changeAddOns", change, "ILLEGAL_TRANSITION", "input.id").await;
    world.root().mutate("endOverride", json!({"id": id}), "").await;
    assert_eq!(told(&shown(&admin, &id).await), json!([1300, [["seats", 2]], null, []]));
}

#[on_both]
async fn more_seats_let_more_members_in(world: &World) {
    let root = world.root();
    let seats = world.seats("ORGANIZATION", json!({})).await;
    let owner = json!({"organizationId": world.alpha.id.to_string(), "terms": {"tierId": world.platform_tiers["starter"].to_string()}});
    let made = root.mutate("createSubscription", owner, "subscription { id }").await;
    let id = made["subscription"]["id"].as_str().expect("an id");
    let member = |n: usize| json!({"organizationId": world.alpha.id.to_string(), "name": "M", "email": format!("m{n}@example.com"), "role": "WORKER"});
    let mut count = 0;
    loop {
        let payload = root.attempt("createMember", member(count), "").await;
        if payload["userErrors"] != json!([]) {
            assert_eq!(payload["userErrors"][0]["code"], "LIMIT_EXCEEDED", "{payload}");
            break;
        }
        count += 1;
    }
    root.mutate("changeAddOns", json!({"id": id, "addOns": [{"addOnId": seats}]}), "").await;
    for n in 0..2 {
        root.mutate("createMember", member(count + n), "").await;
    }
    assert_eq!(root.refusal("createMember", member(count + 2)).await["code"], "LIMIT_EXCEEDED");
}

#[on_both]
async fn an_organization_gives_itself_no_more(world: &World) {
    let root = world.root();
    let managed = json!({"id": world.alpha.id.to_string(), "subscriptionManagement": "PLATFORM_MANAGED"});
    root.mutate("updateOrganization", managed, "").await;
    let seats = world.seats("ORGANIZATION", json!({})).await;
    let terms = json!({"tierId": world.platform_tiers["starter"].to_string(), "trialDays": 0, "addOns": [{"addOnId": seats, "quantity": 3}]});
    let owner = json!({"organizationId": world.alpha.id.to_string(), "terms": terms});
    let made = root.mutate("createSubscription", owner, "subscription { id }").await;
    let id = &made["subscription"]["id"];
    let admin = world.admin(world.alpha);
    let change = |quantity: i64, timing: Value| json!({"id": id, "addOns": [{"addOnId": seats, "quantity": quantity}], "timing": timing});
    world.refused(&admin, "changeAddOns", change(4, Value::Null), "OWN_ACCOUNT", "input.addOns.0").await;
    world.refused(&admin, "changeAddOns", change(1, json!("NOW")), "OWN_ACCOUNT", "input.addOns.0").await;
    let changed = admin.mutate("changeAddOns", change(1, Value::Null), SHOWN).await;
    assert_eq!(told(&changed["subscription"])[3], json!([["seats", 1]]));
}

#[on_both]
async fn an_order_of_add_ons_that_makes_no_sense_is_refused(world: &World) {
    let admin = world.admin(world.alpha);
    let seats = seats(world, json!({})).await;
    let hidden = world.seats("CUSTOMER", json!({"organizationId": world.beta.id.to_string()})).await;
    let own = json!({"key": "own", "public": false, "organizationId": world.gamma.id.to_string()});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let archived = world.seats("CUSTOMER", json!({"key": "old", "organizationId": world.alpha.id.to_string()})).await;
    admin.mutate("archiveAddOn", json!({"id": archived}), "").await;
    let special = world.seats("CUSTOMER", own).await;
    let line = |id: &str, quantity: i64| json!({"addOnId": id, "quantity": quantity});
    let before = world.writes().await;
    for (lines, code, path) in [
        (json!([]), "REQUIRED", "input.addOns"),
        (json!([line(&hidden, 1)]), "NOT_FOUND", "input.addOns.0.addOnId"),
        (json!([line(&special, 1)]), "NOT_FOUND", "input.addOns.0.addOnId"),
        (json!([line(&archived, 1)]), "ADD_ON_NOT_AVAILABLE", "input.addOns.0.addOnId"),
        (json!([line(&seats, 51)]), "OUT_OF_RANGE", "input.addOns.0.quantity"),
        (json!([line(&seats, -1)]), "OUT_OF_RANGE", "input.addOns.0.quantity"),
        (json!([line(&seats, 1), line(&seats, 2)]), "DUPLICATE", "input.addOns.1.addOnId"),
        (json!([line("addon_nonsense", 1)]), "INVALID_ID", "input.addOns.0.addOnId"),
    ] {
        world.refused(&admin, "changeAddOns", json!({"id": id, "addOns": lines}), code, path).await;
    }
    let order = json!({"name": "Bob", "subscription": {"addOns": [line(&seats, 1)]}});
    world.refused(&admin, "createCustomer", order, "CONFLICT", "input.subscription.addOns").await;
    let order =
        json!({"name": "Bob", "subscription": {"tierId": world.alpha.basic.to_string(), "addOns": [line(&seats, 0)]}});
    world.refused(&admin, "createCustomer", order, "OUT_OF_RANGE", "input.subscription.addOns.0.quantity").await;
    let tried = world.subscribed(world.alpha, "Cid", world.alpha.plus, json!({"addOns": [line(&seats, 2)]})).await.1;
    let later = json!({"id": tried, "addOns": [line(&seats, 1)], "timing": "PERIOD_END"});
    assert_eq!(admin.refusal("changeAddOns", later).await["code"], "CONFLICT", "a trial has no paid time");
    admin.mutate("changeAddOns", json!({"id": tried, "addOns": [line(&seats, 1)]}), "").await;
    assert_eq!(world.writes().await, before + 3);
}

#[on_both]
async fn a_subscription_has_at_most_twenty_add_ons(world: &World) {
    let admin = world.admin(world.alpha);
    let mut lines = Vec::new();
    for number in 0..21 {
        lines.push(json!({"addOnId": seats(world, json!({"key": format!("seats-{number}")})).await}));
    }
    let terms = json!({"addOns": lines[..20]});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let more = json!({"id": id, "addOns": lines[20..]});
    world.refused(&admin, "changeAddOns", more, "OUT_OF_RANGE", "input.addOns").await;
}
