//! The queries for subscriptions.

use async_graphql::{Context, ID, Object};

use super::graphql::{Subscription, current, owner_status};
use super::list::{self, SubscriptionConnection, SubscriptionFilter, SubscriptionOrder};
use super::parts::EffectiveStatus;
use crate::entity::{CustomerId, OrganizationId, SubscriptionId, subscription};
use crate::error::{Code, Refusal, Result};
use crate::graphql::context::ContextExt;
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::list::PageArgs;
use crate::graphql::nested::OwnerKey;
use crate::organization::loader::OrganizationKey;

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
            let found = ctx.loader().load_one(OrganizationKey(id)).await?;
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
    let row = ctx.scope().get::<crate::entity::customer::Entity>(id).await?;
    Ok(row.map(|row| OwnerKey { tenant: row.tenant_id, customer: Some(row.id) }))
}

/// Queries for subscriptions.
#[derive(Default)]
pub struct SubscriptionQuery;

#[Object]
impl SubscriptionQuery {
    /// The subscription with this id; null if there is none that the caller can see.
    async fn subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The subscription.")] id: ID,
    ) -> Result<Option<Subscription>> {
        let id = parse_id::<SubscriptionId>("id", &id)?;
        Ok(ctx.scope().get::<subscription::Entity>(id).await?.map(Into::into))
    }

    /// The subscriptions that the caller can see.
    async fn subscriptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<SubscriptionFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<SubscriptionOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<SubscriptionConnection>> {
        list::list(ctx, filter, order_by, PageArgs { first, after, last, before }).await.map(Some)
    }

    /// An owner's live subscription, or else its latest; null if it never had one or the caller cannot see the owner.
    /// Without arguments, the caller's own: a customer's, or its organization's.
    async fn current_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The owner, if it is an organization.")] organization_id: Option<ID>,
        #[graphql(desc = "The owner, if it is a customer.")] customer_id: Option<ID>,
    ) -> Result<Option<Subscription>> {
        match owner(ctx, organization_id, customer_id).await? {
            Some(owner) => current(ctx, owner).await,
            None => Ok(None),
        }
    }

    /// What an owner's subscription is worth at this moment, for guards; null if the caller cannot see the owner.
    /// Without arguments, the caller's own: a customer's, or its organization's.
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
