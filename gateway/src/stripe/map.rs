//! From Stripe's objects to ours.

use super::money::from_stripe;
use super::wire::{self, Expandable, Link, Metadata};
use crate::id::{CustomerId, InvoiceId, MethodId, PaymentId, SubscriptionId};
use crate::object::{
    Card, Checkout, CheckoutStatus, Customer, Dispute, DisputeStatus, Failure, Interval, Invoice, Item, Method,
    Payment, PaymentStatus, Price, Reference, Refund, RefundStatus, Seconds, Subscription, SubscriptionStatus,
};

/// Where our reference stands in an object's metadata.
pub const REFERENCE: &str = "tessera_reference";

fn reference(metadata: &Metadata) -> Option<Reference> {
    metadata.get(REFERENCE).cloned().map(Reference)
}

fn id<T: From<String>>(link: Option<Link>) -> Option<T> {
    link.map(|link| T::from(link.into_id()))
}

impl From<wire::Price> for Price {
    fn from(price: wire::Price) -> Self {
        let every = price.recurring.and_then(|recurring| {
            let interval = match recurring.interval.as_str() {
                "day" => Interval::Day,
                "week" => Interval::Week,
                "month" => Interval::Month,
                "year" => Interval::Year,
                _ => return None,
            };
            Some((interval, recurring.interval_count))
        });
        let amount = price.unit_amount.map(|amount| from_stripe(amount, &price.currency));
        Self { id: price.id.into(), active: price.active, amount, every }
    }
}

impl From<wire::Customer> for Customer {
    fn from(customer: wire::Customer) -> Self {
        Self {
            id: customer.id.into(),
            reference: reference(&customer.metadata),
            email: customer.email,
            default_method: id(customer.invoice_settings.and_then(|settings| settings.default_payment_method)),
            metadata: customer.metadata,
            created: Seconds(customer.created),
        }
    }
}

impl From<wire::Subscription> for Subscription {
    fn from(subscription: wire::Subscription) -> Self {
        let status = match subscription.status.as_str() {
            "incomplete" => SubscriptionStatus::Pending,
            "trialing" => SubscriptionStatus::Trialing,
            // Not an ending, but no charges either.
            "active" if subscription.pause_collection.is_some() => SubscriptionStatus::Paused,
            "active" => SubscriptionStatus::Active,
            "past_due" => SubscriptionStatus::PastDue,
            "unpaid" => SubscriptionStatus::Unpaid,
            "paused" => SubscriptionStatus::Paused,
            "canceled" => SubscriptionStatus::Canceled,
            "incomplete_expired" => SubscriptionStatus::Expired,
            other => SubscriptionStatus::Unknown(other.to_owned()),
        };
        let items = &subscription.items.data;
        Self {
            id: subscription.id.into(),
            customer: CustomerId(subscription.customer.into_id()),
            reference: reference(&subscription.metadata),
            status,
            currency: subscription.currency.to_ascii_uppercase(),
            // All items of a subscription that we make have one period.
            period_start: items.iter().map(|item| Seconds(item.current_period_start)).min(),
            period_end: items.iter().map(|item| Seconds(item.current_period_end)).min(),
            items: subscription.items.data.into_iter().map(Item::from).collect(),
            trial_end: subscription.trial_end.map(Seconds),
            cancel_at_period_end: subscription.cancel_at_period_end,
            cancel_at: subscription.cancel_at.map(Seconds),
            ended_at: subscription.ended_at.map(Seconds),
            default_method: id(subscription.default_payment_method),
            latest_invoice: id(subscription.latest_invoice),
            scheduled: subscription.schedule.is_some(),
            created: Seconds(subscription.created),
        }
    }
}

impl From<wire::Item> for Item {
    fn from(item: wire::Item) -> Self {
        Self { id: item.id.into(), price: item.price.id.into(), quantity: item.quantity.unwrap_or(1) }
    }
}

/// An invoice; none if it is a preview, which has no id.
pub fn invoice(invoice: wire::Invoice) -> Option<Invoice> {
    let status = match invoice.status.as_deref() {
        Some("draft") => PaymentStatus::Pending,
        Some("open") if invoice.attempted => PaymentStatus::Failed,
        Some("open") => PaymentStatus::Pending,
        Some("paid") => PaymentStatus::Succeeded,
        Some("void") => PaymentStatus::Canceled,
        Some("uncollectible") => PaymentStatus::Failed,
        other => PaymentStatus::Unknown(other.unwrap_or("none").to_owned()),
    };
    let mut payments = invoice.payments.map(|list| list.data).unwrap_or_default();
    payments.sort_by_key(|payment| payment.created);
    let subscription = invoice.parent.and_then(|parent| parent.subscription_details);
    // The line of the period that begins last is the one that is billed now: others settle changes within the old one.
    let period = invoice.lines.data.iter().map(|line| &line.period).max_by_key(|period| (period.start, period.end));
    Some(Invoice {
        id: InvoiceId(invoice.id?),
        customer: id(invoice.customer),
        subscription: subscription.map(|details| SubscriptionId(details.subscription.into_id())),
        draft: invoice.status.as_deref() == Some("draft"),
        status,
        due: from_stripe(invoice.amount_due, &invoice.currency),
        paid: from_stripe(invoice.amount_paid, &invoice.currency),
        period: period.map(|period| (Seconds(period.start), Seconds(period.end))),
        first: invoice.billing_reason.as_deref() == Some("subscription_create"),
        attempts: invoice.attempt_count,
        next_attempt: invoice.next_payment_attempt.map(Seconds),
        paid_at: invoice.status_transitions.paid_at.map(Seconds),
        payments: payments.into_iter().filter_map(|payment| id::<PaymentId>(payment.payment.payment_intent)).collect(),
        url: invoice.hosted_invoice_url,
        created: Seconds(invoice.created),
    })
}

impl From<wire::Session> for Checkout {
    fn from(session: wire::Session) -> Self {
        let status = match session.status.as_deref() {
            Some("open") => CheckoutStatus::Open,
            Some("complete") => CheckoutStatus::Complete,
            Some("expired") => CheckoutStatus::Expired,
            other => CheckoutStatus::Unknown(other.unwrap_or("none").to_owned()),
        };
        let total = session.amount_total.zip(session.currency);
        Self {
            id: session.id.into(),
            paid: status == CheckoutStatus::Complete
                && matches!(session.payment_status.as_str(), "paid" | "no_payment_required"),
            status,
            url: session.url,
            customer: id(session.customer),
            reference: session.client_reference_id.map(Reference),
            subscription: id(session.subscription),
            invoice: id(session.invoice),
            payment: id(session.payment_intent),
            total: total.map(|(amount, currency)| from_stripe(amount, &currency)),
            expires_at: Seconds(session.expires_at),
            created: Seconds(session.created),
        }
    }
}

/// A payment, and the invoice that it pays.
pub fn payment(intent: wire::PaymentIntent, invoice: Option<InvoiceId>) -> Payment {
    let failure = intent.last_payment_error;
    let status = match intent.status.as_str() {
        "requires_payment_method" if failure.is_some() => PaymentStatus::Failed,
        "requires_payment_method" | "requires_confirmation" => PaymentStatus::Pending,
        "requires_action" => PaymentStatus::RequiresAction,
        "processing" | "requires_capture" => PaymentStatus::Processing,
        "succeeded" => PaymentStatus::Succeeded,
        "canceled" => PaymentStatus::Canceled,
        other => PaymentStatus::Unknown(other.to_owned()),
    };
    let (refunded, disputed) = match &intent.latest_charge {
        Some(Expandable::Object(charge)) => (charge.amount_refunded, charge.disputed),
        Some(Expandable::Id(_)) | None => (0, false),
    };
    Payment {
        id: intent.id.into(),
        customer: id(intent.customer),
        invoice,
        reference: reference(&intent.metadata),
        status,
        word: intent.status,
        amount: from_stripe(intent.amount, &intent.currency),
        received: from_stripe(intent.amount_received, &intent.currency),
        refunded: from_stripe(refunded, &intent.currency),
        disputed,
        method: id::<MethodId>(intent.payment_method),
        failure: failure.map(|error| Failure { code: error.decline_code.or(error.code), message: error.message }),
        created: Seconds(intent.created),
    }
}

impl From<wire::Refund> for Refund {
    fn from(refund: wire::Refund) -> Self {
        let status = match refund.status.as_deref() {
            Some("pending") => RefundStatus::Pending,
            Some("requires_action") => RefundStatus::RequiresAction,
            Some("succeeded") => RefundStatus::Succeeded,
            Some("failed") => RefundStatus::Failed,
            Some("canceled") => RefundStatus::Canceled,
            other => RefundStatus::Unknown(other.unwrap_or("none").to_owned()),
        };
        Self {
            id: refund.id.into(),
            payment: id(refund.payment_intent),
            reference: refund.metadata.as_ref().and_then(reference),
            status,
            amount: from_stripe(refund.amount, &refund.currency),
            failure: refund.failure_reason,
            created: Seconds(refund.created),
        }
    }
}

impl From<wire::Dispute> for Dispute {
    fn from(dispute: wire::Dispute) -> Self {
        let status = match dispute.status.as_str() {
            "warning_needs_response" | "warning_under_review" | "needs_response" | "under_review" => {
                DisputeStatus::Open
            }
            // An inquiry that came to nothing, and one that was settled before it began, leave the money here.
            "won" | "warning_closed" | "prevented" => DisputeStatus::Won,
            "lost" => DisputeStatus::Lost,
            other => DisputeStatus::Unknown(other.to_owned()),
        };
        Self {
            id: dispute.id.into(),
            payment: id(dispute.payment_intent),
            status,
            stage: dispute.status,
            amount: from_stripe(dispute.amount, &dispute.currency),
            reason: dispute.reason,
            due_by: dispute.evidence_details.due_by.map(Seconds),
            created: Seconds(dispute.created),
        }
    }
}

impl From<wire::PaymentMethod> for Method {
    fn from(method: wire::PaymentMethod) -> Self {
        Self {
            id: method.id.into(),
            customer: id(method.customer),
            kind: method.r#type,
            card: method.card.map(|card| Card {
                brand: card.brand,
                last4: card.last4,
                expires_month: card.exp_month,
                expires_year: card.exp_year,
            }),
            created: Seconds(method.created),
        }
    }
}
