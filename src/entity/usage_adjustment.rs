//! Corrections of what was counted.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId, UsageAdjustmentId};
use crate::clock::Timestamp;

/// An amount that was added to a counter, or taken from it, by hand.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_adjustments")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UsageAdjustmentId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Key of the feature.
    pub feature_key: String,
    /// How much: below 0 where it was taken away.
    pub amount: i64,
    /// When it would have been used.
    pub occurred_at: Timestamp,
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
