//! Features: what tiers can grant.

use sea_orm::entity::prelude::*;

use super::{FeatureEnforcement, FeatureId, FeatureKind, FeatureReset, OrganizationId};
use crate::clock::Timestamp;

/// A feature of the platform's catalogue or of an organization's own: what its key means in all tiers there.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "features")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FeatureId,
    /// The organization whose catalogue this is; null for the platform's.
    pub tenant_id: Option<OrganizationId>,
    /// Unique in its catalogue, such as `ai.queries`. Never changes.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// How it is measured. Never changes.
    pub kind: FeatureKind,
    /// What is counted, such as `GB`. Null for a switch.
    pub unit: Option<String>,
    /// When a meter begins at 0 again. Null for the other kinds.
    pub resets: Option<FeatureReset>,
    /// What happens at the limit.
    pub enforcement: FeatureEnforcement,
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
