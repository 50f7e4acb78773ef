//! What happened to subscriptions: every status and mode, and what the clock makes of them.

use super::Seeder;
use super::catalogue::Sold;
use super::organization::Tenant;
use super::teller::{Teller, terms};
use super::trail::Actor;
use crate::auth::Part;
use crate::clock::Timestamp;
use crate::entity::subscription::AddOns;
use crate::entity::{BillingCycle, CustomerId, Gateway, PaymentStatus, Proration, SuspensionCause};
use crate::error::Result;
use crate::subscription::lifecycle::{CancelAt, Charging, Step};
use crate::subscription::opening::Terms;

/// What happened to a subscription, up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Paid by bank transfer, well within its period.
    Paid,
    /// Paid by a gateway, well within its period.
    PaidByGateway,
    /// In its trial.
    Trialing,
    /// Its trial is over; nothing recorded that.
    TrialOver,
    /// Waits for its first payment.
    AwaitingPayment,
    /// Starts later.
    StartsLater,
    /// Ends within days.
    ExpiringSoon,
    /// Its period is over and nothing renewed it; nothing recorded that.
    Lapsed,
    /// The gateway is late with the renewal, but not too late.
    RenewalLate,
    /// Canceled at the end of the period, or on a day that has come; nothing recorded that.
    CancelScheduled,
    /// Changes its tier at the end of the period.
    TierChangeScheduled,
    /// Its renewal failed; access continues for the days of grace.
    PastDue,
    /// Its renewal failed, and the days of grace are over; nothing recorded that.
    GraceOver,
    /// Paused.
    Paused,
    /// Suspended by an operator.
    Suspended,
    /// Suspended because it was not paid.
    SuspendedUnpaid,
    /// Canceled, and paid back.
    Canceled,
    /// Ended with its period.
    Expired,
    /// Never paid.
    Abandoned,
    /// Has a better tier than it pays for.
    Overridden,
    /// Ends on a day that an administrator set, or should have; nothing recorded that.
    HardEnd,
    /// Canceled long ago and came back.
    Returned,
}

use Story::*;

/// The stories of one round of customers; none for a customer without a subscription.
pub const ROUND: [Option<Story>; 30] = [
    Some(PaidByGateway),
    Some(Trialing),
    Some(Paid),
    Some(PaidByGateway),
    Some(PastDue),
    Some(Paid),
    Some(CancelScheduled),
    Some(PaidByGateway),
    Some(ExpiringSoon),
    Some(Canceled),
    Some(TierChangeScheduled),
    Some(AwaitingPayment),
    Some(Paused),
    Some(Paid),
    Some(PaidByGateway),
    Some(Suspended),
    Some(Overridden),
    Some(Expired),
    Some(TrialOver),
    Some(Paid),
    Some(SuspendedUnpaid),
    Some(RenewalLate),
    Some(StartsLater),
    Some(Lapsed),
    Some(HardEnd),
    Some(Returned),
    Some(GraceOver),
    Some(Abandoned),
    Some(PaidByGateway),
    None,
];

/// Whose story is told, and on which terms it subscribed.
pub struct Subject<'a> {
    /// The organization.
    pub tenant: &'a Tenant,
    /// The customer; none if the organization itself subscribes.
    pub customer: Option<CustomerId>,
    /// Varies the details.
    pub number: usize,
    /// What it can choose from, lowest rank first.
    pub tiers: &'a [Sold],
    /// What it chose.
    pub tier: usize,
    /// ISO 4217 code.
    pub currency: &'a str,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// How many active members.
    pub user_limit: Option<i32>,
    /// Name on its payment methods.
    pub holder: &'a str,
}

impl Subject<'_> {
    /// A number below `below`, the same at every seeding.
    pub fn vary(&self, below: usize) -> i64 {
        (self.number % below).cast_signed() as i64
    }
}

impl Seeder {
    /// Tells a story, and answers when it began.
    pub fn tell(&mut self, subject: &Subject<'_>, story: Story) -> Result<Timestamp> {
        let (now, vary, admin) = (self.now, |below| subject.vary(below), &subject.tenant.admin);
        let day = |days| now.plus_days(days);
        let periods = if subject.billing_cycle == BillingCycle::Yearly { 1 } else { 1 + subject.number as u32 % 6 };
        let ends_later = day(9 + vary(18));
        let teller = match story {
            Paid => {
                let mut teller = Teller::paid(self, subject, ends_later, periods, terms(subject))?;
                if vary(3) == 1 {
                    teller.store_methods(false);
                }
                teller
            }
            PaidByGateway => {
                let mut teller = Teller::billed(self, subject, ends_later, periods)?;
                if vary(9) == 5 {
                    teller.dispute(day(-1));
                }
                teller
            }
            Trialing | TrialOver => {
                let began = if story == Trialing { day(-2 - vary(4)) } else { day(-16) };
                Teller::open(self, subject, began, Terms { trial_days: Some(14), ..terms(subject) })?
            }
            AwaitingPayment => {
                let at = now.plus(-chrono::TimeDelta::hours(3));
                let mut teller = Teller::open(self, subject, at, Terms { requires_payment: true, ..terms(subject) })?;
                teller.checkout(PaymentStatus::Pending, at);
                teller
            }
            StartsLater => {
                let starts_at = Some(day(12));
                Teller::open(self, subject, day(-1), Terms { starts_at, ..terms(subject) })?
            }
            ExpiringSoon => Teller::paid(self, subject, day(2 + vary(4)), periods, terms(subject))?,
            Lapsed => Teller::paid(self, subject, day(-4 - vary(3)), periods, terms(subject))?,
            RenewalLate => {
                let end = now.plus(-chrono::TimeDelta::hours(6));
                let mut teller = Teller::billed(self, subject, end, periods)?;
                let status = match subject.tenant.gateway {
                    Gateway::MercadoPago => PaymentStatus::RequiresAction,
                    _ => PaymentStatus::Processing,
                };
                teller.renewal(status, 1, end);
                teller
            }
            CancelScheduled => {
                let mut teller = Teller::paid(self, subject, day(15), periods, terms(subject))?;
                let when = if vary(2) == 0 { CancelAt::PeriodEnd } else { CancelAt::Date(day(-1)) };
                teller.step(&Step::Cancel(when), day(-5), admin, "Moves to another provider.")?;
                teller
            }
            TierChangeScheduled => {
                let mut teller = Teller::paid(self, subject, day(18), periods, terms(subject))?;
                let step = Step::ChangeTier {
                    offer: teller.other_offer(),
                    add_ons: AddOns::default(),
                    at_period_end: true,
                    charging: Charging { rule: Proration::None, at: day(-3) },
                };
                teller.step(&step, day(-3), admin, "Asked for on the telephone.")?;
                teller
            }
            PastDue => Teller::past_due(self, subject, day(-3), periods)?,
            GraceOver => Teller::past_due(self, subject, day(-10), periods)?,
            SuspendedUnpaid => {
                let mut teller = Teller::past_due(self, subject, day(-12), periods)?;
                teller.pass(day(-5))?;
                teller
            }
            Paused => {
                let mut teller = Teller::paid(self, subject, day(20), periods, terms(subject))?;
                let resumes_at = subject.number.is_multiple_of(2).then(|| day(14));
                teller.step(&Step::Pause(resumes_at), day(-6), admin, "Season's break.")?;
                teller
            }
            Suspended => {
                let mut teller = Teller::paid(self, subject, day(18), periods, terms(subject))?;
                let step = Step::Suspend(SuspensionCause::Operator);
                teller.step(&step, day(-4), admin, "Unusual activity: under review.")?;
                teller
            }
            Canceled => {
                let mut teller = Teller::paid(self, subject, day(10), periods, terms(subject))?;
                teller.step(&Step::Cancel(CancelAt::Now), day(-9), admin, "Ordered by mistake.")?;
                teller.refund(subject.number % 4 == 1, day(-8));
                teller
            }
            Expired => {
                let end = day(-40);
                let mut teller = Teller::paid(self, subject, end, periods, terms(subject))?;
                teller.pass(end)?;
                teller
            }
            Abandoned => {
                let at = day(-6);
                let mut teller = Teller::open(self, subject, at, Terms { requires_payment: true, ..terms(subject) })?;
                teller.checkout(PaymentStatus::Canceled, at);
                teller.pass(day(-5))?;
                teller
            }
            Overridden => {
                let mut teller = Teller::paid(self, subject, day(12), periods, terms(subject))?;
                let (tier_id, reason) = (teller.better_tier(), "Goodwill after the outage in spring.");
                let step = Step::OverrideTier { tier_id, reason: reason.to_owned(), ends_at: Some(day(60)) };
                teller.step(&step, day(-12), &Actor::part(Part::Demo), reason)?;
                teller
            }
            HardEnd => {
                let terms = Terms { expires_at: Some(day(if vary(2) == 0 { 20 } else { -1 })), ..terms(subject) };
                Teller::paid(self, subject, day(25), periods, terms)?
            }
            Returned => {
                let began = self.returned_before(subject)?;
                Teller::billed(self, subject, ends_later, 2)?.finish();
                return Ok(began);
            }
        };
        Ok(teller.finish())
    }

    /// The first life of a subscription that came back: long over.
    fn returned_before(&mut self, subject: &Subject<'_>) -> Result<Timestamp> {
        let (end, at) = (self.days(-900), self.days(-910));
        let mut teller = Teller::paid(self, subject, end, 2, terms(subject))?;
        teller.step(&Step::Cancel(CancelAt::Now), at, &subject.tenant.admin, "Not needed for now.")?;
        Ok(teller.finish())
    }
}
