//! Subscriptions: what an owner is entitled to, and every step of its life.
//!
//! The rules are pure: [`lifecycle`] (which step leads where, and what time does), [`status`] (what it amounts to now),
//! [`period`] (calendar), [`opening`] (how it begins). The use cases are here, each one transaction; those that begin a
//! subscription in `order.rs`, and its update in `update.rs`. All of them first carry out what is due (`overdue.rs`).

pub mod actions;
pub mod add_ons;
pub mod catalogue;
mod change_tier;
pub mod ends;
mod foreseen;
pub mod graphql;
pub mod input;
pub mod lifecycle;
pub mod limit;
pub mod list;
pub mod mutation;
pub mod opening;
mod order;
pub mod overdue;
pub(crate) mod owed;
pub mod parts;
pub mod period;
pub mod preview;
pub mod proration;
pub mod query;
mod recorded;
pub mod relation;
mod save;
pub mod status;
pub mod step_mutation;
pub mod surroundings;
mod take;
#[cfg(test)]
pub(crate) mod testing;
mod upcoming;
mod update;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

pub use add_ons::{AddOnWish, Quantity, change_add_ons};
pub use change_tier::{ChangeTiming, LostTime, Wish, change_tier};
pub use order::{Order, Owner, OwnerId, create, draft, ensure, pending};
pub use save::{Save, save};
pub(crate) use take::carry_out;
pub use update::Update;

use self::catalogue::Seller;
use self::lifecycle::{Action, CancelAt, Step};
use self::overdue::bring_up_to_date;
use self::preview::Token;
use self::take::take;
use crate::entity::{ManagementMode, SubscriptionId, SubscriptionManagement, TierId, TierKind, subscription};
use crate::error::{Code, Facts, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::{MAX_DAYS, check_version};
use crate::graphql::nested::OwnerKey;
use crate::graphql::when::When;
use crate::store::{Change, Command, Scope, UnitOfWork, Writer};

/// The settings that the rules of subscriptions depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What effective status depends on.
    pub policy: status::Policy,
    /// How long a subscription waits for its first payment.
    pub pending_for: TimeDelta,
    /// How long a renewal may be unpaid, where the seller does not say.
    pub patience: ends::Patience,
    /// Whether there is a test clock.
    pub has_test_clock: bool,
    /// Who manages a new organization's own subscription, if nobody says.
    pub management: SubscriptionManagement,
}

/// The owner's live subscription. One that only seems so, because nobody recorded its end, is recorded as ended.
pub async fn live(unit: &UnitOfWork<'_>, owner: OwnerKey) -> Result<Option<subscription::Model>> {
    use crate::graphql::nested::Owned;
    let of_owner = subscription::Entity::of_owner(owner);
    let found = subscription::Entity::find().filter(of_owner).filter(subscription::Column::EndedAt.is_null());
    let Some(row) = unit.one(found).await? else { return Ok(None) };
    Ok(Some(bring_up_to_date(unit, row).await?.row).filter(|row| row.ended_at.is_none()))
}

fn already_subscribed(live: subscription::Model) -> Refusal {
    let message = format!("The owner has a live subscription already ({}).", live.id);
    Refusal::new(Code::AlreadySubscribed, message).with(Facts::AlreadySubscribed(Box::new(live)))
}

/// Takes a step that needs nothing but the row.
pub async fn step(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    step: &Step,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, step.action(), &|_, _| Box::pin(async move { Ok(step.clone()) })).await
}

/// Takes the step that `decide` makes of the row.
pub async fn change<'e>(
    writer: &'e Writer,
    settings: &'e Settings,
    command: &Command,
    target: &'e Target<SubscriptionId>,
    action: Action,
    decide: &'e (impl for<'t> Fn(&'t UnitOfWork<'e>, &'t subscription::Model) -> BoxFuture<'t, Result<Step>> + Sync),
) -> Result<subscription::Model> {
    writer
        .change::<subscription::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let found = row.clone();
                let changed = take(unit, settings, row, target, action, decide).await;
                match changed {
                    Err(error) => Err(actions::narrowed(unit, &found, error).await),
                    Ok(taken) => Ok(taken.after),
                }
            })
        })
        .await
}

/// Pauses a subscription, until a date if one is given.
pub async fn pause(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    resumes_at: Option<When>,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, Action::Pause, &|_, row| {
        Box::pin(async move { Ok(Step::Pause(resumes_at.map(|date| date.start(row.zone())))) })
    })
    .await
}

/// Cancels a subscription: now or later.
pub async fn cancel(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    when: CancelAt<When>,
    token: Option<Token<'_>>,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, Action::Cancel, &|unit, row| {
        Box::pin(async move {
            let step = Step::Cancel(when.in_zone(row.zone()));
            preview::check(unit, row, &step, token).await?;
            Ok(step)
        })
    })
    .await
}

/// Gives a tier without payment, with a reason, until it is ended or runs out.
pub async fn override_tier(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    tier_id: TierId,
    ends_at: Option<When>,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, Action::OverrideTier, &|unit, row| {
        Box::pin(async move {
            let ends_at = ends_at.map(|end| end.end(row.zone()));
            let tier = Seller { unit, kind: kind_of(row), path: "input" }.tier(tier_id).await?;
            if ends_at.is_some_and(|end| end <= unit.now()) {
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
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    days: Option<i64>,
    ends_at: Option<When>,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, Action::StartTrial, &|unit, row| {
        Box::pin(to_trial(unit, row, days, ends_at))
    })
    .await
}

/// The step that starts a trial.
async fn to_trial(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    days: Option<i64>,
    ends_at: Option<When>,
) -> Result<Step> {
    let of_tier = days.is_none() && ends_at.is_none();
    if of_tier && lifecycle::has_had_trial(row) {
        let message =
            "The owner was given the tier's days of trial already: say how many days this one has, or when it ends.";
        return Err(Refusal::new(Code::InvalidDate, message).at("input.days").into());
    }
    let days = match days {
        Some(days) => days,
        None => i64::from(Seller { unit, kind: kind_of(row), path: "input" }.current(row.tier_id).await?.trial_days),
    };
    let ends_at = ends_at.map(|end| end.end(row.zone())).unwrap_or_else(|| unit.now().plus_days(days));
    if ends_at <= unit.now() || ends_at > unit.now().plus_days(MAX_DAYS) {
        let message = "Say how many days the trial has, or when it ends: from now on, at most 730 days.";
        return Err(Refusal::new(Code::InvalidDate, message).at("input.days").into());
    }
    Ok(Step::StartTrial { ends_at, of_tier })
}

/// Brings an ended subscription back, if its tier is still sold.
pub async fn reactivate(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, Action::Reactivate, &|unit, row| Box::pin(back(unit, row))).await
}

/// The step that brings back what has ended.
async fn back(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<Step> {
    if row.mode == ManagementMode::Manual {
        let tier = Seller { unit, kind: kind_of(row), path: "input" }.current(row.tier_id).await?;
        catalogue::refuse_archived(&tier, "input.id")?;
        unit.rely_on(&tier);
    }
    Ok(Step::Reactivate)
}

/// Removes a subscription that was made by mistake: it becomes invisible, and its owner can subscribe anew.
pub async fn delete(
    writer: &Writer,
    command: &Command,
    target: &Target<SubscriptionId>,
) -> Result<subscription::Model> {
    writer
        .change::<subscription::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                actions::authorize(unit, &row, Action::Delete).await?;
                let row = bring_up_to_date(unit, row).await?.row;
                let deleted = subscription::Model { deleted_at: Some(unit.now()), ..row.clone() };
                unit.update(&row, deleted, Change::new("delete").because(target.reason.clone())).await
            })
        })
        .await
}

/// Ends the live subscription of an owner that is being terminated or deleted, in the same transaction.
pub async fn end_with_owner(unit: &UnitOfWork<'_>, owner: OwnerKey, reason: Option<String>) -> Result<()> {
    let Some(row) = live(unit, owner).await? else { return Ok(()) };
    let step = Step::Cancel(CancelAt::Now);
    let next = lifecycle::apply(&row, &step, unit.now())?;
    let next = unit.update(&row, next, Change::new(step.verb()).because(reason.clone())).await?;
    owed::follow(unit, &row, &next, None, |verb| Change::new(verb).because(reason.clone())).await?;
    Ok(())
}

fn kind_of(row: &subscription::Model) -> TierKind {
    if row.customer_id.is_some() { TierKind::Customer } else { TierKind::Organization }
}

/// The right to change subscriptions: as a manager, or for the steps of self-service as the owner.
pub fn writer(scope: &Scope, action: Action) -> Result<Writer> {
    scope.writer_for_any(actions::permissions(action))
}
