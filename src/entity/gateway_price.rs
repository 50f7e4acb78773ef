//! What gateways call the prices that sellers sell at.

use sea_orm::entity::prelude::*;

use super::{AddOnId, BillingCycle, GatewayAccountId, GatewayPriceId, OrganizationId, TierId};
use crate::clock::Timestamp;

/// The price of a tier or an add-on in a seller's account at a gateway, as the gateway confirmed it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_prices")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GatewayPriceId,
    /// The seller: the organization of the account; null for the platform.
    pub tenant_id: Option<OrganizationId>,
    /// The account that has it.
    pub account_id: GatewayAccountId,
    /// The tier that it is for; null if it is for an add-on.
    pub tier_id: Option<TierId>,
    /// The add-on that it is for; null if it is for a tier.
    pub add_on_id: Option<AddOnId>,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: String,
    /// What it charges for one, in minor units: what was sold when the gateway confirmed it.
    pub amount_minor: i64,
    /// Its id at the gateway.
    pub price_id: String,
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
