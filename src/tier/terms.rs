//! What a tier says of its prices and features.

use async_graphql::SimpleObject;
use declare::{ToJson, object};
use sea_orm::{IdenStatic, Iterable};
use serde_json::Value;

use super::rules;
use crate::entity::{BillingCycle, FeatureKind, Gateway, TierPriceId, tier, tier_feature, tier_price};
use crate::error::Result;
use crate::graphql::scalar::{Money, SafeInt, money};
use crate::read::facts::{Facts, Needs, names};
use crate::read::relation::All;
use crate::store::{Order, SortKey};

/// What a tier costs for a cycle in a currency.
#[object(noun = tier_price)]
pub struct TierPrice {
    /// Globally unique.
    id: TierPriceId,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// How much.
    #[computed(money, from(AmountMinor, Currency))]
    amount: Money,
    /// Its ids at payment gateways; null for callers that do not manage the catalogue.
    #[computed(gateway_prices, needs = needs_gateway_prices())]
    gateway_prices: Option<Vec<GatewayPrice>>,
}

/// The prices of a tier. Currency and cycle are unique; the id only ends the sort.
pub fn prices_of(tier: impl IdenStatic) -> All<tier_price::Entity> {
    use tier_price::Column::{BillingCycle, Currency, Id, TierId};
    let key = |column| SortKey { column, descending: false };
    All { column: TierId, equals: tier.as_str(), order: Order::new(vec![key(Currency), key(BillingCycle)], Id) }
}

/// The features of a tier.
pub fn features_of(tier: impl IdenStatic) -> All<tier_feature::Entity> {
    use tier_feature::Column::{Id, Key, TierId};
    let key = SortKey { column: Key, descending: false };
    All { column: TierId, equals: tier.as_str(), order: Order::new(vec![key], Id) }
}

/// The prices, and whose catalogue the tier is of.
fn needs_gateway_prices() -> Needs {
    use tier_price::Column::{GatewayPrices, TierId};
    vec![(None, names(&[GatewayPrices])), (Some(super::graphql::of(TierId).joined()), names(&[tier::Column::TenantId]))]
}

fn gateway_prices(facts: &Facts<'_>) -> Result<Option<Vec<GatewayPrice>>> {
    if rules::obstacle(facts.request.scope.caller()?, facts.get(1)?).is_some() {
        return Ok(None);
    }
    let prices: Value = facts.filled(0)?;
    let one = |gateway: Gateway| {
        let price_id = prices.get(gateway.as_str()).and_then(Value::as_str)?.to_owned();
        Some(GatewayPrice { gateway, price_id })
    };
    Ok(Some(Gateway::iter().filter_map(one).collect()))
}

/// A price's id at a payment gateway.
#[derive(Clone, SimpleObject, ToJson)]
pub struct GatewayPrice {
    /// The gateway.
    pub gateway: Gateway,
    /// The id there.
    pub price_id: String,
}

/// Something that a tier grants.
#[object(noun = tier_feature)]
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
