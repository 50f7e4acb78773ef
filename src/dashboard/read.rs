//! How dashboards are read without the resolvers.

use async_graphql::ID;
use sea_orm::ColumnTrait;

use super::graphql::{Dashboard, StatusCount, TierRevenue};
use crate::entity::{OrganizationId, TypedId, organization, subscription_total};
use crate::error::Result;
use crate::graphql::scalar::Money;
use crate::read::Unplanned;
use crate::read::json::Json;
use crate::read::shape::Field;
use crate::read::start::{Folded, Root};
use crate::store::Rows;
use crate::tier as tiers;
use crate::tier::statistics::Group;

/// The query for the dashboard.
pub fn root(name: &str) -> Option<Root> {
    (name == "dashboard").then_some(Root::Folded(|request, arguments| {
        super::check_right(&request.scope)?;
        let id: Option<ID> = arguments.get("organizationId")?;
        let id = match id {
            Some(id) => OrganizationId::parse(&id),
            None => request.scope.caller()?.organization(),
        };
        let id = id.ok_or(Unplanned)?;
        Ok(Folded {
            reading: Group::reading(&request.scope, subscription_total::Column::TenantId.eq(id).into())?,
            of: request.scope.source::<organization::Entity>(organization::Column::Id.eq(id).into())?,
            value: dashboard,
            field: |name| match name {
                "tier" => Some(Field::One(tiers::read::of("tier", subscription_total::Column::TierId))),
                _ => None,
            },
        })
    }))
}

fn dashboard(rows: &Rows) -> Result<Json> {
    let groups = Group::found(rows)?;
    let Dashboard { subscriptions, monthly_revenue, subscriptions_by_status, revenue_by_tier } = Dashboard::of(&groups);
    let by_status = |StatusCount { status, count }: StatusCount| {
        Json::Object("StatusCount", vec![("status", Json::name(status)), ("count", Json::Int(count.0))])
    };
    let by_tier = |TierRevenue { tier_id, subscriptions, monthly_revenue }: TierRevenue| {
        let row = groups.iter().position(|group| group.tier_id == tier_id).map(Json::Row);
        let fields = vec![
            ("tier", row.into()),
            ("subscriptions", Json::Int(subscriptions.0)),
            ("monthlyRevenue", monies(monthly_revenue)),
        ];
        Json::Object("TierRevenue", fields)
    };
    let fields = vec![
        ("subscriptions", Json::Int(subscriptions.0)),
        ("monthlyRevenue", monies(monthly_revenue)),
        ("subscriptionsByStatus", Json::List(subscriptions_by_status.into_iter().map(by_status).collect())),
        ("revenueByTier", Json::List(revenue_by_tier.into_iter().map(by_tier).collect())),
    ];
    Ok(Json::Object("Dashboard", fields))
}

fn monies(amounts: Vec<Money>) -> Json {
    Json::List(amounts.into_iter().map(Into::into).collect())
}
