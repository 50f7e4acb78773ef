//! Whatever Stripe may answer is understood: what may be missing is missing, what may be null is null; or all is there.

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, Uri};
use tessera_gateway::{
    Cancellation, Change, Collection, Cursor, Error, Kind, Money, NewCheckout, NewCustomer, NewRefund, NewSetup,
    PaymentGateway, Seconds,
};
use tokio::net::TcpListener;

use crate::contract::{answer, example, operation};
use crate::ground::{client, key, reference};

async fn serve(full: bool) -> tessera_gateway::Stripe {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(move |method: Method, uri: Uri, _: Bytes| async move {
        let operation = operation(method.as_str(), uri.path()).expect("an operation of the contract");
        let mut answer = example(&answer(operation), full, 0);
        if answer["data"].is_array() && !full {
            answer["data"] = serde_json::json!([example(
                &serde_json::json!({ "ref": operation["answer"].as_str().unwrap().trim_start_matches("list ") }),
                full,
                0
            )]);
        }
        if answer["object"] == "event" || answer["data"][0]["object"] == "event" {
            answer["data"][0]["data"] = serde_json::json!({ "object": { "id": "in_1", "object": "invoice" } });
        }
        answer.to_string()
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    client(&base, "sk_test_acme_1")
}

#[tokio::test]
async fn every_answer_is_understood() {
    for full in [false, true] {
        let stripe = serve(full).await;
        let (key, name, customer) = (key("k"), reference("r"), "cus_1".into());
        stripe.account().await.unwrap();
        stripe.price(&"price_1".into()).await.unwrap();
        stripe.register_webhook(&key, "https://example.com/").await.unwrap();
        let new = NewCustomer { reference: name.clone(), name: None, email: None };
        stripe.create_customer(&key, &new).await.unwrap();
        stripe.find_customers(&name, Seconds(0)).await.unwrap();
        stripe.delete_customer(&key, &customer).await.unwrap();
        let url = "https://example.com/".to_owned();
        let new = NewCheckout {
            reference: name.clone(),
            customer: customer.clone(),
            lines: vec![("price_1".into(), 2)],
            success_url: url.clone(),
            cancel_url: url.clone(),
            trial_end: Some(Seconds(1)),
            expires_at: Some(Seconds(1)),
        };
        stripe.start_checkout(&key, &new).await.unwrap();
        stripe.find_checkouts(&customer, &name).await.unwrap();
        stripe.expire_checkout(&key, &"cs_1".into()).await.unwrap();
        let new = NewSetup {
            reference: name.clone(),
            customer: customer.clone(),
            currency: "USD".to_owned(),
            success_url: url.clone(),
            cancel_url: url.clone(),
        };
        stripe.start_setup(&key, &new).await.unwrap();
        stripe.portal(&key, &customer, &url).await.unwrap();
        for kind in [
            Kind::Subscription,
            Kind::Invoice,
            Kind::Checkout,
            Kind::Payment,
            Kind::Refund,
            Kind::Dispute,
            Kind::Method,
            Kind::Customer,
        ] {
            match stripe.fetch(kind, "id_1").await {
                // The example of a customer with all there is is a deleted one.
                Err(Error::NotFound) if kind == Kind::Customer => {}
                found => assert_eq!(found.map(|object| object.key().0), Ok(kind)),
            }
        }
        stripe.subscriptions(&customer).await.unwrap();
        let subscription = "sub_1".into();
        for how in [Cancellation::Now, Cancellation::AtPeriodEnd, Cancellation::Undo] {
            stripe.cancel(&key, &subscription, how).await.unwrap();
        }
        for collection in [Collection::Paused, Collection::Running] {
            stripe.set_collection(&key, &subscription, collection).await.unwrap();
        }
        let change = Change {
            subscription: subscription.clone(),
            item: "si_1".into(),
            price: "price_2".into(),
            quantity: 1,
            proration_date: Seconds(1),
        };
        stripe.preview_change(&change).await.unwrap();
        stripe.change_price(&key, &change).await.unwrap();
        stripe.void_invoice(&key, &"in_1".into()).await.unwrap();
        let amount = Some(Money { minor: 1, currency: "USD".to_owned() });
        let new = NewRefund { reference: name.clone(), payment: "pi_1".into(), amount };
        stripe.refund(&key, &new).await.unwrap();
        stripe.find_refunds(&"pi_1".into(), &name).await.unwrap();
        stripe.methods(&customer).await.unwrap();
        stripe.attach_method(&key, &customer, &"pm_1".into()).await.unwrap();
        stripe.detach_method(&key, &"pm_1".into()).await.unwrap();
        stripe.set_default_method(&key, &customer, Some(&subscription), &"pm_1".into()).await.unwrap();
        stripe.changed_since(None, Seconds(0)).await.unwrap();
        stripe.changed_since(Some(&Cursor("evt_1".into())), Seconds(0)).await.unwrap();
        // An id that is none never becomes a part of a path.
        for id in ["", "../balance", "a/b", "a?b", "a%2fb", "ä"] {
            assert_eq!(stripe.fetch(Kind::Invoice, id).await, Err(Error::NotFound), "{id}");
        }
    }
}
