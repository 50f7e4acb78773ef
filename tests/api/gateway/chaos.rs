//! News in disorder: shuffled, each piece three times, to programs that are killed. The end is the same as if it had come in
//! order, and each effect happened once.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use tessera::app::App;
use tessera::entity::{TypedId as _, WebhookEventState, payment, subscription, webhook_event};
use tessera::graphql::nested::OwnerKey;
use tessera::store::ObjectKey;
use tessera_gateway::simulator::Outcome;
use tessera_gateway::{Cancellation, CustomerId, IdempotencyKey, Kind, Seconds, Subject};
use tokio::sync::oneshot;

use super::checkout::{pay, shop, started};
use super::inbox::{address, send};
use crate::support::{Dice, World, on_both};

/// A program of its own, as far as that matters here: when it is killed, nothing of it goes on.
struct Program {
    kill: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Program {
    fn start(world: &World) -> Self {
        let (config, clock) = (world.config.clone(), world.clock.clone());
        let (kill, killed) = oneshot::channel();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async move {
                let app = App::start(&config, clock).await.unwrap_or_else(|error| panic!("{error}"));
                for _ in 0..8 {
                    let applier = app.applier().clone();
                    tokio::spawn(async move {
                        loop {
                            let _ = applier.pass().await;
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    });
                }
                let _ = killed.await;
            });
            runtime.shutdown_background();
        });
        Self { kill, ended }
    }

    fn kill(self) {
        let _ = self.kill.send(());
        self.ended.join().expect("it ends");
    }
}

async fn rows(world: &World) -> (BTreeMap<String, subscription::Model>, BTreeMap<String, payment::Model>) {
    let system = world.store.system();
    let subscriptions = system.all::<subscription::Entity>().await.expect("rows");
    let payments = system.all::<payment::Entity>().await.expect("rows");
    (
        subscriptions.into_iter().map(|row| (row.id.to_string(), row)).collect(),
        payments.into_iter().map(|row| (row.id.to_string(), row)).collect(),
    )
}

#[on_both]
async fn the_order_of_news_does_not_matter(world: &World) {
    let account = shop(world, world.alpha).await;
    let remote = world.app.gateways().of(&account).unwrap_or_else(|_| panic!("the key opens"));
    let name = account.gateway_account_id.clone().expect("an account");
    let system = world.store.system();
    let mut customers = Vec::new();
    for place in 0..30 {
        let terms = json!({"requiresPayment": true});
        let (owner, sub) = world.subscribed(world.alpha, &format!("c{place}"), world.alpha.basic, terms).await;
        let checkout = started(&world.admin(world.alpha), &owner, world.alpha).await;
        pay(&checkout, "4242424242424242").await;
        let owner = OwnerKey { tenant: world.alpha.id, customer: tessera::entity::CustomerId::parse(&owner) };
        let known = system.gateway_customer(account.id, owner).await.expect("rows").expect("a customer");
        customers.push((CustomerId(known), sub));
    }
    // Three months in which some do not pay, some pay later, and some leave.
    for month in 0..3 {
        for (place, (customer, _)) in customers.iter().enumerate() {
            match (place + month) % 5 {
                0 => world.simulator.next_payment(&name, customer.as_str(), Outcome::Decline),
                1 if place % 3 == 0 => {
                    let billed = remote.call("subscriptions", |gateway| gateway.subscriptions(customer)).await;
                    let key = IdempotencyKey(format!("{place} {month}"));
                    for sold in billed.expect("a list").iter().filter(|sold| sold.ended_at.is_none()) {
                        let cancel = remote.call("cancel", |gateway| gateway.cancel(&key, &sold.id, Cancellation::Now));
                        cancel.await.expect("it ends");
                    }
                }
                _ => {}
            }
        }
        world.pass(TimeDelta::days(31));
    }
    let (mut news, mut cursor) = (Vec::new(), None);
    loop {
        let page = remote.call("changed_since", |gateway| gateway.changed_since(cursor.as_ref(), Seconds(0))).await;
        let page = page.expect("news");
        news.extend(page.events);
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    let told: Vec<_> = news
        .iter()
        .filter_map(|event| {
            let Subject::Object(kind, id) = &event.subject else { return None };
            Some(json!({"id": event.id.as_str(), "object": "event", "type": event.kind, "created": event.created.0,
                "livemode": false, "data": {"object": {"id": id, "object": object(*kind)}}}))
        })
        .collect();
    assert!(told.len() >= 500, "{}", told.len());

    let mut dice = Dice(7);
    let mut letters: Vec<_> = told.iter().flat_map(|event| [event, event, event]).collect();
    for place in (1..letters.len()).rev() {
        let other = usize::try_from(dice.below(place as u64 + 1)).expect("a place");
        letters.swap(place, other);
    }
    let mut program = Program::start(world);
    let path = address(&account);
    for (place, batch) in letters.chunks(letters.len() / 4 + 1).enumerate() {
        for some in batch.chunks(8) {
            let answers = join_all(some.iter().map(|event| send(world, &path, event, "whsec_test"))).await;
            assert!(answers.iter().all(|(status, _)| *status == 204), "{answers:?}");
        }
        world.pass(TimeDelta::seconds(2));
        tokio::time::sleep(Duration::from_millis(300)).await;
        if place < 3 {
            program.kill();
            // What it had leased is free again by then.
            world.pass(TimeDelta::seconds(100));
            program = Program::start(world);
        }
    }
    program.kill();
    for _ in 0..10 {
        world.pass(TimeDelta::seconds(100));
        world.app.applier().pass().await.unwrap_or_else(|error| panic!("{}", error.told_inside()));
    }

    let events = system.all::<webhook_event::Entity>().await.expect("rows");
    assert_eq!(events.len(), told.len(), "each is kept once");
    let undecided = |event: &&webhook_event::Model| {
        matches!(event.state, WebhookEventState::Received | WebhookEventState::Queued | WebhookEventState::Dead)
    };
    assert_eq!(events.iter().find(undecided), None);
    let (subscriptions, payments) = rows(world).await;
    // What the gateway says of each, is so here.
    for (customer, sub) in &customers {
        let billed = remote.call("subscriptions", |gateway| gateway.subscriptions(customer)).await.expect("a list");
        let [theirs] = billed.as_slice() else { panic!("one subscription: {billed:?}") };
        let ours = &subscriptions[sub];
        assert_eq!(ours.gateway_subscription_id.as_deref(), Some(theirs.id.as_str()));
        assert_eq!(ours.ended_at.is_some(), theirs.ended_at.is_some(), "{theirs:?} {ours:?}");
        let is_well = theirs.status == tessera_gateway::SubscriptionStatus::Active;
        assert_eq!(ours.past_due_since.is_none(), is_well || theirs.ended_at.is_some(), "{theirs:?} {ours:?}");
    }
    // And nothing changes when all of it is fetched once more, in order.
    for event in &news {
        if let Subject::Object(kind, id) = &event.subject {
            let key = ObjectKey { account: account.id, kind: (*kind).into(), id: id.clone() };
            system.want_object(&key, None).await.expect("it is wanted");
        }
    }
    world.app.applier().pass().await.unwrap_or_else(|error| panic!("{}", error.told_inside()));
    let again = rows(world).await;
    assert_eq!(again.0, subscriptions);
    assert_eq!(again.1, payments);
    let invariants = system.invariants().await;
    let broken: Vec<_> = invariants.iter().filter(|one| !one.holds()).map(|one| one.name).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// What Stripe calls an object.
fn object(kind: Kind) -> &'static str {
    match kind {
        Kind::Subscription => "subscription",
        Kind::Invoice => "invoice",
        Kind::Checkout => "checkout.session",
        Kind::Payment => "payment_intent",
        Kind::Refund => "refund",
        Kind::Dispute => "dispute",
        Kind::Method => "payment_method",
        Kind::Customer => "customer",
    }
}
