//! What effective status depends on, and nothing else of a subscription's row.

use serde_json::Value;

use crate::entity::subscription::Column::{
    BillingCycle, CancelAt, CurrentPeriodEnd, EndedAt, ExpiresAt, GraceEndsAt, Mode, OverriddenState, OverrideEndsAt,
    PausedAt, PendingUntil, ResumesAt, StartsAt, Status, SuspendedFrom, TrialEndsAt,
};
use crate::entity::{StoredJson, subscription};
use crate::error::Result;
use crate::read::facts::Cells;

/// The columns that effective status depends on, in the order of [`recorded`].
pub(super) const RECORDED: [subscription::Column; 16] = [
    Status,
    Mode,
    BillingCycle,
    StartsAt,
    TrialEndsAt,
    CurrentPeriodEnd,
    ExpiresAt,
    CancelAt,
    EndedAt,
    GraceEndsAt,
    SuspendedFrom,
    PausedAt,
    ResumesAt,
    PendingUntil,
    OverrideEndsAt,
    OverriddenState,
];

/// A row of which no more is known than its effective status depends on, from those columns; none if it is not there.
pub(super) fn recorded(facts: Cells<'_>) -> Result<Option<subscription::Model>> {
    let Some(status) = facts.get(0)? else { return Ok(None) };
    let unknown = uuid::Uuid::nil();
    let starts_at = facts.filled(3)?;
    Ok(Some(subscription::Model {
        status,
        mode: facts.filled(1)?,
        billing_cycle: facts.filled(2)?,
        starts_at,
        trial_ends_at: facts.get(4)?,
        current_period_end: facts.get(5)?,
        expires_at: facts.get(6)?,
        cancel_at: facts.get(7)?,
        ended_at: facts.get(8)?,
        grace_ends_at: facts.get(9)?,
        suspended_from: facts.get(10)?,
        paused_at: facts.get(11)?,
        resumes_at: facts.get(12)?,
        pending_until: facts.get(13)?,
        override_ends_at: facts.get(14)?,
        overridden_state: facts.get(15)?,
        created_at: starts_at,
        updated_at: starts_at,
        tenant_id: unknown.into(),
        id: unknown.into(),
        customer_id: None,
        tier_id: unknown.into(),
        amount_minor: 0,
        currency: String::new(),
        trial_started_at: None,
        current_period_start: None,
        time_zone: String::new(),
        anchor_day: 1,
        anchor_time: 0,
        canceled_at: None,
        past_due_since: None,
        suspended_at: None,
        suspension_cause: None,
        scheduled_tier_id: None,
        scheduled_amount_minor: None,
        scheduled_billing_cycle: None,
        scheduled_at: None,
        override_reason: None,
        overridden_tier_id: None,
        overridden_amount_minor: None,
        overridden_billing_cycle: None,
        user_limit: None,
        trial_limits_users: false,
        suspended_by: None,
        feature_overrides: Value::Null,
        gateway: None,
        gateway_subscription_id: None,
        external_id: None,
        metadata: StoredJson::Read(Value::Null),
        private_metadata: None,
        last_renewed_by: None,
        search_text: None,
        access_ends_at: None,
        next_at: None,
        next_status: None,
        second_at: None,
        second_status: None,
        third_at: None,
        third_status: None,
        version: 1,
        deleted_at: None,
    }))
}
