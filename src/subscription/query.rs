//! The queries for subscriptions.

use async_graphql::{Context, ID};
use declare::queries;
use sea_orm::ColumnTrait;

use super::graphql::SubscriptionContract;
use super::list::SubscriptionContractConnection;
use super::parts::EffectiveStatus;
use super::{relation, status};
use crate::entity::{CustomerId, OrganizationId, TypedId, customer, organization, subscription};
use crate::error::{Code, Refusal, Result};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::input::parse_optional_id;
use crate::graphql::nested::OwnerKey;
use crate::organization::graphql as organizations;
use crate::read::arguments::Arguments;
use crate::read::shape::Shows;
use crate::read::start::{Found, Root};
use crate::read::{Planned, Unplanned, resolve};

/// An owner, by the one of its ids that fits: exactly one must be given, or none for the caller itself.
async fn owner(ctx: &Context<'_>, organization: Option<ID>, customer: Option<ID>) -> Result<Option<OwnerKey>> {
    let organization = parse_optional_id::<OrganizationId>("organizationId", organization.as_ref())?;
    let customer = parse_optional_id::<CustomerId>("customerId", customer.as_ref())?;
    let caller = ctx.scope().caller()?;
    match (organization, customer) {
        (Some(_), Some(_)) => {
            Err(Refusal::new(Code::Conflict, "Name an organization or a customer, not both.").at("customerId").into())
        }
        (None, Some(id)) => Ok(find_customer(ctx, id).await?),
        (Some(id), None) => {
            let found = ctx.scope().get::<organization::Entity>(id).await?;
            Ok(found.map(|row| OwnerKey { tenant: row.id, customer: None }))
        }
        (None, None) => match (caller.organization(), caller.customer()) {
            (Some(tenant), customer) => Ok(Some(OwnerKey { tenant, customer })),
            (None, _) => {
                Err(Refusal::new(Code::Required, "Name an organization or a customer.").at("organizationId").into())
            }
        },
    }
}

async fn find_customer(ctx: &Context<'_>, id: CustomerId) -> Result<Option<OwnerKey>> {
    let row = ctx.scope().get::<customer::Entity>(id).await?;
    Ok(row.map(|row| OwnerKey { tenant: row.tenant_id, customer: Some(row.id) }))
}

/// The owner's live subscription, or else its latest.
async fn current(ctx: &Context<'_>, owner: OwnerKey) -> Result<Option<SubscriptionContract>> {
    match owner.customer {
        Some(id) => resolve::found(ctx, relation::current_of_customer(customer::Column::Id), id).await,
        None => resolve::found(ctx, relation::current_of_organization(organization::Column::Id), owner.tenant).await,
    }
}

/// What the owner's subscription is worth at this moment.
async fn owner_status(ctx: &Context<'_>, owner: OwnerKey) -> Result<EffectiveStatus> {
    let subscription = current(ctx, owner).await?;
    let exempt = match owner.customer {
        Some(_) => false,
        None => {
            let found = resolve::found(ctx, organizations::seen(subscription::Column::TenantId), owner.tenant).await?;
            found.is_some_and(|organization| organization.row().exempt)
        }
    };
    let (row, now) = (subscription.as_ref().map(|subscription| &**subscription.row()), ctx.scope().now());
    Ok(status::effective(row, exempt, now, &ctx.settings().policy).into())
}

/// Queries for subscriptions.
#[derive(Default)]
pub struct SubscriptionQuery;

#[queries]
impl SubscriptionQuery {
    /// The subscription with this id; null if there is none that the caller can see.
    #[by_id("The subscription.")]
    fn subscription() -> Option<SubscriptionContract>;

    /// The subscriptions that the caller can see.
    #[list]
    fn subscriptions() -> Option<SubscriptionContractConnection>;

    /// An owner's live subscription, or else its latest; null if it never had one or the caller cannot see the owner.
    /// Without arguments, the caller's own: a customer's, or its organization's.
    #[planned(Root::One(|request, arguments| planned(request, arguments, "subscription")))]
    async fn current_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The owner, if it is an organization.")] organization_id: Option<ID>,
        #[graphql(desc = "The owner, if it is a customer.")] customer_id: Option<ID>,
    ) -> Result<Option<SubscriptionContract>> {
        match owner(ctx, organization_id, customer_id).await? {
            Some(owner) => current(ctx, owner).await,
            None => Ok(None),
        }
    }

    /// What an owner's subscription is worth at this moment, for guards; null if the caller cannot see the owner.
    /// Without arguments, the caller's own: a customer's, or its organization's.
    #[planned(Root::One(|request, arguments| planned(request, arguments, "subscriptionStatus")))]
    async fn subscription_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The owner, if it is an organization.")] organization_id: Option<ID>,
        #[graphql(desc = "The owner, if it is a customer.")] customer_id: Option<ID>,
    ) -> Result<Option<EffectiveStatus>> {
        match owner(ctx, organization_id, customer_id).await? {
            Some(owner) => Ok(Some(owner_status(ctx, owner).await?)),
            None => Ok(None),
        }
    }
}

/// A field of the owner that the arguments name: an organization, a customer or the caller itself.
fn planned(request: &RequestContext, arguments: Arguments<'_>, field: &'static str) -> Planned<Option<Found>> {
    let organization: Option<ID> = arguments.get("organizationId")?;
    let customer: Option<ID> = arguments.get("customerId")?;
    let caller = request.scope.caller()?;
    let is_caller = organization.is_none() && customer.is_none();
    let (organization, customer) = match (organization, customer) {
        (Some(_), Some(_)) => return Err(Unplanned::Refused),
        (Some(id), None) => (Some(OrganizationId::parse(&id).ok_or(Unplanned::Refused)?), None),
        (None, Some(id)) => (None, Some(CustomerId::parse(&id).ok_or(Unplanned::Refused)?)),
        (None, None) => (caller.organization(), caller.customer()),
    };
    let found = match (customer, organization) {
        (Some(id), _) => Found::of::<customer::Entity>(request, customer::Column::Id.eq(id))?,
        (None, Some(id)) => Found::of::<organization::Entity>(request, organization::Column::Id.eq(id))?,
        (None, None) => return Err(Unplanned::Refused),
    };
    Ok(Some(Found { field: Some(field), is_caller, ..found }))
}
