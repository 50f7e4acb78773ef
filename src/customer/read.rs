//! How customers are read in bulk.

use sea_orm::{ColumnTrait, Condition};

use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::customer::Column::{
    CreatedAt, Email, ExternalRef, Id, Metadata, Name, PrivateMetadata, Status, TenantId, UpdatedAt, Version,
};
use crate::entity::{CustomerId, StoredJson, customer, payment, payment_method, subscription};
use crate::read::shape::{Field, One, Page, Readable, column, computed, object, one, pages, private};
use crate::read::start::{Found, Root};
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
            "metadata" => column::<StoredJson>(Metadata),
            "privateMetadata" => computed(&[PrivateMetadata], |facts| private(facts, Permission::CustomersManage)),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "organization" => Some(Field::One(organization::read::seen(TenantId))),
            "subscription" => Some(Field::One(current())),
            "tierId" => subscriptions::read::tier_id(current()),
            "subscriptionStatus" => subscriptions::read::owner_status(current(), None),
            "subscriptions" => {
                pages::<subscription::Entity>(subscription::Column::CustomerId, Id, |request, arguments| {
                    Page::of::<subscription::Entity>(request, "owner.subscriptions", None, arguments)
                })
            }
            "payments" => pages::<payment::Entity>(payment::Column::CustomerId, Id, |request, arguments| {
                Page::of::<payment::Entity>(request, "owner.payments", None, arguments)
            }),
            "paymentMethods" => {
                pages::<payment_method::Entity>(payment_method::Column::CustomerId, Id, |request, arguments| {
                    Page::of::<payment_method::Entity>(request, "owner.paymentMethods", None, arguments)
                })
            }
            "defaultPaymentMethod" => {
                Some(Field::One(methods::read::default_of(payment_method::Column::CustomerId, Id, Condition::all())))
            }
            _ => None,
        }
    }
}

/// The live subscription, or else the latest.
fn current() -> One {
    subscriptions::read::current_of(subscription::Column::CustomerId, Id, Condition::all())
}

/// The customer that a column names; null for callers that cannot see customers.
pub fn seen(customer: impl ColumnTrait) -> One {
    One { or_null: true, ..one::<customer::Entity>("customer", Id, customer) }
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
