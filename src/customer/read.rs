//! How customers are read in bulk.

use sea_orm::{ColumnTrait, Condition};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::entity::customer::Column::{
    CreatedAt, Email, ExternalRef, Id, Metadata, Name, Status, TenantId, UpdatedAt, Version,
};
use crate::entity::{CustomerId, customer, payment, payment_method, subscription};
use crate::read::shape::{Field, Found, One, Page, Readable, Root, column, object, one, pages};
use crate::{organization, payment_method as methods, subscription as subscriptions};

impl Readable for customer::Entity {
    const OBJECT: &'static str = "Customer";
    const KEY: customer::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<CustomerId>(Id),
            "name" => column::<String>(Name),
            "email" => column::<Option<String>>(Email),
            "externalRef" => column::<Option<String>>(ExternalRef),
            "status" => column::<String>(Status),
            "metadata" => column::<Value>(Metadata),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "organization" => Some(Field::One(organization::read::seen(TenantId))),
            "subscription" => Some(Field::One(current())),
            "tierId" => subscriptions::read::tier_id(current()),
            "subscriptionStatus" => subscriptions::read::owner_status(current(), None),
            "subscriptions" => {
                let on = [(subscription::Column::TenantId, TenantId), (subscription::Column::CustomerId, Id)];
                pages::<subscription::Entity, _>(&on, |request, arguments| {
                    Page::of::<subscription::Entity>(request, "owner.subscriptions", None, arguments)
                })
            }
            "payments" => {
                let on = [(payment::Column::TenantId, TenantId), (payment::Column::CustomerId, Id)];
                pages::<payment::Entity, _>(&on, |request, arguments| {
                    Page::of::<payment::Entity>(request, "owner.payments", None, arguments)
                })
            }
            "paymentMethods" => pages::<payment_method::Entity, _>(&METHODS, |request, arguments| {
                Page::of::<payment_method::Entity>(request, "owner.paymentMethods", None, arguments)
            }),
            "defaultPaymentMethod" => Some(Field::One(methods::read::default_of(&METHODS, Condition::all()))),
            _ => None,
        }
    }
}

const METHODS: [(payment_method::Column, customer::Column); 2] =
    [(payment_method::Column::TenantId, TenantId), (payment_method::Column::CustomerId, Id)];

/// The live subscription, or else the latest.
fn current() -> One {
    let on = [(subscription::Column::TenantId, TenantId), (subscription::Column::CustomerId, Id)];
    subscriptions::read::current_of(&on, Condition::all())
}

/// The customer that a row belongs to, by the columns of its tenant and its customer; null for callers that cannot see
/// customers.
pub fn seen<C: ColumnTrait>(tenant: C, customer: C) -> One {
    One { or_null: true, ..one::<customer::Entity, _>("customer", &[(TenantId, tenant), (Id, customer)]) }
}

/// The queries that start from customers.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "customer" => Some(Root::One(Found::by_id::<customer::Entity, CustomerId>)),
        "customers" => Some(Root::Pages(object::<customer::Entity>(), |request, arguments| {
            Page::of::<customer::Entity>(request, "customers", None, arguments)
        })),
        _ => None,
    }
}
