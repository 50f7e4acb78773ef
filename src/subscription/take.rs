//! Taking a step in a unit of work: the row, what is agreed on anew, what it costs, and the payments that follow.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::catalogue::Seller;
use super::ends::{self, are_agreed_anew};
use super::lifecycle::{self, Action, Step};
use super::overdue::bring_up_to_date;
use super::owed::{self, Balance};
use super::proration::{self, Line};
use super::{Settings, actions, already_subscribed, kind_of, live};
use crate::entity::{OperationalStatus, Proration, SubscriptionId, customer, organization, payment, subscription};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::nested::OwnerKey;
use crate::payment::input::Received;
use crate::store::{Change, UnitOfWork};

/// What came of a step.
pub(super) struct Taken {
    /// The row as it was by then.
    pub before: subscription::Model,
    /// None where time had done the same.
    pub step: Option<Step>,
    pub after: subscription::Model,
    /// What was paid and owed for the period before, where the change may cost something in it.
    pub balance: Option<Balance>,
    /// What the change costs in the period that runs.
    pub lines: Vec<Line>,
    /// The payment that was received with it.
    pub payment: Option<payment::Model>,
}

/// Takes the step that `decide` makes of the row, if the caller may and time has not done the same.
pub(super) async fn take<'e>(
    unit: &UnitOfWork<'e>,
    settings: &Settings,
    row: subscription::Model,
    target: &Target<SubscriptionId>,
    action: Action,
    decide: &(impl for<'t> Fn(&'t UnitOfWork<'e>, &'t subscription::Model) -> BoxFuture<'t, Result<Step>> + Sync),
) -> Result<Taken> {
    actions::authorize(unit, &row, action).await?;
    let current = bring_up_to_date(unit, row).await?;
    if current.has_done(action) {
        return Ok(Taken {
            before: current.row.clone(),
            step: None,
            after: current.row,
            balance: None,
            lines: Vec::new(),
            payment: None,
        });
    }
    let row = current.row;
    let step = decide(unit, &row).await?;
    carry_out_step(unit, settings, row, step, target, None).await
}

/// Takes a step that a confirmed payment allows, whoever may take it by hand.
pub(crate) async fn carry_out(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    row: subscription::Model,
    step: Step,
    target: &Target<SubscriptionId>,
    received: &Received,
) -> Result<(subscription::Model, Option<payment::Model>)> {
    let taken = carry_out_step(unit, settings, row, step, target, Some(received)).await?;
    Ok((taken.after, taken.payment))
}

async fn carry_out_step(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    row: subscription::Model,
    step: Step,
    target: &Target<SubscriptionId>,
    received: Option<&Received>,
) -> Result<Taken> {
    let mut next = lifecycle::apply(&row, &step, unit.now())?;
    if row.ended_at.is_some() && next.ended_at.is_none() {
        refuse_second_live(unit, &row).await?;
    }
    match step {
        Step::Suspend(_) => next.suspended_by = actions::above(unit.scope().caller()?, row.tenant_id),
        Step::Resume | Step::Reactivate => next.suspended_by = None,
        _ => {}
    }
    if lifecycle::renews(&step, &row, &next) {
        next.last_renewed_by = Some(unit.scope().caller()?.known_as().to_owned());
    }
    if are_agreed_anew(&step, &row, &next) {
        let tier = Seller { unit, kind: kind_of(&next), path: "input" }.current(next.tier_id).await?;
        ends::agreed(unit, settings, &tier, (&next).into()).await?.put(&mut next);
        next = lifecycle::settled(next);
    }
    let change = |verb| Change::new(verb).because(target.reason.clone());
    let balance = charged_to(unit, &row, &step).await?;
    let lines = match (&balance, step.charging()) {
        (Some(balance), Some(charging)) => proration::lines(&row, &next, charging, balance.total()),
        _ => Vec::new(),
    };
    let told = change(step.verb()).with_part("charge", Value::Null, proration::told(&lines));
    let next = unit.update(&row, next, told).await?;
    let payment = owed::follow(unit, &row, &next, received, change).await?;
    if let Some(balance) = balance.clone().filter(|_| !lines.is_empty()) {
        owed::settle(unit, balance, &next, lines.iter().map(Line::signed).sum(), change).await?;
    }
    let after = bring_up_to_date(unit, next).await?.row;
    Ok(Taken { before: row, step: Some(step), after, balance, lines, payment })
}

/// What is paid and owed for the period that runs, where the step may cost something in it.
pub(super) async fn charged_to(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    step: &Step,
) -> Result<Option<Balance>> {
    match step.charging() {
        Some(charging) if charging.rule != Proration::None => owed::balance(unit, row).await.map(Some),
        _ => Ok(None),
    }
}

/// An ended subscription comes back only while its owner has no other. The owner was locked before the subscription, so
/// that no other can be made meanwhile.
async fn refuse_second_live(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<()> {
    let owner = OwnerKey { tenant: row.tenant_id, customer: row.customer_id };
    let status = match row.customer_id {
        Some(id) => unit.get::<customer::Entity>(id).await?.map(|customer| customer.status),
        None => unit.get::<organization::Entity>(row.tenant_id).await?.map(|organization| organization.status),
    };
    if !matches!(status, Some(OperationalStatus::Active | OperationalStatus::Suspended)) {
        return Err(Refusal::new(Code::OwnerInactive, "The owner is terminated: it cannot subscribe.")
            .at("input.id")
            .into());
    }
    match live(unit, owner).await? {
        Some(live) => Err(already_subscribed(live).at("input.id").into()),
        None => Ok(()),
    }
}
