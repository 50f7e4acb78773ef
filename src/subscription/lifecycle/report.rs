//! What a gateway says of a subscription that it bills. Its word wins, also where it steps back; what only we know stays on
//! top: an override, a suspension by an operator, our pause, days of grace that have begun.

use sea_orm::EnumIter;

use super::part::{clear_schedule, end, lay_over, leave_state, move_to, restore, set_underlying, stops_unpaid};
use super::{Offer, settled};
use crate::clock::Timestamp;
use crate::entity::SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
use crate::entity::subscription::{AddOns, RenewedAhead};
use crate::entity::{Gateway, GatewayAccountId, ManagementMode, SubscriptionStatus, SuspensionCause, subscription};
use crate::subscription::period::Anchor;

/// Where a gateway says that a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
pub enum Standing {
    /// Its first money has not arrived.
    Pending,
    /// Before its first money is due.
    Trialing,
    /// Paid.
    Active,
    /// A renewal was not paid; the gateway tries on.
    PastDue,
    /// A renewal was not paid, and the gateway has given up.
    Unpaid,
    /// Nothing is charged until it is resumed.
    Paused,
    /// Ended.
    Canceled,
    /// Ended without ever being paid.
    Expired,
}

impl Standing {
    /// The verb of the audit trail.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Pending => "report_pending",
            Self::Trialing => "report_trialing",
            Self::Active => "report_active",
            Self::PastDue => "report_past_due",
            Self::Unpaid => "report_unpaid",
            Self::Paused => "report_paused",
            Self::Canceled => "report_canceled",
            Self::Expired => "report_expired",
        }
    }

    /// Whether the gateway may still take money.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Canceled | Self::Expired)
    }
}

/// What a gateway says of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Where it stands.
    pub standing: Standing,
    /// The period that the gateway is in. Whether it is paid, its invoice says.
    pub period: Option<(Timestamp, Timestamp)>,
    /// When the trial ends or ended.
    pub trial_ends_at: Option<Timestamp>,
    /// When it will end, if that is planned.
    pub cancel_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The row once a gateway has said this of it. Nothing brings an ended one back.
pub fn report(row: &subscription::Model, told: &Report, now: Timestamp) -> subscription::Model {
    if row.ended_at.is_some() {
        return row.clone();
    }
    if row.mode == ManagementMode::Override {
        return beneath(row, |beneath| report(&beneath, told, now), now);
    }
    let mut next = row.clone();
    match told.standing {
        Standing::Pending => {}
        Standing::Trialing => {
            let started_at = row.trial_started_at.or(told.period.map(|(start, _)| start)).unwrap_or(now);
            is_well(&mut next, Trialing, now);
            next.trial_ends_at = told.trial_ends_at.or(row.trial_ends_at).map(|end| end.max(started_at));
            next.trial_started_at = next.trial_ends_at.map(|_| started_at);
        }
        Standing::Active => {
            is_well(&mut next, Active, now);
            if let (None, Some(period)) = (next.current_period_end, told.period) {
                begin(&mut next, period);
            }
        }
        // The first failure begins the days of grace, and no later one.
        Standing::PastDue if row.past_due_since.is_some() => {}
        // The period that is owed is not the one that was paid, so its end is no limit.
        Standing::PastDue => {
            next.past_due_since = Some(now);
            next.grace_ends_at = Some(now.plus_days(row.grace_days.into()));
            set_underlying(&mut next, PastDue);
        }
        Standing::Unpaid if row.suspension_cause == Some(SuspensionCause::NonPayment) => {}
        Standing::Unpaid => stops_unpaid(&mut next, now),
        Standing::Paused if row.status == Paused => {}
        Standing::Paused => {
            leave_state(&mut next);
            next.status = Paused;
            next.paused_at = Some(now);
        }
        Standing::Canceled => {
            end(&mut next, Canceled, told.ended_at.unwrap_or(now));
            next.canceled_at = row.canceled_at.or(Some(now));
            next.cancel_at = row.cancel_at.or(next.ended_at);
        }
        Standing::Expired => end(&mut next, Expired, told.ended_at.unwrap_or(now)),
    }
    if told.standing.is_live() && next.mode == ManagementMode::Gateway {
        next.cancel_at = told.cancel_at;
        next.canceled_at = told.cancel_at.map(|_| row.canceled_at.unwrap_or(now));
    }
    settled(next)
}

/// The row once the money for a period has come. A period that is known already, or over, changes nothing.
pub fn paid_period(row: &subscription::Model, period: (Timestamp, Timestamp), now: Timestamp) -> subscription::Model {
    if row.mode == ManagementMode::Override {
        return beneath(row, |beneath| paid_period(&beneath, period, now), now);
    }
    let mut next = row.clone();
    if row.ended_at.is_none() && row.current_period_end.is_none_or(|end| end < period.1) && period.0 < period.1 {
        if row.current_period_end.is_none() {
            begin(&mut next, period);
        } else {
            (next.current_period_start, next.current_period_end) = (Some(period.0), Some(period.1));
            next.stood_still = 0;
            next.renewed_ahead = RenewedAhead::default();
        }
    }
    settled(next)
}

/// What a gateway bills from now on.
#[derive(Clone, Debug)]
pub struct Billing {
    /// Which gateway.
    pub gateway: Gateway,
    /// The seller's account.
    pub account: GatewayAccountId,
    /// The gateway's id of the subscription.
    pub id: String,
    /// What is sold.
    pub offer: Offer,
    /// What is sold besides.
    pub add_ons: AddOns,
}

/// The row once a gateway bills it: with what was sold there. Whether it gives access, the gateway says afterwards. One that
/// ended unpaid waits for that again.
pub fn bill(row: &subscription::Model, billing: Billing, now: Timestamp) -> subscription::Model {
    if row.mode == ManagementMode::Override && row.ended_at.is_none() {
        return beneath(row, |beneath| bill(&beneath, billing, now), now);
    }
    let mut next = row.clone();
    if row.ended_at.is_some() {
        leave_state(&mut next);
        next.status = Pending;
        next.ended_at = None;
        next.cancel_at = None;
        next.canceled_at = None;
        next.expires_at = row.expires_at.filter(|end| *end > now);
        (next.current_period_start, next.current_period_end) = (None, None);
        (next.trial_started_at, next.trial_ends_at) = (None, None);
    }
    clear_schedule(&mut next);
    move_to(&mut next, billing.offer.tier_id);
    next.billing_cycle = billing.offer.billing_cycle;
    next.amount_minor = billing.offer.amount_minor.saturating_add(billing.add_ons.amount_minor());
    next.add_ons = billing.add_ons;
    next.mode = ManagementMode::Gateway;
    next.gateway = Some(billing.gateway);
    next.gateway_account_id = Some(billing.account);
    next.gateway_subscription_id = Some(billing.id);
    // What the gateway has not ended yet, time does not end.
    if next.status == Pending {
        next.pending_until = next.pending_until.map(|until| until.max(now.plus_days(1)));
    }
    settled(next)
}

/// Begins its first period, and with it the use of its features.
fn begin(row: &mut subscription::Model, (start, end): (Timestamp, Timestamp)) {
    Anchor::at(start, row.zone()).put(row);
    row.usage_epoch += 1;
    row.current_period_start = Some(start);
    row.current_period_end = Some(end);
    row.stood_still = 0;
    row.renewed_ahead = RenewedAhead::default();
}

/// Nothing is owed any more.
fn is_well(row: &mut subscription::Model, status: SubscriptionStatus, now: Timestamp) {
    row.past_due_since = None;
    row.grace_ends_at = None;
    if row.status == Pending {
        row.starts_at = row.starts_at.min(now);
    }
    row.pending_until = None;
    match row.status {
        Suspended if row.suspension_cause != Some(SuspensionCause::NonPayment) => set_underlying(row, status),
        // Ours: the gateway's is a standing of its own.
        Paused => {}
        _ => {
            row.suspended_at = None;
            row.suspended_from = None;
            row.suspension_cause = None;
            row.status = status;
        }
    }
}

/// Changes what an override lies on, and nothing of what is above.
fn beneath(
    row: &subscription::Model,
    change: impl FnOnce(subscription::Model) -> subscription::Model,
    now: Timestamp,
) -> subscription::Model {
    let mut next = subscription::Model {
        status: Active,
        suspended_at: None,
        suspended_from: None,
        suspension_cause: None,
        cancel_at: None,
        canceled_at: None,
        ..row.clone()
    };
    restore(&mut next);
    next = change(next);
    lay_over(&mut next, row.tier_id, now);
    settled(subscription::Model {
        status: row.status,
        suspended_at: row.suspended_at,
        suspended_from: row.suspended_from,
        suspension_cause: row.suspension_cause,
        cancel_at: row.cancel_at,
        canceled_at: row.canceled_at,
        override_reason: row.override_reason.clone(),
        override_ends_at: row.override_ends_at,
        ..next
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::lifecycle::contradicts_itself;
    use crate::subscription::testing::{at, billed};

    fn told(standing: Standing) -> Report {
        let period = (at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z"));
        Report { standing, period: Some(period), trial_ends_at: None, cancel_at: None, ended_at: None }
    }

    #[test]
    fn every_standing_leads_to_a_row_that_agrees_with_itself() {
        let now = at("2026-03-10T00:00:00Z");
        for (standing, status) in [
            (Standing::Active, Active),
            (Standing::PastDue, PastDue),
            (Standing::Unpaid, Suspended),
            (Standing::Paused, Paused),
            (Standing::Canceled, Canceled),
            (Standing::Expired, Expired),
        ] {
            let next = report(&billed(), &told(standing), now);
            assert_eq!(next.status, status, "{standing:?}");
            assert!(!contradicts_itself(&next), "{standing:?}");
            let back = report(&next, &told(Standing::Active), now.plus_days(1));
            let stays = matches!(standing, Standing::Canceled | Standing::Expired | Standing::Paused);
            assert_eq!(back.status, if stays { status } else { Active }, "{standing:?}");
            assert!(!contradicts_itself(&back), "{standing:?}");
        }
    }

    #[test]
    fn an_override_stays_on_top() {
        let now = at("2026-03-10T00:00:00Z");
        let mut row = billed();
        lay_over(&mut row, crate::entity::TierId::generate(), now);
        (row.override_reason, row.override_ends_at) = (Some("a gift".to_owned()), Some(now.plus_days(5)));
        for standing in [Standing::PastDue, Standing::Canceled, Standing::Active] {
            let next = report(&row, &told(standing), now);
            assert_eq!((next.status, next.tier_id, next.mode), (Active, row.tier_id, ManagementMode::Override));
            assert!(!contradicts_itself(&next), "{standing:?}");
            let mut after = next.clone();
            restore(&mut after);
            assert_eq!(settled(after), report(&billed_like(&row), &told(standing), now), "{standing:?}");
        }
    }

    /// What the override lies on.
    fn billed_like(row: &subscription::Model) -> subscription::Model {
        let mut beneath = row.clone();
        restore(&mut beneath);
        settled(beneath)
    }

    #[test]
    fn days_of_grace_are_counted_from_the_first_failure() {
        let now = at("2026-03-10T00:00:00Z");
        let first = report(&billed(), &told(Standing::PastDue), now);
        let second = report(&first, &told(Standing::PastDue), now.plus_days(3));
        assert_eq!((second.past_due_since, second.grace_ends_at), (Some(now), first.grace_ends_at));
    }

    #[test]
    fn a_period_counts_when_it_is_paid() {
        let row = billed();
        let active = report(&row, &told(Standing::Active), at("2026-03-10T00:00:00Z"));
        assert_eq!(active.current_period_end, row.current_period_end);
        let next = (at("2026-04-01T00:00:00Z"), at("2026-05-01T00:00:00Z"));
        let now = at("2026-04-01T00:00:00Z");
        let paid = paid_period(&active, next, now);
        assert_eq!((paid.current_period_start, paid.current_period_end), (Some(next.0), Some(next.1)));
        assert_eq!(paid_period(&paid, (at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z")), now), paid);
    }
}
