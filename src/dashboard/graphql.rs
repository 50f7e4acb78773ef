//! The type `Dashboard` and the query for it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use async_graphql::{ComplexObject, Context, ID, SimpleObject};
use declare::{ToJson, queries};

use crate::entity::{OrganizationId, SubscriptionStatus, TierId, subscription_total};
use crate::error::{Code, Refusal, Result};
use crate::graphql::context::ContextExt;
use crate::graphql::input::parse_optional_id;
use crate::graphql::scalar::{Money, SafeInt};
use crate::read::resolve;
use crate::tier::graphql::{self as tier, Tier};
use crate::tier::statistics::{Group, Statistics, monies};

/// What the live subscriptions of an organization amount to: its customers' and its own, by recorded status. Exact at
/// every moment, and as fast for millions of subscriptions as for a few. Needs `customers.read` and
/// `organizations.read`.
#[derive(SimpleObject)]
pub struct Dashboard {
    /// How many there are.
    pub(super) subscriptions: SafeInt,
    /// What those that are active or past due bring in a month, by currency: a yearly price counts a twelfth, an
    /// override nothing. Rounded once, so it can differ a little from the sum over the tiers.
    pub(super) monthly_revenue: Vec<Money>,
    /// How many there are in each status that any has, in the order of the lifecycle.
    pub(super) subscriptions_by_status: Vec<StatusCount>,
    /// How many there are of each tier that any has, and what they bring in; most subscriptions first.
    pub(super) revenue_by_tier: Vec<TierRevenue>,
}

/// How many subscriptions are in a status.
#[derive(SimpleObject, ToJson)]
pub struct StatusCount {
    /// The recorded status.
    pub(super) status: SubscriptionStatus,
    /// How many there are.
    pub(super) count: SafeInt,
}

/// What the subscriptions of a tier amount to.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct TierRevenue {
    #[graphql(skip)]
    pub(super) tier_id: TierId,
    /// How many there are, in any status that is not an end.
    pub(super) subscriptions: SafeInt,
    /// What those that are active or past due bring in a month, by currency: a yearly price counts a twelfth, an
    /// override nothing.
    pub(super) monthly_revenue: Vec<Money>,
}

#[ComplexObject]
impl TierRevenue {
    /// The tier.
    async fn tier(&self, ctx: &Context<'_>) -> Result<Option<Tier>> {
        resolve::found(ctx, tier::of(subscription_total::Column::TierId), self.tier_id).await
    }
}

impl Dashboard {
    /// What these groups add up to.
    pub(super) fn of(groups: &[Group]) -> Self {
        let all = Statistics::of(groups);
        let mut tiers: BTreeMap<TierId, Vec<&Group>> = BTreeMap::new();
        for group in groups {
            tiers.entry(group.tier_id).or_default().push(group);
        }
        let mut revenue_by_tier: Vec<_> =
            tiers.into_iter().map(|(tier, groups)| TierRevenue::of(tier, Statistics::of(groups))).collect();
        // Stable: tiers that have as many stay in the order of their making.
        revenue_by_tier.sort_by_key(|tier| Reverse(tier.subscriptions));
        Self {
            subscriptions: SafeInt(all.total),
            subscriptions_by_status: by_status(&all),
            monthly_revenue: monies(all.monthly_revenue),
            revenue_by_tier,
        }
    }
}

impl TierRevenue {
    fn of(tier_id: TierId, sums: Statistics) -> Self {
        Self { tier_id, subscriptions: SafeInt(sums.total), monthly_revenue: monies(sums.monthly_revenue) }
    }
}

fn by_status(sums: &Statistics) -> Vec<StatusCount> {
    use SubscriptionStatus::{Active, PastDue, Paused, Pending, Suspended, Trialing};
    let Statistics { total: _, pending, trialing, active, past_due, paused, suspended, monthly_revenue: _ } = *sums;
    let counts = [
        (Pending, pending),
        (Trialing, trialing),
        (Active, active),
        (PastDue, past_due),
        (Paused, paused),
        (Suspended, suspended),
    ];
    let some = counts.into_iter().filter(|(_, count)| *count != 0);
    some.map(|(status, count)| StatusCount { status, count: SafeInt(count) }).collect()
}

/// The query for the dashboard.
#[derive(Default)]
pub struct DashboardQuery;

#[queries]
impl DashboardQuery {
    /// What the live subscriptions of an organization amount to; null if there is no such organization that the caller
    /// can see. Needs `customers.read` and `organizations.read`.
    #[planned(super::read::root())]
    async fn dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization; the caller's own if not given. The platform's own people must name one.")]
        organization_id: Option<ID>,
    ) -> Result<Option<Dashboard>> {
        let named = parse_optional_id::<OrganizationId>("organizationId", organization_id.as_ref())?;
        super::check_right(ctx.scope())?;
        let Some(id) = named.or(ctx.scope().caller()?.organization()) else {
            return Err(Refusal::new(Code::Required, "Name an organization.").at("organizationId").into());
        };
        Ok(super::groups(ctx.scope(), id).await?.map(|groups| Dashboard::of(&groups)))
    }
}
