//! Members: the users of an organization.

use sea_orm::entity::prelude::*;

use super::{MemberId, MemberRole, OrganizationId};
use crate::clock::Timestamp;

/// A user of an organization.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MemberId,
    /// Unique in the organization, lower case.
    pub email: String,
    /// Shown to people.
    pub name: String,
    /// What the name is sorted by, alike on every database.
    pub name_key: String,
    /// What a search looks through: the folded name and address.
    pub search_text: String,
    /// What the member may do.
    pub role: MemberRole,
    /// Only active members count towards the user limit.
    pub active: bool,
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
