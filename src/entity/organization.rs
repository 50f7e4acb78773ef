//! Organizations: the tenants.

use chrono_tz::Tz;
use sea_orm::entity::prelude::*;

use super::{OperationalStatus, OrganizationId, StoredJson, SubscriptionManagement};
use crate::clock::Timestamp;

/// A tenant, or a reseller with tenants of its own.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    /// Also the tenant of every row the organization owns.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    /// The reseller above. One level only.
    pub parent_id: Option<OrganizationId>,
    /// Shown to people.
    pub name: String,
    /// What the name is sorted by, alike on every database.
    pub name_key: String,
    /// What a search looks through: the folded name and slug.
    pub search_text: String,
    /// Unique short name for addresses and the command line.
    pub slug: String,
    /// Operational status.
    pub status: OperationalStatus,
    /// An exempt organization's subscription never expires.
    pub exempt: bool,
    /// Who manages its own subscription.
    pub subscription_management: SubscriptionManagement,
    /// Where invoices and reminders go.
    pub billing_email: Option<String>,
    /// ISO 4217 code that new prices and subscriptions start from.
    pub default_currency: String,
    /// IANA time zone name.
    pub time_zone: String,
    /// How many days access of its customers continues while a renewal is unpaid, 0–730; null: the server's setting.
    pub grace_days: Option<i32>,
    /// How many days behind that an unpaid subscription of a customer is canceled, 0–730; null: the server's setting.
    pub unpaid_days: Option<i32>,
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
    /// When the organization was deleted. A deleted row is invisible.
    pub deleted_at: Option<Timestamp>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl Model {
    /// The time zone that its days are in.
    pub fn zone(&self) -> Tz {
        // Only names of zones are stored.
        self.time_zone.parse().unwrap_or_default()
    }
}

impl ActiveModelBehavior for ActiveModel {}
