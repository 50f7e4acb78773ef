//! Transitions that the scheduler could not carry out: each keeps one subscription waiting, and no other.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, SubscriptionId};
use crate::clock::Timestamp;

/// What became of the last attempt at what is due to a subscription.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "parked_transitions")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// The subscription.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subscription_id: SubscriptionId,
    /// When it was due. The subscription waits for as long as that is what is due to it.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong, for whoever runs the program.
    pub error: String,
    /// When it was tried last.
    pub parked_at: Timestamp,
}

/// None: it is read by the scheduler alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
