//! What is reserved of features.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, ReservationState, SubscriptionId, UsageReservationId};
use crate::clock::Timestamp;

/// An amount that is held until it is settled, released or expired.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_reservations")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UsageReservationId,
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Key of the feature.
    pub feature_key: String,
    /// The epoch that it is held in.
    pub epoch: i32,
    /// The window that it is held in.
    pub number: i64,
    /// Unique in the organization: the same key reserves once.
    pub key: Option<String>,
    /// How much is held.
    pub amount: i64,
    /// What became of it.
    pub state: ReservationState,
    /// How much was used in the end.
    pub settled: Option<i64>,
    /// Until when it is held.
    pub expires_at: Timestamp,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
