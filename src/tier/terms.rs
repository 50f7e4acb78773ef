//! What a tier says of its prices and features.

use async_graphql::SimpleObject;
use sea_orm::Iterable;
use serde_json::Value;

use crate::entity::{BillingCycle, FeatureKind, Gateway, TierPriceId, tier_feature, tier_price};
use crate::graphql::scalar::{Money, SafeInt};

/// What a tier costs for a cycle in a currency.
#[derive(Clone, SimpleObject)]
pub struct TierPrice {
    /// Globally unique.
    id: TierPriceId,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// How much.
    amount: Money,
    /// Its ids at payment gateways; null for callers that do not manage the catalogue.
    gateway_prices: Option<Vec<GatewayPrice>>,
}

impl TierPrice {
    /// The price as the caller may see it, who manages the catalogue or does not.
    pub fn new(row: tier_price::Model, manages: bool) -> Self {
        let tier_price::Model { id, tier_id: _, billing_cycle, currency, amount_minor, gateway_prices } = row;
        let gateway_prices = manages.then(|| self::gateway_prices(&gateway_prices));
        Self { id, billing_cycle, amount: Money::new(amount_minor, currency), gateway_prices }
    }
}

/// A price's id at a payment gateway.
#[derive(Clone, SimpleObject)]
pub struct GatewayPrice {
    /// The gateway.
    pub gateway: Gateway,
    /// The id there.
    pub price_id: String,
}

/// The ids of a price at gateways, as its row holds them.
pub fn gateway_prices(prices: &Value) -> Vec<GatewayPrice> {
    let one = |gateway: Gateway| {
        let price_id = prices.get(gateway.as_str()).and_then(Value::as_str)?.to_owned();
        Some(GatewayPrice { gateway, price_id })
    };
    Gateway::iter().filter_map(one).collect()
}

/// Something that a tier grants.
#[derive(Clone, SimpleObject)]
pub struct TierFeature {
    /// Such as `users` or `ai.queries`.
    key: String,
    /// How it is measured.
    kind: FeatureKind,
    /// For a switch: on or off. True for the other kinds.
    enabled: bool,
    /// For a limit or meter: the ceiling; null is unlimited. Null for a switch.
    ceiling: Option<SafeInt>,
}

impl From<tier_feature::Model> for TierFeature {
    fn from(row: tier_feature::Model) -> Self {
        let tier_feature::Model { id: _, tier_id: _, key, kind, enabled, ceiling } = row;
        Self { key, kind, enabled, ceiling: ceiling.map(SafeInt) }
    }
}
