//! What use was counted by.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId, UsageRecordId};
use crate::clock::Timestamp;

/// A record of use. Kept for some weeks: until then its key counts once.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_records")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UsageRecordId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Key of the feature.
    pub feature_key: String,
    /// Unique in the organization: the same key counts once.
    pub key: Option<String>,
    /// How much was to be counted.
    pub asked: i64,
    /// How much was.
    pub counted: i64,
    /// Who recorded it.
    pub actor: String,
    /// When it was used.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
