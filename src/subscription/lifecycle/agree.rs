//! Whether the columns of a row agree with each other, whoever wrote it.

use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Suspended, Trialing};
use crate::entity::{ManagementMode, subscription};

/// Whether status, dates and flags of the row contradict each other.
pub fn contradicts_itself(row: &subscription::Model) -> bool {
    let is = |status| row.status == status;
    let (overridden, billed) = (row.mode == ManagementMode::Override, row.mode == ManagementMode::Gateway);
    let all_or_none = |given: &[bool]| given.iter().all(|one| *one == given[0]);
    let implies = |one: bool, other: bool| !one || other;
    let agrees = [
        matches!(row.status, Canceled | Expired) == row.ended_at.is_some(),
        implies(is(Canceled), row.canceled_at.is_some()),
        row.cancel_at.is_some() == row.canceled_at.is_some(),
        implies(is(Trialing), row.trial_ends_at.is_some()),
        implies(matches!(row.status, Active | PastDue) && !overridden, row.current_period_end.is_some()),
        implies(is(PastDue), row.past_due_since.is_some() && row.grace_ends_at.is_some()),
        is(Paused) == row.paused_at.is_some(),
        all_or_none(&[
            is(Suspended),
            row.suspended_at.is_some(),
            row.suspended_from.is_some(),
            row.suspension_cause.is_some(),
        ]),
        row.trial_started_at.is_some() == row.trial_ends_at.is_some() && row.trial_ends_at >= row.trial_started_at,
        row.current_period_start.is_some() == row.current_period_end.is_some()
            && row.current_period_end >= row.current_period_start,
        row.expires_at.is_none_or(|end| end >= row.starts_at),
        row.fallback_tier_id.is_some() == row.fallback_amount_minor.is_some(),
        all_or_none(&[
            row.scheduled_at.is_some(),
            row.scheduled_tier_id.is_some(),
            row.scheduled_amount_minor.is_some(),
            row.scheduled_billing_cycle.is_some(),
        ]),
        implies(row.scheduled_at.is_none(), row.scheduled_add_ons.0.is_empty()),
        all_or_none(&[
            overridden,
            row.override_reason.is_some(),
            row.overridden_tier_id.is_some(),
            row.overridden_amount_minor.is_some(),
            row.overridden_billing_cycle.is_some(),
            row.overridden_state.is_some(),
        ]),
        implies(row.override_ends_at.is_some(), overridden),
        overridden || billed == row.gateway_subscription_id.is_some(),
        implies(row.gateway_subscription_id.is_some(), row.gateway.is_some()),
        implies(row.trial_limits_users, row.user_limit.is_some()),
    ];
    agrees.contains(&false)
}
