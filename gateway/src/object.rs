//! What gateways have, in one form for all of them. A status that we do not know keeps the gateway's word and changes
//! nothing of ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{
    AccountId, CheckoutId, CustomerId, DisputeId, InvoiceId, ItemId, MethodId, PaymentId, PriceId, RefundId,
    SubscriptionId,
};

/// A moment, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seconds(pub i64);

/// A sum of money.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// In the smallest unit that ISO 4217 gives the currency.
    pub minor: i64,
    /// ISO 4217, such as `USD`.
    pub currency: String,
}

/// Our own name for an object: ours to choose, kept by the gateway, and found again by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference(pub String);

/// Whether an account moves real money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Test numbers only.
    Test,
    /// Real money.
    Live,
}

/// Whose account a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The gateway's id.
    pub id: AccountId,
    /// Whether the key moves real money.
    pub mode: Mode,
    /// Two letters, where the account is.
    pub country: Option<String>,
    /// ISO 4217, what it is paid out in.
    pub currency: Option<String>,
}

/// The kinds of objects that are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Subscription`]
    Subscription,
    /// [`Invoice`]
    Invoice,
    /// [`Checkout`]
    Checkout,
    /// [`Payment`]
    Payment,
    /// [`Refund`]
    Refund,
    /// [`Dispute`]
    Dispute,
    /// [`Method`]
    Method,
    /// [`Customer`]
    Customer,
}

/// An object as it is at the gateway now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// See [`Subscription`].
    Subscription(Subscription),
    /// See [`Invoice`].
    Invoice(Invoice),
    /// See [`Checkout`].
    Checkout(Checkout),
    /// See [`Payment`].
    Payment(Payment),
    /// See [`Refund`].
    Refund(Refund),
    /// See [`Dispute`].
    Dispute(Dispute),
    /// See [`Method`].
    Method(Method),
    /// See [`Customer`].
    Customer(Customer),
}

/// Where a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// Its first money has not arrived.
    Pending,
    /// Before its first money is due.
    Trialing,
    /// Paid.
    Active,
    /// A renewal was not paid; the gateway tries on.
    PastDue,
    /// A renewal was not paid, and the gateway has given up.
    Unpaid,
    /// Nothing is charged until it is resumed.
    Paused,
    /// Ended.
    Canceled,
    /// Ended without ever being paid.
    Expired,
    /// The gateway's word, which we do not know.
    Unknown(String),
}

/// A subscription that the gateway bills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The gateway's id.
    pub id: SubscriptionId,
    /// Who pays.
    pub customer: CustomerId,
    /// Our name for it.
    pub reference: Option<Reference>,
    /// Where it stands.
    pub status: SubscriptionStatus,
    /// What is billed.
    pub items: Vec<Item>,
    /// ISO 4217.
    pub currency: String,
    /// When the current period began.
    pub period_start: Option<Seconds>,
    /// When the current period ends.
    pub period_end: Option<Seconds>,
    /// When the trial ends or ended.
    pub trial_end: Option<Seconds>,
    /// Whether it ends with the current period.
    pub cancel_at_period_end: bool,
    /// When it will end, if that is known.
    pub cancel_at: Option<Seconds>,
    /// When it ended.
    pub ended_at: Option<Seconds>,
    /// What its charges are taken from; the customer's default if there is none.
    pub default_method: Option<MethodId>,
    /// Its newest invoice.
    pub latest_invoice: Option<InvoiceId>,
    /// Whether a change is planned, through which every ending must go.
    pub scheduled: bool,
    /// When it was made.
    pub created: Seconds,
}

/// A line of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The gateway's id.
    pub id: ItemId,
    /// What is sold.
    pub price: PriceId,
    /// How many.
    pub quantity: u64,
}

/// Where an attempt to get money stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not tried yet.
    Pending,
    /// Waits for the payer, who must confirm with the bank.
    RequiresAction,
    /// On its way.
    Processing,
    /// The money is there.
    Succeeded,
    /// Tried, and refused. May be tried again.
    Failed,
    /// Given up.
    Canceled,
    /// The gateway's word, which we do not know.
    Unknown(String),
}

/// The demand for one period's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The gateway's id.
    pub id: InvoiceId,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// What it is for.
    pub subscription: Option<SubscriptionId>,
    /// Where it stands: succeeded when it is paid, zero amounts included.
    pub status: PaymentStatus,
    /// Whether it is not yet final. Nothing is asked for before it is.
    pub draft: bool,
    /// What is asked for.
    pub due: Money,
    /// What was paid.
    pub paid: Money,
    /// The period whose money it asks for.
    pub period: Option<(Seconds, Seconds)>,
    /// Whether it is the first of its subscription.
    pub first: bool,
    /// How often payment was tried.
    pub attempts: u64,
    /// When the gateway tries next.
    pub next_attempt: Option<Seconds>,
    /// When it was paid.
    pub paid_at: Option<Seconds>,
    /// The payments that were to pay it, newest last.
    pub payments: Vec<PaymentId>,
    /// A page on which the payer can pay it.
    pub url: Option<String>,
    /// When it was made.
    pub created: Seconds,
}

/// Where a hosted page stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutStatus {
    /// Can still be used.
    Open,
    /// Used.
    Complete,
    /// Closed without use.
    Expired,
    /// The gateway's word, which we do not know.
    Unknown(String),
}

/// A hosted page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The gateway's id.
    pub id: CheckoutId,
    /// Where it stands.
    pub status: CheckoutStatus,
    /// Whether its money is there, or none was to be paid.
    pub paid: bool,
    /// Where the page is, while it can be used. Never stored.
    pub url: Option<String>,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// Our name for it.
    pub reference: Option<Reference>,
    /// What it made.
    pub subscription: Option<SubscriptionId>,
    /// The first invoice of what it made.
    pub invoice: Option<InvoiceId>,
    /// What it took, where it sold something once.
    pub payment: Option<PaymentId>,
    /// What it asks for.
    pub total: Option<Money>,
    /// When it closes by itself.
    pub expires_at: Seconds,
    /// When it was made.
    pub created: Seconds,
}

/// Why a payment was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The gateway's word, such as `card_declined`; the bank's where it gave one, such as `insufficient_funds`.
    pub code: Option<String>,
    /// In English, for people.
    pub message: Option<String>,
}

/// A sum that is or was to be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The gateway's id.
    pub id: PaymentId,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// The invoice it pays.
    pub invoice: Option<InvoiceId>,
    /// Our name for it.
    pub reference: Option<Reference>,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The gateway's own word for that.
    pub word: String,
    /// What is collected.
    pub amount: Money,
    /// What came.
    pub received: Money,
    /// What went back.
    pub refunded: Money,
    /// Whether there is or was a dispute about it; the [`Dispute`] says how it stands.
    pub disputed: bool,
    /// What it is taken from.
    pub method: Option<MethodId>,
    /// Why the newest try failed.
    pub failure: Option<Failure>,
    /// When it was made.
    pub created: Seconds,
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Waits for the payer.
    RequiresAction,
    /// The money went back.
    Succeeded,
    /// The money did not go back.
    Failed,
    /// Called off.
    Canceled,
    /// The gateway's word, which we do not know.
    Unknown(String),
}

/// Money that goes back to the payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The gateway's id.
    pub id: RefundId,
    /// The payment that is given back, in part or whole.
    pub payment: Option<PaymentId>,
    /// Our name for it.
    pub reference: Option<Reference>,
    /// Where it stands.
    pub status: RefundStatus,
    /// How much.
    pub amount: Money,
    /// The gateway's word for why it failed.
    pub failure: Option<String>,
    /// When it was made.
    pub created: Seconds,
}

/// Where a dispute stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeStatus {
    /// Undecided, a mere inquiry included.
    Open,
    /// The money stays.
    Won,
    /// The money is gone.
    Lost,
    /// The gateway's word, which we do not know.
    Unknown(String),
}

/// A payment that the payer's bank takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The gateway's id.
    pub id: DisputeId,
    /// The payment in question.
    pub payment: Option<PaymentId>,
    /// Where it stands.
    pub status: DisputeStatus,
    /// The gateway's word for the stage, such as `needs_response`.
    pub stage: String,
    /// How much.
    pub amount: Money,
    /// The bank's word for why.
    pub reason: String,
    /// Until when evidence counts.
    pub due_by: Option<Seconds>,
    /// When it was made.
    pub created: Seconds,
}

/// A way to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The gateway's id.
    pub id: MethodId,
    /// Whose it is; nobody's once it is detached.
    pub customer: Option<CustomerId>,
    /// The gateway's word, such as `card`.
    pub kind: String,
    /// What is shown of a card.
    pub card: Option<Card>,
    /// When it was made.
    pub created: Seconds,
}

/// What may be shown of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Such as `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// 1 to 12.
    pub expires_month: u8,
    /// Four digits.
    pub expires_year: u16,
}

/// Whoever pays. One that the gateway has deleted is not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The gateway's id.
    pub id: CustomerId,
    /// Our name for it.
    pub reference: Option<Reference>,
    /// Where receipts go.
    pub email: Option<String>,
    /// What is charged unless a subscription says otherwise.
    pub default_method: Option<MethodId>,
    /// What we left with it.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created: Seconds,
}

/// How long a price's period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// What is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The gateway's id.
    pub id: PriceId,
    /// Whether it can still be bought.
    pub active: bool,
    /// How much for one, unless the gateway computes it in another way.
    pub amount: Option<Money>,
    /// How often; once if there is none. An interval and how many of them.
    pub every: Option<(Interval, u32)>,
}
