//! The type `Subscription`.

use async_graphql::{ComplexObject, Context, SimpleObject};
use serde_json::Value;

use super::actions::{self, Available};
use super::loader::CurrentOf;
use super::parts::{
    AvailableAction, EffectiveStatus, FeatureOverride, ScheduledChange, SubscriptionOwner, TierOverride,
    feature_overrides, is_told_why, owner_of,
};
use super::status;
use super::surroundings::Around;
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::{
    BillingCycle, Gateway, ManagementMode, StoredJson, SubscriptionId, SubscriptionStatus, SuspensionCause, TierId,
    subscription,
};
use crate::error::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::json::private;
use crate::graphql::list::PageArgs;
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::Money;
use crate::organization::graphql::Organization;
use crate::organization::loader::OrganizationKey;
use crate::tier::graphql::Tier;
use crate::tier::loader::TierKey;

/// What an owner (an organization or one of its customers) is entitled to.
///
/// Reading it is implied by reading its owner; changing it needs `subscriptions.manage`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Subscription {
    /// Globally unique.
    pub id: SubscriptionId,
    /// Where it stands in its lifecycle, as recorded. What it is worth at this moment is `effectiveStatus`.
    pub status: SubscriptionStatus,
    /// Who decides about it.
    pub mode: ManagementMode,
    /// The tier's id.
    pub tier_id: TierId,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// When it starts or started.
    pub starts_at: Timestamp,
    /// Start of the trial, if there was one; in the future, if it waits for its start.
    pub trial_started_at: Option<Timestamp>,
    /// End of the trial.
    pub trial_ends_at: Option<Timestamp>,
    /// Start of the period that is paid for.
    pub current_period_start: Option<Timestamp>,
    /// End of the period that is paid for.
    pub current_period_end: Option<Timestamp>,
    /// Day of the month that periods start on; shorter months end earlier without losing it.
    pub anchor_day: i32,
    /// Hard end set by an administrator, whatever is paid.
    pub expires_at: Option<Timestamp>,
    /// When a cancellation takes or took effect.
    pub cancel_at: Option<Timestamp>,
    /// When the cancellation was asked for.
    pub canceled_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Since when a renewal is unpaid.
    pub past_due_since: Option<Timestamp>,
    /// Until when access continues although a renewal is unpaid.
    pub grace_ends_at: Option<Timestamp>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Why it is suspended.
    pub suspension_cause: Option<SuspensionCause>,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// When it resumes by itself.
    pub resumes_at: Option<Timestamp>,
    /// When it expires if nobody pays.
    pub pending_until: Option<Timestamp>,
    /// How many active members the organization may have; null: what the tier says.
    pub user_limit: Option<i32>,
    /// Features that differ from the tier's.
    #[graphql(skip)]
    feature_overrides: Value,
    /// Which gateway bills it; null if none does.
    pub gateway: Option<Gateway>,
    /// Its id at the gateway.
    pub gateway_subscription_id: Option<String>,
    /// The integrator's own key.
    pub external_id: Option<String>,
    /// Free-form JSON object of the integrator; null, with an error, if it is too deep to be read.
    pub metadata: Option<StoredJson>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    pub version: i32,
    #[graphql(skip)]
    row: Box<subscription::Model>,
}

impl From<subscription::Model> for Subscription {
    fn from(row: subscription::Model) -> Self {
        let kept = Box::new(row.clone());
        let subscription::Model {
            tenant_id: _,
            id,
            customer_id: _,
            tier_id,
            status,
            mode,
            amount_minor: _,
            currency: _,
            billing_cycle,
            starts_at,
            trial_started_at,
            trial_ends_at,
            current_period_start,
            current_period_end,
            anchor_day,
            expires_at,
            cancel_at,
            canceled_at,
            ended_at,
            past_due_since,
            grace_ends_at,
            suspended_at,
            suspension_cause,
            suspended_by: _,
            suspended_from: _,
            paused_at,
            resumes_at,
            pending_until,
            scheduled_tier_id: _,
            scheduled_amount_minor: _,
            scheduled_billing_cycle: _,
            scheduled_at: _,
            override_reason: _,
            override_ends_at: _,
            overridden_tier_id: _,
            overridden_amount_minor: _,
            overridden_billing_cycle: _,
            overridden_state: _,
            user_limit,
            trial_limits_users: _,
            feature_overrides,
            gateway,
            gateway_subscription_id,
            external_id,
            search_text: _,
            metadata,
            private_metadata: _,
            last_renewed_by: _,
            access_ends_at: _,
            next_at: _,
            next_status: _,
            second_at: _,
            second_status: _,
            third_at: _,
            third_status: _,
            created_at,
            updated_at,
            version,
            deleted_at: _,
        } = row;
        Self {
            id,
            status,
            mode,
            tier_id,
            billing_cycle,
            starts_at,
            trial_started_at,
            trial_ends_at,
            current_period_start,
            current_period_end,
            anchor_day,
            expires_at,
            cancel_at,
            canceled_at,
            ended_at,
            past_due_since,
            grace_ends_at,
            suspended_at,
            suspension_cause,
            paused_at,
            resumes_at,
            pending_until,
            user_limit,
            feature_overrides,
            gateway,
            gateway_subscription_id,
            external_id,
            metadata: Some(metadata),
            created_at,
            updated_at,
            version,
            row: kept,
        }
    }
}

#[ComplexObject]
impl Subscription {
    /// Free-form JSON object of those who manage it, shown to nobody else: null without `subscriptions.manage`, and with an error if it
    /// is too deep to be read.
    async fn private_metadata(&self, ctx: &Context<'_>) -> Result<Option<StoredJson>> {
        Ok(private(ctx.scope().caller()?, Permission::SubscriptionsManage, self.row.private_metadata.clone()))
    }

    /// Who is entitled.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<SubscriptionOwner>> {
        owner_of(ctx, OwnerKey { tenant: self.row.tenant_id, customer: self.row.customer_id }).await
    }

    /// The organization it belongs to; null for callers that cannot see organizations.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        crate::organization::graphql::visible(ctx, self.row.tenant_id).await
    }

    /// What is subscribed to.
    async fn tier(&self, ctx: &Context<'_>) -> Result<Option<Tier>> {
        Ok(ctx.loader().load_one(TierKey(self.row.tier_id)).await?.map(Into::into))
    }

    /// What it costs each cycle: a snapshot that later edits of the catalogue do not change.
    async fn price(&self) -> Money {
        Money::new(self.row.amount_minor, self.row.currency.clone())
    }

    /// What it is worth at this moment.
    async fn effective_status(&self, ctx: &Context<'_>) -> Result<EffectiveStatus> {
        let exempt = is_exempt(ctx, OwnerKey { tenant: self.row.tenant_id, customer: self.row.customer_id }).await?;
        let now = ctx.scope().now();
        Ok(status::effective(Some(&*self.row), exempt, now, &ctx.settings().policy).into())
    }

    /// A change of tier that waits for its time.
    async fn scheduled_change(&self) -> Option<ScheduledChange> {
        let row = &self.row;
        Some(ScheduledChange {
            tier_id: row.scheduled_tier_id?,
            price: Money::new(row.scheduled_amount_minor?, row.currency.clone()),
            billing_cycle: row.scheduled_billing_cycle?,
            at: row.scheduled_at?,
        })
    }

    /// The administrator's override, while there is one.
    #[graphql(name = "override")]
    async fn tier_override(&self, ctx: &Context<'_>) -> Result<Option<TierOverride>> {
        let (row, is_told) = (&self.row, is_told_why(ctx.scope().caller()?));
        Ok(row.overridden_tier_id.map(|overridden_tier_id| TierOverride {
            reason: row.override_reason.clone().filter(|_| is_told),
            ends_at: row.override_ends_at,
            overridden_tier_id,
        }))
    }

    /// Who renewed it last: the subject of a token, `ROOT` for the platform's own people, or `scheduler`. Null for callers
    /// with neither `subscriptions.manage` nor `audit.read`.
    async fn last_renewed_by(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let is_told = is_told_why(ctx.scope().caller()?);
        Ok(self.row.last_renewed_by.clone().filter(|_| is_told))
    }

    /// Features that differ from the tier's.
    async fn feature_overrides(&self) -> Vec<FeatureOverride> {
        feature_overrides(&self.feature_overrides)
    }

    /// What the caller may do with it now, and why not where not.
    async fn available_actions(&self, ctx: &Context<'_>) -> Result<Vec<AvailableAction>> {
        let (caller, now) = (ctx.scope().caller()?, ctx.scope().now());
        let Some(around) = ctx.loader().load_one(Around(self.id)).await? else { return Ok(Vec::new()) };
        let one = |Available { action, obstacle, requires }| AvailableAction {
            action,
            allowed: obstacle.is_none(),
            reason: obstacle,
            requires: requires.as_str(),
        };
        Ok(actions::available(&self.row, caller, &around, now)?.into_iter().map(one).collect())
    }

    /// Its payments. Needs `payments.read`.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<
            crate::payment::graphql::PaymentFilter,
        >,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<crate::payment::graphql::PaymentOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<crate::payment::graphql::PaymentConnection>> {
        let args = PageArgs { first, after, last, before };
        Some(crate::payment::graphql::of_subscription(ctx, self.id, filter, order_by, args).await)
    }
}

/// The owner's live subscription, or else its latest.
pub async fn current(ctx: &Context<'_>, owner: OwnerKey) -> Result<Option<Subscription>> {
    Ok(ctx.loader().load_one(CurrentOf(owner)).await?.map(Into::into))
}

/// What the owner's subscription is worth at this moment.
pub async fn owner_status(ctx: &Context<'_>, owner: OwnerKey) -> Result<EffectiveStatus> {
    let row = ctx.loader().load_one(CurrentOf(owner)).await?;
    let exempt = is_exempt(ctx, owner).await?;
    Ok(status::effective(row.as_ref(), exempt, ctx.scope().now(), &ctx.settings().policy).into())
}

async fn is_exempt(ctx: &Context<'_>, owner: OwnerKey) -> Result<bool> {
    if owner.customer.is_some() {
        return Ok(false);
    }
    Ok(ctx.loader().load_one(OrganizationKey(owner.tenant)).await?.is_some_and(|row| row.exempt))
}
