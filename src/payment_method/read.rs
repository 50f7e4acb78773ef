//! How payment methods are read in bulk.

use sea_orm::sea_query::{ExprTrait, SimpleExpr};
use sea_orm::{ColumnTrait, Condition};

use super::is_expired;
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::payment_method::Column::{
    Brand, CreatedAt, CustomerId, ExpMonth, ExpYear, Gateway, GatewayMethodId, HolderName, Id, IsDefault, Kind, Last4,
    PostalCode, TenantId, UpdatedAt, Version,
};
use crate::entity::{PaymentMethodId, payment_method};
use crate::read::json::Json;
use crate::read::shape::{Field, One, Page, Readable, column, computed, object, one};
use crate::read::start::{Found, Root};
use crate::subscription::read::owner;

impl Readable for payment_method::Entity {
    const OBJECT: &'static str = "PaymentMethod";
    const KEY: payment_method::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<PaymentMethodId>(Id),
            "gateway" => column::<String>(Gateway),
            "kind" => column::<String>(Kind),
            "brand" => column::<Option<String>>(Brand),
            "last4" => column::<Option<String>>(Last4),
            "expMonth" => column::<Option<i32>>(ExpMonth),
            "expYear" => column::<Option<i32>>(ExpYear),
            "holderName" => column::<Option<String>>(HolderName),
            "postalCode" => column::<Option<String>>(PostalCode),
            "isDefault" => column::<bool>(IsDefault),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "expired" => computed(&[ExpYear, ExpMonth], |facts| {
                let expiry = facts.get::<i32>(0)?.zip(facts.get::<i32>(1)?);
                let now = facts.request.scope.now();
                Ok(Json::Bool(expiry.is_some_and(|(year, month)| is_expired(year, month, now))))
            }),
            "gatewayMethodId" => computed(&[GatewayMethodId], |facts| {
                let manages = facts.request.scope.caller()?.may(Permission::PaymentsManage);
                Ok(if manages { Json::text(facts.filled::<String>(0)?) } else { Json::Null })
            }),
            "owner" => Some(owner(TenantId, CustomerId)),
            _ => None,
        }
    }
}

/// The default payment method of an owner, found by a column of the owner's row.
pub fn default_of(column: payment_method::Column, equals: impl ColumnTrait, only: Condition) -> One {
    // A constant and no parameter, so that the index of default methods is known to hold the row.
    let is_default = IsDefault.into_expr().eq(SimpleExpr::Constant(true.into()));
    One { only: only.add(is_default), ..one::<payment_method::Entity>("default payment method", column, equals) }
}

/// The queries that start from payment methods.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "paymentMethod" => Some(Root::One(Found::by_id::<payment_method::Entity, PaymentMethodId>)),
        "paymentMethods" => Some(Root::Pages(object::<payment_method::Entity>(), |request, arguments| {
            Page::of::<payment_method::Entity>(request, "paymentMethods", None, arguments)
        })),
        _ => None,
    }
}
