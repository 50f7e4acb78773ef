//! Features of tiers.

use sea_orm::entity::prelude::*;

use super::{FeatureKind, TierFeatureId, TierId};

/// Something a tier grants. At most one for each (tier, key).
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tier_features")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TierFeatureId,
    /// The tier.
    pub tier_id: TierId,
    /// Such as `users` or `ai.queries`.
    pub key: String,
    /// How it is measured.
    pub kind: FeatureKind,
    /// For a switch: on or off. True for the other kinds.
    pub enabled: bool,
    /// For a limit or meter: the ceiling; null is unlimited. Null for a switch.
    pub ceiling: Option<i64>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
