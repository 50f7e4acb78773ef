//! Stripe, over HTTP: the calls that Tessera needs, and no others.

mod event;
mod form;
mod http;
mod map;
mod money;
pub(crate) mod signature;
mod wire;

use reqwest::Url;
use secrecy::SecretString;

use self::form::Form;
use self::http::Http;
pub use self::map::REFERENCE;
use crate::error::{Error, Result};
use crate::event::{Event, WebhookError};
use crate::id::{CheckoutId, CustomerId, InvoiceId, MethodId, PaymentId, PriceId, SubscriptionId};
use crate::object::{
    Account, Checkout, Invoice, Kind, Method, Mode, Object, Price, Reference, Refund, Seconds, Subscription,
};
use crate::port::{
    Answer, Cancellation, Capabilities, Change, ChangePreview, Changes, Collection, Cursor, Endpoint, IdempotencyKey,
    NewCheckout, NewCustomer, NewRefund, NewSetup, PaymentGateway,
};

/// The version of Stripe's API that is spoken, whatever the account's own is.
pub const API_VERSION: &str = "2025-08-27.basil";

/// Objects in one page of a list: Stripe's most.
const PAGE: usize = 100;
/// Pages of one list. A customer with more objects than this is not one of ours.
const PAGES: usize = 50;

/// One account at Stripe, or at a server that behaves like it.
#[derive(Clone, Debug)]
pub struct Stripe {
    http: Http,
    secret: SecretString,
}

impl Stripe {
    /// Where Stripe is.
    pub const BASE: &str = "https://api.stripe.com/";

    /// What can be asked of it.
    pub const CAPABILITIES: Capabilities = Capabilities {
        checkout: true,
        trials: true,
        pause: true,
        previews: true,
        invoices: true,
        partial_refunds: true,
        methods: true,
        portal: true,
        signed_webhooks: true,
        currencies: None,
        key_lifetime: 24 * 3600,
        checkout_lifetime: 24 * 3600,
        // Renewals wait an hour before they are final, and up to 72 for endpoints that do not answer.
        late_renewal: 73 * 3600,
        requests_per_second: (25, 100),
    };

    /// Where Stripe is.
    pub fn server() -> Url {
        Self::BASE.parse().unwrap_or_else(|_| unreachable!("the address is one"))
    }

    /// Another account at the same server, over the same connections.
    pub fn with_secret(&self, secret: SecretString) -> Self {
        Self { http: self.http.clone(), secret }
    }

    /// The account that `secret` opens, at the server `base`. Which server that is, only the configuration says.
    pub fn new(base: Url, secret: SecretString) -> Result<Self, reqwest::Error> {
        Ok(Self { http: Http::new(base)?, secret })
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &[&str], query: Form) -> Result<T> {
        self.http.get(&self.secret, path, query).await
    }

    async fn post<T: serde::de::DeserializeOwned>(&self, path: &[&str], form: Form, key: &IdempotencyKey) -> Result<T> {
        self.http.post(&self.secret, path, form, key).await
    }

    /// A whole list, newest first.
    async fn list<T: wire::Listed>(&self, path: &[&str], query: Form) -> Result<Vec<T>> {
        let mut found: Vec<T> = Vec::new();
        for _ in 0..PAGES {
            let query = query.clone().set("limit", PAGE).maybe("starting_after", found.last().map(T::id));
            let page: wire::List<T> = self.get(path, query).await?;
            found.extend(page.data);
            if !page.has_more {
                return Ok(found);
            }
        }
        Err(Error::Unavailable("the list does not end"))
    }

    async fn fetch_payment(&self, id: &str) -> Result<Object> {
        let query = Form::default().set("expand[0]", "latest_charge");
        let intent: wire::PaymentIntent = self.get(&["v1", "payment_intents", id], query).await?;
        let query =
            Form::default().set("payment[type]", "payment_intent").set("payment[payment_intent]", id).set("limit", 1);
        let invoices: wire::List<wire::InvoicePayment> = self.get(&["v1", "invoice_payments"], query).await?;
        let invoice = invoices.data.into_iter().next().map(|payment| payment.invoice.into_id().into());
        Ok(Object::Payment(map::payment(intent, invoice)))
    }

    async fn fetch_object(&self, kind: Kind, id: &str) -> Result<Object> {
        let plain = Form::default();
        Ok(match kind {
            Kind::Subscription => {
                Object::Subscription(self.get::<wire::Subscription>(&["v1", "subscriptions", id], plain).await?.into())
            }
            Kind::Invoice => {
                let query = plain.set("expand[0]", "payments");
                let invoice = map::invoice(self.get(&["v1", "invoices", id], query).await?);
                Object::Invoice(invoice.ok_or(Error::Unavailable("an invoice without an id"))?)
            }
            Kind::Checkout => {
                Object::Checkout(self.get::<wire::Session>(&["v1", "checkout", "sessions", id], plain).await?.into())
            }
            Kind::Payment => self.fetch_payment(id).await?,
            Kind::Refund => Object::Refund(self.get::<wire::Refund>(&["v1", "refunds", id], plain).await?.into()),
            Kind::Dispute => Object::Dispute(self.get::<wire::Dispute>(&["v1", "disputes", id], plain).await?.into()),
            Kind::Method => {
                Object::Method(self.get::<wire::PaymentMethod>(&["v1", "payment_methods", id], plain).await?.into())
            }
            Kind::Customer => {
                let customer: wire::Customer = self.get(&["v1", "customers", id], plain).await?;
                if customer.deleted {
                    return Err(Error::NotFound);
                }
                Object::Customer(customer.into())
            }
        })
    }

    async fn session(&self, key: &IdempotencyKey, form: Form) -> Result<Checkout> {
        Ok(self.post::<wire::Session>(&["v1", "checkout", "sessions"], form, key).await?.into())
    }
}

/// What both kinds of hosted pages are asked for with.
fn page(mode: &str, reference: &Reference, customer: &CustomerId, success: &str, cancel: &str) -> Form {
    Form::default()
        .set("mode", mode)
        .set("customer", customer)
        .set("client_reference_id", &reference.0)
        .set("success_url", success)
        .set("cancel_url", cancel)
        .set(format!("metadata[{REFERENCE}]"), &reference.0)
}

/// The fields of a change, which a preview has within another.
fn change_form(change: &Change, within: Option<&str>) -> Form {
    let field = |name: &str, rest: &str| match within {
        Some(outer) => format!("{outer}[{name}]{rest}"),
        None => format!("{name}{rest}"),
    };
    Form::default()
        .set(field("items", "[0][id]"), &change.item)
        .set(field("items", "[0][price]"), &change.price)
        .set(field("items", "[0][quantity]"), change.quantity)
        .set(field("proration_behavior", ""), "always_invoice")
        .set(field("proration_date", ""), change.proration_date.0)
}

impl PaymentGateway for Stripe {
    fn capabilities(&self) -> Capabilities {
        Self::CAPABILITIES
    }

    fn account(&self) -> Answer<'_, Account> {
        Box::pin(async move {
            let account: wire::Account = self.get(&["v1", "account"], Form::default()).await?;
            // The account is the same in both modes; the balance is not.
            let balance: wire::Balance = self.get(&["v1", "balance"], Form::default()).await?;
            Ok(Account {
                id: account.id.into(),
                mode: if balance.livemode { Mode::Live } else { Mode::Test },
                country: account.country,
                currency: account.default_currency.map(|currency| currency.to_ascii_uppercase()),
            })
        })
    }

    fn price<'a>(&'a self, id: &'a PriceId) -> Answer<'a, Price> {
        Box::pin(
            async move { Ok(self.get::<wire::Price>(&["v1", "prices", id.as_str()], Form::default()).await?.into()) },
        )
    }

    fn register_webhook<'a>(&'a self, key: &'a IdempotencyKey, url: &'a str) -> Answer<'a, Endpoint> {
        Box::pin(async move {
            let mut form = Form::default().set("url", url).set("api_version", API_VERSION);
            for (index, told) in event::TOLD.iter().enumerate() {
                form = form.set(format!("enabled_events[{index}]"), told);
            }
            let endpoint: wire::Endpoint = self.post(&["v1", "webhook_endpoints"], form, key).await?;
            let secret = endpoint.secret.ok_or(Error::OutcomeUnknown("an endpoint without a secret"))?;
            Ok(Endpoint { id: endpoint.id.into(), secret: secret.into() })
        })
    }

    fn create_customer<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewCustomer) -> Answer<'a, CustomerId> {
        Box::pin(async move {
            let form = Form::default()
                .maybe("name", new.name.as_ref())
                .maybe("email", new.email.as_ref())
                .set(format!("metadata[{REFERENCE}]"), &new.reference.0);
            let customer: wire::Customer = self.post(&["v1", "customers"], form, key).await?;
            Ok(customer.id.into())
        })
    }

    fn find_customers<'a>(&'a self, reference: &'a Reference, since: Seconds) -> Answer<'a, Vec<CustomerId>> {
        Box::pin(async move {
            let query = Form::default().set("created[gte]", since.0);
            let customers: Vec<wire::Customer> = self.list(&["v1", "customers"], query).await?;
            let ours = customers.into_iter().filter(|customer| customer.metadata.get(REFERENCE) == Some(&reference.0));
            Ok(ours.map(|customer| customer.id.into()).collect())
        })
    }

    fn delete_customer<'a>(&'a self, key: &'a IdempotencyKey, id: &'a CustomerId) -> Answer<'a, ()> {
        Box::pin(async move {
            let path = ["v1", "customers", id.as_str()];
            let _: wire::Identified = self.http.delete(&self.secret, &path, Form::default(), key).await?;
            Ok(())
        })
    }

    fn start_checkout<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewCheckout) -> Answer<'a, Checkout> {
        Box::pin(async move {
            let mut form = page("subscription", &new.reference, &new.customer, &new.success_url, &new.cancel_url)
                .set(format!("subscription_data[metadata][{REFERENCE}]"), &new.reference.0)
                .maybe("subscription_data[trial_end]", new.trial_end.map(|Seconds(moment)| moment))
                .maybe("expires_at", new.expires_at.map(|Seconds(moment)| moment));
            for (index, (price, quantity)) in new.lines.iter().enumerate() {
                form = form
                    .set(format!("line_items[{index}][price]"), price)
                    .set(format!("line_items[{index}][quantity]"), quantity);
            }
            self.session(key, form).await
        })
    }

    fn find_checkouts<'a>(&'a self, customer: &'a CustomerId, reference: &'a Reference) -> Answer<'a, Vec<Checkout>> {
        Box::pin(async move {
            let query = Form::default().set("customer", customer);
            let path = ["v1", "checkout", "sessions"];
            let sessions: Vec<wire::Session> = self.list(&path, query).await?;
            let ours =
                sessions.into_iter().filter(|session| session.client_reference_id.as_ref() == Some(&reference.0));
            Ok(ours.map(Checkout::from).collect())
        })
    }

    fn expire_checkout<'a>(&'a self, key: &'a IdempotencyKey, id: &'a CheckoutId) -> Answer<'a, Checkout> {
        Box::pin(async move {
            let path = ["v1", "checkout", "sessions", id.as_str(), "expire"];
            match self.post::<wire::Session>(&path, Form::default(), key).await {
                Ok(session) => Ok(session.into()),
                // Only an open one can be closed: what it is instead is the answer.
                Err(Error::Invalid(refusal)) => match self.fetch_object(Kind::Checkout, id.as_str()).await? {
                    Object::Checkout(checkout) if checkout.status != crate::object::CheckoutStatus::Open => {
                        Ok(checkout)
                    }
                    _ => Err(Error::Invalid(refusal)),
                },
                Err(error) => Err(error),
            }
        })
    }

    fn start_setup<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewSetup) -> Answer<'a, Checkout> {
        Box::pin(async move {
            let form = page("setup", &new.reference, &new.customer, &new.success_url, &new.cancel_url)
                .set("currency", new.currency.to_ascii_lowercase());
            self.session(key, form).await
        })
    }

    fn portal<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        customer: &'a CustomerId,
        return_url: &'a str,
    ) -> Answer<'a, String> {
        Box::pin(async move {
            let form = Form::default().set("customer", customer).set("return_url", return_url);
            let page: wire::Page = self.post(&["v1", "billing_portal", "sessions"], form, key).await?;
            Ok(page.url)
        })
    }

    fn fetch<'a>(&'a self, kind: Kind, id: &'a str) -> Answer<'a, Object> {
        Box::pin(self.fetch_object(kind, id))
    }

    fn subscriptions<'a>(&'a self, customer: &'a CustomerId) -> Answer<'a, Vec<Subscription>> {
        Box::pin(async move {
            let query = Form::default().set("customer", customer).set("status", "all");
            let path = ["v1", "subscriptions"];
            let found: Vec<wire::Subscription> = self.list(&path, query).await?;
            Ok(found.into_iter().map(Subscription::from).collect())
        })
    }

    fn cancel<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: &'a SubscriptionId,
        how: Cancellation,
    ) -> Answer<'a, Subscription> {
        Box::pin(async move {
            let path = ["v1", "subscriptions", id.as_str()];
            let plan = |at_period_end: bool| Form::default().set("cancel_at_period_end", at_period_end);
            let subscription: wire::Subscription = match how {
                Cancellation::Now => match self.http.delete(&self.secret, &path, Form::default(), key).await {
                    // One that has ended is not found for ending, and found for reading.
                    Err(Error::NotFound) => self.get(&path, Form::default()).await?,
                    answer => answer?,
                },
                Cancellation::AtPeriodEnd => self.post(&path, plan(true), key).await?,
                Cancellation::Undo => self.post(&path, plan(false), key).await?,
            };
            Ok(subscription.into())
        })
    }

    fn set_collection<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: &'a SubscriptionId,
        collection: Collection,
    ) -> Answer<'a, Subscription> {
        Box::pin(async move {
            let form = match collection {
                Collection::Paused => Form::default().set("pause_collection[behavior]", "void"),
                Collection::Running => Form::default().set("pause_collection", ""),
            };
            Ok(self.post::<wire::Subscription>(&["v1", "subscriptions", id.as_str()], form, key).await?.into())
        })
    }

    fn preview_change<'a>(&'a self, change: &'a Change) -> Answer<'a, ChangePreview> {
        Box::pin(async move {
            let form = change_form(change, Some("subscription_details")).set("subscription", &change.subscription);
            let path = ["v1", "invoices", "create_preview"];
            let preview: wire::Invoice = self.http.ask(&self.secret, &path, form).await?;
            let due = money::from_stripe(preview.amount_due, &preview.currency);
            Ok(ChangePreview { due, proration_date: change.proration_date })
        })
    }

    fn change_price<'a>(&'a self, key: &'a IdempotencyKey, change: &'a Change) -> Answer<'a, Subscription> {
        Box::pin(async move {
            let form = change_form(change, None).set("payment_behavior", "pending_if_incomplete");
            let path = ["v1", "subscriptions", change.subscription.as_str()];
            Ok(self.post::<wire::Subscription>(&path, form, key).await?.into())
        })
    }

    fn void_invoice<'a>(&'a self, key: &'a IdempotencyKey, id: &'a InvoiceId) -> Answer<'a, Invoice> {
        Box::pin(async move {
            let invoice = self.post(&["v1", "invoices", id.as_str(), "void"], Form::default(), key).await?;
            map::invoice(invoice).ok_or(Error::OutcomeUnknown("an invoice without an id"))
        })
    }

    fn refund<'a>(&'a self, key: &'a IdempotencyKey, new: &'a NewRefund) -> Answer<'a, Refund> {
        Box::pin(async move {
            let form = Form::default()
                .set("payment_intent", &new.payment)
                .maybe("amount", new.amount.as_ref().map(money::to_stripe))
                .set(format!("metadata[{REFERENCE}]"), &new.reference.0);
            Ok(self.post::<wire::Refund>(&["v1", "refunds"], form, key).await?.into())
        })
    }

    fn find_refunds<'a>(&'a self, payment: &'a PaymentId, reference: &'a Reference) -> Answer<'a, Vec<Refund>> {
        Box::pin(async move {
            let query = Form::default().set("payment_intent", payment);
            let refunds: Vec<wire::Refund> = self.list(&["v1", "refunds"], query).await?;
            Ok(refunds
                .into_iter()
                .map(Refund::from)
                .filter(|refund| refund.reference.as_ref() == Some(reference))
                .collect())
        })
    }

    fn methods<'a>(&'a self, customer: &'a CustomerId) -> Answer<'a, Vec<Method>> {
        Box::pin(async move {
            let path = ["v1", "customers", customer.as_str(), "payment_methods"];
            let methods: Vec<wire::PaymentMethod> = self.list(&path, Form::default()).await?;
            Ok(methods.into_iter().map(Method::from).collect())
        })
    }

    fn attach_method<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        customer: &'a CustomerId,
        method: &'a MethodId,
    ) -> Answer<'a, Method> {
        Box::pin(async move {
            let path = ["v1", "payment_methods", method.as_str(), "attach"];
            let form = Form::default().set("customer", customer);
            Ok(self.post::<wire::PaymentMethod>(&path, form, key).await?.into())
        })
    }

    fn detach_method<'a>(&'a self, key: &'a IdempotencyKey, method: &'a MethodId) -> Answer<'a, Method> {
        Box::pin(async move {
            let path = ["v1", "payment_methods", method.as_str(), "detach"];
            Ok(self.post::<wire::PaymentMethod>(&path, Form::default(), key).await?.into())
        })
    }

    fn set_default_method<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        customer: &'a CustomerId,
        subscription: Option<&'a SubscriptionId>,
        method: &'a MethodId,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let form = Form::default().set("invoice_settings[default_payment_method]", method);
            // Each request has a key of its own, made from the one of the intent.
            let key_for = |part: &str| IdempotencyKey(format!("{}-{part}", key.0));
            let path = ["v1", "customers", customer.as_str()];
            let _: wire::Identified = self.post(&path, form, &key_for("customer")).await?;
            if let Some(subscription) = subscription {
                let form = Form::default().set("default_payment_method", method);
                let path = ["v1", "subscriptions", subscription.as_str()];
                let _: wire::Identified = self.post(&path, form, &key_for("subscription")).await?;
            }
            Ok(())
        })
    }

    fn changed_since<'a>(&'a self, cursor: Option<&'a Cursor>, since: Seconds) -> Answer<'a, Changes> {
        Box::pin(async move {
            let path = ["v1", "events"];
            // Stripe lists the newest first.
            let (mut found, more): (Vec<wire::Event>, bool) = match cursor {
                Some(Cursor(id)) => {
                    let query = Form::default().set("limit", PAGE).set("ending_before", id);
                    let page: wire::List<wire::Event> = self.get(&path, query).await?;
                    (page.data, page.has_more)
                }
                None => (self.list(&path, Form::default().set("created[gte]", since.0)).await?, false),
            };
            found.reverse();
            let events: Vec<Event> = found.into_iter().map(Event::from).collect();
            let next = events.last().map(|event| Cursor(event.id.clone())).or_else(|| cursor.cloned());
            Ok(Changes { events, next, more })
        })
    }

    fn verify_webhook(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        secrets: &[SecretString],
        now: Seconds,
    ) -> Result<Event, WebhookError> {
        let signature = header("stripe-signature").ok_or(WebhookError::NoSignature)?;
        signature::verify(&signature, body, secrets, now)?;
        let event: wire::Event = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
        Ok(event.into())
    }
}
