//! Lists of subscriptions: what they can be filtered and sorted by.

use async_graphql::{Context, Enum, ID, InputObject};
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition};

use super::graphql::Subscription;
use super::status::Policy;
use crate::clock::Timestamp;
use crate::entity::{
    CustomerId, ManagementMode, OrganizationId, SubscriptionStatus, TierId, organization, subscription,
};
use crate::error::Result;
use crate::graphql::connection::{PageArgs, connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::{AmountRange, DateTimeRange, enum_filter};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::nested::{OwnerKey, by_owner};
use crate::graphql::search::Search;
use crate::store;

enum_filter!(SubscriptionStatusFilter of SubscriptionStatus);

/// The kind of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OwnerKind {
    /// Organizations.
    Organization,
    /// Customers.
    Customer,
}

/// Which subscriptions to find. Everything given must hold; a null is refused.
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
    /// With this text in the key of the integrator, or of an owner whom the text finds, whatever case and accents; blank
    /// finds all.
    search: Option<String>,
}

impl SubscriptionFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        let (policy, now) = (&request.settings.policy, request.scope.now());
        use subscription::Column::{
            AmountMinor, CreatedAt, CurrentPeriodEnd, CustomerId as Customer, ExternalId, SearchText, Status, TenantId,
            TierId as Tier,
        };
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let customer = parse_optional_id::<CustomerId>("where.customerId", self.customer_id.as_ref())?;
        let parse_tier = |id: &ID| parse_id::<TierId>("where.tierIds", id);
        let tiers = self.tier_ids.as_ref().map(|ids| ids.iter().map(parse_tier).collect::<Result<Vec<_>>>());
        let search = Search::of(self.search.as_deref())?;
        Ok(Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(customer.map(|id| Customer.eq(id)))
            .add_option(self.owner_kind.map(|kind| match kind {
                OwnerKind::Organization => Customer.is_null(),
                OwnerKind::Customer => Customer.is_not_null(),
            }))
            .add_option(self.status.as_ref().map(|status| status.on(Status)))
            .add_option(tiers.transpose()?.map(|ids| Tier.is_in(ids)))
            .add_option(self.current_period_end.map(|range| between(CurrentPeriodEnd, range.from, range.to)))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(self.amount.map(|range| range.on(AmountMinor)))
            .add_option(self.expired.map(|wanted| either(expired(policy, now), wanted)))
            .add_option(self.expiring_soon.map(|wanted| either(expiring_soon(policy, now), wanted)))
            .add_option(self.external_id.as_ref().map(|id| ExternalId.eq(id)))
            .add_option(search.map(|search| search.on_owned::<subscription::Entity>(&request.scope, SearchText))))
    }
}

/// The rows with a time in this span, by what lists are sorted by.
fn between(column: subscription::Column, from: Option<Timestamp>, to: Option<Timestamp>) -> Condition {
    store::between::<subscription::Entity>(column, from, to)
}

fn either(condition: Condition, wanted: bool) -> Condition {
    if wanted { condition } else { condition.not() }
}

/// The end of a span that has this moment in it.
fn just_after(moment: Timestamp) -> Timestamp {
    moment.plus(TimeDelta::microseconds(1))
}

/// The condition that [`effective`](super::status::effective) calls a row expired, in SQL.
fn expired(policy: &Policy, now: Timestamp) -> Condition {
    use subscription::Column::AccessEndsAt;
    let tolerated = tolerated().add(AccessEndsAt.gt(now.plus(-policy.renewal_tolerance)));
    Condition::all().add(between(AccessEndsAt, None, Some(just_after(now)))).add(tolerated.not()).add(exempt().not())
}

/// The condition that [`effective`](super::status::effective) calls a row expiring soon, in SQL.
fn expiring_soon(policy: &Policy, now: Timestamp) -> Condition {
    use subscription::Column::{AccessEndsAt, Status};
    let entitling = [SubscriptionStatus::Trialing, SubscriptionStatus::Active, SubscriptionStatus::PastDue];
    let soon = now.plus(policy.expiring_soon);
    let ends = Condition::any()
        .add(Condition::all().add(tolerated().not()).add(AccessEndsAt.lte(soon)))
        .add(tolerated().add(AccessEndsAt.lte(soon.plus(-policy.renewal_tolerance))));
    Condition::all()
        .add(Status.is_in(entitling))
        // Follows from the rest; for the index.
        .add(between(AccessEndsAt, Some(now.plus(-policy.renewal_tolerance)), Some(just_after(soon))))
        .add(expired(policy, now).not())
        .add(ends)
        .add(exempt().not())
}

/// The condition that [`tolerates_late_renewal`](super::status::tolerates_late_renewal), in SQL.
fn tolerated() -> Condition {
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
    let exempt = Query::select()
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

connection!(SubscriptionConnection, SubscriptionEdge, Subscription of subscription, "subscriptions", SubscriptionFilter, SubscriptionOrder);

/// A page of all subscriptions that the caller can see.
pub async fn list(
    ctx: &Context<'_>,
    filter: Option<SubscriptionFilter>,
    order_by: Option<Vec<SubscriptionOrder>>,
    args: PageArgs,
) -> Result<SubscriptionConnection> {
    SubscriptionConnection::load(ctx, "subscriptions", filter, order_by, &args).await
}
/// A page of an owner's subscriptions, past ones included.
pub async fn of_owner(
    ctx: &Context<'_>,
    owner: OwnerKey,
    filter: Option<SubscriptionFilter>,
    order_by: Option<Vec<SubscriptionOrder>>,
    args: PageArgs,
) -> Result<SubscriptionConnection> {
    SubscriptionConnection::load_nested(ctx, "owner.subscriptions", filter, order_by, args, owner, by_owner()).await
}
