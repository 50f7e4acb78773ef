//! One save of an administrator's form: status, tier and cycle, then everything else, all of it or nothing.
//!
//! Each part is what the single mutation would be, with its rules, its permissions and its entry in the trail.

use super::change_tier::{Wish, to_tier};
use super::lifecycle::{self, Action, CancelAt, Step};
use super::take::take;
use super::update::{Update, update};
use super::{ChangeTiming, Settings, actions, back, to_trial};
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::{BillingCycle, SubscriptionId, SubscriptionStatus, SuspensionCause, TierId, subscription};
use crate::error::{Code, Error, Facts, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::check_version;
use crate::store::{Command, UnitOfWork, Writer};

/// What to save: what is not given is unchanged.
#[derive(Clone, Debug)]
pub struct Save {
    /// The status that it is to have.
    pub status: Option<SubscriptionStatus>,
    /// The tier.
    pub tier_id: Option<TierId>,
    /// The cycle.
    pub billing_cycle: Option<BillingCycle>,
    /// When tier and cycle change.
    pub timing: Option<ChangeTiming>,
    /// Everything else.
    pub update: Update,
}

/// Saves all of it in one transaction.
pub async fn save(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    wanted: &Save,
) -> Result<subscription::Model> {
    writer
        .change::<subscription::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let found = row.clone();
                let saved = save_parts(unit, settings, row, target, wanted).await;
                match saved {
                    Err(error) => Err(actions::narrowed(unit, &found, error).await),
                    saved => saved,
                }
            })
        })
        .await
}

async fn save_parts(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    mut row: subscription::Model,
    target: &Target<SubscriptionId>,
    wanted: &Save,
) -> Result<subscription::Model> {
    if let Some(status) = wanted.status {
        row = reach(unit, settings, row, target, status).await?;
    }
    let tier = wanted.tier_id.is_some() || wanted.billing_cycle.is_some();
    if tier {
        let (tier_id, cycle, timing) = (wanted.tier_id, wanted.billing_cycle, wanted.timing);
        row = take(unit, settings, row, target, Action::ChangeTier, &move |unit, row| {
            Box::pin(to_tier(unit, row, Wish { tier_id, cycle, timing, proration: None, dropped: &[], token: None }))
        })
        .await?
        .after;
    }
    if !wanted.update.is_empty() || (wanted.status.is_none() && !tier) {
        row = update(unit, row, &wanted.update, target.reason.clone()).await?;
    }
    Ok(row)
}

/// Gives a subscription a status, by the one action that leads there. It stays as it is if it has that status by now.
async fn reach(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    row: subscription::Model,
    target: &Target<SubscriptionId>,
    status: SubscriptionStatus,
) -> Result<subscription::Model> {
    let now = super::overdue::foreseen(&row, unit.now()).row;
    if now.status == status {
        return Ok(super::overdue::bring_up_to_date(unit, row).await?.row);
    }
    let Some(action) = action_to(&now, status) else {
        let message =
            format!("Nothing leads from {} to {} at once: see allowedActions.", now.status.as_str(), status.as_str());
        let allowed = lifecycle::allowed(&now, unit.now());
        let refusal = Refusal::new(Code::IllegalTransition, message).at("input.status");
        return Err(refusal.with(Facts::IllegalTransition { state: now.status, allowed }).into());
    };
    let taken = take(unit, settings, row, target, action, &move |unit, row| Box::pin(step(unit, row, action))).await;
    taken.map(|taken| taken.after).map_err(|error| match error {
        Error::Refused(refusals) => Error::Refused(refusals.into_iter().map(|one| one.at("input.status")).collect()),
        error => error,
    })
}

/// The action that leads from the state of the row to a status, if one does.
fn action_to(row: &subscription::Model, status: SubscriptionStatus) -> Option<Action> {
    match (row.status, status) {
        (Pending | Trialing, Active) => Some(Action::Activate),
        (Pending, Trialing) => Some(Action::StartTrial),
        (Active, PastDue) => Some(Action::MarkPastDue),
        (PastDue, Active) => Some(Action::MarkPaid),
        (Suspended, Active) if row.suspended_from == Some(PastDue) => Some(Action::MarkPaid),
        (Suspended, status) if row.suspended_from == Some(status) => Some(Action::Resume),
        (Trialing | Active | PastDue, Suspended) => Some(Action::Suspend),
        (Active, Paused) => Some(Action::Pause),
        (Paused, Active) => Some(Action::Resume),
        (Canceled | Expired, Active) => Some(Action::Reactivate),
        (Canceled | Expired, _) => None,
        (_, Canceled) => Some(Action::Cancel),
        (_, Expired) => Some(Action::Expire),
        _ => None,
    }
}

/// The step that the action takes when it is told nothing but the status that it leads to.
async fn step(unit: &UnitOfWork<'_>, row: &subscription::Model, action: Action) -> Result<Step> {
    Ok(match action {
        Action::Activate => Step::Activate,
        Action::StartTrial => return to_trial(unit, row, None, None).await,
        Action::MarkPastDue => Step::MarkPastDue,
        Action::MarkPaid => Step::MarkPaid,
        Action::Suspend => Step::Suspend(SuspensionCause::Operator),
        Action::Pause => Step::Pause(None),
        Action::Resume => Step::Resume,
        Action::Cancel => Step::Cancel(CancelAt::Now),
        Action::Reactivate => return back(unit, row).await,
        Action::Expire => Step::Expire,
        Action::Update
        | Action::Extend
        | Action::Renew
        | Action::ChangeTier
        | Action::ChangeAddOns
        | Action::OverrideTier
        | Action::EndOverride
        | Action::UndoCancel
        | Action::Delete => return Err(Error::Internal("no action that leads to a status".into())),
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable as _;

    use super::*;
    use crate::subscription::testing::{at, opened, terms};

    #[test]
    fn an_action_that_leads_somewhere_starts_where_the_table_says() {
        let row = opened(terms(), at("2026-03-01T12:00:00Z"));
        for from in SubscriptionStatus::iter() {
            for suspended_from in [None, Some(Trialing), Some(Active), Some(PastDue)] {
                let row = subscription::Model { status: from, suspended_from, ..row.clone() };
                for to in SubscriptionStatus::iter().filter(|to| *to != from) {
                    if let Some(action) = action_to(&row, to) {
                        let known = lifecycle::Cause::Action(action).from();
                        assert!(known.contains(&from), "{action:?} from {from:?} to {to:?}");
                    }
                }
            }
        }
    }
}
