//! One-off allowances.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId, UsageGrantId};
use crate::clock::Timestamp;

/// An amount that a subscription may use besides what its tier grants.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_grants")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UsageGrantId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Key of the feature.
    pub feature_key: String,
    /// How much more.
    pub amount: i64,
    /// Until when; null for ever.
    pub expires_at: Option<Timestamp>,
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
