//! Tells one subscription's story by the rules that requests obey: it is opened, takes its steps one by one, and time
//! passes. What a gateway does is set by hand.

use chrono::{Months, TimeDelta};
use chrono_tz::Tz;
use serde_json::json;

use super::Seeder;
use super::payment::{Attempt, Failure};
use super::story::Subject;
use super::trail::{Actor, Deed};
use crate::auth::Part;
use crate::clock::{Timestamp, local, valid};
use crate::entity::subscription::AddOns;
use crate::entity::{BillingCycle, ManagementMode, PaymentStatus, SubscriptionStatus, TierId, subscription};
use crate::error::Result;
use crate::subscription::ends::Ends;
use crate::subscription::lifecycle::{self, Due, Offer, Step, settled};
use crate::subscription::opening::{self, Opening, Subscriber, Terms};
use crate::subscription::period::{Anchor, months};

/// How long a subscription of the demo waits for its first payment.
const PENDING_FOR: TimeDelta = TimeDelta::hours(24);
/// How long access continues after a failed renewal.
const GRACE_DAYS: i64 = 7;

/// Tells a story.
pub struct Teller<'a> {
    seeder: &'a mut Seeder,
    subject: &'a Subject<'a>,
    row: subscription::Model,
    began: Timestamp,
}

/// The usual terms: paid from the first day.
pub fn terms(subject: &Subject<'_>) -> Terms {
    Terms {
        trial_days: Some(0),
        trial_ends_at: None,
        starts_at: None,
        period_end: None,
        expires_at: None,
        requires_payment: false,
        user_limit: subject.user_limit,
        trial_limits_users: false,
        feature_overrides: if subject.number % 10 == 7 {
            json!({ "projects": { "enabled": true, "ceiling": 100 } })
        } else {
            json!({})
        },
        external_id: subject
            .customer
            .filter(|_| subject.number.is_multiple_of(3))
            .map(|_| format!("crm-{:05}", subject.number)),
        metadata: json!({}),
        private_metadata: None,
    }
}

impl<'a> Teller<'a> {
    /// Subscribed at a moment, on these terms.
    pub fn open(seeder: &'a mut Seeder, subject: &'a Subject<'a>, at: Timestamp, terms: Terms) -> Result<Self> {
        let row = opened(seeder, subject, at, terms)?;
        seeder.record_creation(&row, at, &subject.tenant.admin)?;
        Ok(Self { seeder, subject, row, began: at })
    }

    /// Paid by bank transfer for so many periods, of which the last ends at `end`.
    pub fn paid(
        seeder: &'a mut Seeder,
        subject: &'a Subject<'a>,
        end: Timestamp,
        periods: u32,
        terms: Terms,
    ) -> Result<Self> {
        let row = opened(seeder, subject, boundary(end, subject.tenant.zone, subject.billing_cycle, periods), terms)?;
        Self::renewed(seeder, subject, row, end, periods)
    }

    /// Paid by the organization's gateway for so many periods, of which the last ends at `end`.
    pub fn billed(seeder: &'a mut Seeder, subject: &'a Subject<'a>, end: Timestamp, periods: u32) -> Result<Self> {
        let mut row = opened(
            seeder,
            subject,
            boundary(end, subject.tenant.zone, subject.billing_cycle, periods),
            terms(subject),
        )?;
        row.mode = ManagementMode::Gateway;
        row.gateway = Some(subject.tenant.gateway);
        row.gateway_subscription_id = Some(format!("sub_demo{:06}", seeder.rows.subscriptions.len() + 1));
        let mut teller = Self::renewed(seeder, subject, row, end, periods)?;
        let expired = Failure::of(subject.number).is_expired_card() && end < teller.seeder.now;
        teller.store_methods(expired);
        Ok(teller)
    }

    /// Billed by the gateway until `end`, and not renewed since.
    pub fn past_due(seeder: &'a mut Seeder, subject: &'a Subject<'a>, end: Timestamp, periods: u32) -> Result<Self> {
        let mut teller = Self::billed(seeder, subject, end, periods)?;
        let row = &mut teller.row;
        row.status = SubscriptionStatus::PastDue;
        row.past_due_since = Some(end);
        row.grace_ends_at = Some(end.plus_days(GRACE_DAYS));
        row.updated_at = end;
        for attempt in 1..=3 {
            let at = end.plus_days((i64::from(attempt) - 1) * 2);
            if at < teller.seeder.now {
                teller.renewal(PaymentStatus::Failed, attempt, at);
            }
        }
        Ok(teller)
    }

    fn renewed(
        seeder: &'a mut Seeder,
        subject: &'a Subject<'a>,
        row: subscription::Model,
        end: Timestamp,
        periods: u32,
    ) -> Result<Self> {
        let began = row.created_at;
        seeder.record_creation(&row, began, &subject.tenant.admin)?;
        let mut teller = Self { seeder, subject, row, began };
        for left in (1..=periods).rev() {
            let start = boundary(end, subject.tenant.zone, subject.billing_cycle, left);
            teller.row.current_period_start = Some(start);
            teller.pay(PaymentStatus::Succeeded, 1, start);
        }
        let row = &mut teller.row;
        row.current_period_end = Some(end);
        Anchor::at(end, row.zone()).put(row);
        if periods > 1 {
            row.updated_at = boundary(end, subject.tenant.zone, subject.billing_cycle, 1);
            let renewed_by = row.gateway.map_or(subject.tenant.admin.subject.as_str(), |gateway| gateway.as_str());
            row.last_renewed_by = Some(renewed_by.to_owned());
        }
        Ok(teller)
    }

    /// Takes a step.
    pub fn step(&mut self, step: &Step, at: Timestamp, actor: &Actor, reason: &str) -> Result<()> {
        let mut after = lifecycle::apply(&self.row, step, at)?;
        after.version += 1;
        after.updated_at = at;
        self.seeder.record_change(&self.row, &after, step.verb(), &Deed { at, actor, reason: Some(reason) })?;
        self.row = after;
        Ok(())
    }

    /// Lets time bring what is due by a moment, each when it is due.
    pub fn pass(&mut self, until: Timestamp) -> Result<()> {
        let scheduler = Actor::part(Part::Scheduler);
        for (Due { at, event }, mut after) in lifecycle::fold(&self.row, until, Some(TimeDelta::zero())) {
            after.version = self.row.version + 1;
            after.updated_at = at;
            let deed = Deed { at, actor: &scheduler, reason: Some(event.reason()) };
            self.seeder.record_change(&self.row, &after, event.verb(), &deed)?;
            self.row = after;
        }
        Ok(())
    }

    /// Tries to take the first payment at the checkout.
    pub fn checkout(&mut self, status: PaymentStatus, at: Timestamp) {
        self.row.gateway = Some(self.subject.tenant.gateway);
        self.pay(status, 1, at);
    }

    /// Tries to take the payment for the period behind the current one.
    pub fn renewal(&mut self, status: PaymentStatus, attempt: i32, at: Timestamp) {
        let current = self.row.current_period_start;
        self.row.current_period_start = self.row.current_period_end;
        self.pay(status, attempt, at);
        self.row.current_period_start = current;
    }

    fn pay(&mut self, status: PaymentStatus, number: i32, at: Timestamp) {
        let failure = (status == PaymentStatus::Failed).then(|| Failure::of(self.subject.number));
        self.seeder.pay(&self.row, Attempt { status, number, at, failure });
    }

    /// Pays the last payment back, whole or half.
    pub fn refund(&mut self, whole: bool, at: Timestamp) {
        self.seeder.refund(self.row.id, whole, at);
    }

    /// The payer's bank wants the last payment back.
    pub fn dispute(&mut self, at: Timestamp) {
        self.seeder.dispute(self.row.id, at);
    }

    /// Stores payment methods at the organization's gateway.
    pub fn store_methods(&mut self, expired: bool) {
        self.seeder.payment_methods(self.subject, expired, self.began);
    }

    /// The tier below, or the same tier for another cycle where there is none.
    pub fn other_offer(&self) -> Offer {
        let Subject { tiers, tier, currency, billing_cycle, .. } = *self.subject;
        let other_cycle = match billing_cycle {
            BillingCycle::Monthly => BillingCycle::Yearly,
            BillingCycle::Yearly => BillingCycle::Monthly,
        };
        match tier.checked_sub(1) {
            Some(below) => tiers[below].offer(billing_cycle, currency),
            None => tiers[tier].offer(other_cycle, currency),
        }
    }

    /// The tier above, if there is one.
    pub fn better_tier(&self) -> TierId {
        let Subject { tiers, tier, .. } = *self.subject;
        tiers[(tier + 1).min(tiers.len() - 1)].id
    }

    /// Keeps the subscription as it stands, and answers when it began.
    pub fn finish(mut self) -> Timestamp {
        let Subject { tiers, tier, billing_cycle, currency, .. } = *self.subject;
        // What lies behind it was told as if everything ended; what lies ahead is as its tier says.
        if self.row.status == SubscriptionStatus::Active
            && self.row.mode == ManagementMode::Manual
            && self.row.current_period_end.is_some_and(|end| end > self.seeder.now)
        {
            tiers[tier].ends(tiers, billing_cycle, currency).put(&mut self.row);
        }
        self.seeder.rows.subscriptions.push(settled(self.row));
        self.began
    }
}

fn opened(seeder: &mut Seeder, subject: &Subject<'_>, at: Timestamp, terms: Terms) -> Result<subscription::Model> {
    let subscriber = Subscriber { tenant: subject.tenant.id, customer: subject.customer };
    let offer = subject.tiers[subject.tier].offer(subject.billing_cycle, subject.currency);
    let currency = subject.currency.to_owned();
    let zone = subject.tenant.zone;
    let opening = Opening {
        add_ons: AddOns::default(),
        subscriber,
        offer,
        currency,
        tier_trial_days: 0,
        ends: Ends::EXPIRE,
        terms,
        zone,
        pending_for: PENDING_FOR,
    };
    let mut row = opening::open(opening, at, "")?;
    if row.trial_ends_at.is_some() {
        row.tried_tiers.add(row.tier_id);
    }
    Ok(subscription::Model { id: seeder.ids.next(), ..row })
}

/// When the period began that lies so many periods before `end`.
fn boundary(end: Timestamp, zone: Tz, cycle: BillingCycle, periods: u32) -> Timestamp {
    let begun = local(end, zone).checked_sub_months(Months::new(periods * months(cycle)));
    begun.map_or(end, |begun| valid(begun, zone))
}
