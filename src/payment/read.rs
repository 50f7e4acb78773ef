//! How payments are read in bulk.

use crate::clock::Timestamp;
use crate::entity::payment::Column::{
    AmountMinor, Attempt, CreatedAt, Currency, CustomerId, FailureCode, FailureMessage, Gateway, GatewayPaymentId,
    GatewayStatus, Id, PaidAt, PeriodStart, RefundedMinor, ReturnUrl, Status, StatusChangedAt, SubscriptionId,
    TenantId, UpdatedAt, Version,
};
use crate::entity::{PaymentId, payment, subscription};
use crate::graphql::scalar::money;
use crate::read::shape::{Field, Page, Readable, column, object, one};
use crate::read::start::{Found, Root};
use crate::subscription::read::owner;

impl Readable for payment::Entity {
    const OBJECT: &'static str = "Payment";
    const KEY: payment::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<PaymentId>(Id),
            "amount" => money!(AmountMinor, Currency),
            "status" => column::<String>(Status),
            "gateway" => column::<String>(Gateway),
            "gatewayPaymentId" => column::<Option<String>>(GatewayPaymentId),
            "gatewayStatus" => column::<Option<String>>(GatewayStatus),
            "failureCode" => column::<Option<String>>(FailureCode),
            "failureMessage" => column::<Option<String>>(FailureMessage),
            "attempt" => column::<i32>(Attempt),
            "returnUrl" => column::<Option<String>>(ReturnUrl),
            "refunded" => money!(RefundedMinor, Currency),
            "periodStart" => column::<Option<Timestamp>>(PeriodStart),
            "paidAt" => column::<Option<Timestamp>>(PaidAt),
            "statusChangedAt" => column::<Timestamp>(StatusChangedAt),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "subscription" => {
                Some(Field::One(one::<subscription::Entity>("subscription", subscription::Column::Id, SubscriptionId)))
            }
            "owner" => Some(owner(TenantId, CustomerId)),
            _ => None,
        }
    }
}

/// The queries that start from payments.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "payment" => Some(Root::One(Found::by_id::<payment::Entity, PaymentId>)),
        "payments" => Some(Root::Pages(object::<payment::Entity>(), |request, arguments| {
            Page::of::<payment::Entity>(request, "payments", None, arguments)
        })),
        _ => None,
    }
}
