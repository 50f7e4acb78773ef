//! Add-ons: what is sold beside tiers.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{AddOnId, BillingCycle, FeatureKind, OrganizationId, TierId, TierKind};
use crate::clock::Timestamp;

/// An add-on of the platform's catalogue or of an organization's own: recurring, in any quantity up to its most.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "add_ons")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AddOnId,
    /// The organization whose catalogue this is; null for the platform's.
    pub tenant_id: Option<OrganizationId>,
    /// Unique in its catalogue and kind, such as `extra-seats`. Never changes.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// What a search looks through: folded key and name.
    pub search_text: String,
    /// Shown to people.
    pub description: Option<String>,
    /// Who it is sold to. Never changes.
    pub kind: TierKind,
    /// Whether it is on offer to everyone that its tiers are sold to.
    pub public: bool,
    /// Place in a list.
    pub sort_order: i32,
    /// How many of it a subscription may have, 1–10,000.
    pub max_quantity: i32,
    /// The tiers that it goes with; empty for all of its catalogue and kind.
    pub tier_ids: TierIds,
    /// What one of it costs.
    pub prices: Prices,
    /// What one of it grants.
    pub features: Grants,
    /// Since when it is sold to nobody. Who has it keeps it.
    pub archived_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
}

/// The tiers that an add-on goes with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct TierIds(pub Vec<TierId>);

/// What an add-on costs: at most one price for each cycle and currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Prices(pub Vec<Price>);

/// What one of an add-on costs each cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: String,
    /// In minor units of the currency.
    pub amount_minor: i64,
    /// The price's id at each gateway: a JSON object from gateway to id.
    pub gateway_prices: Json,
}

/// What an add-on grants: at most one entry for each key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Grants(pub Vec<Grant>);

/// What one of an add-on grants of a feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Such as `users` or `ai.queries`.
    pub key: String,
    /// How it is measured.
    pub kind: FeatureKind,
    /// How much more of a limit or meter; null is unlimited. Null for a switch, which it turns on.
    pub ceiling: Option<i64>,
}

impl Model {
    /// What one of it costs for a cycle in a currency.
    pub fn price(&self, cycle: BillingCycle, currency: &str) -> Option<i64> {
        let fits = |price: &&Price| price.billing_cycle == cycle && price.currency == currency;
        self.prices.0.iter().find(fits).map(|price| price.amount_minor)
    }

    /// Whether it goes with a tier, which is of this catalogue.
    pub fn goes_with(&self, tier: &super::tier::Model) -> bool {
        self.tenant_id == tier.tenant_id
            && self.kind == tier.kind
            && (self.tier_ids.0.is_empty() || self.tier_ids.0.contains(&tier.id))
    }
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
