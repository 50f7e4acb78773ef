//! Methods, refunds, disputes, changes of price, pages of lists.

use tessera_gateway::{
    Change, DisputeStatus, Error, Kind, Money, NewRefund, NewSetup, Object, Payment, PaymentGateway, PaymentId,
    RefundStatus, Seconds, Subscription,
};

use crate::ground::{DAY, Ground, START, reference};

const MONTHLY: &str = "price_1900_usd_month";

fn usd(minor: i64) -> Money {
    Money { minor, currency: "USD".to_owned() }
}

async fn first_payment(ground: &Ground, subscription: &Subscription) -> PaymentId {
    let invoice = subscription.latest_invoice.as_ref().unwrap();
    match ground.stripe.fetch(Kind::Invoice, invoice.as_str()).await.unwrap() {
        Object::Invoice(invoice) => invoice.payments[0].clone(),
        other => panic!("{other:?}"),
    }
}

async fn payment(ground: &Ground, id: &PaymentId) -> Payment {
    match ground.stripe.fetch(Kind::Payment, id.as_str()).await.unwrap() {
        Object::Payment(payment) => payment,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn money_goes_back_in_parts() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let subscription = ground.subscribed(&customer, MONTHLY, "4242424242424242").await;
    let paid = first_payment(&ground, &subscription).await;
    let refund = |name: &str, amount: Option<i64>| NewRefund {
        reference: reference(name),
        payment: paid.clone(),
        amount: amount.map(usd),
    };
    let part = ground.stripe.refund(&ground.key(), &refund("part", Some(900))).await.unwrap();
    assert_eq!((&part.status, &part.amount), (&RefundStatus::Succeeded, &usd(900)));
    assert_eq!(payment(&ground, &paid).await.refunded, usd(900));
    let much = ground.stripe.refund(&ground.key(), &refund("much", Some(1001))).await;
    assert!(
        matches!(much, Err(Error::Invalid(ref why)) if why.code.as_deref() == Some("amount_too_large")),
        "{much:?}"
    );
    let rest = ground.stripe.refund(&ground.key(), &refund("rest", None)).await.unwrap();
    assert_eq!(rest.amount, usd(1000));
    let found = ground.stripe.find_refunds(&paid, &reference("part")).await.unwrap();
    assert_eq!(found, [part]);
    ground.simulator.settled().await;
    assert_eq!(ground.inbox.count("charge.refunded"), 2);

    let subscription = ground.subscribed(&customer, MONTHLY, "4000000000005126").await;
    let paid = first_payment(&ground, &subscription).await;
    let new = NewRefund { reference: reference("fails"), payment: paid.clone(), amount: None };
    let failed = ground.stripe.refund(&ground.key(), &new).await.unwrap();
    assert_eq!(failed.status, RefundStatus::Failed);
    assert_eq!(payment(&ground, &paid).await.refunded, usd(0));
}

#[tokio::test]
async fn a_bank_takes_a_payment_back() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let subscription = ground.subscribed(&customer, MONTHLY, "4000000000000259").await;
    ground.simulator.settled().await;
    assert_eq!(ground.inbox.count("charge.dispute.created"), 1);
    let paid = first_payment(&ground, &subscription).await;
    assert!(payment(&ground, &paid).await.disputed);
    let events = ground.inbox.events.lock().unwrap().clone();
    let named = events.iter().find(|event| event.kind == "charge.dispute.created").unwrap();
    let tessera_gateway::Subject::Object(Kind::Dispute, id) = &named.subject else { panic!("{named:?}") };
    let dispute = |object| match object {
        Object::Dispute(dispute) => dispute,
        other => panic!("{other:?}"),
    };
    let open = dispute(ground.stripe.fetch(Kind::Dispute, id).await.unwrap());
    assert_eq!((&open.status, open.payment.as_ref()), (&DisputeStatus::Open, Some(&paid)));
    let body = format!(r#"{{"account":"acct_acme","dispute":"{id}","won":true}}"#);
    let url = format!("{}simulator/dispute", ground.simulator.base());
    assert!(reqwest::Client::new().post(url).body(body).send().await.unwrap().status().is_success());
    let won = dispute(ground.stripe.fetch(Kind::Dispute, id).await.unwrap());
    assert_eq!(won.status, DisputeStatus::Won);
}

#[tokio::test]
async fn methods_are_kept_chosen_and_let_go() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let subscription = ground.subscribed(&customer, MONTHLY, "4242424242424242").await;
    let declined = ground.stripe.attach_method(&ground.key(), &customer, &"pm_card_chargeDeclined".into()).await;
    assert!(matches!(declined, Err(Error::Refused(ref why)) if why.decline_code.as_deref() == Some("generic_decline")));
    let other = ground.stripe.attach_method(&ground.key(), &customer, &"pm_card_mastercard".into()).await.unwrap();
    assert_eq!(other.card.as_ref().unwrap().last4, "4444");
    ground.stripe.set_default_method(&ground.key(), &customer, Some(&subscription.id), &other.id).await.unwrap();
    assert_eq!(ground.subscription(&subscription.id).await.default_method.as_ref(), Some(&other.id));
    match ground.stripe.fetch(Kind::Customer, customer.as_str()).await.unwrap() {
        Object::Customer(found) => assert_eq!(found.default_method.as_ref(), Some(&other.id)),
        unexpected => panic!("{unexpected:?}"),
    }
    assert_eq!(ground.stripe.methods(&customer).await.unwrap().len(), 2);
    let gone = ground.stripe.detach_method(&ground.key(), &other.id).await.unwrap();
    assert_eq!(gone.customer, None);
    assert_eq!(ground.stripe.methods(&customer).await.unwrap().len(), 1);
    assert_eq!(ground.subscription(&subscription.id).await.default_method, None);

    let new = NewSetup {
        reference: reference("card"),
        customer: customer.clone(),
        currency: "USD".to_owned(),
        success_url: "https://app.example.com/".to_owned(),
        cancel_url: "https://app.example.com/".to_owned(),
    };
    let setup = ground.stripe.start_setup(&ground.key(), &new).await.unwrap();
    ground.submit(setup.url.as_ref().unwrap(), "card", "5555555555554444").await.unwrap();
    assert_eq!(ground.stripe.methods(&customer).await.unwrap().len(), 2);

    let portal = ground.stripe.portal(&ground.key(), &customer, "https://app.example.com/").await.unwrap();
    ground.submit(&portal, "subscription", subscription.id.as_str()).await.unwrap_err();
    assert!(ground.subscription(&subscription.id).await.cancel_at_period_end);

    ground.stripe.delete_customer(&ground.key(), &customer).await.unwrap();
    assert_eq!(ground.stripe.fetch(Kind::Customer, customer.as_str()).await, Err(Error::NotFound));
    assert_eq!(ground.stripe.delete_customer(&ground.key(), &customer).await, Err(Error::NotFound));
}

#[tokio::test]
async fn a_change_costs_what_its_preview_said() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let subscription = ground.subscribed(&customer, MONTHLY, "4242424242424242").await;
    ground.simulator.advance(7 * DAY);
    let change = |price: &str| Change {
        subscription: subscription.id.clone(),
        item: subscription.items[0].id.clone(),
        price: price.into(),
        quantity: 1,
        proration_date: Seconds(START + 7 * DAY),
    };
    let up = change("price_4700_usd_month");
    let preview = ground.stripe.preview_change(&up).await.unwrap();
    assert_eq!(preview.due, usd(2100), "three quarters of the difference");
    let changed = ground.stripe.change_price(&ground.key(), &up).await.unwrap();
    assert_eq!(changed.items[0].price, up.price);
    let paid = first_payment(&ground, &changed).await;
    assert_eq!(payment(&ground, &paid).await.received, preview.due);
    // What is too much is kept for the next invoice.
    let down = ground.stripe.change_price(&ground.key(), &change(MONTHLY)).await.unwrap();
    assert_eq!(down.items[0].price.as_str(), MONTHLY);
    ground.simulator.advance(22 * DAY);
    let renewed = ground.subscription(&subscription.id).await;
    match ground.stripe.fetch(Kind::Invoice, renewed.latest_invoice.unwrap().as_str()).await.unwrap() {
        Object::Invoice(invoice) => assert_eq!(invoice.paid, usd(0)),
        other => panic!("{other:?}"),
    }

    let other = ground.customer("other").await;
    let poor = ground.subscribed(&other, MONTHLY, "4000000000000341").await;
    let up = Change { subscription: poor.id.clone(), item: poor.items[0].id.clone(), ..change("price_4700_usd_month") };
    let same = ground.stripe.change_price(&ground.key(), &up).await.unwrap();
    assert_eq!(same.items[0].price.as_str(), MONTHLY, "a declined card grants nothing");
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let ground = Ground::start().await;
    for index in 0..105 {
        ground.customer(&format!("c{index}")).await;
    }
    let wanted = ground.customer("wanted").await;
    for index in 0..105 {
        ground.customer(&format!("d{index}")).await;
    }
    assert_eq!(ground.stripe.find_customers(&reference("wanted"), Seconds(START)).await.unwrap(), [wanted]);
    assert!(ground.stripe.find_customers(&reference("none"), Seconds(START)).await.unwrap().is_empty());
    assert!(ground.stripe.find_customers(&reference("wanted"), Seconds(START + 1)).await.unwrap().is_empty());
}
