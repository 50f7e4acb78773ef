//! What the simulator remembers, in the form in which Stripe shows it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use super::card::Card;

pub type Metadata = BTreeMap<String, String>;

/// Everything, by account.
#[derive(Default)]
pub struct State {
    pub accounts: BTreeMap<String, Account>,
    /// How far the clock was moved ahead of the time that the simulator is told, in seconds.
    pub ahead: i64,
    /// Goes into all ids, so that those of two runs are not the same.
    pub seed: String,
}

/// One account.
#[derive(Default)]
pub struct Account {
    pub id: String,
    pub live: bool,
    pub seed: String,
    /// Where the hosted pages are.
    pub pages: String,
    pub customers: BTreeMap<String, Customer>,
    pub subscriptions: BTreeMap<String, Subscription>,
    pub invoices: BTreeMap<String, Invoice>,
    pub payments: BTreeMap<String, Payment>,
    pub sessions: BTreeMap<String, Session>,
    pub refunds: BTreeMap<String, Refund>,
    pub disputes: BTreeMap<String, Dispute>,
    pub methods: BTreeMap<String, Method>,
    pub endpoints: Vec<Endpoint>,
    pub events: Vec<Value>,
    /// Events that are to be sent.
    pub outbox: VecDeque<Value>,
    pub answers: HashMap<String, Remembered>,
    /// What the next payment of a customer does, whatever the card.
    pub next_payment: HashMap<String, Outcome>,
    made: u64,
}

/// An answer that is given again to the same request.
pub struct Remembered {
    pub request: String,
    pub status: u16,
    pub body: Value,
    pub at: i64,
}

/// What a payment does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money comes.
    Succeed,
    /// It is declined.
    Decline,
    /// The payer has to confirm it.
    Authenticate,
}

#[derive(Clone)]
pub struct Customer {
    pub id: String,
    pub created: i64,
    pub email: Option<String>,
    pub name: Option<String>,
    pub default_method: Option<String>,
    pub metadata: Metadata,
    /// Below zero: what later invoices need not ask for.
    pub balance: i64,
    pub deleted: bool,
}

#[derive(Clone)]
pub struct Item {
    pub id: String,
    pub price: Price,
    pub quantity: i64,
}

/// A price says what it is in its id: `price_1900_usd_month`.
#[derive(Clone, PartialEq, Eq)]
pub struct Price {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub interval: &'static str,
    pub count: u32,
}

#[derive(Clone)]
pub struct Subscription {
    pub id: String,
    pub customer: String,
    pub status: &'static str,
    pub items: Vec<Item>,
    pub created: i64,
    /// The day of the month that periods begin on comes from here.
    pub anchor: i64,
    /// Periods since the anchor.
    pub periods: u32,
    pub period: (i64, i64),
    pub trial_end: Option<i64>,
    pub cancel_at_period_end: bool,
    pub ended_at: Option<i64>,
    pub paused: bool,
    pub default_method: Option<String>,
    pub latest_invoice: Option<String>,
    pub metadata: Metadata,
}

#[derive(Clone)]
pub struct Invoice {
    pub id: String,
    pub customer: String,
    pub subscription: String,
    pub status: &'static str,
    pub currency: String,
    pub due: i64,
    pub paid: i64,
    pub attempts: u64,
    pub next_attempt: Option<i64>,
    pub reason: &'static str,
    pub period: (i64, i64),
    pub payment: Option<String>,
    pub paid_at: Option<i64>,
    pub created: i64,
}

#[derive(Clone)]
pub struct Payment {
    pub id: String,
    pub customer: String,
    pub invoice: String,
    pub method: Option<String>,
    pub status: &'static str,
    pub currency: String,
    pub amount: i64,
    pub refunded: i64,
    pub disputed: bool,
    pub failure: Option<&'static str>,
    pub created: i64,
}

#[derive(Clone)]
pub struct Session {
    pub id: String,
    pub mode: &'static str,
    pub status: &'static str,
    pub customer: String,
    pub reference: Option<String>,
    pub lines: Vec<(Price, i64)>,
    pub trial_end: Option<i64>,
    pub success_url: String,
    pub cancel_url: String,
    pub metadata: Metadata,
    pub subscription_metadata: Metadata,
    pub currency: String,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
    pub setup: Option<String>,
    /// The card whose bank is being asked.
    pub asked: Option<Card>,
    pub url: String,
    pub expires_at: i64,
    pub created: i64,
}

#[derive(Clone)]
pub struct Refund {
    pub id: String,
    pub payment: String,
    pub status: &'static str,
    pub amount: i64,
    pub currency: String,
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Clone)]
pub struct Dispute {
    pub id: String,
    pub payment: String,
    pub status: &'static str,
    pub amount: i64,
    pub currency: String,
    pub created: i64,
}

#[derive(Clone)]
pub struct Method {
    pub id: String,
    pub customer: Option<String>,
    pub card: Card,
    pub created: i64,
}

#[derive(Clone)]
pub struct Endpoint {
    pub url: String,
    pub secret: String,
    pub events: Vec<String>,
}

impl Account {
    pub fn new(id: String, live: bool, seed: String, pages: String) -> Self {
        Self { id, live, seed, pages, ..Self::default() }
    }

    /// An id that nothing in this account has. Other accounts have the same ones: ids are unique within an account only.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{}{:08}", self.seed, self.made)
    }

    /// Tells what happened to an object.
    pub fn tell(&mut self, sort: &str, object: Value, now: i64) {
        let id = self.new_id("evt");
        let event = json!({
            "id": id, "object": "event", "api_version": crate::stripe::API_VERSION, "created": now,
            "data": { "object": object }, "livemode": self.live, "pending_webhooks": self.endpoints.len(),
            "request": null, "type": sort,
        });
        self.events.push(event.clone());
        self.outbox.push_back(event);
    }

    pub fn payment(&self, id: &str) -> Option<Value> {
        self.payments.get(id).map(|payment| payment.show(self.live))
    }
}

/// A list, as Stripe shows one.
pub fn list(url: &str, data: Vec<Value>, more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": more, "url": url })
}

impl Price {
    /// What an id of ours means.
    pub fn of(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.strip_prefix("price_")?.split('_').collect();
        let (amount, currency, interval, count) = match parts[..] {
            [amount, currency, interval] => (amount, currency, interval, "1"),
            [amount, currency, interval, count] => (amount, currency, interval, count),
            _ => return None,
        };
        let interval = ["day", "week", "month", "year"].into_iter().find(|known| *known == interval)?;
        let amount = amount.parse().ok().filter(|amount| (0..=99_999_999).contains(amount))?;
        let count = count.parse().ok().filter(|count| (1..=36).contains(count))?;
        let sound = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_lowercase());
        sound.then(|| Self { id: id.to_owned(), amount, currency: currency.to_owned(), interval, count })
    }

    pub fn show(&self, live: bool) -> Value {
        json!({
            "id": self.id, "object": "price", "active": true, "currency": self.currency, "livemode": live,
            "recurring": { "interval": self.interval, "interval_count": self.count }, "type": "recurring",
            "unit_amount": self.amount,
        })
    }
}

impl Customer {
    pub fn show(&self, live: bool) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        json!({
            "id": self.id, "object": "customer", "balance": self.balance, "created": self.created, "email": self.email,
            "invoice_settings": { "default_payment_method": self.default_method }, "livemode": live,
            "metadata": self.metadata, "name": self.name,
        })
    }
}

impl Subscription {
    pub fn amount(&self) -> i64 {
        self.items.iter().map(|item| item.price.amount * item.quantity).sum()
    }

    pub fn currency(&self) -> String {
        self.items.first().map(|item| item.price.currency.clone()).unwrap_or_default()
    }

    pub fn ended(&self) -> bool {
        matches!(self.status, "canceled" | "incomplete_expired")
    }

    pub fn show(&self, live: bool) -> Value {
        let items = self.items.iter().map(|item| {
            json!({
                "id": item.id, "object": "subscription_item", "created": self.created,
                "current_period_start": self.period.0, "current_period_end": self.period.1,
                "price": item.price.show(live), "quantity": item.quantity, "subscription": self.id,
            })
        });
        json!({
            "id": self.id, "object": "subscription", "cancel_at": self.cancel_at_period_end.then_some(self.period.1),
            "cancel_at_period_end": self.cancel_at_period_end, "created": self.created, "currency": self.currency(),
            "customer": self.customer, "default_payment_method": self.default_method, "ended_at": self.ended_at,
            "items": list("/v1/subscription_items", items.collect(), false), "latest_invoice": self.latest_invoice,
            "livemode": live, "metadata": self.metadata,
            "pause_collection": self.paused.then(|| json!({ "behavior": "void", "resumes_at": null })),
            "schedule": null, "status": self.status, "trial_end": self.trial_end,
        })
    }
}

impl Invoice {
    pub fn show(&self, live: bool, page: &str) -> Value {
        let payments = self.payment.iter().map(|payment| {
            json!({
                "id": payment.replacen("pi_", "inpay_", 1), "object": "invoice_payment", "created": self.created,
                "currency": self.currency, "amount_requested": self.due, "invoice": self.id, "is_default": true,
                "livemode": live, "payment": { "type": "payment_intent", "payment_intent": payment },
                "status": if self.status == "paid" { "paid" } else { "open" },
            })
        });
        let line = json!({
            "id": self.id.replacen("in_", "il_", 1), "object": "line_item", "amount": self.due,
            "currency": self.currency, "period": { "start": self.period.0, "end": self.period.1 },
        });
        json!({
            "id": self.id, "object": "invoice", "amount_due": self.due, "amount_paid": self.paid,
            "attempt_count": self.attempts, "attempted": self.attempts > 0, "billing_reason": self.reason,
            "created": self.created, "currency": self.currency, "customer": self.customer, "hosted_invoice_url": page,
            "lines": list("/v1/invoices/lines", vec![line], false), "livemode": live,
            "next_payment_attempt": self.next_attempt,
            "parent": {
                "type": "subscription_details",
                "subscription_details": { "subscription": self.subscription, "metadata": {} },
            },
            "payments": list("/v1/invoice_payments", payments.collect(), false), "status": self.status,
            "status_transitions": { "paid_at": self.paid_at },
        })
    }
}

impl Payment {
    pub fn charge(&self, live: bool) -> Value {
        json!({
            "id": self.id.replacen("pi_", "ch_", 1), "object": "charge", "amount": self.amount,
            "amount_refunded": self.refunded, "created": self.created, "currency": self.currency,
            "customer": self.customer, "disputed": self.disputed, "livemode": live, "payment_intent": self.id,
            "refunded": self.refunded == self.amount,
        })
    }

    pub fn show(&self, live: bool) -> Value {
        let succeeded = self.status == "succeeded";
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount,
            "amount_received": if succeeded { self.amount } else { 0 }, "created": self.created,
            "currency": self.currency, "customer": self.customer,
            "last_payment_error": self.failure.map(|code| json!({
                "code": "card_declined", "decline_code": code, "message": "Your card was declined.", "type": "card_error",
            })),
            "latest_charge": succeeded.then(|| self.charge(live)), "livemode": live, "metadata": {},
            "payment_method": self.method, "status": self.status,
        })
    }
}

impl Session {
    pub fn show(&self, live: bool) -> Value {
        let total: i64 = self.lines.iter().map(|(price, quantity)| price.amount * quantity).sum();
        let (free, complete) = (self.mode == "setup" || self.trial_end.is_some(), self.status == "complete");
        let payment_status = match (free, complete) {
            (true, _) => "no_payment_required",
            (false, true) => "paid",
            (false, false) => "unpaid",
        };
        json!({
            "id": self.id, "object": "checkout.session",
            "amount_total": (self.mode != "setup").then_some(if free { 0 } else { total }), "cancel_url": self.cancel_url,
            "client_reference_id": self.reference, "created": self.created, "currency": self.currency,
            "customer": self.customer, "expires_at": self.expires_at, "invoice": self.invoice, "livemode": live,
            "metadata": self.metadata, "mode": self.mode, "payment_intent": null, "payment_status": payment_status,
            "setup_intent": self.setup, "status": self.status, "subscription": self.subscription,
            "success_url": self.success_url, "url": (self.status == "open").then_some(&self.url),
        })
    }
}

impl Refund {
    pub fn show(&self) -> Value {
        let mut refund = json!({
            "id": self.id, "object": "refund", "amount": self.amount, "created": self.created,
            "currency": self.currency, "metadata": self.metadata, "payment_intent": self.payment, "status": self.status,
        });
        if self.status == "failed" {
            refund["failure_reason"] = json!("lost_or_stolen_card");
        }
        refund
    }
}

impl Dispute {
    pub fn show(&self, live: bool) -> Value {
        json!({
            "id": self.id, "object": "dispute", "amount": self.amount, "created": self.created,
            "currency": self.currency, "evidence_details": { "due_by": self.created + 9 * 86_400 }, "livemode": live,
            "payment_intent": self.payment, "reason": "fraudulent", "status": self.status,
        })
    }
}

impl Method {
    pub fn show(&self, live: bool) -> Value {
        json!({
            "id": self.id, "object": "payment_method",
            "card": { "brand": self.card.brand, "exp_month": 12, "exp_year": 2040, "last4": self.card.last4 },
            "created": self.created, "customer": self.customer, "livemode": live, "type": "card",
        })
    }
}
