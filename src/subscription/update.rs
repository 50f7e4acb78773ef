//! Changing what is agreed on: dates, limits, references. Owner, currency, amount and tenant never change here.

use async_graphql::MaybeUndefined;
use serde_json::Value;

use super::actions;
use super::overdue::bring_up_to_date;
use super::period::Anchor;
use crate::clock::Timestamp;
use crate::entity::{ManagementMode, subscription};
use crate::error::{Code, Refusal, Result};
use crate::graphql::input::{Check, updated};
use crate::graphql::json::GivenJson;
use crate::graphql::when::When;
use crate::store::{Change, UnitOfWork};
use crate::subscription::lifecycle::{Action, move_period_end, move_trial_end, settled};

/// What to change: an omitted field is unchanged, null clears it.
#[derive(Clone, Debug)]
pub struct Update {
    /// Start of the current period; it cannot be cleared.
    pub current_period_start: Option<When>,
    /// End of the current period; it cannot be cleared.
    pub current_period_end: Option<When>,
    /// End of the trial; it cannot be cleared.
    pub trial_ends_at: Option<When>,
    /// Hard end.
    pub expires_at: MaybeUndefined<When>,
    /// How many active members.
    pub user_limit: MaybeUndefined<i32>,
    /// Features that differ from the tier's; replaces all of them.
    pub feature_overrides: Option<Value>,
    /// The integrator's own key.
    pub external_id: MaybeUndefined<String>,
    /// Free-form object; replaces all of it.
    pub metadata: MaybeUndefined<GivenJson>,
    /// The same of those who manage it; replaces all of it.
    pub private_metadata: MaybeUndefined<GivenJson>,
}

impl Update {
    /// Whether nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            current_period_start,
            current_period_end,
            trial_ends_at,
            expires_at,
            user_limit,
            feature_overrides,
            external_id,
            metadata,
            private_metadata,
        } = self;
        current_period_start.is_none()
            && current_period_end.is_none()
            && trial_ends_at.is_none()
            && expires_at.is_undefined()
            && user_limit.is_undefined()
            && feature_overrides.is_none()
            && external_id.is_undefined()
            && metadata.is_undefined()
            && private_metadata.is_undefined()
    }
}

/// Changes what is agreed on.
pub(super) async fn update(
    unit: &UnitOfWork<'_>,
    row: subscription::Model,
    update: &Update,
    reason: Option<String>,
) -> Result<subscription::Model> {
    actions::authorize(unit, &row, Action::Update).await?;
    let management = unit.organization().await?.subscription_management;
    if actions::managed_from_above(unit.scope().caller()?, &row, management) {
        refuse_grants(update)?;
    }
    let row = bring_up_to_date(unit, row).await?.row;
    let mut next = apply(&row, update.clone(), unit.now())?;
    if next.current_period_end > row.current_period_end {
        next.last_renewed_by = Some(unit.scope().caller()?.known_as().to_owned());
    }
    let next = unit.update(&row, next, Change::new("update").because(reason)).await?;
    Ok(bring_up_to_date(unit, next).await?.row)
}

/// Refuses what an organization cannot give itself: time, limits and features.
fn refuse_grants(update: &Update) -> Result<()> {
    let Update {
        current_period_start,
        current_period_end,
        trial_ends_at,
        expires_at,
        user_limit,
        feature_overrides,
        // What it notes for itself.
        external_id: _,
        metadata: _,
        private_metadata: _,
    } = update;
    let mut check = Check::new();
    for (path, given) in [
        ("input.currentPeriodStart", current_period_start.is_some()),
        ("input.currentPeriodEnd", current_period_end.is_some()),
        ("input.trialEndsAt", trial_ends_at.is_some()),
        ("input.expiresAt", !expires_at.is_undefined()),
        ("input.userLimit", !user_limit.is_undefined()),
        ("input.featureOverrides", feature_overrides.is_some()),
    ] {
        if given {
            let Refusal { code, message, .. } = actions::own_account(path);
            check.refuse(path, code, message);
        }
    }
    check.finish()
}

fn apply(row: &subscription::Model, update: Update, now: Timestamp) -> Result<subscription::Model> {
    let zone = row.zone();
    let mut next = row.clone();
    let mut check = Check::new();
    let mode = row.overridden_state.map_or(row.mode, |beneath| beneath.mode);
    for (path, moved) in [
        ("input.currentPeriodStart", update.current_period_start.is_some()),
        ("input.currentPeriodEnd", update.current_period_end.is_some()),
        ("input.trialEndsAt", update.trial_ends_at.is_some()),
        ("input.expiresAt", !update.expires_at.is_undefined()),
    ] {
        if moved && mode == ManagementMode::Gateway {
            let message = "A payment gateway bills this subscription: its dates are not moved by hand.";
            check.refuse(path, Code::GatewayBilled, message);
        }
    }
    for (path, given, current) in [
        ("input.currentPeriodStart", update.current_period_start, row.current_period_start),
        ("input.currentPeriodEnd", update.current_period_end, row.current_period_end),
        ("input.trialEndsAt", update.trial_ends_at, row.trial_ends_at),
    ] {
        if given.is_some() && current.is_none() {
            let message = format!("A subscription that is {} has no such date.", row.status.as_str());
            check.refuse(path, Code::Conflict, message);
        }
    }
    if let Some(start) = update.current_period_start {
        let start = start.start(zone);
        if start > now {
            let message = "The period that runs has begun: its start lies in the past.";
            check.refuse("input.currentPeriodStart", Code::InvalidDate, message);
        }
        if let Some(by) = row.current_period_start.and_then(|before| before.since(start).num_microseconds()) {
            next.renewed_ahead.0.iter_mut().for_each(|end| *end += by);
        }
        next.current_period_start = Some(start);
        Anchor::at(start, zone).put(&mut next);
    }
    if let Some(end) = update.current_period_end {
        move_period_end(&mut next, end.end(zone));
    }
    if let Some(end) = update.trial_ends_at {
        move_trial_end(&mut next, end.end(zone));
    }
    next.expires_at = updated(&row.expires_at, update.expires_at.map_value(|end| end.end(zone)));
    next.trial_limits_users = row.trial_limits_users && update.user_limit.is_undefined();
    next.user_limit = updated(&row.user_limit, update.user_limit);
    if let Some(limit) = next.user_limit {
        check.range("input.userLimit", limit.into(), 1..=100_000);
    }
    next.external_id = updated(&row.external_id, update.external_id);
    next.external_id = check.optional_text("input.externalId", next.external_id.as_deref(), 255);
    if let Some(overrides) = update.feature_overrides {
        next.feature_overrides = overrides;
    }
    if !update.metadata.is_undefined() {
        next.metadata = check.metadata("input.metadata", update.metadata.take()).into();
    }
    if !update.private_metadata.is_undefined() {
        next.private_metadata = check.private_metadata("input.privateMetadata", update.private_metadata.take());
    }
    check.ordered("input.currentPeriodEnd", next.current_period_start, next.current_period_end);
    check.ordered("input.trialEndsAt", next.trial_started_at, next.trial_ends_at);
    check.ordered("input.expiresAt", Some(next.starts_at), next.expires_at);
    check.finish()?;
    Ok(settled(next))
}
