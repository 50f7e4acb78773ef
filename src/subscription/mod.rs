//! Subscriptions: what an owner is entitled to, and every step of its life.
//!
//! The rules are pure: [`lifecycle`] (which step leads where), [`status`] (what it amounts to now), [`period`]
//! (calendar), [`opening`] (how it begins). The use cases are here, each one transaction; those that begin a subscription
//! in `order.rs`, and its update in `update.rs`.

pub mod actions;
pub mod catalogue;
pub mod graphql;
pub mod input;
pub mod lifecycle;
pub mod list;
pub mod loader;
pub mod mutation;
pub mod opening;
mod order;
pub mod parts;
pub mod period;
pub mod query;
pub mod read;
pub mod status;
#[cfg(test)]
mod testing;
mod update;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

pub use order::{Order, Owner, OwnerId, create, draft, ensure};
pub use update::{Update, update};

use self::catalogue::{Cost, Seller};
use self::lifecycle::{Action, Step};
use crate::auth::Permission;
use crate::entity::{
    BillingCycle, ManagementMode, OperationalStatus, SubscriptionId, SubscriptionStatus, TierId, TierKind, customer,
    organization, subscription,
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
}

/// The owner's live subscription.
pub async fn live(tx: &Tx<'_>, owner: OwnerKey) -> Result<Option<subscription::Model>> {
    use crate::graphql::nested::Owned;
    let of_owner = subscription::Entity::of_owner(owner);
    tx.one(subscription::Entity::find().filter(of_owner).filter(subscription::Column::EndedAt.is_null())).await
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
                actions::authorize(tx.scope(), &row, action)?;
                let step = decide(tx, &row).await?;
                let mut next = lifecycle::apply(&row, &step, tx.now())?;
                if row.ended_at.is_some() && next.ended_at.is_none() {
                    refuse_second_live(tx, &row).await?;
                }
                if matches!(step, Step::Activate | Step::Reactivate) {
                    next.last_renewed_by = Some(tx.scope().caller()?.subject().to_owned());
                }
                tx.update(&row, next, Change::new(step.verb()).because(target.reason.clone())).await
            })
        })
        .await
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
        return Err(Refusal::new(Code::OwnerInactive, "The owner is terminated: it cannot subscribe.").into());
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

/// Moves a subscription to another tier or cycle. Without a timing, an upgrade (higher rank) happens now and a
/// downgrade at the end of the period.
pub async fn change_tier(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
    tier_id: Option<TierId>,
    cycle: Option<BillingCycle>,
    timing: Option<ChangeTiming>,
) -> Result<subscription::Model> {
    change(writer, command, target, Action::ChangeTier, &|tx, row| {
        Box::pin(async move {
            let seller = Seller { tx, kind: kind_of(row), path: "input" };
            let tier_id = tier_id.unwrap_or(row.tier_id);
            let offer = if tier_id == row.tier_id && cycle.is_none_or(|cycle| cycle == row.billing_cycle) {
                lifecycle::Offer { tier_id, amount_minor: row.amount_minor, billing_cycle: row.billing_cycle }
            } else {
                let cost = Cost { billing_cycle: cycle.unwrap_or(row.billing_cycle), currency: Some(&row.currency) };
                seller.offer(seller.priced_tier(tier_id, cost).await?, cost).await?.0
            };
            let at_period_end = match timing {
                Some(timing) => timing == ChangeTiming::PeriodEnd,
                // In a trial nothing is paid that could be used up, and without a period there is nothing to wait for.
                None => {
                    matches!(row.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue)
                        && row.current_period_end.is_some_and(|end| end > tx.now())
                        && seller.is_downgrade(row.tier_id, tier_id).await?
                }
            };
            Ok(Step::ChangeTier { offer, at_period_end })
        })
    })
    .await
}

/// Gives a tier without payment, with a reason, until it is ended or runs out.
pub async fn override_tier(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
    tier_id: TierId,
    ends_at: Option<crate::clock::Timestamp>,
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
    ends_at: Option<crate::clock::Timestamp>,
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
                actions::authorize(tx.scope(), &row, Action::Delete)?;
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
    let next = lifecycle::apply(&row, &step, tx.now()).map_err(|refusal| refusal.at("input.id"))?;
    tx.update(&row, next, Change::new(step.verb()).because(reason)).await?;
    Ok(())
}

fn kind_of(row: &subscription::Model) -> TierKind {
    if row.customer_id.is_some() { TierKind::Customer } else { TierKind::Organization }
}

/// The right to change subscriptions: as a manager, or for the steps of self-service as the owner.
pub fn writer(scope: &Scope, action: Action) -> Result<Writer> {
    let self_service = actions::SELF_SERVICE.contains(&action);
    let permissions: &[Permission] = match action {
        Action::OverrideTier | Action::EndOverride => &[Permission::SubscriptionsOverride],
        _ if self_service => &[Permission::SubscriptionsManage, Permission::SubscriptionsSelfService],
        _ => &[Permission::SubscriptionsManage],
    };
    scope.writer_for_any(permissions)
}
