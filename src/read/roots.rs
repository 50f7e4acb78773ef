//! The queries that the read path knows.

use async_graphql::ID;
use sea_orm::ColumnTrait;

use super::arguments::Arguments;
use super::start::{Found, Root, Several};
use super::{Planned, Unplanned};
use crate::entity::{
    AuditEventId, CustomerId, MemberId, OrganizationId, PaymentId, PaymentMethodId, SubscriptionId, TierId, TypedId,
    audit_event, customer, member, organization, payment, payment_method, subscription, tier,
};
use crate::graphql::context::RequestContext;
use crate::graphql::node::MAX_NODES;
use crate::store::Noun;

/// Where the query of this name starts.
pub fn find(name: &str) -> Option<Root> {
    let nouns = [
        crate::organization::read::root,
        crate::member::read::root,
        crate::customer::read::root,
        crate::tier::read::root,
        crate::subscription::read::root,
        crate::payment::read::root,
        crate::payment_method::read::root,
        crate::audit::read::root,
        crate::dashboard::read::root,
    ];
    match name {
        "node" => Some(Root::One(node)),
        "nodes" => Some(Root::Several(nodes)),
        "viewer" => Some(Root::Parts(crate::graphql::viewer::parts)),
        _ => nouns.into_iter().find_map(|root| root(name)),
    }
}

macro_rules! kinds {
    ($($id:ident => $noun:ident,)*) => {
        /// Any object by its id.
        fn node(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Option<Found>> {
            request.scope.caller()?;
            let id: ID = arguments.get("id")?;
            $(if let Some(id) = $id::parse(&id) {
                return Ok(Some(Found::of::<$noun::Entity>(request, $noun::Entity::id().eq(id))?));
            })*
            Err(Unplanned)
        }

        /// Any objects by their ids.
        fn nodes(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Several> {
            request.scope.caller()?;
            let ids: Vec<ID> = arguments.get("ids")?;
            if ids.len() > MAX_NODES {
                return Err(Unplanned);
            }
            let mut several = Several::default();
            for id in &ids {
                $(if let Some(id) = $id::parse(id) {
                    several.add::<$noun::Entity>(request, id.into())?;
                    continue;
                })*
                return Err(Unplanned);
            }
            Ok(several)
        }
    };
}

kinds! {
    OrganizationId => organization,
    MemberId => member,
    CustomerId => customer,
    SubscriptionId => subscription,
    TierId => tier,
    PaymentId => payment,
    PaymentMethodId => payment_method,
    AuditEventId => audit_event,
}
