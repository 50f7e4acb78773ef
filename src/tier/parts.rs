//! What a tier consists of besides its row: prices and features, each set replaced as a whole.

use std::collections::HashSet;

use sea_orm::{ColumnTrait, Condition, ModelTrait};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::entity::{Audited, BillingCycle, FeatureKind, TierFeatureId, TierId, TierPriceId, tier_feature, tier_price};
use crate::error::{Code, Result};
use crate::graphql::input::Check;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{Change, UnitOfWork};

/// A price as it is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: String,
    /// In minor units of the currency.
    pub amount_minor: i64,
    /// The price's id at each gateway: a JSON object from gateway to id. None keeps what the price has for its cycle and
    /// currency.
    pub gateway_prices: Option<Value>,
}

/// A feature as it is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Such as `users` or `ai.queries`.
    pub key: String,
    /// How it is measured.
    pub kind: FeatureKind,
    /// For a switch: on or off.
    pub enabled: bool,
    /// For a limit or meter: the ceiling; none is unlimited.
    pub ceiling: Option<i64>,
}

/// Notes what is wrong with a tier's prices, taken together.
pub fn check_prices(check: &mut Check, prices: &[Price]) {
    let mut seen = HashSet::new();
    for (index, price) in prices.iter().enumerate() {
        let at = |field: &str| format!("input.prices.{index}.{field}");
        check.range(&at("amountMinor"), price.amount_minor, 0..=MAX_SAFE_INT);
        if !seen.insert((price.billing_cycle, &price.currency)) {
            let message = format!("There are two {} prices in {}.", price.billing_cycle.as_str(), price.currency);
            check.refuse(&at("billingCycle"), Code::Duplicate, message);
        }
    }
}

/// Notes what is wrong with a tier's features, taken together.
pub fn check_features(check: &mut Check, features: &[Feature]) {
    let mut seen = HashSet::new();
    for (index, feature) in features.iter().enumerate() {
        let at = |field: &str| format!("input.features.{index}.{field}");
        if !seen.insert(&feature.key) {
            check.refuse(&at("key"), Code::Duplicate, format!("The feature `{}` is named twice.", feature.key));
        }
        if let Some(ceiling) = feature.ceiling {
            check.range(&at("ceiling"), ceiling, 0..=MAX_SAFE_INT);
            if feature.kind == FeatureKind::Switch {
                check.refuse(&at("ceiling"), Code::Conflict, "A switch has no ceiling: it is on or off.");
            }
        }
        if feature.kind != FeatureKind::Switch && !feature.enabled {
            let message = "Only a switch can be off: leave the feature out, or give it the ceiling 0.";
            check.refuse(&at("enabled"), Code::Conflict, message);
        }
    }
}

/// The parts of one kind that a tier has, and those that are to take their place.
pub struct Replacement<M> {
    name: &'static str,
    before: Vec<M>,
    after: Vec<M>,
}

/// These prices instead of the ones before. A price that stays for its cycle and currency keeps its id.
pub fn prices(tier_id: TierId, before: Vec<tier_price::Model>, wanted: &[Price]) -> Replacement<tier_price::Model> {
    let row = |price: &Price| {
        let same =
            |row: &&tier_price::Model| row.billing_cycle == price.billing_cycle && row.currency == price.currency;
        let before = before.iter().find(same);
        let kept = || before.map_or_else(|| Value::Object(Map::new()), |row| row.gateway_prices.clone());
        tier_price::Model {
            id: before.map_or_else(TierPriceId::generate, |row| row.id),
            tier_id,
            billing_cycle: price.billing_cycle,
            currency: price.currency.clone(),
            amount_minor: price.amount_minor,
            gateway_prices: price.gateway_prices.clone().unwrap_or_else(kept),
        }
    };
    let after = wanted.iter().map(row).collect();
    Replacement { name: "prices", before, after }.sorted(|row| row.id.into())
}

/// These features instead of the ones before. A feature that stays under its key keeps its id.
pub fn features(
    tier_id: TierId,
    before: Vec<tier_feature::Model>,
    wanted: &[Feature],
) -> Replacement<tier_feature::Model> {
    let row = |feature: &Feature| tier_feature::Model {
        id: before.iter().find(|row| row.key == feature.key).map_or_else(TierFeatureId::generate, |row| row.id),
        tier_id,
        key: feature.key.clone(),
        kind: feature.kind,
        enabled: feature.enabled,
        ceiling: feature.ceiling,
    };
    let after = wanted.iter().map(row).collect();
    Replacement { name: "features", before, after }.sorted(|row| row.id.into())
}

impl<M: PartialEq + Audited> Replacement<M> {
    /// Sets compare alike whatever order the database or the client had.
    fn sorted(mut self, id: impl Fn(&M) -> Uuid) -> Self {
        self.before.sort_by_key(&id);
        self.after.sort_by_key(&id);
        self
    }

    /// The change of the tier's row, telling of this one too.
    pub fn told(&self, change: Change) -> Result<Change> {
        Ok(change.with_part(self.name, told(&self.before)?, told(&self.after)?))
    }

    /// Puts the parts of the tier, which `of` finds, into their place.
    pub async fn write(self, unit: &UnitOfWork<'_>, of: Condition) -> Result<()>
    where
        M: ModelTrait,
    {
        if self.before == self.after {
            return Ok(());
        }
        if self.before.is_empty() {
            return unit.add_parts(&self.after).await;
        }
        unit.replace_parts(of, &self.after).await
    }
}

/// Parts as the audit trail tells of them.
fn told(parts: &[impl Audited]) -> Result<Value> {
    let objects = parts.iter().map(|part| {
        Ok(Value::Object(part.audited()?.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
    });
    objects.collect()
}

/// The condition on the prices of a tier.
pub fn prices_of(tier: TierId) -> Condition {
    Condition::all().add(tier_price::Column::TierId.eq(tier))
}

/// The condition on the features of a tier.
pub fn features_of(tier: TierId) -> Condition {
    Condition::all().add(tier_feature::Column::TierId.eq(tier))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Error;

    fn problems(check: Check) -> Vec<(Code, String)> {
        match check.finish() {
            Err(Error::Refused(refusals)) => {
                refusals.into_iter().map(|refusal| (refusal.code, refusal.path.join("."))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn price(billing_cycle: BillingCycle, currency: &str, amount_minor: i64) -> Price {
        Price { billing_cycle, currency: currency.to_owned(), amount_minor, gateway_prices: None }
    }

    fn feature(key: &str, kind: FeatureKind, ceiling: Option<i64>) -> Feature {
        Feature { key: key.to_owned(), kind, enabled: true, ceiling }
    }

    #[test]
    fn a_cycle_and_currency_has_one_price_that_is_not_negative() {
        let mut check = Check::new();
        check_prices(
            &mut check,
            &[
                price(BillingCycle::Monthly, "EUR", 0),
                price(BillingCycle::Yearly, "EUR", 1),
                price(BillingCycle::Monthly, "USD", -1),
                price(BillingCycle::Monthly, "EUR", 2),
            ],
        );
        let expected = [
            (Code::OutOfRange, "input.prices.2.amountMinor".to_owned()),
            (Code::Duplicate, "input.prices.3.billingCycle".to_owned()),
        ];
        assert_eq!(problems(check), expected);
    }

    #[test]
    fn a_feature_is_named_once_and_fits_its_kind() {
        let mut check = Check::new();
        check_features(
            &mut check,
            &[
                feature("users", FeatureKind::Limit, Some(10)),
                feature("sso", FeatureKind::Switch, Some(1)),
                feature("users", FeatureKind::Meter, None),
                feature("ai.queries", FeatureKind::Meter, Some(-1)),
                Feature { enabled: false, ..feature("branches", FeatureKind::Limit, None) },
                Feature { enabled: false, ..feature("export", FeatureKind::Switch, None) },
            ],
        );
        let expected = [
            (Code::Conflict, "input.features.1.ceiling".to_owned()),
            (Code::Duplicate, "input.features.2.key".to_owned()),
            (Code::OutOfRange, "input.features.3.ceiling".to_owned()),
            (Code::Conflict, "input.features.4.enabled".to_owned()),
        ];
        assert_eq!(problems(check), expected);
    }

    #[test]
    fn a_price_that_stays_keeps_its_id() {
        let tier_id = TierId::generate();
        let first = prices(tier_id, Vec::new(), &[price(BillingCycle::Monthly, "EUR", 900)]).after;
        let same = prices(tier_id, first.clone(), &[price(BillingCycle::Monthly, "EUR", 900)]);
        assert_eq!(same.before, same.after);
        let wanted = [price(BillingCycle::Yearly, "EUR", 9_000), price(BillingCycle::Monthly, "EUR", 1_000)];
        let raised = prices(tier_id, first.clone(), &wanted).after;
        let monthly = raised.iter().find(|row| row.billing_cycle == BillingCycle::Monthly);
        assert_eq!(monthly.map(|row| (row.id, row.amount_minor)), first.first().map(|row| (row.id, 1_000)));
        assert_eq!(raised.len(), 2);
    }

    #[test]
    fn a_price_keeps_its_ids_at_gateways_unless_others_are_given() {
        let at_stripe = |id: &str| Some(json!({ "STRIPE": id }));
        let monthly = |gateway_prices| Price { gateway_prices, ..price(BillingCycle::Monthly, "EUR", 900) };
        let tier_id = TierId::generate();
        let before = prices(tier_id, Vec::new(), &[monthly(at_stripe("one"))]).after;
        let after = |wanted: Price| prices(tier_id, before.clone(), &[wanted]).after.remove(0).gateway_prices;
        assert_eq!(Some(after(monthly(None))), at_stripe("one"));
        assert_eq!(Some(after(monthly(at_stripe("two")))), at_stripe("two"));
        assert_eq!(after(monthly(Some(json!({})))), json!({}));
        assert_eq!(after(price(BillingCycle::Yearly, "EUR", 9_000)), json!({}));
    }
}
