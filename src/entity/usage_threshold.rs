//! Shares of a limit that were reached.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId, UsageThresholdId};
use crate::clock::Timestamp;

/// A share of a limit that use reached in a window, for the first time under this limit.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_thresholds")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UsageThresholdId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Key of the feature.
    pub feature_key: String,
    /// The epoch of the window.
    pub epoch: i32,
    /// The window.
    pub number: i64,
    /// Which share.
    pub percent: i32,
    /// The limit.
    pub ceiling: i64,
    /// How much was used then.
    pub used: i64,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
