//! Prices of tiers.

use sea_orm::entity::prelude::*;

use super::{BillingCycle, TierId, TierPriceId};

/// What a tier costs for a cycle in a currency. At most one for each (tier, cycle, currency).
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tier_prices")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TierPriceId,
    /// The tier.
    pub tier_id: TierId,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: String,
    /// In minor units of the currency, not negative.
    pub amount_minor: i64,
    /// The price's id at each gateway: a JSON object from gateway to id.
    pub gateway_prices: Json,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
