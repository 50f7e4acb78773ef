//! The audit trail: who did what to which row, and why. Append-only.

use sea_orm::entity::prelude::*;

use super::{AuditEventId, StoredJson, TenantKey};
use crate::clock::Timestamp;

/// One change of one row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEventId,
    /// The organization the row belongs to, or the platform.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantKey,
    /// Subject of the token, or the name of the part of Tessera that acted.
    pub actor: String,
    /// Role of the actor.
    pub actor_role: String,
    /// Who acted in the actor's name, if somebody did.
    pub impersonator: Option<String>,
    /// Noun and verb, such as `subscription.suspend`.
    pub action: String,
    /// Noun of the row.
    pub entity_type: String,
    /// Id of the row.
    pub entity_id: Uuid,
    /// What changed: a JSON object from column to `{from, to}`.
    pub changes: StoredJson,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// Network address the request came from.
    pub address: Option<String>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it was due, if time made it and not a caller.
    pub effective_at: Option<Timestamp>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
