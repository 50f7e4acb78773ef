//! Networks and gateways fail, and a client knows what that means.

use std::time::Duration;

use tessera_gateway::simulator::Faults;
use tessera_gateway::{CustomerId, Error, NewCustomer, PaymentGateway, Result, Seconds, Url};

use crate::ground::{DAY, Ground, START, client, key, reference};

async fn create(ground: &Ground, name: &str, key_name: &str) -> Result<CustomerId> {
    let new = NewCustomer { reference: reference(name), name: None, email: None };
    ground.stripe.create_customer(&key(key_name), &new).await
}

async fn known(ground: &Ground, name: &str) -> Vec<CustomerId> {
    ground.stripe.find_customers(&reference(name), Seconds(START)).await.unwrap()
}

#[tokio::test]
async fn a_key_does_one_thing_once_for_a_day() {
    let ground = Ground::start().await;
    let first = create(&ground, "a", "key-a").await.unwrap();
    assert_eq!(create(&ground, "a", "key-a").await.unwrap(), first);
    assert_eq!(create(&ground, "other", "key-a").await, Err(Error::KeyReused));
    assert_eq!(known(&ground, "a").await, std::slice::from_ref(&first));
    ground.simulator.advance(DAY + 3600);
    assert_ne!(create(&ground, "a", "key-a").await.unwrap(), first, "forgotten after a day");
    assert_eq!(known(&ground, "a").await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_given_again() {
    let ground = Ground::start().await;
    ground.simulator.set_faults(Faults { lost_answers: 1, ..Faults::default() });
    let lost = create(&ground, "a", "key-a").await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown(_))), "{lost:?}");
    let again = create(&ground, "a", "key-a").await.unwrap();
    assert_eq!(known(&ground, "a").await, [again]);
}

#[tokio::test]
async fn a_fault_behind_the_deed_is_remembered() {
    let ground = Ground::start().await;
    ground.simulator.set_faults(Faults { errors_after: 1, ..Faults::default() });
    for _ in 0..2 {
        let unknown = create(&ground, "a", "key-a").await;
        assert!(matches!(unknown, Err(Error::OutcomeUnknown(_))), "{unknown:?}");
    }
    assert_eq!(known(&ground, "a").await.len(), 1, "looked up by our reference");
}

#[tokio::test]
async fn a_fault_before_the_deed_leaves_nothing() {
    let ground = Ground::start().await;
    ground.simulator.set_faults(Faults { errors_before: 1, ..Faults::default() });
    let unknown = create(&ground, "a", "key-a").await;
    assert!(matches!(unknown, Err(Error::OutcomeUnknown(_))), "the client cannot know: {unknown:?}");
    assert!(known(&ground, "a").await.is_empty());
    create(&ground, "a", "key-a").await.unwrap();
}

#[tokio::test]
async fn too_many_requests_may_come_again() {
    let ground = Ground::start().await;
    ground.simulator.set_faults(Faults { rate_limited: 1, ..Faults::default() });
    let limited = create(&ground, "a", "key-a").await;
    assert_eq!(limited, Err(Error::RateLimited { retry_after: Some(Duration::from_secs(1)) }));
    create(&ground, "a", "key-a").await.unwrap();
    assert_eq!(known(&ground, "a").await.len(), 1);
}

#[tokio::test]
async fn where_nobody_is_nothing_was_done() {
    let nobody: Url = "http://127.0.0.1:1/".parse().unwrap();
    let stripe = client(&nobody, "sk_test_acme_1");
    let new = NewCustomer { reference: reference("a"), name: None, email: None };
    assert_eq!(stripe.create_customer(&key("a"), &new).await, Err(Error::Unavailable("no connection")));
}

#[tokio::test]
async fn news_comes_twice_in_another_order_or_not_at_all() {
    let ground = Ground::start().await;
    let customer = ground.customer("one").await;
    let faults = Faults { duplicate_events: true, shuffled_events: true, lost_events: 1, ..Faults::default() };
    ground.simulator.set_faults(faults);
    ground.subscribed(&customer, "price_1900_usd_month", "4242424242424242").await;
    ground.simulator.settled().await;
    let told = ground.inbox.events.lock().unwrap().clone();
    let mut ids: Vec<_> = told.iter().map(|event| event.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(told.len(), 2 * ids.len(), "each twice");

    // Asking brings all of it, in order, page by page.
    let changes = ground.stripe.changed_since(None, Seconds(START)).await.unwrap();
    let asked: Vec<_> = changes.events.iter().map(|event| event.id.clone()).collect();
    assert!(ids.iter().all(|id| asked.contains(id)));
    assert!(asked.is_sorted() && asked.len() > ids.len(), "the lost one, too");
    let none = ground.stripe.changed_since(changes.next.as_ref(), Seconds(START)).await.unwrap();
    assert_eq!((none.events.len(), &none.next, none.more), (0, &changes.next, false));
    ground.simulator.set_faults(Faults::default());
    for _ in 0..30 {
        ground.simulator.advance(31 * DAY);
    }
    let mut cursor = changes.next;
    let mut seen = Vec::new();
    loop {
        let page = ground.stripe.changed_since(cursor.as_ref(), Seconds(START)).await.unwrap();
        seen.extend(page.events.into_iter().map(|event| event.id));
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    assert!(seen.is_sorted() && seen.len() > 100, "{}", seen.len());
    let count = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), count, "nothing twice");
}

#[tokio::test]
async fn accounts_know_nothing_of_each_other() {
    let ground = Ground::start().await;
    let other = client(ground.simulator.base(), "sk_test_other_1");
    let customer = ground.customer("one").await;
    let found = other.fetch(tessera_gateway::Kind::Customer, customer.as_str()).await;
    assert_eq!(found, Err(Error::NotFound));
    // The same key is another key there, and ids are unique within an account only.
    let new = NewCustomer { reference: reference("one"), name: None, email: None };
    let theirs = other.create_customer(&key("key-0"), &new).await.unwrap();
    assert!(other.find_customers(&reference("one"), Seconds(START)).await.unwrap().contains(&theirs));
}
