//! What comes at the end of a trial or period. It is agreed on when one begins by a command, so that what becomes of a
//! subscription depends neither on later edits of the catalogue nor on when the scheduler gets to it (docs/adr/0036).

use super::Settings;
use super::lifecycle::Step;
use crate::entity::{BillingCycle, CustomerId, PeriodEndPolicy, TierId, TrialEndPolicy, subscription, tier};
use crate::error::Result;
use crate::store::UnitOfWork;

/// How long access continues while a payment is owed, and what is owed is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Days of access while a renewal is unpaid, 0–730.
    pub grace_days: i32,
    /// Days behind that until it is canceled, 0–730.
    pub unpaid_days: i32,
}

/// A tier to go on with, and what it costs each cycle.
#[derive(Clone, Copy, Debug)]
pub struct Fallback {
    /// The tier.
    pub tier_id: TierId,
    /// In minor units of the subscription's currency.
    pub amount_minor: i64,
}

/// What was agreed on.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// When the period ends and nothing renews it.
    pub period: PeriodEndPolicy,
    /// When the trial ends and nothing converts it.
    pub trial: TrialEndPolicy,
    /// Where these may lead to.
    pub fallback: Option<Fallback>,
    /// How long what is unpaid is waited for.
    pub patience: Patience,
}

impl Ends {
    /// Everything ends with its period or trial.
    pub const EXPIRE: Self = Self {
        period: PeriodEndPolicy::Expire,
        trial: TrialEndPolicy::Expire,
        fallback: None,
        patience: Patience { grace_days: 7, unpaid_days: 30 },
    };

    /// Writes it into a subscription.
    pub fn put(self, row: &mut subscription::Model) {
        row.period_end_policy = self.period;
        row.trial_end_policy = self.trial;
        row.fallback_tier_id = self.fallback.map(|fallback| fallback.tier_id);
        row.fallback_amount_minor = self.fallback.map(|fallback| fallback.amount_minor);
        row.grace_days = self.patience.grace_days;
        row.unpaid_days = self.patience.unpaid_days;
    }
}

/// What is agreed for whom: an owner, and what its subscription is charged.
#[derive(Clone, Copy, Debug)]
pub struct Charged<'a> {
    /// The customer; none where the organization itself subscribes.
    pub customer: Option<CustomerId>,
    /// How often.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: &'a str,
}

impl<'a> From<&'a subscription::Model> for Charged<'a> {
    fn from(row: &'a subscription::Model) -> Self {
        Self { customer: row.customer_id, billing_cycle: row.billing_cycle, currency: &row.currency }
    }
}

/// What a tier and the seller's settings say now. A fallback without a price for it
/// does not come into force: such a tier is not saved, but one may be older than that rule.
pub async fn agreed(unit: &UnitOfWork<'_>, settings: &Settings, tier: &tier::Model, of: Charged<'_>) -> Result<Ends> {
    let default = settings.patience;
    let patience = match of.customer {
        // The seller to customers is the organization.
        Some(_) => {
            let seller = unit.organization().await?;
            Patience {
                grace_days: seller.grace_days.unwrap_or(default.grace_days),
                unpaid_days: seller.unpaid_days.unwrap_or(default.unpaid_days),
            }
        }
        None => default,
    };
    let falls_back =
        tier.period_end_policy == PeriodEndPolicy::Downgrade || tier.trial_end_policy == TrialEndPolicy::Fallback;
    let fallback = match tier.fallback_tier_id.filter(|_| falls_back) {
        Some(tier_id) => unit
            .price_of(tier_id, of.billing_cycle, of.currency)
            .await?
            .map(|price| Fallback { tier_id, amount_minor: price.amount_minor }),
        None => None,
    };
    Ok(Ends { period: tier.period_end_policy, trial: tier.trial_end_policy, fallback, patience })
}

/// Whether a step begins a trial or a period, has one paid, or leads to another tier: then it is agreed anew what comes
/// at the end.
pub fn are_agreed_anew(step: &Step, before: &subscription::Model, after: &subscription::Model) -> bool {
    match step {
        Step::Activate | Step::StartTrial { .. } | Step::Reactivate | Step::Renew | Step::MarkPaid => true,
        Step::ChangeTier { .. } | Step::Resume => {
            before.tier_id != after.tier_id || before.current_period_start != after.current_period_start
        }
        Step::Extend { .. }
        | Step::MarkPastDue
        | Step::ChangeAddOns { .. }
        | Step::OverrideTier { .. }
        | Step::EndOverride
        | Step::Suspend(_)
        | Step::Pause(_)
        | Step::Cancel(_)
        | Step::UndoCancel
        | Step::Expire => false,
    }
}
