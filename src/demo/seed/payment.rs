//! Payments and payment methods.

use chrono::{Datelike, Months, TimeDelta};

use super::Seeder;
use super::story::Subject;
use crate::clock::Timestamp;
use crate::entity::{
    Gateway, PaymentMethodKind, PaymentPurpose, PaymentStatus, SubscriptionId, payment, payment_method, subscription,
};

/// Why a payment failed: Stripe's decline code and its text.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    code: &'static str,
    message: &'static str,
}

const FAILURES: [Failure; 5] = [
    Failure { code: "card_declined", message: "Your card was declined." },
    Failure { code: "insufficient_funds", message: "Your card has insufficient funds." },
    Failure { code: "expired_card", message: "Your card has expired." },
    Failure { code: "authentication_required", message: "Your card requires authentication." },
    Failure { code: "processing_error", message: "An error occurred while processing your card. Try again later." },
];

impl Failure {
    /// The failure that an owner's payments meet.
    pub fn of(number: usize) -> Self {
        FAILURES[number % FAILURES.len()]
    }

    /// Whether the card is the reason.
    pub fn is_expired_card(self) -> bool {
        self.code == "expired_card"
    }
}

/// An attempt to take a payment.
pub struct Attempt {
    /// How it went.
    pub status: PaymentStatus,
    /// Which attempt for the period.
    pub number: i32,
    /// When.
    pub at: Timestamp,
    /// Why it failed.
    pub failure: Option<Failure>,
}

impl Seeder {
    /// Adds a payment for the subscription's current period, or its first one. What costs nothing is not paid.
    pub fn pay(&mut self, subscription: &subscription::Model, attempt: Attempt) {
        if subscription.amount_minor == 0 {
            return;
        }
        let Attempt { status, number, at, failure } = attempt;
        let gateway = subscription.gateway.unwrap_or(Gateway::Manual);
        let changed_at = match status {
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Processing => at,
            PaymentStatus::Canceled => at.plus(TimeDelta::hours(1)),
            _ => at.plus(TimeDelta::seconds(40)),
        };
        self.payments += 1;
        self.rows.payments.push(payment::Model {
            tenant_id: subscription.tenant_id,
            id: self.ids.next(),
            subscription_id: subscription.id,
            customer_id: subscription.customer_id,
            amount_minor: subscription.amount_minor,
            currency: subscription.currency.clone(),
            status,
            gateway,
            gateway_account_id: None,
            gateway_metadata: None,
            gateway_payment_id: (gateway != Gateway::Manual).then(|| format!("pi_demo{:06}", self.payments)),
            gateway_status: gateway_status(gateway, status).map(str::to_owned),
            failure_code: failure.map(|failure| failure.code.to_owned()),
            failure_message: failure.map(|failure| failure.message.to_owned()),
            search_text: None,
            attempt: number,
            return_url: (gateway != Gateway::Manual).then(|| "https://app.example.com/billing".to_owned()),
            refunded_minor: 0,
            received_as: None,
            reference: None,
            purpose: PaymentPurpose::Period,
            period_start: Some(subscription.current_period_start.unwrap_or(subscription.starts_at)),
            paid_at: (status == PaymentStatus::Succeeded).then_some(changed_at),
            status_changed_at: changed_at,
            created_at: at,
            updated_at: changed_at,
            version: if changed_at == at { 1 } else { 2 },
        });
    }

    /// Pays the subscription's last payment back, whole or half.
    pub fn refund(&mut self, subscription: SubscriptionId, whole: bool, at: Timestamp) {
        let status = if whole { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
        let back = |amount| if whole { amount } else { amount / 2 };
        self.last_payment_becomes(subscription, status, back, at);
    }

    /// The payer's bank wants the subscription's last payment back.
    pub fn dispute(&mut self, subscription: SubscriptionId, at: Timestamp) {
        self.last_payment_becomes(subscription, PaymentStatus::Disputed, |_| 0, at);
    }

    fn last_payment_becomes(
        &mut self,
        subscription: SubscriptionId,
        status: PaymentStatus,
        back: impl Fn(i64) -> i64,
        at: Timestamp,
    ) {
        let of_it = |payment: &&mut payment::Model| payment.subscription_id == subscription;
        let Some(payment) = self.rows.payments.last_mut().filter(of_it) else { return };
        payment.status = status;
        payment.refunded_minor = back(payment.amount_minor);
        payment.gateway_status = gateway_status(payment.gateway, status).map(str::to_owned);
        payment.status_changed_at = at;
        payment.updated_at = at;
        payment.version += 1;
    }

    /// Adds one or two payment methods of the owner; the first is the default.
    pub fn payment_methods(&mut self, subject: &Subject<'_>, expired: bool, at: Timestamp) {
        let kind = match subject.number % 14 {
            _ if expired => PaymentMethodKind::Card,
            3 => PaymentMethodKind::BankAccount,
            7 => PaymentMethodKind::Wallet,
            _ => PaymentMethodKind::Card,
        };
        self.payment_method(subject, kind, expired, true, at);
        if subject.number.is_multiple_of(3) {
            self.payment_method(subject, PaymentMethodKind::Card, false, false, at.plus_days(1));
        }
    }

    fn payment_method(
        &mut self,
        subject: &Subject<'_>,
        kind: PaymentMethodKind,
        expired: bool,
        is_default: bool,
        at: Timestamp,
    ) {
        let card = kind == PaymentMethodKind::Card;
        let (brand, last4) = [("visa", "4242"), ("mastercard", "4444"), ("amex", "0005")][subject.number % 3];
        let today = self.now.to_utc();
        let expiry = if expired {
            today.checked_sub_months(Months::new(2))
        } else {
            today.checked_add_months(Months::new(8 + subject.number as u32 % 40))
        };
        let expiry = expiry.filter(|_| card);
        let number = self.rows.payment_methods.len() + 1;
        self.rows.payment_methods.push(payment_method::Model {
            tenant_id: subject.tenant.id,
            id: self.ids.next(),
            customer_id: subject.customer,
            gateway: subject.tenant.gateway,
            gateway_account_id: None,
            gateway_method_id: format!("pm_demo{number:06}"),
            kind,
            brand: card.then(|| brand.to_owned()),
            last4: (kind != PaymentMethodKind::Wallet).then(|| last4.to_owned()),
            exp_month: expiry.map(|date| date.month().cast_signed()),
            exp_year: expiry.map(|date| date.year()),
            holder_name: Some(subject.holder.to_owned()),
            postal_code: card.then(|| format!("{:05}", 10_115 + subject.number * 37)),
            is_default,
            created_at: at,
            updated_at: at,
            version: 1,
            deleted_at: None,
        });
    }
}

fn gateway_status(gateway: Gateway, status: PaymentStatus) -> Option<&'static str> {
    match gateway {
        Gateway::Manual => None,
        Gateway::Stripe | Gateway::Simulator => Some(match status {
            PaymentStatus::Pending => "requires_payment_method",
            PaymentStatus::RequiresAction => "requires_action",
            PaymentStatus::Processing => "processing",
            PaymentStatus::Succeeded | PaymentStatus::Disputed => "succeeded",
            PaymentStatus::Failed => "failed",
            PaymentStatus::Canceled => "canceled",
            PaymentStatus::PartiallyRefunded => "partially_refunded",
            PaymentStatus::Refunded => "refunded",
        }),
        Gateway::MercadoPago => Some(match status {
            PaymentStatus::Pending | PaymentStatus::RequiresAction => "pending",
            PaymentStatus::Processing => "in_process",
            PaymentStatus::Succeeded => "approved",
            PaymentStatus::Failed => "rejected",
            PaymentStatus::Canceled => "cancelled",
            PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => "refunded",
            PaymentStatus::Disputed => "charged_back",
        }),
        Gateway::Flow => Some(match status {
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Processing => "1",
            PaymentStatus::Succeeded
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded
            | PaymentStatus::Disputed => "2",
            PaymentStatus::Failed => "3",
            PaymentStatus::Canceled => "4",
        }),
    }
}
