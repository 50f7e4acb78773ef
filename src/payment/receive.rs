//! Payments that no gateway takes: the seller's side records what it received, and that is a confirmed payment.

use super::input::Received;
use crate::auth::Standing;
use crate::entity::SubscriptionStatus::Pending;
use crate::entity::{ManagementMode, Mutable as _, SubscriptionId, payment, subscription};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::check_version;
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::subscription::lifecycle::{Step, gateway_billed};
use crate::subscription::{self as subscriptions, Settings, actions, overdue, owed};

/// Records what was received for a subscription, and does what it was waited for: it activates what waits for its first
/// payment, pays what is owed, or settles a change in the middle of a period.
pub async fn receive(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    received: &Received,
) -> Result<payment::Model> {
    writer
        .change::<subscription::Entity, payment::Model>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version())?;
                refuse_own_account(unit, &row)?;
                let row = overdue::bring_up_to_date(unit, row).await?.row;
                take_in(unit, settings, row, target, received).await
            })
        })
        .await
}

/// Only the seller's side knows what was received: never the owner itself.
fn refuse_own_account(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<()> {
    let caller = unit.scope().caller()?;
    let is_seller = match row.customer_id {
        Some(_) => !matches!(caller.standing(), Standing::Customer(..)),
        None => actions::above(caller, row.tenant_id).is_some(),
    };
    if is_seller { Ok(()) } else { Err(actions::own_account("input.id").into()) }
}

async fn take_in(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    row: subscription::Model,
    target: &Target<SubscriptionId>,
    received: &Received,
) -> Result<payment::Model> {
    if row.mode == ManagementMode::Gateway {
        return Err(gateway_billed().into());
    }
    let change = |verb| Change::new(verb).because(target.reason.clone());
    let balance = owed::balance(unit, &row).await?;
    let waits = row.status == Pending && row.pending_until.is_some();
    let is_owed = row.past_due_since.is_some() && row.ended_at.is_none();
    let due = match &balance.pending {
        Some(pending) if !waits => pending.amount_minor,
        _ if waits || is_owed => row.amount_minor,
        _ => {
            let message = "Nothing is waited for: there is no payment to record.";
            return Err(Refusal::new(Code::Conflict, message).at("input.id").into());
        }
    };
    if received.amount_minor.is_some_and(|amount| amount != due) {
        let message = format!("What is waited for is {due} minor units of {}: no part of it.", row.currency);
        return Err(Refusal::new(Code::Conflict, message).at("input.amountMinor").into());
    }
    let (row, payment) = match waits || is_owed {
        true => {
            let step = if waits { Step::Activate } else { Step::MarkPaid };
            subscriptions::carry_out(unit, settings, row, step, target, received).await?
        }
        false => (row, None),
    };
    match payment {
        Some(payment) => Ok(payment),
        None => owed::take_in(unit, &row, balance.pending, Some(received), change).await,
    }
}
