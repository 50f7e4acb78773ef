//! Tokens that are refused before they expire.

use sea_orm::entity::prelude::*;

use super::{OrganizationId, RevocationId};
use crate::auth::{Named, Permission, Revocation};
use crate::clock::Timestamp;

/// One token, or all of a subject that were issued until this was made.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revocations")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RevocationId,
    /// The organization whose tokens are meant; null for all, the platform's own included.
    pub tenant_id: Option<OrganizationId>,
    /// The token's own id, the claim `jti`.
    pub token_id: Option<String>,
    /// The subject, the claim `sub`.
    pub subject: Option<String>,
    /// The permissions of who revoked, separated by blanks: a token that may do more stays.
    pub holds: String,
    /// When the last of these tokens has expired by itself.
    pub expires_at: Timestamp,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
}

/// None: it is read as a whole.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl Model {
    /// What it means for tokens.
    pub fn into_revocation(self) -> Option<Revocation> {
        let named = self.token_id.map(Named::Token).or(self.subject.map(Named::Subject))?;
        let holds = self.holds.split(' ').filter_map(|name| name.parse::<Permission>().ok()).collect();
        Some(Revocation { named, tenant: self.tenant_id, holds, made: self.created_at, expires: self.expires_at })
    }
}

impl ActiveModelBehavior for ActiveModel {}
