//! How dashboards are read without the resolvers.

use async_graphql::ID;
use sea_orm::ColumnTrait;

use super::graphql::{Dashboard, TierRevenue};
use crate::entity::{OrganizationId, TypedId, organization, subscription_total};
use crate::error::Result;
use crate::read::Unplanned;
use crate::read::json::{Json, ToJson};
use crate::read::start::{Folded, Root};
use crate::store::Rows;
use crate::tier::graphql as tier;
use crate::tier::statistics::Group;

/// The query for the dashboard.
pub fn root() -> Root {
    Root::Folded(|request, arguments| {
        super::check_right(&request.scope)?;
        let id: Option<ID> = arguments.get("organizationId")?;
        let id = match id {
            Some(id) => OrganizationId::parse(&id),
            None => request.scope.caller()?.organization(),
        };
        let id = id.ok_or(Unplanned::Refused)?;
        Ok(Folded {
            reading: Group::reading(&request.scope, subscription_total::Column::TenantId.eq(id).into())?,
            of: request.scope.source::<organization::Entity>(organization::Column::Id.eq(id).into())?,
            value: dashboard,
            field: |name| match name {
                "tier" => Some(tier::of(subscription_total::Column::TierId).field()),
                _ => None,
            },
        })
    })
}

fn dashboard(rows: &Rows) -> Result<Json> {
    let groups = Group::found(rows)?;
    let Dashboard { subscriptions, monthly_revenue, subscriptions_by_status, revenue_by_tier } = Dashboard::of(&groups);
    let by_tier = |TierRevenue { tier_id, subscriptions, monthly_revenue }: TierRevenue| {
        let row = groups.iter().position(|group| group.tier_id == tier_id).map(Json::Row);
        let fields = vec![
            ("tier", row.into()),
            ("subscriptions", subscriptions.to_json()),
            ("monthlyRevenue", monthly_revenue.to_json()),
        ];
        Json::Object("TierRevenue", fields)
    };
    let fields = vec![
        ("subscriptions", subscriptions.to_json()),
        ("monthlyRevenue", monthly_revenue.to_json()),
        ("subscriptionsByStatus", subscriptions_by_status.to_json()),
        ("revenueByTier", Json::List(revenue_by_tier.into_iter().map(by_tier).collect())),
    ];
    Ok(Json::Object("Dashboard", fields))
}
