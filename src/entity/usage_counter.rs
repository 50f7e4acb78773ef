//! Counters of use.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId};
use crate::clock::Timestamp;

/// How much of a feature is used in a window.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_counters")]
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
    /// The epoch of the subscription.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch: i32,
    /// The window of the epoch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// How much is used.
    pub used: i64,
    /// How much is reserved, expired reservations that nobody looked at included.
    pub held: i64,
    /// When it was read, if it is a gauge.
    pub observed_at: Option<Timestamp>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
