//! Subscriptions: what an owner is entitled to, and every step of its life.
//!
//! The rules are pure: [`lifecycle`] (which step leads where, and what time does), [`status`] (what it amounts to now),
//! [`period`] (calendar), [`opening`] (how it begins). The use cases are here, each one transaction; those that begin a
//! subscription in `order.rs`, and its update in `update.rs`. All of them first carry out what is due (`overdue.rs`).

pub mod actions;
pub mod catalogue;
mod foreseen;
pub mod graphql;
pub mod input;
pub mod lifecycle;
pub mod limit;
pub mod list;
pub mod loader;
pub mod mutation;
pub mod opening;
mod order;
mod overdue;
pub mod parts;
pub mod period;
pub mod query;
pub mod read;
pub mod status;
pub mod surroundings;
#[cfg(test)]
mod testing;
mod update;

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

pub use order::{Order, Owner, OwnerId, create, draft, ensure};
pub use update::{Update, update};

use self::catalogue::{Cost, Seller};
use self::lifecycle::{Action, Step};
use self::overdue::bring_up_to_date;
use crate::clock::Timestamp;
use crate::entity::{
    BillingCycle, ManagementMode, OperationalStatus, SubscriptionId, SubscriptionManagement, TierId, TierKind,
    customer, organization, subscription,
};
use crate::error::{Code, Facts, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::{MAX_DAYS, check_version};
use crate::graphql::nested::OwnerKey;
use crate::store::{Change, Command, Scope, Tx, Writer};

/// The settings that the rules of subscriptions depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What effective status depends on.
    pub policy: status::Policy,
    /// How long a subscription waits for its first payment.
    pub pending_for: TimeDelta,
    /// Who manages a new organization's own subscription, if nobody says.
    pub management: SubscriptionManagement,
}

/// The owner's live subscription. One that only seems so, because nobody recorded its end, is recorded as ended.
pub async fn live(tx: &Tx<'_>, owner: OwnerKey) -> Result<Option<subscription::Model>> {
    use crate::graphql::nested::Owned;
    let of_owner = subscription::Entity::of_owner(owner);
    let found = subscription::Entity::find().filter(of_owner).filter(subscription::Column::EndedAt.is_null());
    let Some(row) = tx.one(found).await? else { return Ok(None) };
    Ok(Some(bring_up_to_date(tx, row).await?.row).filter(|row| row.ended_at.is_none()))
}

fn already_subscribed(live: subscription::Model) -> Refusal {
    let message = format!("The owner has a live subscription already ({}).", live.id);
    Refusal::new(Code::AlreadySubscribed, message).with(Facts::AlreadySubscribed(Box::new(live)))
}

/// Takes a step that needs nothing but the row.
pub async fn step(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
    step: &Step,
) -> Result<subscription::Model> {
    change(writer, command, target, step.action(), &|_, _| Box::pin(async move { Ok(step.clone()) })).await
}

/// Takes the step that `decide` makes of the row.
pub async fn change<'e>(
    writer: &'e Writer,
    command: &Command,
    target: &'e Target<SubscriptionId>,
    action: Action,
    decide: &'e (impl for<'t> Fn(&'t Tx<'e>, &'t subscription::Model) -> BoxFuture<'t, Result<Step>> + Sync),
) -> Result<subscription::Model> {
    writer
        .change::<subscription::Entity, _>(command, target.id, "input.id", |tx, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let found = row.clone();
                let changed = take(tx, row, target, action, decide).await;
                match changed {
                    Err(error) => Err(actions::narrowed(tx, &found, error).await),
                    changed => changed,
                }
            })
        })
        .await
}

async fn take<'e>(
    tx: &Tx<'e>,
    row: subscription::Model,
    target: &Target<SubscriptionId>,
    action: Action,
    decide: &'e (impl for<'t> Fn(&'t Tx<'e>, &'t subscription::Model) -> BoxFuture<'t, Result<Step>> + Sync),
) -> Result<subscription::Model> {
    actions::authorize(tx, &row, action).await?;
    let current = bring_up_to_date(tx, row).await?;
    if current.has_done(action) {
        return Ok(current.row);
    }
    let row = current.row;
    let step = decide(tx, &row).await?;
    let mut next = lifecycle::apply(&row, &step, tx.now())?;
    if row.ended_at.is_some() && next.ended_at.is_none() {
        refuse_second_live(tx, &row).await?;
    }
    match step {
        Step::Suspend(_) => next.suspended_by = actions::above(tx.scope().caller()?, row.tenant_id),
        Step::Resume | Step::Reactivate => next.suspended_by = None,
        _ => {}
    }
    if lifecycle::renews(&step, &row, &next) {
        next.last_renewed_by = Some(tx.scope().caller()?.subject().to_owned());
    }
    let next = tx.update(&row, next, Change::new(step.verb()).because(target.reason.clone())).await?;
    Ok(bring_up_to_date(tx, next).await?.row)
}

/// An ended subscription comes back only while its owner has no other. The owner is locked, so that no other can be
/// made meanwhile.
async fn refuse_second_live(tx: &Tx<'_>, row: &subscription::Model) -> Result<()> {
    let owner = OwnerKey { tenant: row.tenant_id, customer: row.customer_id };
    let status = match row.customer_id {
        Some(id) => tx.lock::<customer::Entity>(id).await?.map(|customer| customer.status),
        None => tx.lock::<organization::Entity>(row.tenant_id).await?.map(|organization| organization.status),
    };
    if !matches!(status, Some(OperationalStatus::Active | OperationalStatus::Suspended)) {
        return Err(Refusal::new(Code::OwnerInactive, "The owner is terminated: it cannot subscribe.")
            .at("input.id")
            .into());
    }
    match live(tx, owner).await? {
        Some(live) => Err(already_subscribed(live).at("input.id").into()),
        None => Ok(()),
    }
}

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

/// Moves a subscription to another tier or cycle. Without a timing, a change [waits](lifecycle::waits) for the end of
/// what is paid for or happens now. Answers what paid time is lost as well.
pub async fn change_tier(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
    tier_id: Option<TierId>,
    cycle: Option<BillingCycle>,
    timing: Option<ChangeTiming>,
) -> Result<(subscription::Model, Option<LostTime>)> {
    let paid = Mutex::new(None);
    let row = change(writer, command, target, Action::ChangeTier, &|tx, row| {
        // Of the last run, which is the one that counts.
        *paid.lock().unwrap_or_else(PoisonError::into_inner) = lifecycle::paid_until(row, tx.now());
        Box::pin(async move {
            let seller = Seller { tx, kind: kind_of(row), path: "input" };
            let tier_id = tier_id.unwrap_or(row.tier_id);
            let offer = if tier_id == row.tier_id && cycle.is_none_or(|cycle| cycle == row.billing_cycle) {
                lifecycle::Offer { tier_id, amount_minor: row.amount_minor, billing_cycle: row.billing_cycle }
            } else {
                let cost = Cost { billing_cycle: cycle.unwrap_or(row.billing_cycle), currency: Some(&row.currency) };
                seller.offer(seller.priced_tier(tier_id, cost).await?, cost).await?.0
            };
            let management = tx.organization().await?.subscription_management;
            let from_above = actions::managed_from_above(tx.scope().caller()?, row, management);
            if from_above {
                refuse_upgrade(&seller, row, &offer, timing).await?;
            }
            let at_period_end = match timing {
                Some(timing) => timing == ChangeTiming::PeriodEnd,
                None if from_above => true,
                // In a trial nothing is paid that could be used up, and without a period there is nothing to wait for.
                None if lifecycle::paid_until(row, tx.now()).is_none() => false,
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
            Ok(Step::ChangeTier { offer, at_period_end })
        })
    })
    .await?;
    let paid = paid.into_inner().unwrap_or_else(PoisonError::into_inner);
    let lost = paid.filter(|until| row.current_period_end != Some(*until));
    let lost = lost.map(|until| LostTime { from: row.paused_at.unwrap_or(row.updated_at), until });
    Ok((row, lost))
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

/// Gives a tier without payment, with a reason, until it is ended or runs out.
pub async fn override_tier(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
    tier_id: TierId,
    ends_at: Option<Timestamp>,
) -> Result<subscription::Model> {
    change(writer, command, target, Action::OverrideTier, &|tx, row| {
        Box::pin(async move {
            let tier = Seller { tx, kind: kind_of(row), path: "input" }.tier(tier_id).await?;
            if ends_at.is_some_and(|end| end <= tx.now()) {
                let message = "The end of the override must lie in the future.";
                return Err(Refusal::new(Code::InvalidDate, message).at("input.endsAt").into());
            }
            Ok(Step::OverrideTier { tier_id: tier.id, reason: target.reason.clone().unwrap_or_default(), ends_at })
        })
    })
    .await
}

/// Starts the trial of a pending subscription: explicit end, else explicit days, else the tier's days.
pub async fn start_trial(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
    days: Option<i64>,
    ends_at: Option<Timestamp>,
) -> Result<subscription::Model> {
    change(writer, command, target, Action::StartTrial, &|tx, row| {
        Box::pin(async move {
            let days = match days {
                Some(days) => days,
                None => {
                    i64::from(Seller { tx, kind: kind_of(row), path: "input" }.current(row.tier_id).await?.trial_days)
                }
            };
            let ends_at = ends_at.unwrap_or_else(|| tx.now().plus_days(days));
            if ends_at <= tx.now() || ends_at > tx.now().plus_days(MAX_DAYS) {
                let message = "Say how many days the trial has, or when it ends: from now on, at most 730 days.";
                return Err(Refusal::new(Code::InvalidDate, message).at("input.days").into());
            }
            Ok(Step::StartTrial { ends_at })
        })
    })
    .await
}

/// Brings an ended subscription back, if its tier is still sold.
pub async fn reactivate(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
) -> Result<subscription::Model> {
    change(writer, command, target, Action::Reactivate, &|tx, row| {
        Box::pin(async move {
            if row.mode == ManagementMode::Manual {
                let tier = Seller { tx, kind: kind_of(row), path: "input" }.current(row.tier_id).await?;
                catalogue::refuse_archived(&tier, "input.id")?;
            }
            Ok(Step::Reactivate)
        })
    })
    .await
}

/// Removes a subscription that was made by mistake: it becomes invisible, and its owner can subscribe anew.
pub async fn delete(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
) -> Result<subscription::Model> {
    writer
        .change::<subscription::Entity, _>(command, target.id, "input.id", |tx, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                actions::authorize(tx, &row, Action::Delete).await?;
                let row = bring_up_to_date(tx, row).await?.row;
                let deleted = subscription::Model { deleted_at: Some(tx.now()), ..row.clone() };
                tx.update(&row, deleted, Change::new("delete").because(target.reason.clone())).await
            })
        })
        .await
}

/// Ends the live subscription of an owner that is being terminated or deleted, in the same transaction.
pub async fn end_with_owner(tx: &Tx<'_>, owner: OwnerKey, reason: Option<String>) -> Result<()> {
    let Some(row) = live(tx, owner).await? else { return Ok(()) };
    let step = Step::Cancel(lifecycle::CancelAt::Now);
    let next = lifecycle::apply(&row, &step, tx.now())?;
    tx.update(&row, next, Change::new(step.verb()).because(reason)).await?;
    Ok(())
}

fn kind_of(row: &subscription::Model) -> TierKind {
    if row.customer_id.is_some() { TierKind::Customer } else { TierKind::Organization }
}

/// The right to change subscriptions: as a manager, or for the steps of self-service as the owner.
pub fn writer(scope: &Scope, action: Action) -> Result<Writer> {
    scope.writer_for_any(actions::permissions(action))
}
