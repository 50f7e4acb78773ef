//! Which object to look at when Stripe tells something.

use super::wire;
use crate::event::{Event, Subject};
use crate::object::{Kind, Mode, Seconds};

/// What an endpoint is told of.
pub const TOLD: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "invoice.finalized",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "payment_method.attached",
    "payment_method.updated",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "customer.updated",
    "customer.deleted",
    "setup_intent.succeeded",
];

impl From<wire::Event> for Event {
    fn from(event: wire::Event) -> Self {
        let object = event.data.object;
        let itself = |kind| object.id.clone().map(|id| (kind, id));
        let (sort, _) = event.r#type.split_once('.').unwrap_or((&event.r#type, ""));
        let named = match event.r#type.as_str() {
            // An invoice that is not final yet asks for nothing.
            "invoice.created" | "invoice.upcoming" => None,
            told if !TOLD.contains(&told) => None,
            told if told.starts_with("checkout.session.") => itself(Kind::Checkout),
            told if told.starts_with("customer.subscription.") => itself(Kind::Subscription),
            told if told.starts_with("charge.dispute.") => itself(Kind::Dispute),
            // Of what a charge is, the payment is what we know.
            "charge.refunded" => object.payment_intent.clone().map(|link| (Kind::Payment, link.into_id())),
            // The card that was left is one of the customer's.
            "setup_intent.succeeded" => object.customer.clone().map(|link| (Kind::Customer, link.into_id())),
            _ => match sort {
                "invoice" => itself(Kind::Invoice),
                "payment_intent" => itself(Kind::Payment),
                "refund" => itself(Kind::Refund),
                "payment_method" => itself(Kind::Method),
                "customer" => itself(Kind::Customer),
                _ => None,
            },
        };
        let subject = match named {
            Some((kind, id)) => Subject::Object(kind, id),
            None if event.r#type == "invoice.created" || TOLD.contains(&event.r#type.as_str()) => Subject::Nothing,
            None => Subject::Unknown,
        };
        let mode = if event.livemode { Mode::Live } else { Mode::Test };
        Self { id: event.id.into(), kind: event.r#type, subject, created: Seconds(event.created), mode }
    }
}
