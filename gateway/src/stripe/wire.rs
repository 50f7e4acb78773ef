//! Stripe's objects, as much of them as is used. Whatever Stripe may leave out or set to null is optional.

use std::collections::BTreeMap;

use serde::Deserialize;

pub type Metadata = BTreeMap<String, String>;

/// An id, or the object itself where it was asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

/// The id of what may be an object.
#[derive(Clone, Debug, Deserialize)]
pub struct Identified {
    pub id: String,
}

impl Expandable<Identified> {
    pub fn into_id(self) -> String {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id,
        }
    }
}

pub type Link = Expandable<Identified>;

#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// An object of a list: the next page begins behind its id.
pub trait Listed: serde::de::DeserializeOwned {
    fn id(&self) -> &str;
}

macro_rules! listed {
    ($($object:ident)+) => {$(
        impl Listed for $object {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )+};
}

listed! { Customer Event PaymentMethod Refund Session Subscription }

#[derive(Debug, Deserialize)]
pub struct Account {
    pub id: String,
    pub country: Option<String>,
    pub default_currency: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Balance {
    pub livemode: bool,
}

#[derive(Debug, Deserialize)]
pub struct Endpoint {
    pub id: String,
    pub secret: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Page {
    pub url: String,
}

#[derive(Debug, Deserialize)]
pub struct Price {
    pub id: String,
    pub active: bool,
    pub currency: String,
    pub unit_amount: Option<i64>,
    pub recurring: Option<Recurring>,
}

#[derive(Debug, Deserialize)]
pub struct Recurring {
    pub interval: String,
    pub interval_count: u32,
}

#[derive(Debug, Deserialize)]
pub struct Customer {
    pub id: String,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default)]
    pub created: i64,
    pub email: Option<String>,
    pub invoice_settings: Option<InvoiceSettings>,
    #[serde(default)]
    pub metadata: Metadata,
}

#[derive(Debug, Deserialize)]
pub struct InvoiceSettings {
    pub default_payment_method: Option<Link>,
}

#[derive(Debug, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub customer: Link,
    pub status: String,
    pub currency: String,
    pub items: List<Item>,
    pub trial_end: Option<i64>,
    pub cancel_at_period_end: bool,
    pub cancel_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub pause_collection: Option<PauseCollection>,
    pub default_payment_method: Option<Link>,
    pub latest_invoice: Option<Link>,
    pub schedule: Option<Link>,
    #[serde(default)]
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Debug, Deserialize)]
pub struct PauseCollection {}

#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    pub id: String,
    pub price: Identified,
    pub quantity: Option<u64>,
    pub current_period_start: i64,
    pub current_period_end: i64,
}

#[derive(Debug, Deserialize)]
pub struct Invoice {
    pub id: Option<String>,
    pub customer: Option<Link>,
    pub status: Option<String>,
    pub currency: String,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub attempted: bool,
    pub attempt_count: u64,
    pub billing_reason: Option<String>,
    pub next_payment_attempt: Option<i64>,
    pub hosted_invoice_url: Option<String>,
    pub parent: Option<Parent>,
    pub lines: List<Line>,
    pub payments: Option<List<InvoicePayment>>,
    pub status_transitions: StatusTransitions,
    pub created: i64,
}

#[derive(Debug, Deserialize)]
pub struct Parent {
    pub subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Deserialize)]
pub struct SubscriptionDetails {
    pub subscription: Link,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    pub period: Period,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Period {
    pub start: i64,
    pub end: i64,
}

#[derive(Debug, Deserialize)]
pub struct StatusTransitions {
    pub paid_at: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct InvoicePayment {
    pub invoice: Link,
    pub payment: Paying,
    #[serde(default)]
    pub created: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Paying {
    pub payment_intent: Option<Link>,
}

#[derive(Debug, Deserialize)]
pub struct Session {
    pub id: String,
    pub status: Option<String>,
    pub payment_status: String,
    pub url: Option<String>,
    pub customer: Option<Link>,
    pub client_reference_id: Option<String>,
    pub subscription: Option<Link>,
    pub invoice: Option<Link>,
    pub payment_intent: Option<Link>,
    pub amount_total: Option<i64>,
    pub currency: Option<String>,
    pub expires_at: i64,
    pub created: i64,
}

#[derive(Debug, Deserialize)]
pub struct PaymentIntent {
    pub id: String,
    pub customer: Option<Link>,
    pub status: String,
    pub currency: String,
    pub amount: i64,
    pub amount_received: i64,
    pub latest_charge: Option<Expandable<Charge>>,
    pub last_payment_error: Option<LastError>,
    pub payment_method: Option<Link>,
    #[serde(default)]
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Charge {
    pub amount_refunded: i64,
    pub disputed: bool,
}

#[derive(Debug, Deserialize)]
pub struct LastError {
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Refund {
    pub id: String,
    pub payment_intent: Option<Link>,
    pub status: Option<String>,
    pub amount: i64,
    pub currency: String,
    pub failure_reason: Option<String>,
    pub metadata: Option<Metadata>,
    pub created: i64,
}

#[derive(Debug, Deserialize)]
pub struct Dispute {
    pub id: String,
    pub payment_intent: Option<Link>,
    pub status: String,
    pub amount: i64,
    pub currency: String,
    pub reason: String,
    pub evidence_details: EvidenceDetails,
    pub created: i64,
}

#[derive(Debug, Deserialize)]
pub struct EvidenceDetails {
    pub due_by: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub struct PaymentMethod {
    pub id: String,
    pub customer: Option<Link>,
    pub r#type: String,
    pub card: Option<Card>,
    pub created: i64,
}

#[derive(Debug, Deserialize)]
pub struct Card {
    pub brand: String,
    pub last4: String,
    pub exp_month: u8,
    pub exp_year: u16,
}

#[derive(Debug, Deserialize)]
pub struct Event {
    pub id: String,
    pub r#type: String,
    pub created: i64,
    pub livemode: bool,
    pub data: EventData,
}

#[derive(Debug, Deserialize)]
pub struct EventData {
    pub object: EventObject,
}

/// As much of any object as names what to look at.
#[derive(Debug, Deserialize)]
pub struct EventObject {
    pub id: Option<String>,
    pub payment_intent: Option<Link>,
    pub customer: Option<Link>,
}
