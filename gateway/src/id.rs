//! Ids that a gateway gave, one type for each kind of object.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub String);

        impl $name {
            /// As the gateway writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// Of the account that takes the money.
    AccountId
    /// Of whoever pays.
    CustomerId
    /// Of a hosted page on which something is bought, or a payment method left.
    CheckoutId
    /// Of a subscription that the gateway bills.
    SubscriptionId
    /// Of one line of a subscription: a price, and how many of it.
    ItemId
    /// Of the demand for one period's money.
    InvoiceId
    /// Of an attempt, or several, to collect one sum.
    PaymentId
    /// Of money that goes back.
    RefundId
    /// Of a payment that the payer's bank takes back.
    DisputeId
    /// Of a card, or another way to pay.
    MethodId
    /// Of what is sold, for how much and how often.
    PriceId
    /// Of a piece of news.
    EventId
    /// Of an address that news is sent to.
    EndpointId
}
