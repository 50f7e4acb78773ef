//! The type `Subscription` and the queries for it.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Json, Object, SimpleObject, Union};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Select};
use serde_json::Value;

use super::actions::{self, Obstacle};
use super::lifecycle::Action;
use super::loader::CurrentOf;
use super::status::{self, Effective, Kind, Policy, Reason};
use crate::clock::Timestamp;
use crate::customer::graphql::Customer;
use crate::customer::loader::CustomerKey;
use crate::entity::{
    BillingCycle, CustomerId, Gateway, ManagementMode, OrganizationId, SubscriptionId, SubscriptionStatus,
    SuspensionCause, TierId, organization, subscription,
};
use crate::error::{Code, Refusal, Result};
use crate::graphql::connection::{AmountRange, DateTimeRange, ListKey, PageArgs, connection, enum_filter, sort_order};
use crate::graphql::context::ContextExt;
use crate::graphql::input::{contains_pattern, parse_id, parse_optional_id};
use crate::graphql::nested::{Owned, OwnerKey};
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
    /// Start of the trial, if there was one.
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
    /// Free-form JSON object of the integrator.
    pub metadata: Json<Value>,
    /// Who renewed it last: the subject of a token, or the worker.
    pub last_renewed_by: Option<String>,
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
            user_limit,
            feature_overrides,
            gateway,
            gateway_subscription_id,
            external_id,
            metadata,
            last_renewed_by,
            access_ends_at: _,
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
            metadata: Json(metadata),
            last_renewed_by,
            created_at,
            updated_at,
            version,
            row: kept,
        }
    }
}

#[ComplexObject]
impl Subscription {
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
        Ok(ctx.loaders().load_one(TierKey(self.row.tier_id)).await?.map(Into::into))
    }

    /// What it costs each cycle: a snapshot that later edits of the catalogue do not change.
    async fn price(&self) -> Money {
        Money::new(self.row.amount_minor, self.row.currency.clone())
    }

    /// What it is worth at this moment.
    async fn effective_status(&self, ctx: &Context<'_>) -> Result<EffectiveStatus> {
        let exempt = is_exempt(ctx, OwnerKey { tenant: self.row.tenant_id, customer: self.row.customer_id }).await?;
        let now = ctx.scope().now();
        Ok(status::effective(Some(&self.row), exempt, now, &ctx.settings().policy).into())
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
    async fn tier_override(&self) -> Option<TierOverride> {
        let row = &self.row;
        Some(TierOverride {
            reason: row.override_reason.clone()?,
            ends_at: row.override_ends_at,
            overridden_tier_id: row.overridden_tier_id?,
        })
    }

    /// Features that differ from the tier's.
    async fn feature_overrides(&self) -> Vec<FeatureOverride> {
        let overrides = self.feature_overrides.as_object();
        let one = |(key, value): (&String, &Value)| FeatureOverride {
            key: key.clone(),
            enabled: value.get("enabled").and_then(Value::as_bool).unwrap_or(true),
            ceiling: value.get("ceiling").and_then(Value::as_i64).map(crate::graphql::scalar::SafeInt),
        };
        overrides.map(|overrides| overrides.iter().map(one).collect()).unwrap_or_default()
    }

    /// What the caller may do with it now, and why not where not.
    async fn available_actions(&self, ctx: &Context<'_>) -> Result<Vec<AvailableAction>> {
        let (caller, now) = (ctx.scope().caller()?, ctx.scope().now());
        let one = |action| {
            let reason = actions::obstacle(&self.row, action, caller, now);
            let requires = actions::required(&self.row, action).as_str();
            AvailableAction { action, allowed: reason.is_none(), reason, requires }
        };
        Ok(Action::ALL.into_iter().map(one).collect())
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
    ) -> Result<crate::payment::graphql::PaymentConnection> {
        let args = PageArgs { first, after, last, before };
        crate::payment::graphql::of_subscription(ctx, self.row.tenant_id, self.id, filter, order_by, args).await
    }
}

/// An organization or a customer.
#[derive(Union)]
pub enum SubscriptionOwner {
    /// The organization itself.
    Organization(Box<Organization>),
    /// A customer.
    Customer(Box<Customer>),
}

/// The owner itself; none if it was deleted or the caller cannot see it.
pub async fn owner_of(ctx: &Context<'_>, owner: OwnerKey) -> Result<Option<SubscriptionOwner>> {
    Ok(match owner.customer {
        Some(id) => {
            let row = ctx.loaders().load_one(CustomerKey(owner.tenant, id)).await?;
            row.map(|row| SubscriptionOwner::Customer(Box::new(row.into())))
        }
        None => {
            let row = ctx.loaders().load_one(OrganizationKey(owner.tenant)).await?;
            row.map(|row| SubscriptionOwner::Organization(Box::new(row.into())))
        }
    })
}

/// What a subscription is worth at this moment, by the clock: a worker that is late gives no access away.
#[derive(Clone, Copy, SimpleObject)]
pub struct EffectiveStatus {
    /// What the status amounts to.
    status: Kind,
    /// Whether the owner may use what the tier grants. Whether the owner may operate at all is its own status.
    entitled: bool,
    /// Whether access has run out.
    expired: bool,
    /// Whether access runs out soon (within 7 days, unless configured otherwise).
    expiring_soon: bool,
    /// Days until access runs out, begun ones included; 0 once it has; null if it never does.
    days_until_expiry: Option<i32>,
    /// When access runs or ran out; null if it never does.
    ends_at: Option<Timestamp>,
    /// Why the status is what it is.
    reason: Reason,
}

impl From<Effective> for EffectiveStatus {
    fn from(effective: Effective) -> Self {
        let Effective { kind, entitled, expired, expiring_soon, days_until_expiry, ends_at, reason } = effective;
        let days_until_expiry = days_until_expiry.map(|days| i32::try_from(days).unwrap_or(i32::MAX));
        Self { status: kind, entitled, expired, expiring_soon, days_until_expiry, ends_at, reason }
    }
}

/// A change of tier that waits for its time.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ScheduledChange {
    /// The tier that it changes to.
    tier_id: TierId,
    /// What it will cost each cycle.
    price: Money,
    /// How often it will be charged.
    billing_cycle: BillingCycle,
    /// When.
    at: Timestamp,
}

#[ComplexObject]
impl ScheduledChange {
    /// The tier that it changes to.
    async fn tier(&self, ctx: &Context<'_>) -> Result<Option<Tier>> {
        Ok(ctx.loaders().load_one(TierKey(self.tier_id)).await?.map(Into::into))
    }
}

/// A tier given without payment.
#[derive(Clone, SimpleObject)]
pub struct TierOverride {
    /// Why.
    reason: String,
    /// When it ends by itself; null if it does not.
    ends_at: Option<Timestamp>,
    /// The tier that its end returns to.
    overridden_tier_id: TierId,
}

/// A feature that differs from the tier's.
#[derive(Clone, SimpleObject)]
pub struct FeatureOverride {
    /// Key of the feature.
    key: String,
    /// On or off.
    enabled: bool,
    /// The ceiling of a limit or meter; null is unlimited.
    ceiling: Option<crate::graphql::scalar::SafeInt>,
}

/// An action and whether the caller may take it now.
#[derive(Clone, SimpleObject)]
pub struct AvailableAction {
    /// The action.
    action: Action,
    /// Whether the caller may take it now.
    allowed: bool,
    /// What stands in the way, if anything does.
    reason: Option<Obstacle>,
    /// The permission that it needs.
    requires: &'static str,
}

enum_filter!(SubscriptionStatusFilter of SubscriptionStatus);

/// The kind of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OwnerKind {
    /// Organizations.
    Organization,
    /// Customers.
    Customer,
}

/// Which subscriptions to find. Everything given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct SubscriptionFilter {
    /// Of this organization: its own and its customers'.
    organization_id: Option<ID>,
    /// Of this customer.
    customer_id: Option<ID>,
    /// Of owners of this kind.
    owner_kind: Option<OwnerKind>,
    /// By recorded status.
    status: Option<SubscriptionStatusFilter>,
    /// Of these tiers.
    #[graphql(validator(max_items = 250))]
    tier_ids: Option<Vec<ID>>,
    /// By the end of the current period.
    current_period_end: Option<DateTimeRange>,
    /// By the time it was made.
    created_at: Option<DateTimeRange>,
    /// By price.
    amount: Option<AmountRange>,
    /// Whether access runs out soon.
    expiring_soon: Option<bool>,
    /// Whether access has run out.
    expired: Option<bool>,
    /// With this key of the integrator.
    external_id: Option<String>,
    /// With this text in the key of the integrator.
    search: Option<String>,
}

impl SubscriptionFilter {
    fn query(&self, policy: &Policy, now: Timestamp) -> Result<Select<subscription::Entity>> {
        use subscription::Column::{
            AmountMinor, CreatedAt, CurrentPeriodEnd, CustomerId as Customer, ExternalId, Status, TenantId,
            TierId as Tier,
        };
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let customer = parse_optional_id::<CustomerId>("where.customerId", self.customer_id.as_ref())?;
        let parse_tier = |id: &ID| parse_id::<TierId>("where.tierIds", id);
        let tiers = self.tier_ids.as_ref().map(|ids| ids.iter().map(parse_tier).collect::<Result<Vec<_>>>());
        let condition = Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(customer.map(|id| Customer.eq(id)))
            .add_option(self.owner_kind.map(|kind| match kind {
                OwnerKind::Organization => Customer.is_null(),
                OwnerKind::Customer => Customer.is_not_null(),
            }))
            .add_option(self.status.as_ref().map(|status| status.on(Status)))
            .add_option(tiers.transpose()?.map(|ids| Tier.is_in(ids)))
            .add_option(self.current_period_end.map(|range| range.on(CurrentPeriodEnd)))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(self.amount.map(|range| range.on(AmountMinor)))
            .add_option(self.expired.map(|wanted| either(expired(policy, now), wanted)))
            .add_option(self.expiring_soon.map(|wanted| either(expiring_soon(policy, now), wanted)))
            .add_option(self.external_id.as_ref().map(|id| ExternalId.eq(id)))
            .add_option(self.search.as_ref().map(|text| {
                use sea_orm::sea_query::{Expr, Func, LikeExpr};
                Expr::expr(Func::lower(Expr::col(ExternalId.as_column_ref())))
                    .like(LikeExpr::new(contains_pattern(text)).escape('\\'))
            }));
        Ok(subscription::Entity::find().filter(condition))
    }
}

fn either(condition: Condition, wanted: bool) -> Condition {
    if wanted { condition } else { condition.not() }
}

/// The condition that [`status::effective`] calls a row expired, in SQL.
fn expired(policy: &Policy, now: Timestamp) -> Condition {
    use subscription::Column::AccessEndsAt;
    let late = AccessEndsAt.is_not_null().and(AccessEndsAt.lte(now));
    let tolerated = tolerated().add(AccessEndsAt.gt(now.plus(-policy.renewal_tolerance)));
    Condition::all().add(late).add(tolerated.not()).add(exempt().not())
}

/// The condition that [`status::effective`] calls a row expiring soon, in SQL.
fn expiring_soon(policy: &Policy, now: Timestamp) -> Condition {
    use subscription::Column::{AccessEndsAt, Status};
    let entitling = [SubscriptionStatus::Trialing, SubscriptionStatus::Active, SubscriptionStatus::PastDue];
    let soon = now.plus(policy.expiring_soon);
    let ends = Condition::any()
        .add(Condition::all().add(tolerated().not()).add(AccessEndsAt.lte(soon)))
        .add(tolerated().add(AccessEndsAt.lte(soon.plus(-policy.renewal_tolerance))));
    Condition::all()
        .add(Status.is_in(entitling))
        .add(AccessEndsAt.is_not_null())
        .add(expired(policy, now).not())
        .add(ends)
        .add(exempt().not())
}

/// The condition that [`status::tolerates_late_renewal`], in SQL.
fn tolerated() -> Condition {
    use sea_orm::sea_query::Expr;
    use subscription::Column::{AccessEndsAt, CancelAt, ExpiresAt, Mode, Status};
    let hard_end_later = Expr::col(ExpiresAt.as_column_ref()).gt(Expr::col(AccessEndsAt.as_column_ref()));
    Condition::all()
        .add(Mode.eq(ManagementMode::Gateway))
        .add(Status.eq(SubscriptionStatus::Active))
        .add(CancelAt.is_null())
        .add(Condition::any().add(ExpiresAt.is_null()).add(hard_end_later))
}

fn exempt() -> Condition {
    use subscription::Column::{CustomerId, TenantId};
    let exempt = sea_orm::sea_query::Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::Exempt.eq(true))
        .take();
    Condition::all().add(CustomerId.is_null()).add(TenantId.in_subquery(exempt))
}

sort_order!(SubscriptionOrder, SubscriptionSort of subscription {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// When it was last changed.
    UpdatedAt => UpdatedAt,
    /// When access ends as things stand; those that never end come last in ascending order.
    AccessEndsAt => AccessEndsAt,
    /// End of the current period; those without one come last in ascending order.
    CurrentPeriodEnd => CurrentPeriodEnd,
    /// Price.
    Amount => AmountMinor,
    /// Recorded status, alphabetically.
    Status => Status,
});

connection!(SubscriptionConnection, SubscriptionEdge, Subscription of subscription, "subscriptions");

/// A page of all subscriptions that the caller can see.
async fn list(
    ctx: &Context<'_>,
    filter: Option<SubscriptionFilter>,
    order_by: Option<Vec<SubscriptionOrder>>,
    args: PageArgs,
) -> Result<SubscriptionConnection> {
    let list = ListKey::new(ctx, "subscriptions", &filter, &order_by);
    let query = match &filter {
        Some(filter) => filter.query(&ctx.settings().policy, ctx.scope().now())?,
        None => subscription::Entity::find(),
    };
    SubscriptionConnection::load(ctx, list, query, SubscriptionOrder::sort(&order_by), &args).await
}

/// The owner's live subscription, or else its latest.
pub async fn current(ctx: &Context<'_>, owner: OwnerKey) -> Result<Option<Subscription>> {
    Ok(ctx.loaders().load_one(CurrentOf(owner)).await?.map(Into::into))
}

/// What the owner's subscription is worth at this moment.
pub async fn owner_status(ctx: &Context<'_>, owner: OwnerKey) -> Result<EffectiveStatus> {
    let row = ctx.loaders().load_one(CurrentOf(owner)).await?;
    let exempt = is_exempt(ctx, owner).await?;
    Ok(status::effective(row.as_ref(), exempt, ctx.scope().now(), &ctx.settings().policy).into())
}

async fn is_exempt(ctx: &Context<'_>, owner: OwnerKey) -> Result<bool> {
    if owner.customer.is_some() {
        return Ok(false);
    }
    Ok(ctx.loaders().load_one(OrganizationKey(owner.tenant)).await?.is_some_and(|row| row.exempt))
}

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
            let found = ctx.loaders().load_one(OrganizationKey(id)).await?;
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
    ) -> Result<SubscriptionConnection> {
        list(ctx, filter, order_by, PageArgs { first, after, last, before }).await
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

/// A page of an owner's subscriptions, past ones included.
pub async fn of_owner(
    ctx: &Context<'_>,
    owner: OwnerKey,
    filter: Option<SubscriptionFilter>,
    order_by: Option<Vec<SubscriptionOrder>>,
    args: PageArgs,
) -> Result<SubscriptionConnection> {
    use crate::graphql::connection::page_request;
    use crate::graphql::nested::{Asked, Nested, by_owner};
    let list = ListKey::new(ctx, "owner.subscriptions", &filter, &order_by);
    let query = match &filter {
        Some(filter) => filter.query(&ctx.settings().policy, ctx.scope().now())?,
        None => subscription::Entity::find(),
    };
    let page = page_request(ctx, &list, &args, SubscriptionOrder::sort(&order_by))?;
    let asked = Asked { query: query.clone(), page: page.clone(), belonging: by_owner() };
    let key = Nested::new(owner, list.clone(), args, std::sync::Arc::new(asked));
    let slice = ctx.loaders().load_one(key).await?.unwrap_or_else(|| page.slice(Vec::new()));
    let of_owner = query.filter(subscription::Entity::of_owners(&[owner]));
    Ok(SubscriptionConnection::from_slice(ctx, &list, &page, of_owner, slice))
}
