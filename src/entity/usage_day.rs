//! Sums of use by day.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId};

/// How much of a feature was used on a day.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_days")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// The subscription.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subscription_id: SubscriptionId,
    /// Key of the feature.
    #[sea_orm(primary_key, auto_increment = false)]
    pub feature_key: String,
    /// The day in the subscription's time zone, counted from 1970.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    /// How much was counted on it.
    pub used: i64,
    /// The last value of a gauge on it.
    pub last: Option<i64>,
    /// The greatest value of a gauge on it.
    pub maximum: Option<i64>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
