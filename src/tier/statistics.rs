//! What the subscriptions of a tier amount to.

use std::collections::BTreeMap;

use async_graphql::SimpleObject;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, IdenStatic};

use super::rules;
use crate::entity::{BillingCycle, ManagementMode, SubscriptionStatus, TierId, subscription_total, tier};
use crate::error::Result;
use crate::graphql::scalar::{MAX_SAFE_INT, Money, SafeInt};
use crate::store::{Reading, Row, Rows, Scope};

/// Live subscriptions of a tier that are alike.
#[derive(Clone, Debug)]
pub struct Group {
    /// The tier.
    pub tier_id: TierId,
    /// Recorded status.
    pub status: SubscriptionStatus,
    /// Who decides about them.
    pub mode: ManagementMode,
    /// ISO 4217 code.
    pub currency: String,
    /// How often they are charged.
    pub billing_cycle: BillingCycle,
    /// What each costs a cycle, in minor units.
    pub amount_minor: i64,
    /// How many there are.
    pub subscriptions: i64,
}

impl Group {
    /// The reading of the visible groups that meet the condition.
    pub fn reading(scope: &Scope, condition: Condition) -> Result<Reading> {
        use subscription_total::Column::{AmountMinor, BillingCycle, Currency, Mode, Status, Subscriptions, TierId};
        let alike = [TierId, Status, Mode, Currency, BillingCycle, AmountMinor].map(|column| column.as_str());
        let totals = scope.source::<subscription_total::Entity>(condition)?;
        Ok(Reading::sums(totals, &alike, Subscriptions.as_str()))
    }

    /// The groups that such a reading found.
    pub fn found(rows: &Rows) -> Result<Vec<Self>> {
        let group = |row: Row<'_>| {
            Ok(Self {
                tier_id: row.known(0)?,
                status: row.known(1)?,
                mode: row.known(2)?,
                currency: row.known(3)?,
                billing_cycle: row.known(4)?,
                amount_minor: row.known(5)?,
                subscriptions: row.known(6)?,
            })
        };
        rows.iter().map(group).collect()
    }

    /// The visible groups that meet the condition.
    pub async fn all(scope: &Scope, condition: impl Into<Condition>) -> Result<Vec<Self>> {
        Self::found(&scope.read(&Self::reading(scope, condition.into())?).await?)
    }
}

/// How many live subscriptions there are of a tier, or of a tenant, and what they bring in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// In any status that is not an end.
    pub total: i64,
    /// Waiting for a payment or their start.
    pub pending: i64,
    /// In their trial.
    pub trialing: i64,
    /// Paid for.
    pub active: i64,
    /// Unpaid, within the days of grace.
    pub past_due: i64,
    /// Paused.
    pub paused: i64,
    /// Suspended.
    pub suspended: i64,
    /// Minor units a month, by currency.
    pub monthly_revenue: BTreeMap<String, i64>,
}

impl Statistics {
    /// The sums over these groups.
    pub fn of<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Self {
        let mut sums = Self::default();
        let mut yearly: BTreeMap<String, i128> = BTreeMap::new();
        for group in groups {
            sums.count(group);
            if earns(group) {
                let a_year = match group.billing_cycle {
                    BillingCycle::Monthly => 12,
                    BillingCycle::Yearly => 1,
                };
                let amount = i128::from(group.amount_minor) * i128::from(group.subscriptions) * a_year;
                *yearly.entry(group.currency.clone()).or_default() += amount;
            }
        }
        sums.monthly_revenue = yearly.into_iter().map(|(currency, amount)| (currency, a_month(amount))).collect();
        sums
    }

    fn count(&mut self, group: &Group) {
        let status = match group.status {
            SubscriptionStatus::Pending => &mut self.pending,
            SubscriptionStatus::Trialing => &mut self.trialing,
            SubscriptionStatus::Active => &mut self.active,
            SubscriptionStatus::PastDue => &mut self.past_due,
            SubscriptionStatus::Paused => &mut self.paused,
            SubscriptionStatus::Suspended => &mut self.suspended,
            SubscriptionStatus::Canceled | SubscriptionStatus::Expired => return,
        };
        *status += group.subscriptions;
        self.total += group.subscriptions;
    }
}

/// Whether somebody pays: an override is given away.
fn earns(group: &Group) -> bool {
    use SubscriptionStatus::{Active, Canceled, Expired, PastDue, Paused, Pending, Suspended, Trialing};
    let is_paid = match group.mode {
        ManagementMode::Manual | ManagementMode::Gateway => true,
        ManagementMode::Override => false,
    };
    match group.status {
        Active | PastDue => is_paid,
        Pending | Trialing | Paused | Suspended | Canceled | Expired => false,
    }
}

/// A twelfth of what comes in a year, rounded half up: once, on the sum.
fn a_month(a_year: i128) -> i64 {
    let rounded = (a_year + 6).div_euclid(12);
    i64::try_from(rounded).map_or(MAX_SAFE_INT, |amount| amount.min(MAX_SAFE_INT))
}

/// What the live subscriptions of the tiers that meet the condition amount to, together.
pub async fn of_tiers(scope: &Scope, condition: Condition) -> Result<Statistics> {
    let told = rules::with_statistics(scope.caller()?)?;
    let tiers =
        Query::select().column(tier::Column::Id).from(tier::Entity).cond_where(condition).cond_where(told).take();
    let groups = Group::all(scope, subscription_total::Column::TierId.in_subquery(tiers)).await?;
    Ok(Statistics::of(&groups))
}

/// Amounts by currency, as the API shows them.
pub fn monies(by_currency: BTreeMap<String, i64>) -> Vec<Money> {
    by_currency.into_iter().map(|(currency, amount)| Money::new(amount, currency)).collect()
}

/// What the live subscriptions of a tier, or of several, amount to, as far as the caller can see them. Counted by
/// recorded status.
#[derive(Clone, SimpleObject)]
pub struct TierStatistics {
    /// In any status that is not an end.
    total: SafeInt,
    /// Waiting for their first payment or their start.
    pending: SafeInt,
    /// In their free trial.
    trialing: SafeInt,
    /// Paid for, or given by an override.
    active: SafeInt,
    /// Unpaid, within the days of grace.
    past_due: SafeInt,
    /// Paused at the owner's wish.
    paused: SafeInt,
    /// Shut off by an operator or for non-payment.
    suspended: SafeInt,
    /// What those that are active or past due bring in a month, by currency: a yearly price counts a twelfth, an
    /// override nothing.
    estimated_monthly_revenue: Vec<Money>,
}

impl From<Statistics> for TierStatistics {
    fn from(sums: Statistics) -> Self {
        let Statistics { total, pending, trialing, active, past_due, paused, suspended, monthly_revenue } = sums;
        Self {
            total: SafeInt(total),
            pending: SafeInt(pending),
            trialing: SafeInt(trialing),
            active: SafeInt(active),
            past_due: SafeInt(past_due),
            paused: SafeInt(paused),
            suspended: SafeInt(suspended),
            estimated_monthly_revenue: monies(monthly_revenue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(status: SubscriptionStatus, billing_cycle: BillingCycle, amount_minor: i64, subscriptions: i64) -> Group {
        Group {
            tier_id: TierId::generate(),
            status,
            mode: ManagementMode::Manual,
            currency: "EUR".to_owned(),
            billing_cycle,
            amount_minor,
            subscriptions,
        }
    }

    #[test]
    fn every_live_status_is_counted() {
        use SubscriptionStatus::{Active, Canceled, PastDue, Paused, Pending, Suspended, Trialing};
        let statuses =
            [(Pending, 1), (Trialing, 2), (Active, 3), (PastDue, 4), (Paused, 5), (Suspended, 6), (Canceled, 7)];
        let groups = statuses.map(|(status, count)| group(status, BillingCycle::Monthly, 0, count));
        let sums = Statistics::of(&groups);
        assert_eq!(
            (sums.pending, sums.trialing, sums.active, sums.past_due, sums.paused, sums.suspended),
            (1, 2, 3, 4, 5, 6)
        );
        assert_eq!(sums.total, 21);
    }

    #[test]
    fn revenue_is_what_paying_subscriptions_bring_in_a_month() {
        use SubscriptionStatus::{Active, PastDue, Trialing};
        let sums = Statistics::of(&[
            group(Active, BillingCycle::Monthly, 1_000, 2),
            group(PastDue, BillingCycle::Yearly, 12_000, 1),
            group(Trialing, BillingCycle::Monthly, 1_000, 9),
            Group { mode: ManagementMode::Override, ..group(Active, BillingCycle::Monthly, 1_000, 9) },
            Group { currency: "USD".to_owned(), ..group(Active, BillingCycle::Monthly, 5, 1) },
        ]);
        assert_eq!(sums.monthly_revenue, BTreeMap::from([("EUR".to_owned(), 3_000), ("USD".to_owned(), 5)]));
    }

    #[test]
    fn it_is_rounded_half_up_once() {
        let revenue = |amount, count| {
            let sums = Statistics::of(&[group(SubscriptionStatus::Active, BillingCycle::Yearly, amount, count)]);
            sums.monthly_revenue.get("EUR").copied()
        };
        assert_eq!(revenue(5, 1), Some(0));
        assert_eq!(revenue(6, 1), Some(1));
        // Each alone would round up to 1.
        assert_eq!(revenue(7, 4), Some(2));
    }

    #[test]
    fn no_sum_overflows() {
        let huge = group(SubscriptionStatus::Active, BillingCycle::Monthly, MAX_SAFE_INT, i64::MAX);
        assert_eq!(Statistics::of(&[huge]).monthly_revenue.get("EUR"), Some(&MAX_SAFE_INT));
    }
}
