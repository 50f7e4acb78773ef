//! Accounts at payment gateways.

use sea_orm::entity::prelude::*;

use super::{GatewayAccountId, GatewayKind, GatewayMode, OrganizationId};
use crate::clock::Timestamp;

/// An account of a seller at a payment gateway. What opens it is sealed.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_accounts")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GatewayAccountId,
    /// The organization that sells; null for the platform.
    pub tenant_id: Option<OrganizationId>,
    /// Which gateway. Never changes.
    pub kind: GatewayKind,
    /// Whether it moves real money. Never changes.
    pub mode: GatewayMode,
    /// Shown to people.
    pub name: String,
    /// The gateway's id of the account. Never changes.
    pub gateway_account_id: Option<String>,
    /// Random: a part of the address that the gateway sends news to.
    pub slug: String,
    /// What opens the account, sealed.
    pub sealed_key: Option<String>,
    /// What news is signed with, sealed.
    pub sealed_secrets: Option<String>,
    /// When the key was last replaced.
    pub key_changed_at: Option<Timestamp>,
    /// When the secrets were last replaced.
    pub secrets_changed_at: Option<Timestamp>,
    /// How to pay by hand, shown to the payer.
    pub instructions: Option<String>,
    /// Since when it takes nothing new.
    pub disabled_at: Option<Timestamp>,
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
