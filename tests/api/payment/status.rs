//! How payments stand: at the gateway, and on the subscription that they are for.

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::{
    Gateway, GatewayAccountId, PaymentId, PaymentMethodId, PaymentStatus, StoredJson, payment, payment_method,
};

use crate::support::{Client, Payer, World, at, card, each, on_both, payment};

const SHOWN: &str = "query($id: ID!) { subscription(id: $id) { paymentStatus paymentStatusAt purchaser version } }";

async fn shown(client: &Client, id: &str) -> Value {
    client.ok(SHOWN, json!({"id": id})).await["subscription"].clone()
}

async fn found(client: &Client, filter: Value) -> Vec<Value> {
    let document = "query($where: SubscriptionFilter) { subscriptions(where: $where, orderBy: [{field: CREATED_AT}]) { nodes { id } } }";
    each(&client.ok(document, json!({"where": filter})).await["subscriptions"]["nodes"], "id")
}

fn at_gateway(row: payment::Model, account: Option<GatewayAccountId>, id: Option<&str>) -> payment::Model {
    let gateway_payment_id = id.map(str::to_owned);
    payment::Model { gateway: Gateway::Simulator, gateway_account_id: account, gateway_payment_id, ..row }
}

fn waiting(row: payment::Model, status: PaymentStatus) -> payment::Model {
    payment::Model { status, paid_at: None, ..row }
}

#[on_both]
async fn a_subscription_tells_how_its_newest_payment_stands(world: &World) {
    let admin = world.admin(world.alpha);
    let (ada, of_ada) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, of_bob) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let (_, of_cid) = world.subscribed(world.alpha, "Cid", world.alpha.basic, json!({})).await;
    let before = shown(&admin, &of_ada).await;
    assert_eq!((&before["paymentStatus"], &before["paymentStatusAt"]), (&Value::Null, &Value::Null));
    let of = |customer| Payer { tenant: world.alpha, customer: Some(customer) };
    let (first, second) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
    // Whatever order they are written in, the newest counts.
    let rows = vec![
        waiting(payment(of(&ada), &of_ada, second), PaymentStatus::Failed),
        payment(of(&ada), &of_ada, first),
        payment(of(&bob), &of_bob, first),
    ];
    world.put_payments(rows).await;
    let told = shown(&admin, &of_ada).await;
    let expected = json!({"paymentStatus": "FAILED", "paymentStatusAt": "2026-03-02T00:00:00Z",
        "purchaser": before["purchaser"], "version": before["version"]});
    assert_eq!(told, expected);
    for (filter, expected) in [
        (json!({"paymentStatus": {"eq": "FAILED"}}), vec![json!(of_ada)]),
        (json!({"paymentStatus": {"in": ["FAILED", "SUCCEEDED"]}}), vec![json!(of_ada), json!(of_bob)]),
        (json!({"paymentStatus": {"eq": "REQUIRES_ACTION"}}), vec![]),
        (json!({"paymentStatusAt": {"to": "2026-03-02T00:00:00Z"}}), vec![json!(of_bob)]),
        (json!({"paymentStatusAt": {"from": "2026-03-02T00:00:00Z"}}), vec![json!(of_ada)]),
    ] {
        assert_eq!(found(&admin, filter.clone()).await, expected, "{filter}");
    }
    // What a command writes is told at once, in its own answer too.
    admin.mutate("markPastDue", json!({"id": of_cid}), "").await;
    assert_eq!(found(&admin, json!({"paymentStatus": {"eq": "PENDING"}})).await, [json!(of_cid)]);
    let paid = admin.mutate("markPaid", json!({"id": of_cid}), "subscription { paymentStatus }").await;
    assert_eq!(paid["subscription"]["paymentStatus"], "SUCCEEDED");
    // And a later change of the subscription leaves it as it is.
    admin.mutate("updateSubscription", json!({"id": of_cid, "externalId": "x"}), "").await;
    assert_eq!(found(&admin, json!({"paymentStatus": {"eq": "PENDING"}})).await, Vec::<Value>::new());
}

#[on_both]
async fn who_may_not_read_payments_is_told_nothing_of_them(world: &World) {
    let (ada, of_ada) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let payer = Payer { tenant: world.alpha, customer: Some(&ada) };
    world.put_payments(vec![payment(payer, &of_ada, at("2026-03-01T00:00:00Z"))]).await;
    let hidden = json!({"paymentStatus": {"in": ["PENDING", "SUCCEEDED"]}});
    let anytime = json!({"paymentStatusAt": {"from": "2020-01-01T00:00:00Z"}});
    let service = world.service(world.alpha, &[Permission::CustomersRead]);
    for client in [world.caller(Role::Worker, world.alpha), service] {
        let told = shown(&client, &of_ada).await;
        let of = [&told["paymentStatus"], &told["paymentStatusAt"], &told["purchaser"]];
        assert_eq!(of, [&Value::Null; 3], "{told}");
        for filter in [&hidden, &anytime, &json!({"purchaser": "admin@alpha.example.com"})] {
            assert_eq!(found(&client, filter.clone()).await, Vec::<Value>::new(), "{filter}");
        }
    }
    let own = shown(&world.customer(world.alpha, &ada), &of_ada).await;
    assert_eq!((&own["paymentStatus"], &own["purchaser"]), (&json!("SUCCEEDED"), &Value::Null));
}

#[on_both]
async fn who_bought_is_known(world: &World) {
    let buyer = world.acting(Role::Admin, world.alpha, "buyer@example.com");
    let input = json!({"name": "Ada", "subscription": {"tierId": world.alpha.basic.to_string()}});
    let made =
        buyer.mutate("createCustomer", input, "customer { subscription { id purchaser } }").await["customer"].clone();
    assert_eq!(made["subscription"]["purchaser"], "buyer@example.com");
    let admin = world.admin(world.alpha);
    assert_eq!(found(&admin, json!({"purchaser": "buyer@example.com"})).await, [made["subscription"]["id"].clone()]);
    assert_eq!(found(&world.admin(world.beta), json!({"purchaser": "buyer@example.com"})).await, Vec::<Value>::new());
}

#[on_both]
async fn gateways_say_more_of_payments_than_they_did(world: &World) {
    let (account, other) = (world.gateway(Some(world.alpha)).await, world.gateway(Some(world.beta)).await);
    let (ada, of_ada) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, of_bob) = world.subscribed(world.beta, "Bob", world.beta.basic, json!({})).await;
    let ada = Payer { tenant: world.alpha, customer: Some(&ada) };
    let bob = Payer { tenant: world.beta, customer: Some(&bob) };
    let now = at("2026-03-01T00:00:00Z");
    let row = |status, id| waiting(at_gateway(payment(ada, &of_ada, now), Some(account.id), id), status);
    // Before it is tried, a payment has no id there.
    let first = row(PaymentStatus::RequiresAction, None);
    world.put_payments(vec![first.clone()]).await;
    // It is the one attempt under way, and no other may be beside it.
    let system = world.store.system();
    let second = row(PaymentStatus::Pending, Some("pi_1"));
    assert!(system.insert::<_, payment::Entity>(vec![second]).await.is_err(), "two attempts");
    // Ids are an account's own.
    let disputed = payment::Model {
        status: PaymentStatus::Disputed,
        gateway_metadata: Some(StoredJson::Read(json!({"risk": "high"}))),
        ..at_gateway(payment(ada, &of_ada, now), Some(account.id), Some("pi_1"))
    };
    let elsewhere = at_gateway(payment(bob, &of_bob, now), Some(other.id), Some("pi_1"));
    world.put_payments(vec![disputed.clone(), elsewhere]).await;
    let again = payment::Model { id: PaymentId::generate(), ..disputed.clone() };
    assert!(system.insert::<_, payment::Entity>(vec![again]).await.is_err(), "an id twice in an account");
    // Disputed money was received once.
    let unpaid =
        payment::Model { id: PaymentId::generate(), paid_at: None, gateway_payment_id: None, ..disputed.clone() };
    assert!(system.insert::<_, payment::Entity>(vec![unpaid]).await.is_err(), "disputed and never paid");
    let document = "query($id: ID!) { payment(id: $id) { status gatewayMetadata gatewayAccount { id } } }";
    let id = json!({"id": disputed.id.to_string()});
    let told = world.admin(world.alpha).ok(document, id.clone()).await;
    let expected = json!({"status": "DISPUTED", "gatewayMetadata": {"risk": "high"}, "gatewayAccount": {"id": account.id.to_string()}});
    assert_eq!(told["payment"], expected);
    let told = world.customer(world.alpha, ada.customer.expect("a customer")).ok(document, id).await;
    assert_eq!(told["payment"], json!({"status": "DISPUTED", "gatewayMetadata": null, "gatewayAccount": null}));

    let method = payment_method::Model { gateway_account_id: Some(account.id), ..card(ada, now) };
    let same = payment_method::Model { id: PaymentMethodId::generate(), is_default: false, ..method.clone() };
    let elsewhere = payment_method::Model {
        gateway_account_id: Some(other.id),
        gateway_method_id: method.gateway_method_id.clone(),
        ..card(bob, now)
    };
    world.put_methods(vec![method, elsewhere]).await;
    assert!(system.insert::<_, payment_method::Entity>(vec![same]).await.is_err(), "a method twice in an account");
}

#[on_both]
async fn a_tier_says_how_its_checkout_is_paid(world: &World) {
    let admin = world.admin(world.alpha);
    let new = json!({"key": "crypto", "name": "Crypto", "kind": "CUSTOMER", "rank": 1, "public": true,
        "paymentOptions": ["CRYPTO", "CARD", "CRYPTO"]});
    let made = admin.mutate("createTier", new, "tier { id paymentOptions }").await["tier"].clone();
    assert_eq!(made["paymentOptions"], json!(["CRYPTO", "CARD"]));
    let slug = json!({"slug": "alpha"});
    let document = "query($slug: String) { checkoutTiers(organizationSlug: $slug) { key paymentOptions } }";
    let offered = world.nobody().ok(document, slug).await["checkoutTiers"].clone();
    assert!(
        offered.as_array().expect("a list").contains(&json!({"key": "crypto", "paymentOptions": ["CRYPTO", "CARD"]}))
    );
    let update = json!({"id": made["id"], "paymentOptions": []});
    let updated = admin.mutate("updateTier", update, "tier { paymentOptions }").await;
    assert_eq!(updated["tier"]["paymentOptions"], json!([]));
}
