//! What Tessera does with payment gateways: it asks them, and applies what they are like. It never charges by itself.
//!
//! - [`remote`] is the only way to call a gateway.
//! - [`intent`] has the form of everything that is asked: record it, call, record what came of it. What nobody recorded the
//!   outcome of, the [`janitor`] looks after.
//! - [`inbox`] keeps what gateways tell us. It only names objects.
//! - The [`applier`] fetches an object that somebody wants fetched, whoever that is, and [`apply`] makes our rows agree with
//!   what it is like now. There is no other way from a gateway to a row.

pub mod account;
pub mod applier;
pub mod apply;
pub mod customer;
pub mod graphql;
pub mod inbox;
pub mod intent;
pub mod janitor;
pub mod price;
pub mod remote;
pub mod request;

use crate::entity::{Gateway, GatewayKind, GatewayObjectKind};
use crate::error::{Code, Error, Refusal};
use tessera_gateway::{Error as Theirs, Kind};

impl From<Kind> for GatewayObjectKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Subscription => Self::Subscription,
            Kind::Invoice => Self::Invoice,
            Kind::Checkout => Self::Checkout,
            Kind::Payment => Self::Payment,
            Kind::Refund => Self::Refund,
            Kind::Dispute => Self::Dispute,
            Kind::Method => Self::Method,
            Kind::Customer => Self::Customer,
        }
    }
}

impl From<GatewayObjectKind> for Kind {
    fn from(kind: GatewayObjectKind) -> Self {
        match kind {
            GatewayObjectKind::Subscription => Self::Subscription,
            GatewayObjectKind::Invoice => Self::Invoice,
            GatewayObjectKind::Checkout => Self::Checkout,
            GatewayObjectKind::Payment => Self::Payment,
            GatewayObjectKind::Refund => Self::Refund,
            GatewayObjectKind::Dispute => Self::Dispute,
            GatewayObjectKind::Method => Self::Method,
            GatewayObjectKind::Customer => Self::Customer,
        }
    }
}

impl From<GatewayKind> for Gateway {
    fn from(kind: GatewayKind) -> Self {
        match kind {
            GatewayKind::Stripe => Self::Stripe,
            GatewayKind::Simulator => Self::Simulator,
            GatewayKind::Manual => Self::Manual,
        }
    }
}

/// What a client hears of a gateway that was asked in vain. What the gateway says of our account goes no further.
pub fn refused(error: &Theirs, path: &str) -> Error {
    let refuse = |code, message: &str| Refusal::new(code, message).at(path).into();
    match error {
        Theirs::Refused(refusal) => {
            let message = format!("The gateway refuses the payment: {refusal}.");
            refuse(Code::GatewayRefused, &message)
        }
        Theirs::Unauthorized => {
            refuse(Code::GatewayRefused, "The gateway does not accept the key of the seller's account.")
        }
        Theirs::Invalid(_) | Theirs::NotFound | Theirs::KeyReused => {
            refuse(Code::GatewayRefused, "The gateway does not accept this.")
        }
        Theirs::Unsupported => refuse(Code::GatewayRefused, "The gateway cannot do this: see its capabilities."),
        Theirs::RateLimited { .. } => {
            refuse(Code::GatewayUnavailable, "The gateway has been asked too often: try again in a moment.")
        }
        Theirs::Unavailable(_) => refuse(Code::GatewayUnavailable, "The gateway does not answer now: try again later."),
        Theirs::OutcomeUnknown(_) => {
            let message =
                "The gateway gave no answer, and may have done it: try again in a minute, and it is found out.";
            refuse(Code::GatewayUnavailable, message)
        }
    }
}
