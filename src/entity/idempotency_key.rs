//! Idempotency keys: which command a key stood for and what came of it.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;

/// A command that was carried out under a key of its caller.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// Who used the key: no two callers share keys.
    #[sea_orm(primary_key, auto_increment = false)]
    pub principal: String,
    /// The caller's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The mutation.
    pub operation: String,
    /// SHA-256 of the mutation's input, in hexadecimal.
    pub fingerprint: String,
    /// The row that the command made or changed.
    pub result_id: Uuid,
    /// When.
    pub created_at: Timestamp,
}

/// None: it stands alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
