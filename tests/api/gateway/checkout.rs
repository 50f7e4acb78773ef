//! Checkouts: an owner pays on a page of its seller's gateway, and has what it paid for once the gateway says so.

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tessera::auth::Role;
use tessera::entity::{GatewayObjectKind, gateway_account};
use tessera_gateway::CustomerId;
use tessera_gateway::simulator::{Faults, Outcome};

use super::inbox::{address, send};
use crate::support::{Client, Tenant, World, on_both};

const FIELDS: &str =
    "checkout { checkoutId state url subscriptionId paymentId price { amountMinor currency } expiresAt }";
const PAYS: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
const ASKS: &str = "4000002500003155";

/// A seller's account at the simulator, with prices for the tenant's tiers.
pub async fn shop(world: &World, tenant: Tenant) -> gateway_account::Model {
    let account = world.gateway(Some(tenant)).await;
    world.gateway_prices(&account.id.to_string(), tenant).await;
    account
}

fn buys(owner: &str, tenant: Tenant) -> Value {
    json!({"ownerId": owner, "tierId": tenant.plus.to_string(), "billingCycle": "MONTHLY", "returnUrl": "https://shop.example.com/done?x=1"})
}

/// A customer that waits for its first payment.
async fn waiting(world: &World, name: &str) -> (String, String) {
    world.subscribed(world.alpha, name, world.alpha.basic, json!({"requiresPayment": true})).await
}

pub async fn started(client: &Client, owner: &str, tenant: Tenant) -> Value {
    client.mutate("startCheckout", buys(owner, tenant), FIELDS).await["checkout"].clone()
}

/// Pays on a page with a card, and confirms with the bank where that asks.
pub async fn pay(checkout: &Value, card: &str) {
    let url = checkout["url"].as_str().expect("a page");
    for form in [format!("card={card}"), "bank=approve".to_owned()] {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body(form).send().await.expect("an answer");
    }
}

async fn confirmed(client: &Client, checkout: &Value) -> Value {
    let input = json!({"checkoutId": checkout["checkoutId"]});
    client.mutate("confirmCheckout", input, FIELDS).await["checkout"].clone()
}

async fn subscription(world: &World, id: &Value) -> Value {
    let document =
        "query ($id: ID!) { subscription(id: $id) { status mode gateway gatewaySubscriptionId price { amountMinor } paymentStatus
        currentPeriodStart currentPeriodEnd tier { id } effectiveStatus { status entitled }
        payments(first: 10) { nodes { status gateway failureCode } } } }";
    world.root().ok(document, json!({"id": id})).await["subscription"].clone()
}

/// Lets the applier do what there is to do: what comes as news waits a second for more of the same.
async fn pass(world: &World) {
    for _ in 0..3 {
        let applier = world.app.applier();
        applier.pass().await.unwrap_or_else(|error| panic!("{}", error.told_inside()));
        applier.asker().look_after().await.unwrap_or_else(|error| panic!("{}", error.told_inside()));
        world.pass(TimeDelta::seconds(2));
    }
}

#[on_both]
async fn a_customer_pays_for_what_it_waits_for(world: &World) {
    shop(world, world.alpha).await;
    let (owner, sub) = waiting(world, "Ada").await;
    let client = world.customer(world.alpha, &owner);
    let checkout = started(&client, &owner, world.alpha).await;
    assert_eq!((&checkout["state"], &checkout["price"]["amountMinor"]), (&json!("OPEN"), &json!(1_900)));
    assert_eq!(checkout["subscriptionId"], sub);
    assert!(checkout["expiresAt"].is_string());
    let before = subscription(world, &json!(sub)).await;
    assert_eq!(
        (&before["status"], &before["price"]["amountMinor"]),
        (&json!("PENDING"), &json!(900)),
        "not before it is paid"
    );
    assert_eq!(confirmed(&client, &checkout).await["url"], checkout["url"], "it is still open");
    pay(&checkout, PAYS).await;
    let done = confirmed(&client, &checkout).await;
    assert_eq!((&done["state"], &done["url"]), (&json!("COMPLETED"), &Value::Null));
    let after = subscription(world, &json!(sub)).await;
    assert_eq!(
        (&after["status"], &after["mode"], &after["gateway"]),
        (&json!("ACTIVE"), &json!("GATEWAY"), &json!("SIMULATOR"))
    );
    assert_eq!(
        (&after["price"]["amountMinor"], &after["tier"]["id"]),
        (&json!(1_900), &json!(world.alpha.plus.to_string()))
    );
    assert_eq!(after["effectiveStatus"], json!({"status": "ACTIVE", "entitled": true}));
    assert_eq!(after["payments"]["nodes"].as_array().map(Vec::len), Some(1), "{after}");
    assert_eq!(
        (&after["payments"]["nodes"][0]["status"], &after["paymentStatus"]),
        (&json!("SUCCEEDED"), &json!("SUCCEEDED"))
    );
    assert_eq!(confirmed(&client, &checkout).await, done);
    pass(world).await;
    assert_eq!(subscription(world, &json!(sub)).await, after, "nothing is left to do");
    // What a gateway bills is bought once.
    world.refused(&client, "startCheckout", buys(&owner, world.alpha), "GATEWAY_BILLED", "input.ownerId").await;
}

#[on_both]
async fn what_does_not_fit_is_refused(world: &World) {
    let account = shop(world, world.alpha).await;
    let (owner, _) = waiting(world, "Ada").await;
    let (other, _) = waiting(world, "Bob").await;
    let client = world.customer(world.alpha, &owner);
    let with = |more: Value| {
        let mut input = buys(&owner, world.alpha);
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        input
    };
    for (more, code, path) in [
        (json!({"ownerId": other}), "NOT_FOUND", "input.ownerId"),
        (json!({"returnUrl": "https://evil.example/done"}), "INVALID_FORMAT", "input.returnUrl"),
        (json!({"returnUrl": ""}), "REQUIRED", "input.returnUrl"),
        (json!({"billingCycle": "YEARLY"}), "NO_PRICE", "input.tierId"),
        (json!({"currency": "EUR"}), "CONFLICT", "input.currency"),
        (json!({"tierId": world.beta.plus.to_string()}), "NOT_FOUND", "input.tierId"),
    ] {
        world.refused(&client, "startCheckout", with(more), code, path).await;
    }
    let worker = world.caller(Role::Worker, world.alpha);
    assert_eq!(worker.send_mutation("startCheckout", with(json!({})), FIELDS).await.code(), "FORBIDDEN");
    // An organization's own is sold by the platform, which has no account.
    let own = with(json!({"ownerId": world.alpha.id.to_string()}));
    world
        .refused(&world.admin(world.alpha), "startCheckout", own, "GATEWAY_UNAVAILABLE", "input.gatewayAccountId")
        .await;
    let own = with(json!({"ownerId": world.alpha.id.to_string(), "gatewayAccountId": account.id.to_string()}));
    world.refused(&world.admin(world.alpha), "startCheckout", own, "NOT_FOUND", "input.gatewayAccountId").await;
    let checkout = started(&client, &owner, world.alpha).await;
    let input = json!({"checkoutId": checkout["checkoutId"]});
    let stranger = world.customer(world.alpha, &other);
    for mutation in ["confirmCheckout", "retryCheckout"] {
        world.refused(&stranger, mutation, input.clone(), "NOT_FOUND", "input.checkoutId").await;
    }
}

#[on_both]
async fn a_new_attempt_closes_the_one_before(world: &World) {
    shop(world, world.alpha).await;
    let (owner, sub) = waiting(world, "Ada").await;
    let client = world.customer(world.alpha, &owner);
    let first = started(&client, &owner, world.alpha).await;
    pay(&first, DECLINED).await;
    assert_eq!(confirmed(&client, &first).await["state"], "OPEN", "another card may be tried");
    let again = json!({"checkoutId": first["checkoutId"]});
    let second = client.mutate("retryCheckout", again.clone(), FIELDS).await["checkout"].clone();
    assert_ne!(second["checkoutId"], first["checkoutId"]);
    assert_eq!(confirmed(&client, &first).await["state"], "EXPIRED");
    pay(&first, PAYS).await;
    assert_eq!(confirmed(&client, &first).await["state"], "EXPIRED", "a closed page takes nothing");
    pay(&second, ASKS).await;
    assert_eq!(confirmed(&client, &second).await["state"], "COMPLETED", "3-D Secure");
    let after = subscription(world, &json!(sub)).await;
    let payments: Vec<_> =
        after["payments"]["nodes"].as_array().expect("a list").iter().map(|one| &one["status"]).collect();
    assert!(
        payments.contains(&&json!("CANCELED")) && payments.contains(&&json!("SUCCEEDED")) && payments.len() == 2,
        "{after}"
    );
    world.refused(&client, "retryCheckout", again, "GATEWAY_BILLED", "input.ownerId").await;
}

#[on_both]
async fn a_command_that_is_sent_again_answers_the_same_page(world: &World) {
    shop(world, world.alpha).await;
    let (owner, _) = waiting(world, "Ada").await;
    let client = world.customer(world.alpha, &owner);
    let mut input = buys(&owner, world.alpha);
    input["idempotencyKey"] = json!("one");
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(client.mutate("startCheckout", input.clone(), FIELDS).await["checkout"].clone());
    }
    assert_eq!((&answers[0]["state"], answers[0]["url"].is_string()), (&json!("OPEN"), true));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    pay(&answers[0], PAYS).await;
    confirmed(&client, &answers[0]).await;
    let after = client.mutate("startCheckout", input, FIELDS).await["checkout"].clone();
    assert_eq!((&after["checkoutId"], &after["state"]), (&answers[0]["checkoutId"], &json!("COMPLETED")));
}

/// Two browsers, two tabs and late news: one charge.
#[on_both]
async fn a_subscription_is_charged_once(world: &World) {
    let account = shop(world, world.alpha).await;
    for round in 0..5 {
        let (owner, sub) = waiting(world, &format!("c{round}")).await;
        let clients = [world.customer(world.alpha, &owner), world.admin(world.alpha)];
        let begun = join_all(clients.iter().map(|client| async {
            client.attempt("startCheckout", buys(&owner, world.alpha), FIELDS).await["checkout"].clone()
        }))
        .await;
        let open: Vec<_> = begun.into_iter().filter(|checkout| checkout["url"].is_string()).collect();
        assert!(!open.is_empty(), "somebody begins");
        join_all(open.iter().flat_map(|checkout| [pay(checkout, PAYS), pay(checkout, PAYS)])).await;
        let id = tessera::entity::TypedId::parse(&sub).expect("an id");
        let pages = world.store.system().objects_of(account.id, id, GatewayObjectKind::Checkout).await.expect("rows");
        let event = json!({"id": format!("evt_{round}"), "object": "event", "type": "checkout.session.completed", "created": 1,
            "livemode": false, "data": {"object": {"id": pages[0].external_id, "object": "checkout.session"}}});
        let path = address(&account);
        let news = send(world, &path, &event, "whsec_test");
        let confirming = join_all(open.iter().map(|checkout| confirmed(&clients[0], checkout)));
        join(news, confirming).await;
        pass(world).await;
        let after = subscription(world, &json!(sub)).await;
        assert_eq!(after["status"], "ACTIVE", "{round} {after}");
        let remote = world.app.gateways().of(&account).unwrap_or_else(|_| panic!("the key opens"));
        let tenant = tessera::graphql::nested::OwnerKey {
            tenant: world.alpha.id,
            customer: tessera::entity::TypedId::parse(&owner),
        };
        let customer =
            world.store.system().gateway_customer(account.id, tenant).await.expect("rows").expect("a customer");
        let customer = CustomerId(customer);
        let billed = remote.call("subscriptions", |gateway| gateway.subscriptions(&customer)).await.expect("a list");
        let live: Vec<_> = billed.iter().filter(|one| one.ended_at.is_none()).collect();
        assert_eq!(live.len(), 1, "{round} {billed:?}");
        assert_eq!(after["gatewaySubscriptionId"], live[0].id.as_str());
    }
}

/// The gateway's word is applied whether somebody confirms or not, and whatever happens afterwards.
#[on_both]
async fn renewals_failures_and_ends_come_as_news(world: &World) {
    let account = shop(world, world.alpha).await;
    let remote = world.app.gateways().of(&account).unwrap_or_else(|_| panic!("the key opens"));
    let (owner, sub) = waiting(world, "Ada").await;
    let client = world.customer(world.alpha, &owner);
    let checkout = started(&client, &owner, world.alpha).await;
    pay(&checkout, PAYS).await;
    confirmed(&client, &checkout).await;
    let first = subscription(world, &json!(sub)).await;
    let id = first["gatewaySubscriptionId"].as_str().expect("an id").to_owned();
    let news = async |number: u32, kind: &str, object: &str, id: &str| {
        let event = json!({"id": format!("evt_{number}"), "object": "event", "type": kind, "created": 1, "livemode": false,
            "data": {"object": {"id": id, "object": object}}});
        assert_eq!(send(world, &address(&account), &event, "whsec_test").await.0, 204);
        pass(world).await;
    };
    let fetched = async || {
        let object = remote.call("fetch", |gateway| gateway.fetch(tessera_gateway::Kind::Subscription, &id)).await;
        match object.expect("a subscription") {
            tessera_gateway::Object::Subscription(object) => object,
            other => panic!("{other:?}"),
        }
    };
    // A renewal that is paid.
    world.pass(TimeDelta::days(32));
    let told = fetched().await;
    news(1, "invoice.paid", "invoice", told.latest_invoice.expect("an invoice").as_str()).await;
    let renewed = subscription(world, &json!(sub)).await;
    assert_eq!((&renewed["status"], &renewed["currentPeriodStart"]), (&json!("ACTIVE"), &first["currentPeriodEnd"]));
    assert_eq!(renewed["payments"]["nodes"].as_array().map(Vec::len), Some(2), "{renewed}");
    // One that is not: access goes on for the days of grace.
    let customer = told.customer.to_string();
    let name = account.gateway_account_id.clone().expect("an account");
    world.simulator.next_payment(&name, &customer, Outcome::Decline);
    world.pass(TimeDelta::days(31));
    let told = fetched().await;
    assert_eq!(told.status, tessera_gateway::SubscriptionStatus::PastDue);
    news(2, "invoice.payment_failed", "invoice", told.latest_invoice.clone().expect("an invoice").as_str()).await;
    news(3, "customer.subscription.updated", "subscription", &id).await;
    let failed = subscription(world, &json!(sub)).await;
    assert_eq!(
        (&failed["status"], &failed["currentPeriodEnd"]),
        (&json!("PAST_DUE"), &renewed["currentPeriodEnd"]),
        "{failed}"
    );
    assert_eq!(failed["effectiveStatus"]["entitled"], true);
    // The gateway tries again, and it works.
    world.pass(TimeDelta::days(4));
    let told = fetched().await;
    assert_eq!(told.status, tessera_gateway::SubscriptionStatus::Active);
    news(4, "customer.subscription.updated", "subscription", &id).await;
    news(5, "invoice.paid", "invoice", told.latest_invoice.clone().expect("an invoice").as_str()).await;
    let recovered = subscription(world, &json!(sub)).await;
    assert_eq!(
        (&recovered["status"], &recovered["currentPeriodStart"]),
        (&json!("ACTIVE"), &renewed["currentPeriodEnd"]),
        "{recovered}"
    );
    // It ends there.
    let key = tessera_gateway::IdempotencyKey("k".to_owned());
    let theirs = tessera_gateway::SubscriptionId(id.clone());
    remote
        .call("cancel", |gateway| gateway.cancel(&key, &theirs, tessera_gateway::Cancellation::Now))
        .await
        .expect("it ends");
    news(6, "customer.subscription.deleted", "subscription", &id).await;
    let ended = subscription(world, &json!(sub)).await;
    assert_eq!((&ended["status"], &ended["effectiveStatus"]["entitled"]), (&json!("CANCELED"), &json!(false)));
    // Old news changes nothing.
    news(7, "invoice.paid", "invoice", told.latest_invoice.expect("an invoice").as_str()).await;
    assert_eq!(subscription(world, &json!(sub)).await["status"], "CANCELED");
}

#[on_both]
async fn an_answer_that_is_lost_opens_no_second_page(world: &World) {
    let account = shop(world, world.alpha).await;
    for (place, faults) in [
        Faults { lost_answers: 1, ..Faults::default() },
        Faults { errors_after: 1, ..Faults::default() },
        Faults { errors_before: 1, ..Faults::default() },
    ]
    .into_iter()
    .enumerate()
    {
        let (owner, _) = waiting(world, &format!("c{place}")).await;
        let admin = world.admin(world.alpha);
        admin.mutate("ensureGatewayCustomer", json!({"ownerId": owner}), "").await;
        world.simulator.set_faults(faults);
        let checkout = started(&admin, &owner, world.alpha).await;
        let remote = world.app.gateways().of(&account).unwrap_or_else(|_| panic!("the key opens"));
        let key = tessera::graphql::nested::OwnerKey {
            tenant: world.alpha.id,
            customer: tessera::entity::TypedId::parse(&owner),
        };
        let customer =
            CustomerId(world.store.system().gateway_customer(account.id, key).await.expect("rows").expect("one"));
        let reference = tessera_gateway::Reference(checkout["checkoutId"].as_str().expect("an id").to_owned());
        let pages = remote.call("find_checkouts", |gateway| gateway.find_checkouts(&customer, &reference)).await;
        assert_eq!(pages.expect("a list").len(), 1, "{place}");
    }
}
