//! What a change would come to, and that the change comes to exactly that.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, World, on_both};

const SHOWN: &str = "preview { previewToken expiresAt effectiveAt status settlement
    lines { kind tierId addOnId quantity amount { amountMinor } since until }
    amountNow { amountMinor currency } credit { amountMinor } nextAmount { amountMinor } nextChargeAt
    gained { key grantedBefore grantedAfter limitBefore limitAfter } lost { key grantedBefore grantedAfter limitBefore limitAfter }
    overQuota { key limitAfter usedBefore usedAfter } }";

/// A preview, with what is wrong with its input if anything is.
async fn attempt(client: &Client, field: &str, input: &Value) -> Value {
    let mutation = match field {
        "previewTierChange" => "ChangeTierInput",
        "previewAddOnChange" => "ChangeAddOnsInput",
        _ => "CancelSubscriptionInput",
    };
    let document =
        format!("query($input: {mutation}!) {{ {field}(input: $input) {{ {SHOWN} userErrors {{ code path }} }} }}");
    client.ok(&document, json!({"input": input})).await[field].clone()
}

async fn preview(client: &Client, field: &str, input: &Value) -> Value {
    let answer = attempt(client, field, input).await;
    assert_eq!(answer["userErrors"], json!([]), "{field}");
    answer["preview"].clone()
}

/// What is charged: each line with its sign, what is to be paid now, what is given back, and what is charged next.
fn charged(preview: &Value) -> Value {
    let line = |line: &Value| {
        let amount = line["amount"]["amountMinor"].as_i64().expect("an amount");
        json!(if line["kind"] == "CREDIT" { -amount } else { amount })
    };
    let lines: Vec<_> = preview["lines"].as_array().expect("a list").iter().map(line).collect();
    let amount = |field: &str| preview[field]["amountMinor"].clone();
    json!([lines, amount("amountNow"), amount("credit"), amount("nextAmount")])
}

async fn payments(client: &Client, id: &str) -> Value {
    let document = "query($id: ID!) { subscription(id: $id) { payments(orderBy: [{field: CREATED_AT}]) {
        nodes { amount { amountMinor } status purpose } } } }";
    let data = client.ok(document, json!({"id": id})).await;
    let one = |one: &Value| json!([one["amount"]["amountMinor"], one["status"], one["purpose"]]);
    data["subscription"]["payments"]["nodes"].as_array().expect("a list").iter().map(one).collect()
}

/// The same input with more.
fn with(input: &Value, more: Value) -> Value {
    let mut input = input.clone();
    more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
    input
}

async fn renewing(world: &World) {
    for tier in [world.alpha.basic, world.alpha.plus] {
        let input = json!({"id": tier.to_string(), "periodEndPolicy": "RENEW", "proration": "PRORATE"});
        world.admin(world.alpha).mutate("updateTier", input, "").await;
    }
}

#[on_both]
async fn an_upgrade_is_what_its_preview_said(world: &World) {
    renewing(world).await;
    let admin = world.admin(world.alpha);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    world.pass(TimeDelta::days(15) + TimeDelta::hours(12));
    let before = world.writes().await;
    let input = json!({"id": id, "tierId": world.alpha.plus.to_string()});
    let told = preview(&admin, "previewTierChange", &input).await;
    // Half of the 31 days of March is left.
    assert_eq!(charged(&told), json!([[-450, 950], 500, 0, 1900]));
    assert_eq!(told["amountNow"]["currency"], "USD");
    assert_eq!(told["nextChargeAt"], "2026-04-01T12:00:00Z");
    assert_eq!((&told["effectiveAt"], &told["status"]), (&json!("2026-03-17T00:00:00Z"), &json!("ACTIVE")));
    assert_eq!(world.writes().await, before, "nothing is changed");
    assert_eq!(payments(&admin, &id).await, json!([]));

    let apply = with(&input, json!({"previewToken": told["previewToken"]}));
    world.pass(TimeDelta::minutes(9));
    let applied =
        admin.mutate("changeTier", apply.clone(), "subscription { tier { key } price { amountMinor } }").await;
    assert_eq!(applied["subscription"], json!({"tier": {"key": "plus"}, "price": {"amountMinor": 1900}}));
    assert_eq!(
        payments(&admin, &id).await,
        json!([[500, "PENDING", "CHANGE"]]),
        "counted from the second of the preview"
    );
    world.refused(&admin, "changeTier", apply, "PREVIEW_STALE", "input.previewToken").await;
    // What the change costs is told in the trail.
    let document = "query($id: ID) { auditEvents(where: {entityId: $id}, first: 100) { nodes { action changes } } }";
    let trail = admin.ok(document, json!({"id": id})).await["auditEvents"]["nodes"].clone();
    let change = trail.as_array().expect("a list").iter().find(|one| one["action"] == "subscription.change_tier");
    let lines = &change.expect("an entry")["changes"]["charge"]["to"];
    assert_eq!([&lines[0]["amount_minor"], &lines[1]["amount_minor"]], [&json!(-450), &json!(950)]);
    // Back some days later: what is owed becomes less, to the minor unit.
    world.pass(TimeDelta::days(3));
    let back = json!({"id": id, "tierId": world.alpha.basic.to_string(), "timing": "NOW"});
    let told = preview(&admin, "previewTierChange", &back).await;
    let lines: i64 = told["credit"]["amountMinor"].as_i64().expect("a number");
    admin.mutate("changeTier", with(&back, json!({"previewToken": told["previewToken"]})), "").await;
    assert_eq!(payments(&admin, &id).await, json!([[500 - lines, "PENDING", "CHANGE"]]));
}

#[on_both]
async fn a_preview_says_what_is_used_and_of_what_there_would_be_too_much(world: &World) {
    renewing(world).await;
    let admin = world.admin(world.alpha);
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let fewer = json!({"id": world.alpha.plus.to_string(), "features": [
        {"key": "products", "kind": "LIMIT", "ceiling": 3}, {"key": "ai.queries", "kind": "METER", "ceiling": 5},
    ], "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 700},
        {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 7_000}]});
    admin.mutate("updateTier", fewer, "").await;
    admin.mutate("setGauge", json!({"ownerId": customer, "feature": "products", "value": 4}), "").await;
    admin.mutate("consume", json!({"ownerId": customer, "feature": "ai.queries", "amount": 7}), "").await;
    let input = json!({"id": id, "tierId": world.alpha.plus.to_string()});
    let told = preview(&admin, "previewTierChange", &with(&input, json!({"timing": "NOW"}))).await;
    assert_eq!(
        told["overQuota"],
        json!([
            {"key": "ai.queries", "limitAfter": 5, "usedBefore": 7, "usedAfter": 7},
            {"key": "products", "limitAfter": 3, "usedBefore": 4, "usedAfter": 4},
        ])
    );
    assert_eq!(told["lost"].as_array().map(Vec::len), Some(2));
    // In the next window, and in a new period, a meter begins at 0; what there is stays.
    let stays = json!([{"key": "products", "limitAfter": 3, "usedBefore": 4, "usedAfter": 4}]);
    let later = preview(&admin, "previewTierChange", &with(&input, json!({"timing": "PERIOD_END"}))).await;
    assert_eq!(later["overQuota"], stays);
    let yearly = json!({"timing": "NOW", "billingCycle": "YEARLY"});
    assert_eq!(preview(&admin, "previewTierChange", &with(&input, yearly)).await["overQuota"], stays);
    // What ends has too much of nothing.
    let canceled = preview(&admin, "previewCancel", &json!({"id": id, "timing": "NOW"})).await;
    assert_eq!(canceled["overQuota"], json!([]));
}

#[on_both]
async fn what_was_renewed_ahead_is_given_back_whole(world: &World) {
    renewing(world).await;
    let admin = world.admin(world.alpha);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.plus, json!({"trialDays": 0})).await;
    for _ in 0..2 {
        admin.mutate("renewSubscription", json!({"id": id}), "").await;
    }
    world.pass(TimeDelta::days(15) + TimeDelta::hours(12));
    let input = json!({"id": id, "tierId": world.alpha.basic.to_string(), "timing": "NOW"});
    let told = preview(&admin, "previewTierChange", &input).await;
    // Half of March, and all of April and May.
    assert_eq!(charged(&told), json!([[-4750, 2250], 0, 2500, 900]));
    admin.mutate("changeTier", with(&input, json!({"previewToken": told["previewToken"]})), "").await;
}

#[on_both]
async fn a_preview_goes_stale_by_all_but_use(world: &World) {
    renewing(world).await;
    let admin = world.admin(world.alpha);
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let plus = world.alpha.plus.to_string();
    let input = json!({"id": id, "tierId": plus});
    let monthly = |amount: i64| {
        let price = |cycle: &str, amount: i64| json!({"billingCycle": cycle, "currency": "USD", "amountMinor": amount});
        json!({"id": plus, "prices": [price("MONTHLY", amount), price("YEARLY", 9_000)]})
    };
    for (mutation, change) in [
        ("updateSubscription", json!({"id": id, "externalId": "x"})),
        ("updateTier", monthly(2_000)),
        ("suspendCustomer", json!({"id": customer})),
        ("resumeCustomer", json!({"id": customer})),
        ("markPastDue", json!({"id": id})),
    ] {
        let told = preview(&admin, "previewTierChange", &input).await;
        admin.mutate(mutation, change, "").await;
        let apply = with(&input, json!({"previewToken": told["previewToken"]}));
        world.refused(&admin, "changeTier", apply, "PREVIEW_STALE", "input.previewToken").await;
    }
    let told = preview(&admin, "previewTierChange", &input).await;
    let token = told["previewToken"].as_str().expect("a token");
    // Another input is another change, and so is another second.
    let (second, seal) = token.split_once('.').expect("two parts");
    let earlier = format!("{}.{seal}", second.parse::<i64>().expect("a number") - 1);
    for more in [
        json!({"previewToken": token, "timing": "PERIOD_END"}),
        json!({"previewToken": token, "proration": "NONE"}),
        json!({"previewToken": token, "billingCycle": "YEARLY"}),
        json!({"previewToken": earlier}),
        json!({"previewToken": "nonsense"}),
    ] {
        world.refused(&admin, "changeTier", with(&input, more), "PREVIEW_STALE", "input.previewToken").await;
    }
    let apply = with(&input, json!({"previewToken": token}));
    world.pass(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    world.refused(&admin, "changeTier", apply, "PREVIEW_STALE", "input.previewToken").await;
    admin.mutate("markPaid", json!({"id": id}), "").await;
    let told = preview(&admin, "previewTierChange", &input).await;
    admin.mutate("consume", json!({"ownerId": customer, "feature": "ai.queries", "amount": 5}), "").await;
    admin.mutate("changeTier", with(&input, json!({"previewToken": told["previewToken"]})), "").await;
}

#[on_both]
async fn a_change_is_charged_by_its_rule(world: &World) {
    renewing(world).await;
    let admin = world.admin(world.alpha);
    let plus = world.alpha.plus.to_string();
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (_, tried) = world.subscribed(world.alpha, "Bob", world.alpha.plus, json!({"trialDays": 60})).await;
    world.pass(TimeDelta::days(15) + TimeDelta::hours(12));
    for (more, expected) in [
        (json!({"proration": "NONE"}), json!([[], 0, 0, 1900])),
        (json!({"proration": "FULL"}), json!([[1900], 1900, 0, 1900])),
        (json!({"timing": "PERIOD_END"}), json!([[], 0, 0, 1900])),
        (json!({"billingCycle": "YEARLY"}), json!([[-450, 19_000], 18_550, 0, 19_000])),
        (json!({"billingCycle": "YEARLY", "proration": "FULL"}), json!([[19_000], 19_000, 0, 19_000])),
    ] {
        let told = preview(&admin, "previewTierChange", &with(&json!({"id": id, "tierId": plus}), more)).await;
        assert_eq!(charged(&told), expected);
    }
    // A trial costs nothing, whatever it changes to.
    let told = json!({"id": tried, "tierId": world.alpha.basic.to_string()});
    let told = preview(&admin, "previewTierChange", &told).await;
    assert_eq!(charged(&told), json!([[], 0, 0, null]), "nothing converts it");
    // FULL begins a new period, with fresh meters.
    let full = json!({"id": id, "tierId": plus, "proration": "FULL"});
    let shown = "subscription { currentPeriodStart currentPeriodEnd }";
    let changed = admin.mutate("changeTier", full, shown).await["subscription"].clone();
    let expected = json!({"currentPeriodStart": "2026-03-17T00:00:00Z", "currentPeriodEnd": "2026-04-17T00:00:00Z"});
    assert_eq!(changed, expected);
    assert_eq!(payments(&admin, &id).await, json!([[1900, "PENDING", "CHANGE"]]));
    // No new period begins for an add-on.
    let seats = world.seats("CUSTOMER", json!({"organizationId": world.alpha.id.to_string()})).await;
    let full = json!({"id": id, "addOns": [{"addOnId": seats}], "proration": "FULL"});
    assert_eq!(
        attempt(&admin, "previewAddOnChange", &full).await["userErrors"][0]["path"],
        json!(["input", "proration"])
    );
}

#[on_both]
async fn what_is_gained_and_lost_is_told(world: &World) {
    renewing(world).await;
    let admin = world.admin(world.alpha);
    let seats = world.seats("CUSTOMER", json!({"organizationId": world.alpha.id.to_string()})).await;
    let terms = json!({"addOns": [{"addOnId": seats, "quantity": 2}]});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    world.pass(TimeDelta::days(15) + TimeDelta::hours(12));
    let change = |quantity: i64| json!({"id": id, "addOns": [{"addOnId": seats, "quantity": quantity}]});
    let more = preview(&admin, "previewAddOnChange", &change(4)).await;
    assert_eq!(charged(&more), json!([[-200, 400], 200, 0, 1700]));
    assert_eq!(more["lines"][1]["quantity"], 4);
    let keys = |list: &Value| crate::support::each(list, "key");
    assert_eq!(keys(&more["gained"]), ["branches", "products"]);
    let products =
        json!({"key": "products", "grantedBefore": true, "grantedAfter": true, "limitBefore": 20, "limitAfter": 30});
    assert_eq!((&more["gained"][1], &more["lost"]), (&products, &json!([])));
    let fewer = preview(&admin, "previewAddOnChange", &change(0)).await;
    assert_eq!((charged(&fewer), &fewer["effectiveAt"]), (json!([[], 0, 0, 900]), &json!("2026-04-01T12:00:00Z")));
    assert_eq!(keys(&fewer["lost"]), ["branches", "products"]);
    let now = preview(&admin, "previewAddOnChange", &with(&change(0), json!({"timing": "NOW"}))).await;
    assert_eq!((charged(&now), &now["settlement"]), (json!([[-200], 0, 200, 900]), &json!("MANUAL_REFUND")));

    let later = preview(&admin, "previewCancel", &json!({"id": id})).await;
    assert_eq!((charged(&later), &later["status"]), (json!([[], 0, 0, null]), &json!("CANCELED")));
    assert_eq!(later["effectiveAt"], "2026-04-01T12:00:00Z");
    assert_eq!(keys(&later["lost"]), ["ai.queries", "branches", "products", "users"]);
    let apply = json!({"id": id, "previewToken": later["previewToken"]});
    admin.mutate("cancelSubscription", apply, "").await;
    let again = attempt(&admin, "previewCancel", &json!({"id": id})).await;
    assert_eq!(again["userErrors"][0]["code"], "CONFLICT", "refused as the mutation would be");
}

#[on_both]
async fn who_may_not_change_it_sees_no_preview(world: &World) {
    let (customer, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let document = format!(
        "query($input: ChangeTierInput!) {{ previewTierChange(input: $input) {{ {SHOWN} userErrors {{ code path }} }} }}"
    );
    let input = json!({"input": {"id": id, "tierId": world.alpha.plus.to_string()}});
    for client in [world.customer(world.alpha, &customer), world.caller(tessera::auth::Role::Worker, world.alpha)] {
        assert_eq!(client.send(&document, input.clone()).await.code(), "FORBIDDEN");
    }
    let stranger = attempt(&world.admin(world.beta), "previewTierChange", &input["input"]).await;
    assert_eq!(stranger["userErrors"], json!([{"code": "NOT_FOUND", "path": ["input", "id"]}]));
}
