//! The tier that another one falls back to: one of the same catalogue and kind that is sold, with a price for each that
//! the other has, and without leading back to it.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::parts::Price;
use super::rules;
use crate::entity::{BillingCycle, TierId, TierKind, tier, tier_price};
use crate::error::{Code, Refusal, Result, not_found};
use crate::store::UnitOfWork;

/// How many tiers a chain of fallbacks has at most.
const LONGEST_CHAIN: usize = 10;

/// Refuses a fallback that does not fit. It is locked, so that it cannot be archived meanwhile.
pub async fn check_fallback(
    unit: &UnitOfWork<'_>,
    fallback: TierId,
    of: TierId,
    kind: TierKind,
    path: &str,
) -> Result<()> {
    let fallback = unit.lock::<tier::Entity>(fallback).await?;
    let fallback = fallback.ok_or_else(|| not_found("tier in this catalogue", path))?;
    rules::check_fallback(&fallback, of, kind, path)?;
    let mut next = fallback.fallback_tier_id;
    for _ in 0..LONGEST_CHAIN {
        match next {
            None => return Ok(()),
            Some(id) if id == of => break,
            Some(id) => next = unit.get::<tier::Entity>(id).await?.and_then(|tier| tier.fallback_tier_id),
        }
    }
    let message = format!("The fallback leads back to the tier, or over more than {LONGEST_CHAIN} others.");
    Err(Refusal::new(Code::Conflict, message).at(path).into())
}

/// Refuses a tier that another one, which is sold, falls back to.
pub async fn refuse_fallback(unit: &UnitOfWork<'_>, id: TierId) -> Result<()> {
    if unit.exists(falling_back_to(id)).await? {
        let message = "Another tier falls back to this one: give it another fallback first.";
        return Err(Refusal::new(Code::InUse, message).at("input.id").into());
    }
    Ok(())
}

fn falling_back_to(id: TierId) -> sea_orm::Select<tier::Entity> {
    tier::Entity::find().filter(tier::Column::FallbackTierId.eq(id)).filter(tier::Column::ArchivedAt.is_null())
}

type Cost = (BillingCycle, String);

async fn costs(unit: &UnitOfWork<'_>, tier: TierId) -> Result<Vec<Cost>> {
    let prices = unit.all(tier_price::Entity::find().filter(tier_price::Column::TierId.eq(tier))).await?;
    Ok(prices.into_iter().map(|price| (price.billing_cycle, price.currency)).collect())
}

/// Refuses a fallback that has no price where the tier has one: nobody would know what it goes on for.
pub async fn refuse_missing_price(unit: &UnitOfWork<'_>, fallback: TierId, prices: &[Price], path: &str) -> Result<()> {
    let needed = prices.iter().map(|price| (price.billing_cycle, price.currency.clone())).collect();
    refuse_missing(needed, &costs(unit, fallback).await?, path)
}

/// The same for a tier that is changed, and for those that fall back to it.
pub async fn refuse_missing_prices(unit: &UnitOfWork<'_>, tier: &tier::Model, prices: Option<&[Price]>) -> Result<()> {
    let own = match prices {
        Some(prices) => prices.iter().map(|price| (price.billing_cycle, price.currency.clone())).collect(),
        None => costs(unit, tier.id).await?,
    };
    let falls_back = rules::falls_back(tier.period_end_policy, tier.trial_end_policy);
    if let Some(fallback) = tier.fallback_tier_id.filter(|_| falls_back) {
        refuse_missing(own.clone(), &costs(unit, fallback).await?, "input.fallbackTierId")?;
    }
    if prices.is_some() {
        for other in unit.all(falling_back_to(tier.id)).await? {
            if rules::falls_back(other.period_end_policy, other.trial_end_policy) {
                refuse_missing(costs(unit, other.id).await?, &own, "input.prices")?;
            }
        }
    }
    Ok(())
}

fn refuse_missing(needed: Vec<Cost>, there: &[Cost], path: &str) -> Result<()> {
    match needed.into_iter().find(|cost| !there.contains(cost)) {
        None => Ok(()),
        Some((cycle, currency)) => {
            let message = format!(
                "Subscriptions go on with the fallback at its own price, and it has no {} price in {currency}.",
                cycle.as_str()
            );
            Err(Refusal::new(Code::NoPrice, message).at(path).into())
        }
    }
}
