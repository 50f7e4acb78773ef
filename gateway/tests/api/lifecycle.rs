//! A subscription from its checkout to its end.

use tessera_gateway::simulator::Outcome;
use tessera_gateway::{
    Cancellation, CheckoutStatus, Collection, Error, Event, Interval, Invoice, Kind, Mode, Money, Object, Payment,
    PaymentGateway, PaymentStatus, Seconds, Subject, Subscription, SubscriptionStatus,
};

use crate::ground::{DAY, Ground, START, client};

const MONTHLY: &str = "price_1900_usd_month";

async fn invoice(ground: &Ground, subscription: &Subscription) -> Invoice {
    let id = subscription.latest_invoice.as_ref().unwrap();
    match ground.stripe.fetch(Kind::Invoice, id.as_str()).await.unwrap() {
        Object::Invoice(invoice) => invoice,
        other => panic!("{other:?}"),
    }
}

async fn payment(ground: &Ground, invoice: &Invoice) -> Payment {
    match ground.stripe.fetch(Kind::Payment, invoice.payments.last().unwrap().as_str()).await.unwrap() {
        Object::Payment(payment) => payment,
        other => panic!("{other:?}"),
    }
}

fn usd(minor: i64) -> Money {
    Money { minor, currency: "USD".to_owned() }
}

#[tokio::test]
async fn an_account_is_what_its_key_says() {
    let ground = Ground::start().await;
    let account = ground.stripe.account().await.unwrap();
    assert_eq!((account.id.as_str(), account.mode), ("acct_acme", Mode::Test));
    let base = ground.simulator.base();
    let same = client(base, "sk_test_acme_2").account().await.unwrap();
    assert_eq!(same, account);
    let live = client(base, "sk_live_acme_1").account().await.unwrap();
    assert_eq!((live.id.as_str(), live.mode), ("acct_acme", Mode::Live));
    for wrong in ["", "sk_test", "pk_test_acme_1", "line\nbreak"] {
        assert_eq!(client(base, wrong).account().await, Err(Error::Unauthorized), "{wrong}");
    }
    let price = ground.stripe.price(&MONTHLY.into()).await.unwrap();
    assert_eq!((price.amount, price.every), (Some(usd(1900)), Some((Interval::Month, 1))));
    assert_eq!(ground.stripe.price(&"price_none".into()).await, Err(Error::NotFound));
}

#[tokio::test]
async fn a_subscription_is_bought_renewed_and_ended() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let started = ground.stripe.start_checkout(&ground.key(), &ground.checkout(&customer, MONTHLY)).await.unwrap();
    assert_eq!((&started.status, started.paid), (&CheckoutStatus::Open, false));
    assert_eq!(started.total, Some(usd(1900)));
    let page = started.url.clone().unwrap();
    let led = ground.submit(&page, "card", "4242 4242 4242 4242".replace(' ', "+").as_str()).await.unwrap();
    assert_eq!(led, format!("https://app.example.com/done?session={}", started.id));

    let done = ground.fetch_checkout(&started).await;
    assert_eq!((&done.status, done.paid, done.url.is_none()), (&CheckoutStatus::Complete, true, true));
    let subscription = ground.subscription(done.subscription.as_ref().unwrap()).await;
    assert_eq!(subscription.status, SubscriptionStatus::Active);
    assert_eq!(subscription.reference, started.reference);
    assert_eq!(subscription.period_end, Some(Seconds(START + 28 * DAY)), "February 28");
    let first = invoice(&ground, &subscription).await;
    assert_eq!((&first.status, first.first, &first.paid), (&PaymentStatus::Succeeded, true, &usd(1900)));
    assert_eq!(first.subscription.as_ref(), Some(&subscription.id));
    let paid = payment(&ground, &first).await;
    assert_eq!(
        (&paid.status, paid.invoice.as_ref(), &paid.received),
        (&PaymentStatus::Succeeded, Some(&first.id), &usd(1900))
    );

    // The page is closed: a second browser pays nothing.
    assert!(ground.submit(&page, "card", "4242424242424242").await.is_err());
    assert_eq!(ground.stripe.subscriptions(&customer).await.unwrap().len(), 1);
    let closed = ground.stripe.expire_checkout(&ground.key(), &started.id).await.unwrap();
    assert_eq!(closed.status, CheckoutStatus::Complete, "closing says that it was paid");

    ground.simulator.advance(59 * DAY);
    ground.simulator.settled().await;
    let renewed = ground.subscription(&subscription.id).await;
    assert_eq!(
        (renewed.period_start, renewed.period_end),
        (Some(Seconds(START + 59 * DAY)), Some(Seconds(START + 89 * DAY)))
    );
    assert!(!invoice(&ground, &renewed).await.first);
    assert_eq!(ground.inbox.count("invoice.paid"), 3);
    assert_eq!(ground.inbox.count("checkout.session.completed"), 1);
    assert_eq!(ground.inbox.count("invoice.created"), 0, "not asked for");

    let key = ground.key();
    let ending = ground.stripe.cancel(&key, &subscription.id, Cancellation::AtPeriodEnd).await.unwrap();
    assert_eq!((ending.cancel_at_period_end, ending.cancel_at), (true, renewed.period_end));
    let kept = ground.stripe.cancel(&ground.key(), &subscription.id, Cancellation::Undo).await.unwrap();
    assert!(!kept.cancel_at_period_end);
    ground.stripe.cancel(&ground.key(), &subscription.id, Cancellation::AtPeriodEnd).await.unwrap();
    ground.simulator.advance(31 * DAY);
    let ended = ground.subscription(&subscription.id).await;
    assert_eq!((ended.status, ended.ended_at), (SubscriptionStatus::Canceled, renewed.period_end));
    // Ending twice is ending once.
    let again = ground.stripe.cancel(&ground.key(), &subscription.id, Cancellation::Now).await.unwrap();
    assert_eq!(again.status, SubscriptionStatus::Canceled);
}

#[tokio::test]
async fn a_card_is_declined_or_its_bank_asks() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let started = ground.stripe.start_checkout(&ground.key(), &ground.checkout(&customer, MONTHLY)).await.unwrap();
    let page = started.url.clone().unwrap();
    let said = ground.submit(&page, "card", "4000000000009995").await.unwrap_err();
    assert!(said.contains("insufficient_funds"), "{said}");
    for none in ["4111111111111111", "", "4242424242424242424242"] {
        assert!(ground.submit(&page, "card", none).await.unwrap_err().contains("none of the test numbers"), "{none}");
    }
    let asked = ground.submit(&page, "card", "4000002500003155").await.unwrap_err();
    assert!(asked.contains("Your bank asks"), "{asked}");
    assert_eq!(ground.fetch_checkout(&started).await.status, CheckoutStatus::Open);
    assert!(ground.submit(&page, "bank", "refuse").await.unwrap_err().contains("did not confirm"));
    ground.submit(&page, "card", "4000002500003155").await.unwrap_err();
    ground.submit(&page, "bank", "approve").await.unwrap();
    let subscription = ground.fetch_checkout(&started).await.subscription.unwrap();
    ground.simulator.advance(31 * DAY);
    assert_eq!(ground.subscription(&subscription).await.status, SubscriptionStatus::Active, "asked once only");

    let always = ground.subscribed_after_asking("4000002760003184").await;
    ground.simulator.advance(31 * DAY);
    let always = ground.subscription(&always.id).await;
    assert_eq!(always.status, SubscriptionStatus::PastDue);
    let renewal = invoice(&ground, &always).await;
    assert_eq!(payment(&ground, &renewal).await.status, PaymentStatus::RequiresAction);
}

#[tokio::test]
async fn a_renewal_fails_and_is_paid_late_or_never() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let subscription = ground.subscribed(&customer, MONTHLY, "4000000000000341").await;
    ground.simulator.advance(29 * DAY);
    let late = ground.subscription(&subscription.id).await;
    assert_eq!(late.status, SubscriptionStatus::PastDue);
    let open = invoice(&ground, &late).await;
    assert_eq!((&open.status, open.attempts), (&PaymentStatus::Failed, 1));
    assert_eq!(open.next_attempt, Some(Seconds(START + 31 * DAY)));
    let failed = payment(&ground, &open).await;
    assert_eq!(failed.status, PaymentStatus::Failed);
    assert_eq!(failed.failure.unwrap().code.as_deref(), Some("generic_decline"));

    let page = open.url.clone().unwrap();
    let paid = ground.submit(&page, "card", "4242424242424242").await.unwrap_err();
    assert!(paid.contains("(paid)"), "{paid}");
    let paid = ground.subscription(&subscription.id).await;
    assert_eq!(paid.status, SubscriptionStatus::Active);
    assert_eq!(invoice(&ground, &paid).await.payments.len(), 1, "the same payment, tried again");

    ground.simulator.next_payment("acct_acme", customer.as_str(), Outcome::Decline);
    ground.simulator.advance(30 * DAY);
    assert_eq!(ground.subscription(&subscription.id).await.status, SubscriptionStatus::PastDue, "decided beforehand");
    ground.simulator.advance(3 * DAY);
    assert_eq!(ground.subscription(&subscription.id).await.status, SubscriptionStatus::Active, "tried again");

    let other = ground.customer("other").await;
    let lost = ground.subscribed(&other, MONTHLY, "4000000000000341").await;
    ground.simulator.advance(50 * DAY);
    let lost = ground.subscription(&lost.id).await;
    assert_eq!(lost.status, SubscriptionStatus::Unpaid);
    let given_up = lost.latest_invoice.as_ref().unwrap();
    let void = ground.stripe.void_invoice(&ground.key(), given_up).await.unwrap();
    assert_eq!(void.status, PaymentStatus::Canceled);
    let ended = ground.stripe.cancel(&ground.key(), &lost.id, Cancellation::Now).await.unwrap();
    assert_eq!(ended.status, SubscriptionStatus::Canceled);
}

#[tokio::test]
async fn trials_and_pauses_charge_nothing() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let mut new = ground.checkout(&customer, MONTHLY);
    new.trial_end = Some(Seconds(START + 14 * DAY));
    let started = ground.stripe.start_checkout(&ground.key(), &new).await.unwrap();
    ground.submit(started.url.as_ref().unwrap(), "card", "4242424242424242").await.unwrap();
    let done = ground.fetch_checkout(&started).await;
    assert!(done.paid, "nothing was to be paid");
    let id = done.subscription.unwrap();
    let trial = ground.subscription(&id).await;
    assert_eq!((&trial.status, trial.trial_end), (&SubscriptionStatus::Trialing, new.trial_end));
    let free = invoice(&ground, &trial).await;
    assert_eq!((&free.status, &free.paid, free.payments.len()), (&PaymentStatus::Succeeded, &usd(0), 0));
    ground.simulator.advance(15 * DAY);
    let active = ground.subscription(&id).await;
    assert_eq!((&active.status, active.period_start), (&SubscriptionStatus::Active, new.trial_end));
    assert_eq!(invoice(&ground, &active).await.paid, usd(1900));

    let paused = ground.stripe.set_collection(&ground.key(), &id, Collection::Paused).await.unwrap();
    assert_eq!(paused.status, SubscriptionStatus::Paused);
    ground.simulator.advance(31 * DAY);
    let paused = ground.subscription(&id).await;
    assert_eq!(paused.status, SubscriptionStatus::Paused);
    assert_eq!(invoice(&ground, &paused).await.status, PaymentStatus::Canceled);
    let running = ground.stripe.set_collection(&ground.key(), &id, Collection::Running).await.unwrap();
    assert_eq!(running.status, SubscriptionStatus::Active);
    ground.simulator.advance(31 * DAY);
    let running = ground.subscription(&id).await;
    assert_eq!(invoice(&ground, &running).await.status, PaymentStatus::Succeeded);
}

#[tokio::test]
async fn a_page_that_nobody_uses_closes() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let new = ground.checkout(&customer, MONTHLY);
    let forgotten = ground.stripe.start_checkout(&ground.key(), &new).await.unwrap();
    let closed = ground.stripe.start_checkout(&ground.key(), &new).await.unwrap();
    let expired = ground.stripe.expire_checkout(&ground.key(), &closed.id).await.unwrap();
    assert_eq!(expired.status, CheckoutStatus::Expired);
    assert!(ground.submit(closed.url.as_ref().unwrap(), "card", "4242424242424242").await.is_err());
    ground.simulator.advance(DAY);
    ground.simulator.settled().await;
    assert_eq!(ground.fetch_checkout(&forgotten).await.status, CheckoutStatus::Expired);
    assert_eq!(ground.inbox.count("checkout.session.expired"), 2);
    assert!(ground.stripe.subscriptions(&customer).await.unwrap().is_empty());
    let found = ground.stripe.find_checkouts(&customer, &new.reference).await.unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn news_names_what_to_look_at() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let subscription = ground.subscribed(&customer, MONTHLY, "4242424242424242").await;
    ground.simulator.settled().await;
    let events = ground.inbox.events.lock().unwrap().clone();
    let subjects: Vec<&Subject> = events.iter().map(|event| &event.subject).collect();
    let object = |kind, id: &str| Subject::Object(kind, id.to_owned());
    assert!(subjects.contains(&&object(Kind::Subscription, subscription.id.as_str())), "{subjects:?}");
    assert!(subjects.contains(&&object(Kind::Invoice, subscription.latest_invoice.as_ref().unwrap().as_str())));
    for Event { subject, kind, .. } in &events {
        let Subject::Object(of, id) = subject else { panic!("{kind} names nothing") };
        let fetched = ground.stripe.fetch(*of, id).await.unwrap();
        assert_eq!(fetched.key(), (*of, id.as_str()));
    }
}
