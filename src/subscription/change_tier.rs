//! Moving a subscription to another tier or cycle.

use std::sync::{Mutex, PoisonError};

use super::catalogue::{Cost, Seller};
use super::lifecycle::{self, Action, Charging, Step};
use super::preview::{self, Token};
use super::{Settings, actions, add_ons, change, kind_of, period};
use crate::clock::Timestamp;
use crate::entity::{AddOnId, BillingCycle, Proration, SubscriptionId, TierId, subscription};
use crate::error::Result;
use crate::graphql::command::Target;
use crate::store::{Command, UnitOfWork, Writer};

/// When a change of tier takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum ChangeTiming {
    /// At once.
    Now,
    /// At the end of the period or trial.
    PeriodEnd,
}

/// Paid time that a change gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostTime {
    /// When the change took effect.
    pub from: Timestamp,
    /// Until when it was paid for.
    pub until: Timestamp,
}

/// What a subscription is to move to: what is not given stays.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// The tier.
    pub tier_id: Option<TierId>,
    /// The cycle.
    pub cycle: Option<BillingCycle>,
    /// When.
    pub timing: Option<ChangeTiming>,
    /// How it is charged; as the tier says if not given.
    pub proration: Option<Proration>,
    /// The add-ons that do not go along.
    pub dropped: &'a [AddOnId],
    /// The preview that it must come to.
    pub token: Option<Token<'a>>,
}

/// Moves a subscription to another tier or cycle. Without a timing, a change [waits](lifecycle::waits) for the end of
/// what is paid for or happens now. Answers what paid time is lost as well.
pub async fn change_tier(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    wish: Wish<'_>,
) -> Result<(subscription::Model, Option<LostTime>)> {
    let paid = Mutex::new(None);
    let row = change(writer, settings, command, target, Action::ChangeTier, &|unit, row| {
        // Of the last run, which is the one that counts.
        *paid.lock().unwrap_or_else(PoisonError::into_inner) = lifecycle::paid_until(row, unit.now());
        Box::pin(to_tier(unit, row, wish))
    })
    .await?;
    let paid = paid.into_inner().unwrap_or_else(PoisonError::into_inner);
    let lost = paid.filter(|until| row.current_period_end != Some(*until));
    let lost = lost.map(|until| LostTime { from: row.paused_at.unwrap_or(row.updated_at), until });
    Ok((row, lost))
}

/// The step that moves a subscription to another tier or cycle.
pub(super) async fn to_tier(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    Wish { tier_id, cycle, timing, proration, dropped, token }: Wish<'_>,
) -> Result<Step> {
    let seller = Seller { unit, kind: kind_of(row), path: "input" };
    add_ons::check_dropped(row, dropped)?;
    let tier_id = tier_id.unwrap_or(row.tier_id);
    let at = preview::second(token, unit.now())?;
    let (offer, add_ons, usual) = if tier_id == row.tier_id && cycle.is_none_or(|cycle| cycle == row.billing_cycle) {
        // Takes a scheduled change back, and changes nothing.
        let amount_minor = row.amount_minor - row.add_ons.amount_minor();
        let offer = lifecycle::Offer { tier_id, amount_minor, billing_cycle: row.billing_cycle };
        (offer, row.add_ons.clone(), Proration::None)
    } else {
        let cost = Cost { billing_cycle: cycle.unwrap_or(row.billing_cycle), currency: Some(&row.currency) };
        let priced = seller.priced_tier(tier_id, cost).await?;
        let usual = priced.0.proration;
        let add_ons = add_ons::carried(unit, row, &priced.0, cost.billing_cycle, dropped).await?;
        let offer = seller.offer(priced, cost).await?.0;
        add_ons::check_amount(offer.amount_minor, &add_ons, "input.tierId")?;
        (offer, add_ons, usual)
    };
    let management = unit.organization().await?.subscription_management;
    let from_above = actions::managed_from_above(unit.scope().caller()?, row, management);
    if from_above {
        refuse_upgrade(&seller, row, &offer, timing).await?;
    }
    let at_period_end = match timing {
        Some(timing) => timing == ChangeTiming::PeriodEnd,
        None if from_above => true,
        // In a trial nothing is paid that could be used up, and without a period there is nothing to wait for.
        None if lifecycle::paid_until(row, unit.now()).is_none() => false,
        None => {
            let rank = async |id| seller.current(id).await.map(|tier| tier.rank);
            let (from, to) = if offer.tier_id == row.tier_id {
                (0, 0)
            } else {
                (rank(row.tier_id).await?, rank(offer.tier_id).await?)
            };
            lifecycle::waits((from, row.billing_cycle), (to, offer.billing_cycle))
        }
    };
    let charging = Charging { rule: proration.unwrap_or(usual), at };
    let step = Step::ChangeTier { offer, add_ons, at_period_end, charging };
    preview::check(unit, row, &step, token).await?;
    Ok(step)
}

/// Refuses what an organization cannot give itself: all but a downgrade that waits for the end of what is paid for.
async fn refuse_upgrade(
    seller: &Seller<'_>,
    row: &subscription::Model,
    offer: &lifecycle::Offer,
    timing: Option<ChangeTiming>,
) -> Result<()> {
    let same = offer.tier_id == row.tier_id;
    let rank = async |id| seller.current(id).await.map(|tier| tier.rank);
    let higher = !same && rank(offer.tier_id).await? > rank(row.tier_id).await?;
    if higher || period::months(offer.billing_cycle) > period::months(row.billing_cycle) {
        return Err(actions::own_account(if higher { "input.tierId" } else { "input.billingCycle" }).into());
    }
    if timing == Some(ChangeTiming::Now) {
        return Err(actions::own_account("input.timing").into());
    }
    Ok(())
}
