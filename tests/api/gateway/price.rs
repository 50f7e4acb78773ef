//! What gateways call the prices that are sold.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::gateway_account;

use crate::support::{Client, World, on_both};

const MUTATION: &str = "setGatewayPrice";
const FIELDS: &str = "accountPrice { gatewayPriceId gatewayAccountId tierId addOnId billingCycle priceId amount { amountMinor currency } }";

fn of_tier(world: &World, account: &gateway_account::Model, price: &str) -> Value {
    json!({"gatewayAccountId": account.id.to_string(), "tierId": world.alpha.basic.to_string(),
        "billingCycle": "MONTHLY", "currency": "USD", "priceId": price})
}

async fn prices(client: &Client, account: &gateway_account::Model) -> Value {
    let document = "query($id: ID!) { accountPrices(gatewayAccountId: $id) { priceId amount { amountMinor } } }";
    client.ok(document, json!({"id": account.id.to_string()})).await["accountPrices"].clone()
}

#[on_both]
async fn a_price_is_kept_that_asks_for_what_is_sold(world: &World) {
    let (admin, account) = (world.admin(world.alpha), world.gateway(Some(world.alpha)).await);
    let made =
        admin.mutate(MUTATION, of_tier(world, &account, "price_900_usd_month"), FIELDS).await["accountPrice"].clone();
    assert_eq!(made["amount"], json!({"amountMinor": 900, "currency": "USD"}));
    assert_eq!(
        (&made["priceId"], &made["tierId"]),
        (&json!("price_900_usd_month"), &json!(world.alpha.basic.to_string()))
    );
    for other in ["price_901_usd_month", "price_900_eur_month", "price_900_usd_year"] {
        world
            .refused(&admin, MUTATION, of_tier(world, &account, other), "GATEWAY_PRICE_DIFFERS", "input.priceId")
            .await;
    }
    world.refused(&admin, MUTATION, of_tier(world, &account, "nothing"), "GATEWAY_REFUSED", "input.priceId").await;
    let euros = json!({"gatewayAccountId": account.id.to_string(), "tierId": world.alpha.basic.to_string(),
        "billingCycle": "MONTHLY", "currency": "EUR", "priceId": "price_900_eur_month"});
    world.refused(&admin, MUTATION, euros, "NO_PRICE", "input.billingCycle").await;
    // The same once more is the same row, and an add-on has its own.
    let again = admin.mutate(MUTATION, of_tier(world, &account, "price_900_usd_month"), FIELDS).await;
    assert_eq!(again["accountPrice"], made);
    assert_eq!(
        prices(&admin, &account).await,
        json!([{"priceId": "price_900_usd_month", "amount": {"amountMinor": 900}}])
    );
    let document = "query($id: ID!) { auditEvents(where: {entityId: $id}) { nodes { action } } }";
    let trail = admin.ok(document, json!({"id": made["gatewayPriceId"]})).await;
    assert_eq!(trail["auditEvents"]["nodes"], json!([{"action": "gateway_price.create"}]));
}

#[on_both]
async fn a_price_is_set_anew_when_what_is_sold_changes(world: &World) {
    let (admin, account) = (world.admin(world.alpha), world.gateway(Some(world.alpha)).await);
    let first = admin.mutate(MUTATION, of_tier(world, &account, "price_900_usd_month"), FIELDS).await;
    let dearer = json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 1_000}]);
    admin.mutate("updateTier", json!({"id": world.alpha.basic.to_string(), "prices": dearer}), "").await;
    let old = of_tier(world, &account, "price_900_usd_month");
    world.refused(&admin, MUTATION, old, "GATEWAY_PRICE_DIFFERS", "input.priceId").await;
    let second = admin.mutate(MUTATION, of_tier(world, &account, "price_1000_usd_month"), FIELDS).await;
    assert_eq!(second["accountPrice"]["gatewayPriceId"], first["accountPrice"]["gatewayPriceId"]);
    let told = json!([{"priceId": "price_1000_usd_month", "amount": {"amountMinor": 1_000}}]);
    assert_eq!(prices(&admin, &account).await, told);
    // An add-on has its own.
    let new = json!({"key": "seats", "name": "Seats", "kind": "CUSTOMER",
        "prices": [{"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 5_000}]});
    let seats = admin.mutate("createAddOn", new, "addOn { id }").await["addOn"]["id"].clone();
    let input = json!({"gatewayAccountId": account.id.to_string(), "addOnId": seats, "billingCycle": "YEARLY",
        "currency": "USD", "priceId": "price_5000_usd_year"});
    let made = admin.mutate(MUTATION, input, FIELDS).await;
    assert_eq!((&made["accountPrice"]["addOnId"], &made["accountPrice"]["tierId"]), (&seats, &Value::Null));
}

#[on_both]
async fn only_the_seller_sets_prices_of_what_it_sells(world: &World) {
    let (account, platform) = (world.gateway(Some(world.alpha)).await, world.gateway(None).await);
    let admin = world.admin(world.alpha);
    let input = of_tier(world, &account, "price_900_usd_month");
    for (client, missing) in [
        (world.caller(Role::Worker, world.alpha), "payments.manage"),
        (world.service(world.alpha, &[Permission::PaymentsManage]), "tiers.manage"),
    ] {
        world.forbidden(&client, MUTATION, input.clone(), missing).await;
    }
    // What is not theirs is not there.
    let others = world.admin(world.beta);
    world.refused(&others, MUTATION, input.clone(), "NOT_FOUND", "input.gatewayAccountId").await;
    assert_eq!(prices(&others, &account).await, Value::Null);
    let of_platform = of_tier(world, &platform, "price_900_usd_month");
    world.refused(&admin, MUTATION, of_platform.clone(), "NOT_FOUND", "input.gatewayAccountId").await;
    // The platform sells to organizations, and an organization to its customers.
    world.refused(&world.root(), MUTATION, of_platform, "WRONG_TIER_KIND", "input.tierId").await;
    let mut own = input.clone();
    own["tierId"] = json!(world.platform_tiers["starter"].to_string());
    world.refused(&admin, MUTATION, own, "WRONG_TIER_KIND", "input.tierId").await;
    let mut foreign = input.clone();
    foreign["tierId"] = json!(world.beta.basic.to_string());
    world.refused(&world.root(), MUTATION, foreign, "TIER_NOT_AVAILABLE", "input.tierId").await;
    // Nothing is behind an account for payments by hand.
    let by_hand = json!({"kind": "MANUAL", "mode": "LIVE", "name": "Bank"});
    let made = admin.mutate("createGatewayAccount", by_hand, "gatewayAccount { id }").await;
    let mut manual = input.clone();
    manual["gatewayAccountId"] = made["gatewayAccount"]["id"].clone();
    world.refused(&admin, MUTATION, manual, "CONFLICT", "input.gatewayAccountId").await;
    let mut both = input;
    both["addOnId"] = json!("addon_01h455vb4pex5vsknk084sn02q");
    world.refused(&admin, MUTATION, both, "CONFLICT", "input.addOnId").await;
}
