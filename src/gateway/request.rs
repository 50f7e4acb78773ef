//! What is asked of gateways: each request can be sent, repeated with the same bytes, and its outcome looked up.

use serde::{Deserialize, Serialize};
use tessera_gateway::{
    Cancellation, CheckoutId, Collection, CustomerId, Error, IdempotencyKey, InvoiceId, Kind, NewCheckout, NewCustomer,
    NewRefund, Object, Reference, Refusal, Result, Seconds, SubscriptionId, SubscriptionStatus,
};

use super::remote::Remote;
use crate::entity::GatewayObjectKind;

/// Something that is asked of a gateway. Its JSON is what is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// To know whoever pays.
    CreateCustomer(NewCustomer),
    /// To forget a customer that nothing names.
    DeleteCustomer(CustomerId),
    /// To open a hosted page.
    StartCheckout(NewCheckout),
    /// To close a hosted page.
    ExpireCheckout(CheckoutId),
    /// To end a subscription, or plan that, or call it off.
    Cancel(SubscriptionId, Cancellation),
    /// To stop charging, or to go on.
    SetCollection(SubscriptionId, Collection),
    /// To give up an open invoice.
    VoidInvoice(InvoiceId),
    /// To give money back.
    Refund(NewRefund),
}

/// The subject of what opens the page of a checkout, by our name for that.
pub fn start_of_checkout(reference: &Reference) -> String {
    format!("start checkout {}", reference.0)
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it made or changed.
    pub kind: GatewayObjectKind,
    /// The gateway's id of that.
    pub id: String,
    /// What that is like, where the gateway said so.
    pub object: Option<Object>,
}

impl From<Object> for Outcome {
    fn from(object: Object) -> Self {
        let (kind, id) = object.key();
        Self { kind: kind.into(), id: id.to_owned(), object: Some(object) }
    }
}

fn customer(id: CustomerId) -> Outcome {
    Outcome { kind: GatewayObjectKind::Customer, id: id.0, object: None }
}

impl Request {
    /// What is asked, of what: two intents with the same subject in an account are one.
    pub fn subject(&self, reference: &Reference) -> String {
        match self {
            Self::CreateCustomer(_) => format!("create customer {}", reference.0),
            Self::DeleteCustomer(id) => format!("delete customer {id}"),
            Self::StartCheckout(_) => start_of_checkout(reference),
            Self::ExpireCheckout(id) => format!("expire checkout {id}"),
            Self::Cancel(id, _) => format!("cancel {id}"),
            Self::SetCollection(id, _) => format!("set collection {id}"),
            Self::VoidInvoice(id) => format!("void invoice {id}"),
            Self::Refund(_) => format!("refund {}", reference.0),
        }
    }

    /// Whether it is to happen however long it takes. Of anything else whoever asked is told, and asks again.
    pub fn must_happen(&self) -> bool {
        match self {
            Self::CreateCustomer(_) | Self::StartCheckout(_) => false,
            Self::DeleteCustomer(_)
            | Self::ExpireCheckout(_)
            | Self::Cancel(..)
            | Self::SetCollection(..)
            | Self::VoidInvoice(_)
            | Self::Refund(_) => true,
        }
    }

    /// Sends it.
    pub async fn send(&self, remote: &Remote, key: &IdempotencyKey) -> Result<Outcome> {
        Ok(match self {
            Self::CreateCustomer(new) => {
                customer(remote.call("create_customer", |gateway| gateway.create_customer(key, new)).await?)
            }
            Self::DeleteCustomer(id) => {
                let subscriptions = remote.call("subscriptions", |gateway| gateway.subscriptions(id)).await?;
                let methods = remote.call("methods", |gateway| gateway.methods(id)).await?;
                if !subscriptions.is_empty() || !methods.is_empty() {
                    let message = Some("the customer has subscriptions or methods".to_owned());
                    return Err(Error::Invalid(Refusal { message, ..Refusal::default() }));
                }
                remote.call("delete_customer", |gateway| gateway.delete_customer(key, id)).await?;
                customer(id.clone())
            }
            Self::StartCheckout(new) => {
                Object::Checkout(remote.call("start_checkout", |gateway| gateway.start_checkout(key, new)).await?)
                    .into()
            }
            Self::ExpireCheckout(id) => {
                Object::Checkout(remote.call("expire_checkout", |gateway| gateway.expire_checkout(key, id)).await?)
                    .into()
            }
            Self::Cancel(id, how) => {
                Object::Subscription(remote.call("cancel", |gateway| gateway.cancel(key, id, *how)).await?).into()
            }
            Self::SetCollection(id, collection) => {
                let set = remote.call("set_collection", |gateway| gateway.set_collection(key, id, *collection));
                Object::Subscription(set.await?).into()
            }
            Self::VoidInvoice(id) => {
                Object::Invoice(remote.call("void_invoice", |gateway| gateway.void_invoice(key, id)).await?).into()
            }
            Self::Refund(new) => {
                Object::Refund(remote.call("refund", |gateway| gateway.refund(key, new)).await?).into()
            }
        })
    }

    /// What the gateway shows of it, if it shows that it was done. Listed by our reference, or seen in the object itself.
    pub async fn look_up(&self, remote: &Remote, reference: &Reference, since: Seconds) -> Result<Option<Outcome>> {
        let fetch = async |kind, id| match remote.call("fetch", |gateway| gateway.fetch(kind, id)).await {
            Ok(object) => Ok(Some(object)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        Ok(match self {
            Self::CreateCustomer(_) => {
                let find = remote.call("find_customers", |gateway| gateway.find_customers(reference, since));
                find.await?.into_iter().next().map(customer)
            }
            Self::DeleteCustomer(id) => {
                fetch(Kind::Customer, id.as_str()).await?.is_none().then(|| customer(id.clone()))
            }
            Self::StartCheckout(new) => {
                let find = remote.call("find_checkouts", |gateway| gateway.find_checkouts(&new.customer, reference));
                find.await?.into_iter().next().map(|found| Object::Checkout(found).into())
            }
            Self::ExpireCheckout(id) => {
                use tessera_gateway::CheckoutStatus::{Complete, Expired};
                fetch(Kind::Checkout, id.as_str())
                    .await?
                    .filter(|object| match object {
                        Object::Checkout(checkout) => matches!(checkout.status, Complete | Expired),
                        _ => false,
                    })
                    .map(Into::into)
            }
            Self::Cancel(id, how) => fetch(Kind::Subscription, id.as_str())
                .await?
                .filter(|object| match object {
                    Object::Subscription(found) => is_canceled(found, *how),
                    _ => false,
                })
                .map(Into::into),
            Self::VoidInvoice(id) => fetch(Kind::Invoice, id.as_str())
                .await?
                .filter(|object| match object {
                    Object::Invoice(found) => found.status == tessera_gateway::PaymentStatus::Canceled,
                    _ => false,
                })
                .map(Into::into),
            Self::Refund(new) => {
                let find = remote.call("find_refunds", |gateway| gateway.find_refunds(&new.payment, reference));
                find.await?.into_iter().next().map(|found| Object::Refund(found).into())
            }
            // Asking once more does no harm.
            Self::SetCollection(..) => None,
        })
    }
}

fn is_canceled(found: &tessera_gateway::Subscription, how: Cancellation) -> bool {
    let is_over = matches!(found.status, SubscriptionStatus::Canceled | SubscriptionStatus::Expired);
    match how {
        Cancellation::Now => is_over,
        Cancellation::AtPeriodEnd => is_over || found.cancel_at_period_end,
        Cancellation::Undo => !is_over && !found.cancel_at_period_end,
    }
}
