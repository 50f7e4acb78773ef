//! Any object by its id.
//!
//! Specification: <https://relay.dev/graphql/objectidentification.htm>.

use std::collections::HashMap;

use async_graphql::{Context, ID, Interface, Object};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::context::ContextExt;
use super::input::parse_id;
use crate::audit::graphql::AuditEvent;
use crate::customer::graphql::Customer;
use crate::entity::{
    AuditEventId, CustomerId, MemberId, OrganizationId, PaymentId, PaymentMethodId, SubscriptionId, TierId, TypedId,
    audit_event, customer, member, organization, payment, payment_method, subscription, tier,
};
use crate::error::{Code, Refusal, Result};
use crate::member::graphql::Member;
use crate::organization::graphql::Organization;
use crate::payment::graphql::Payment;
use crate::payment_method::graphql::PaymentMethod;
use crate::store::Noun;
use crate::subscription::graphql::Subscription;
use crate::tier::graphql::Tier;

/// An object with a globally unique id.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Globally unique; its prefix names the kind of object."))]
pub enum Node {
    /// An organization.
    Organization(Box<Organization>),
    /// A member.
    Member(Box<Member>),
    /// A customer.
    Customer(Box<Customer>),
    /// A subscription.
    Subscription(Box<Subscription>),
    /// A tier.
    Tier(Box<Tier>),
    /// A payment.
    Payment(Box<Payment>),
    /// A payment method.
    PaymentMethod(Box<PaymentMethod>),
    /// An entry of the audit trail.
    AuditEvent(Box<AuditEvent>),
}

macro_rules! kinds {
    ($($prefix:ident => $noun:ident as $object:ident,)*) => {
        /// The objects with these ids that the caller can see, by id: one statement for each kind.
        async fn find(ctx: &Context<'_>, ids: &[ID], path: &str) -> Result<HashMap<String, Node>> {
            ctx.scope().caller()?;
            let mut found = HashMap::with_capacity(ids.len());
            let prefix = |id: &ID| id.split_once('_').map(|(prefix, _)| prefix.to_owned());
            let known = [$($prefix::PREFIX,)*];
            if ids.iter().any(|id| !prefix(id).is_some_and(|prefix| known.contains(&prefix.as_str()))) {
                let message = "Expected an id of this API, such as `cus_…` or `sub_…`.";
                return Err(Refusal::new(Code::InvalidId, message).at(path).into());
            }
            $(
                let of_kind = ids.iter().filter(|id| prefix(id).as_deref() == Some($prefix::PREFIX));
                let of_kind = of_kind.map(|id| parse_id::<$prefix>(path, id)).collect::<Result<Vec<_>>>()?;
                if !of_kind.is_empty() {
                    let rows = ctx.scope().all($noun::Entity::find().filter($noun::Entity::id().is_in(of_kind))).await?;
                    found.extend(rows.into_iter().map(|row| (row.id.to_string(), Node::$object(Box::new(row.into())))));
                }
            )*
            Ok(found)
        }
    };
}

kinds! {
    OrganizationId => organization as Organization,
    MemberId => member as Member,
    CustomerId => customer as Customer,
    SubscriptionId => subscription as Subscription,
    TierId => tier as Tier,
    PaymentId => payment as Payment,
    PaymentMethodId => payment_method as PaymentMethod,
    AuditEventId => audit_event as AuditEvent,
}

/// How many objects can be asked for at once, as the schema says.
pub const MAX_NODES: usize = 100;

/// Queries for any object.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id; null if there is none that the caller can see. Needs the permission of its kind.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The object.")] id: ID) -> Result<Option<Node>> {
        let mut found = find(ctx, std::slice::from_ref(&id), "id").await?;
        Ok(found.remove(id.as_str()))
    }

    /// The objects with these ids, in their order; null where there is none that the caller can see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(validator(max_items = 100), desc = "The objects, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        let found = find(ctx, &ids, "ids").await?;
        Ok(ids.iter().map(|id| found.get(id.as_str()).cloned()).collect())
    }
}
