//! Customers of an organization.

use sea_orm::entity::prelude::*;

use super::{CustomerId, OperationalStatus, OrganizationId, StoredJson};
use crate::clock::Timestamp;

/// A customer of an organization.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    /// Shown to people.
    pub name: String,
    /// What the name is sorted by, alike on every database.
    pub name_key: String,
    /// Contact address, lower case.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The integrator's own key, unique in the organization.
    pub external_ref: Option<String>,
    /// Operational status.
    pub status: OperationalStatus,
    /// What a search looks through: the folded name, address and external reference.
    pub search_text: String,
    /// Free-form JSON object of the integrator.
    pub metadata: StoredJson,
    /// The same of those who manage it, for nobody else; null is nothing.
    pub private_metadata: Option<StoredJson>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
    /// When the customer was deleted. A deleted row is invisible.
    pub deleted_at: Option<Timestamp>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
