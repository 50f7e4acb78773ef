//! What Tessera asks of a payment gateway.

use std::pin::Pin;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::event::{Event, WebhookError};
use crate::id::{
    CheckoutId, CustomerId, EndpointId, EventId, InvoiceId, ItemId, MethodId, PaymentId, PriceId, SubscriptionId,
};
use crate::object::{
    Account, Checkout, Invoice, Kind, Method, Mode, Money, Object, Price, Reference, Refund, Seconds, Subscription,
};

/// The answer to a call, when it comes.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Names one intent. The gateway does what is sent with a key once, and answers the same to the same bytes, for as long as
/// [`Capabilities::key_lifetime`] says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub String);

/// One account at a payment gateway.
///
/// A call that changes something takes an idempotency key. After [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown)
/// the same call with the same key may be repeated while the key lives; later the outcome is looked up by our reference.
pub trait PaymentGateway: Send + Sync {
    /// What can be asked of it.
    fn capabilities(&self) -> Capabilities;

    /// Whose account the key opens, and whether it moves real money.
    fn account(&self) -> Answer<'_, Account>;
    /// A price, to compare it with what we sell.
    fn price<'a>(&'a self, id: &'a PriceId) -> Answer<'a, Price>;
    /// Has news sent to an address of ours. The secret is told once.
    fn register_webhook<'a>(&'a self, key: &'a IdempotencyKey, url: &'a str) -> Answer<'a, Endpoint>;

    /// Makes a customer.
    fn create_customer<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewCustomer) -> Answer<'a, CustomerId>;
    /// The customers that carry our reference and were made at or after a moment. Listed, not searched: a gateway's search
    /// lags behind.
    fn find_customers<'a>(&'a self, reference: &'a Reference, since: Seconds) -> Answer<'a, Vec<CustomerId>>;
    /// Deletes a customer that nothing names.
    fn delete_customer<'a>(&'a self, key: &'a IdempotencyKey, id: &'a CustomerId) -> Answer<'a, ()>;

    /// Opens a hosted page on which a subscription is bought. Its URL is in the answer, and in [`PaymentGateway::fetch`]'s.
    fn start_checkout<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewCheckout) -> Answer<'a, Checkout>;
    /// The hosted pages of a customer that carry our reference.
    fn find_checkouts<'a>(&'a self, customer: &'a CustomerId, reference: &'a Reference) -> Answer<'a, Vec<Checkout>>;
    /// Closes a hosted page. The answer may be that it is complete already: then it was paid.
    fn expire_checkout<'a>(&'a self, key: &'a IdempotencyKey, id: &'a CheckoutId) -> Answer<'a, Checkout>;
    /// Opens a hosted page on which a payment method is left.
    fn start_setup<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewSetup) -> Answer<'a, Checkout>;
    /// The address of a page on which the customer looks after everything, valid for minutes.
    fn portal<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        customer: &'a CustomerId,
        return_url: &'a str,
    ) -> Answer<'a, String>;

    /// An object as it is now.
    fn fetch<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Object>;
    /// All subscriptions of a customer, ended ones included.
    fn subscriptions<'a>(&'a self, customer: &'a CustomerId) -> Answer<'a, Vec<Subscription>>;

    /// Ends a subscription, or plans that, or calls it off.
    fn cancel<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: &'a SubscriptionId,
        how: Cancellation,
    ) -> Answer<'a, Subscription>;
    /// Stops charging a subscription that goes on, or charges it again from the next period.
    fn set_collection<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: &'a SubscriptionId,
        collection: Collection,
    ) -> Answer<'a, Subscription>;
    /// What a change would cost now, by the gateway's own reckoning.
    fn preview_change<'a>(&'a self, change: &'a Change) -> Answer<'a, ChangePreview>;
    /// Changes the price of a subscription at once. A payment that fails leaves it as it was.
    fn change_price<'a>(&'a self, key: &'a IdempotencyKey, change: &'a Change) -> Answer<'a, Subscription>;
    /// Gives up an open invoice.
    fn void_invoice<'a>(&'a self, key: &'a IdempotencyKey, id: &'a InvoiceId) -> Answer<'a, Invoice>;

    /// Gives money back.
    fn refund<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewRefund) -> Answer<'a, Refund>;
    /// The refunds of a payment that carry our reference.
    fn find_refunds<'a>(&'a self, payment: &'a PaymentId, reference: &'a Reference) -> Answer<'a, Vec<Refund>>;

    /// The payment methods of a customer.
    fn methods<'a>(&'a self, customer: &'a CustomerId) -> Answer<'a, Vec<Method>>;
    /// Keeps a payment method with a customer.
    fn attach_method<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        customer: &'a CustomerId,
        method: &'a MethodId,
    ) -> Answer<'a, Method>;
    /// Lets go of a payment method.
    fn detach_method<'a>(&'a self, key: &'a IdempotencyKey, method: &'a MethodId) -> Answer<'a, Method>;
    /// Charges from this method, for the customer's future subscriptions and for this one.
    fn set_default_method<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        customer: &'a CustomerId,
        subscription: Option<&'a SubscriptionId>,
        method: &'a MethodId,
    ) -> Answer<'a, ()>;

    /// What happened behind a cursor, oldest first. Without one: since a moment that the gateway still knows.
    fn changed_since<'a>(&'a self, cursor: Option<&'a Cursor>, since: Seconds) -> Answer<'a, Changes>;

    /// What a webhook says, if one of the secrets signed it. `header` gives a header's value; `body` is as it came.
    fn verify_webhook(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        secrets: &[SecretString],
        now: Seconds,
    ) -> Result<Event, WebhookError>;
}

/// What can be asked of an account. Data, so that the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Hosted checkout of subscriptions.
    pub checkout: bool,
    /// Trials.
    pub trials: bool,
    /// Stopping charges while the subscription goes on.
    pub pause: bool,
    /// What a change of price costs, before it is made.
    pub previews: bool,
    /// Invoices as objects of their own.
    pub invoices: bool,
    /// Refunds of a part.
    pub partial_refunds: bool,
    /// Payment methods that the customer manages here.
    pub methods: bool,
    /// A page on which the customer looks after everything.
    pub portal: bool,
    /// Signed webhooks.
    pub signed_webhooks: bool,
    /// The currencies; all if there is no list.
    pub currencies: Option<Vec<String>>,
    /// How long an idempotency key is remembered, in seconds; none are if 0.
    pub key_lifetime: i64,
    /// How long an open checkout lives at most, in seconds.
    pub checkout_lifetime: i64,
    /// How long behind its due moment a renewal may come, in seconds.
    pub late_renewal: i64,
    /// How many requests a second the account has, in test and live mode.
    pub requests_per_second: (u32, u32),
}

impl Capabilities {
    /// The rate of an account.
    pub fn rate(&self, mode: Mode) -> u32 {
        match mode {
            Mode::Test => self.requests_per_second.0,
            Mode::Live => self.requests_per_second.1,
        }
    }
}

/// A customer to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCustomer {
    /// Our name for it.
    pub reference: Reference,
    /// For receipts.
    pub name: Option<String>,
    /// For receipts.
    pub email: Option<String>,
}

/// A checkout to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCheckout {
    /// Our name for it, and for the subscription it makes.
    pub reference: Reference,
    /// Who pays.
    pub customer: CustomerId,
    /// What is bought, and how many of it.
    pub lines: Vec<(PriceId, u64)>,
    /// Where the payer goes when it is done.
    pub success_url: String,
    /// Where the payer goes to give up.
    pub cancel_url: String,
    /// Nothing is due before this moment.
    pub trial_end: Option<Seconds>,
    /// When the page closes; the gateway's own time if not given.
    pub expires_at: Option<Seconds>,
}

/// A page to be opened on which a payment method is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSetup {
    /// Our name for it.
    pub reference: Reference,
    /// Whose method it will be.
    pub customer: CustomerId,
    /// ISO 4217, what will be paid with it.
    pub currency: String,
    /// Where the customer goes when it is done.
    pub success_url: String,
    /// Where the customer goes to give up.
    pub cancel_url: String,
}

/// When a subscription is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cancellation {
    /// Now.
    Now,
    /// With the period that is paid.
    AtPeriodEnd,
    /// Not, after all.
    Undo,
}

/// Whether a subscription is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Collection {
    /// Invoices are void as they come.
    Paused,
    /// Invoices are collected.
    Running,
}

/// A change of what is billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What changes.
    pub subscription: SubscriptionId,
    /// The line that changes.
    pub item: ItemId,
    /// What is sold from now on.
    pub price: PriceId,
    /// How many.
    pub quantity: u64,
    /// The moment from which the difference is reckoned: the same in preview and change, so that both say the same.
    pub proration_date: Seconds,
}

/// What a change costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePreview {
    /// What would be charged at once; below zero is kept for later invoices.
    pub due: Money,
    /// The moment from which it was reckoned.
    pub proration_date: Seconds,
}

/// A refund to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRefund {
    /// Our name for it.
    pub reference: Reference,
    /// What is given back.
    pub payment: PaymentId,
    /// How much; what is left of it if not given.
    pub amount: Option<Money>,
}

/// An address that news is sent to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The gateway's id.
    pub id: EndpointId,
    /// What its news is signed with.
    pub secret: SecretString,
}

/// How far news was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub EventId);

/// News.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Oldest first.
    pub events: Vec<Event>,
    /// Where to read on; as it was if there is no news.
    pub next: Option<Cursor>,
    /// Whether there is more behind it already.
    pub more: bool,
}

impl Object {
    /// What it is, and its id.
    pub fn key(&self) -> (Kind, &str) {
        match self {
            Self::Subscription(object) => (Kind::Subscription, object.id.as_str()),
            Self::Invoice(object) => (Kind::Invoice, object.id.as_str()),
            Self::Checkout(object) => (Kind::Checkout, object.id.as_str()),
            Self::Payment(object) => (Kind::Payment, object.id.as_str()),
            Self::Refund(object) => (Kind::Refund, object.id.as_str()),
            Self::Dispute(object) => (Kind::Dispute, object.id.as_str()),
            Self::Method(object) => (Kind::Method, object.id.as_str()),
            Self::Customer(object) => (Kind::Customer, object.id.as_str()),
        }
    }

    /// Our name for it.
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Subscription(object) => object.reference.as_ref(),
            Self::Checkout(object) => object.reference.as_ref(),
            Self::Payment(object) => object.reference.as_ref(),
            Self::Refund(object) => object.reference.as_ref(),
            Self::Customer(object) => object.reference.as_ref(),
            Self::Invoice(_) | Self::Dispute(_) | Self::Method(_) => None,
        }
    }

    /// What it belongs to: whoever finds one of these in the registry knows whose it is.
    pub fn belongs_to(&self) -> Vec<(Kind, &str)> {
        fn of<T: AsRef<str>>(kind: Kind, id: Option<&T>) -> Option<(Kind, &str)> {
            id.map(|id| (kind, id.as_ref()))
        }
        let owners = match self {
            Self::Subscription(object) => [of(Kind::Customer, Some(&object.customer)), None],
            Self::Invoice(object) => {
                [of(Kind::Subscription, object.subscription.as_ref()), of(Kind::Customer, object.customer.as_ref())]
            }
            Self::Checkout(object) => [of(Kind::Customer, object.customer.as_ref()), None],
            Self::Payment(object) => {
                [of(Kind::Invoice, object.invoice.as_ref()), of(Kind::Customer, object.customer.as_ref())]
            }
            Self::Refund(object) => [of(Kind::Payment, object.payment.as_ref()), None],
            Self::Dispute(object) => [of(Kind::Payment, object.payment.as_ref()), None],
            Self::Method(object) => [of(Kind::Customer, object.customer.as_ref()), None],
            Self::Customer(_) => [None, None],
        };
        owners.into_iter().flatten().collect()
    }
}
