//! Any object by its id.
//!
//! Specification: <https://relay.dev/graphql/objectidentification.htm>.

use async_graphql::{Context, ID, Interface, Object};

use super::context::ContextExt;
use super::input::parse_id;
use crate::audit::graphql::AuditEvent;
use crate::customer::graphql::Customer;
use crate::entity::{
    AuditEventId, CustomerId, MemberId, OrganizationId, PaymentId, PaymentMethodId, SubscriptionId, TierId, TypedId,
    audit_event, customer, member, organization, payment, payment_method, subscription, tier,
};
use crate::error::{Code, Error, Refusal, Result};
use crate::member::graphql::Member;
use crate::organization::graphql::Organization;
use crate::payment::graphql::Payment;
use crate::payment_method::graphql::PaymentMethod;
use crate::subscription::graphql::Subscription;
use crate::tier::graphql::Tier;

/// An object with a globally unique id.
#[derive(Interface)]
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

macro_rules! find {
    ($ctx:expr, $id:expr, $path:expr; $($prefix:ident => $noun:ident as $object:ident,)*) => {
        match $id.split_once('_').map(|(prefix, _)| prefix) {
            $(Some($prefix::PREFIX) => {
                let id = parse_id::<$prefix>($path, $id)?;
                let row = $ctx.scope().get::<$noun::Entity>(id).await?;
                Ok(row.map(|row| Node::$object(Box::new(row.into()))))
            })*
            _ => {
                let message = "Expected an id of this API, such as `cus_…` or `sub_…`.";
                Err(Refusal::new(Code::InvalidId, message).at($path).into())
            }
        }
    };
}

async fn find(ctx: &Context<'_>, id: &ID, path: &str) -> Result<Option<Node>> {
    ctx.scope().caller()?;
    find! { ctx, id, path;
        OrganizationId => organization as Organization,
        MemberId => member as Member,
        CustomerId => customer as Customer,
        SubscriptionId => subscription as Subscription,
        TierId => tier as Tier,
        PaymentId => payment as Payment,
        PaymentMethodId => payment_method as PaymentMethod,
        AuditEventId => audit_event as AuditEvent,
    }
}

/// Queries for any object.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id; null if there is none that the caller can see. Needs the permission of its kind.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        find(ctx, &id, "id").await
    }

    /// The objects with these ids, in their order; null where there is none that the caller can see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(validator(max_items = 100))] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        let found = ids.iter().map(async |id| find(ctx, id, "ids").await);
        futures_util::future::join_all(found).await.into_iter().collect::<Result<_, Error>>()
    }
}
