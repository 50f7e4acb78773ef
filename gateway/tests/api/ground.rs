//! A simulator, clients for it, and an endpoint that its news goes to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use tessera_gateway::simulator::{Now, Options, Simulator};
use tessera_gateway::{
    Checkout, CustomerId, Event, IdempotencyKey, Kind, NewCheckout, NewCustomer, Object, PaymentGateway, Reference,
    Seconds, Stripe, Subscription, SubscriptionId, Url,
};
use tokio::net::TcpListener;

use crate::contract;

/// 2026-01-31T12:00:00Z: the month after it is shorter.
pub const START: i64 = 1_769_860_800;
pub const DAY: i64 = 86_400;

/// What came to the endpoint.
#[derive(Clone, Default)]
pub struct Inbox {
    pub events: Arc<Mutex<Vec<Event>>>,
    secret: Arc<Mutex<Option<SecretString>>>,
}

impl Inbox {
    pub fn kinds(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|event| event.kind.clone()).collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|known| *known == kind).count()
    }
}

pub struct Ground {
    pub simulator: Simulator,
    pub stripe: Stripe,
    pub inbox: Inbox,
    keys: AtomicI64,
    browser: reqwest::Client,
}

pub fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey(name.to_owned())
}

pub fn reference(name: &str) -> Reference {
    Reference(name.to_owned())
}

async fn receive(State((inbox, stripe)): State<(Inbox, Stripe)>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let secrets: Vec<SecretString> = inbox.secret.lock().unwrap().iter().cloned().collect();
    match stripe.verify_webhook(&header, &body, &secrets, Seconds(START)) {
        Ok(event) => inbox.events.lock().unwrap().push(event),
        Err(_) => return StatusCode::BAD_REQUEST,
    }
    StatusCode::OK
}

impl Ground {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let now: Now = Arc::new(|| START);
        let options = Options { now, seed: "t".to_owned(), check: Some(contract::check()) };
        let simulator = Simulator::start(listener, options).unwrap();
        let stripe = client(simulator.base(), "sk_test_acme_1");
        let inbox = Inbox::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state((inbox.clone(), stripe.clone()));
        tokio::spawn(async { axum::serve(listener, router).await });
        let endpoint = stripe.register_webhook(&key("endpoint"), &url).await.unwrap();
        *inbox.secret.lock().unwrap() = Some(endpoint.secret);
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { simulator, stripe, inbox, keys: AtomicI64::new(0), browser }
    }

    /// A key that nothing else has.
    pub fn key(&self) -> IdempotencyKey {
        key(&format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst)))
    }

    pub async fn customer(&self, name: &str) -> CustomerId {
        let new = NewCustomer { reference: reference(name), name: None, email: Some(format!("{name}@example.com")) };
        self.stripe.create_customer(&self.key(), &new).await.unwrap()
    }

    pub fn checkout(&self, customer: &CustomerId, price: &str) -> NewCheckout {
        NewCheckout {
            reference: reference("attempt1"),
            customer: customer.clone(),
            lines: vec![(price.into(), 1)],
            success_url: "https://app.example.com/done?session={CHECKOUT_SESSION_ID}".to_owned(),
            cancel_url: "https://app.example.com/".to_owned(),
            trial_end: None,
            expires_at: None,
        }
    }

    /// Sends a form of a page; brings where it leads, or what it says.
    pub async fn submit(&self, url: &str, field: &str, value: &str) -> Result<String, String> {
        let body = format!("{field}={value}");
        let answer = self.browser.post(url).body(body).send().await.unwrap();
        match answer.headers().get("location") {
            Some(location) => Ok(location.to_str().unwrap().to_owned()),
            None => Err(answer.text().await.unwrap()),
        }
    }

    /// A subscription that was paid with a card.
    pub async fn subscribed(&self, customer: &CustomerId, price: &str, card: &str) -> Subscription {
        let started = self.stripe.start_checkout(&self.key(), &self.checkout(customer, price)).await.unwrap();
        self.submit(started.url.as_ref().unwrap(), "card", card).await.unwrap();
        let checkout = self.fetch_checkout(&started).await;
        self.subscription(checkout.subscription.as_ref().unwrap()).await
    }

    /// A subscription that was paid with a card whose bank asks.
    pub async fn subscribed_after_asking(&self, card: &str) -> Subscription {
        let customer = self.customer("asked").await;
        let new = self.checkout(&customer, "price_1900_usd_month");
        let started = self.stripe.start_checkout(&self.key(), &new).await.unwrap();
        let page = started.url.as_ref().unwrap();
        self.submit(page, "card", card).await.unwrap_err();
        self.submit(page, "bank", "approve").await.unwrap();
        let checkout = self.fetch_checkout(&started).await;
        self.subscription(checkout.subscription.as_ref().unwrap()).await
    }

    pub async fn fetch_checkout(&self, checkout: &Checkout) -> Checkout {
        match self.stripe.fetch(Kind::Checkout, checkout.id.as_str()).await.unwrap() {
            Object::Checkout(checkout) => checkout,
            other => panic!("{other:?}"),
        }
    }

    pub async fn subscription(&self, id: &SubscriptionId) -> Subscription {
        match self.stripe.fetch(Kind::Subscription, id.as_str()).await.unwrap() {
            Object::Subscription(subscription) => subscription,
            other => panic!("{other:?}"),
        }
    }
}

pub fn client(base: &Url, secret: &str) -> Stripe {
    Stripe::new(base.clone(), secret.into()).unwrap()
}
