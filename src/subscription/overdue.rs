//! Carrying out what time made due, before a command touches a subscription.

use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::lifecycle::{Action, Due, Event, fold};
use super::owed;
use crate::auth::Part;
use crate::clock::Timestamp;
use crate::entity::{Gateway, SubscriptionStatus, payment, subscription};
use crate::error::Result;
use crate::payment::under_way;
use crate::store::{Change, UnitOfWork};

/// A subscription as it is now, and what time has just made of it.
pub struct UpToDate {
    /// The row.
    pub row: subscription::Model,
    /// What happened, with the status that it led to.
    pub events: Vec<(Due, SubscriptionStatus)>,
}

impl UpToDate {
    /// Whether time has done what the action would do: then the command has carried that out, when it was due.
    pub fn has_done(&self, action: Action) -> bool {
        let asked = self.events.iter().any(|(due, _)| due.event.action() == action);
        match action {
            Action::Expire | Action::Cancel | Action::EndOverride => asked,
            Action::Resume => asked && self.row.ended_at.is_none(),
            _ => false,
        }
    }
}

/// The row that a command would find at `now`, and what time will have made of it by then.
pub fn foreseen(row: &subscription::Model, now: Timestamp) -> UpToDate {
    let due = fold(row, now, None);
    let events = due.iter().map(|(due, row)| (*due, row.status)).collect();
    let row = due.into_iter().next_back().map_or_else(|| row.clone(), |(_, row)| row);
    UpToDate { row, events }
}

/// Writes what is due by now, each step as the scheduler's deed at the moment that it was due.
///
/// Boxed, because it is a part of every command's future.
pub fn bring_up_to_date<'t>(unit: &'t UnitOfWork<'_>, row: subscription::Model) -> BoxFuture<'t, Result<UpToDate>> {
    Box::pin(carry_out_due(unit, row))
}

async fn carry_out_due(unit: &UnitOfWork<'_>, row: subscription::Model) -> Result<UpToDate> {
    let due = fold(&row, unit.now(), None);
    let mut done = UpToDate { row, events: Vec::new() };
    for (due, next) in due {
        if due.event == Event::PendingEnds && attempt_is_open(unit, &done.row).await? {
            break;
        }
        let change = |verb| Change::new(verb).because(Some(due.event.reason().to_owned())).due(due.at);
        // Each step starts from the version that the one before it left.
        let (version, updated_at) = (done.row.version, done.row.updated_at);
        let mut next = subscription::Model { version, updated_at, ..next };
        let begins =
            due.event == Event::Resume && done.row.current_period_end.is_none() && next.current_period_end.is_some();
        if begins || due.event == Event::PeriodRenews {
            next.last_renewed_by = Some(Part::Scheduler.as_str().to_owned());
        }
        let next = unit.update(&done.row, next, change(due.event.verb())).await?;
        owed::follow(unit, &done.row, &next, None, change).await?;
        done.row = next;
        done.events.push((due, done.row.status));
    }
    Ok(done)
}

/// Whether a gateway may still take a payment for it: its owner is not free before that is closed there.
async fn attempt_is_open(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<bool> {
    let open = payment::Entity::find()
        .filter(payment::Column::SubscriptionId.eq(row.id))
        .filter(payment::Column::Gateway.ne(Gateway::Manual))
        .filter(payment::Column::Status.is_in(under_way()));
    unit.exists::<payment::Entity>(open).await
}
