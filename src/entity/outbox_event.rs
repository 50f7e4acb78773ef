//! The outbox: what has to be told to the world, written in the transaction of the change itself.

use sea_orm::entity::prelude::*;

use super::{OutboxEventId, StoredJson, TenantKey};
use crate::clock::Timestamp;

/// One event, to be published at least once, in the order of the ids.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_events")]
pub struct Model {
    /// Unique everywhere; later events have greater ids.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OutboxEventId,
    /// The organization concerned, or the platform.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantKey,
    /// Noun and verb, such as `subscription.suspend`.
    pub topic: String,
    /// Noun of the row that changed.
    pub entity_type: String,
    /// Id of the row that changed.
    pub entity_id: Uuid,
    /// Version of the row after the change.
    pub entity_version: i32,
    /// What changed: a JSON object from column to `{from, to}`.
    pub payload: StoredJson,
    /// When.
    pub created_at: Timestamp,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
