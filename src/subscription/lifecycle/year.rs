//! A year of random commands, against a model that knows nothing of the rules: it walks through time in steps of twelve
//! hours and keeps what was paid, granted and tried as plain spans of them.

use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::subscription::opening::Terms;
use crate::subscription::status::{Policy, effective};
use crate::subscription::testing::{Dice, at, dice, opened, step, terms};

const POLICY: Policy = Policy { expiring_soon: TimeDelta::days(7), renewal_tolerance: TimeDelta::hours(24) };
/// All moments of these lives are multiples of this from their start.
const TICK: TimeDelta = TimeDelta::hours(12);
const TICKS: usize = 2 * 366;

/// What somebody has at a moment, without an override.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Has {
    /// Nothing yet: from a start on, or unless it is paid until a moment.
    Waits {
        starts: Option<Timestamp>,
        tries_until: Option<Timestamp>,
        pays_until: Option<Timestamp>,
    },
    Tried(Timestamp),
    /// None: for a cycle from when it is resumed.
    Paid(Option<Timestamp>),
    Nothing,
}

#[derive(Debug)]
struct Model {
    has: Has,
    /// Until when it was paid for last, for who comes back.
    paid_until: Option<Timestamp>,
    /// Paused, perhaps until a moment.
    paused: Option<Option<Timestamp>>,
    suspended: bool,
    /// A gift, perhaps until a moment, and whether it is shut off itself.
    gift: Option<(Option<Timestamp>, bool)>,
    hard_end: Option<Timestamp>,
    leaves_at: Option<Timestamp>,
    /// When it was to leave what the gift lies on.
    left_at: Option<Timestamp>,
}

impl Model {
    fn over(&mut self) {
        self.has = Has::Nothing;
        self.paused = None;
        self.suspended = false;
        self.gift = None;
        self.leaves_at = None;
        self.left_at = None;
    }

    fn gift_ends(&mut self) {
        if let Some((_, shut_off)) = self.gift.take() {
            self.suspended |= shut_off;
            self.leaves_at = self.leaves_at.into_iter().chain(self.left_at.take()).min();
            if self.has == Has::Nothing {
                self.over();
            }
        }
    }

    /// A period from this moment on.
    fn pays(&mut self, now: Timestamp, cycle: BillingCycle) {
        self.has = Has::Paid(Some(Anchor::at(now, Tz::UTC).end(now, cycle)));
    }

    /// Whatever this moment brings by itself.
    fn tick(&mut self, now: Timestamp, cycle: BillingCycle) {
        let has_come = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if let (Has::Paid(Some(until)), Some(_)) = (&mut self.has, self.paused) {
            // The pause that went by until now is not paid time that went by, nor time until the end of the period.
            if self.leaves_at == Some(*until) && self.gift.is_none() {
                self.leaves_at = Some(until.plus(TICK));
            }
            if self.left_at == Some(*until) {
                self.left_at = Some(until.plus(TICK));
            }
            *until = until.plus(TICK);
        }
        if self.gift.is_some_and(|(until, _)| has_come(until)) {
            self.gift_ends();
        }
        if has_come(self.hard_end) || has_come(self.leaves_at) {
            self.keep();
            return self.over();
        }
        if self.paused.is_some_and(has_come) {
            self.paused = None;
            if self.has == Has::Paid(None) {
                self.pays(now, cycle);
            }
        }
        if let Has::Waits { starts, tries_until, pays_until } = self.has {
            if has_come(starts) {
                match tries_until {
                    Some(until) => self.has = Has::Tried(until),
                    None => self.pays(now, cycle),
                }
            } else if has_come(pays_until) {
                self.nothing_left();
            }
        }
        match self.has {
            Has::Tried(until) if until <= now => self.nothing_left(),
            Has::Paid(Some(until)) if until <= now && self.paused.is_none() => self.nothing_left(),
            _ => {}
        }
        // To leave what is over means nothing, and what is over beneath a gift stays over.
        if self.gift.is_some() && has_come(self.left_at) && self.paused.is_none() {
            self.keep();
            self.has = Has::Nothing;
        }
    }

    fn keep(&mut self) {
        if let Has::Paid(until) = self.has {
            self.paid_until = until;
        }
    }

    fn nothing_left(&mut self) {
        self.keep();
        self.has = Has::Nothing;
        if self.gift.is_none() {
            self.over();
        } else {
            self.suspended = false;
        }
    }

    /// What a command that was carried out means. The dates and the cycle that it agreed on are those of the row.
    fn obey(&mut self, step: &Step, row: &subscription::Model, was_cycle: BillingCycle, now: Timestamp) {
        let stopped = self.paused.is_some() || self.suspended || self.gift.is_some_and(|(_, shut_off)| shut_off);
        match step {
            Step::Activate => {
                self.leaves_at = None;
                self.pays(now, row.billing_cycle);
            }
            Step::StartTrial { ends_at } => self.has = Has::Tried(*ends_at),
            Step::Extend { days } => {
                let longer = |at: &mut Timestamp| *at = at.plus_days(*days);
                let leaves = if self.gift.is_some() { &mut self.left_at } else { &mut self.leaves_at };
                match &mut self.has {
                    Has::Waits { pays_until: Some(until), .. } => longer(until),
                    Has::Tried(until) | Has::Paid(Some(until)) => {
                        if *leaves == Some(*until) {
                            leaves.iter_mut().for_each(longer);
                        }
                        longer(until);
                    }
                    _ => {}
                }
            }
            Step::ChangeTier { .. } if row.billing_cycle != was_cycle && matches!(self.has, Has::Paid(Some(_))) => {
                let Has::Paid(Some(was)) = self.has else { return };
                self.has = Has::Paid(None);
                if !stopped {
                    self.pays(now, row.billing_cycle);
                    let Has::Paid(Some(until)) = self.has else { return };
                    self.leaves_at = self.leaves_at.map(|at| if at == was { until } else { at.min(until) });
                }
            }
            Step::OverrideTier { ends_at, .. } => {
                if self.gift.is_none() {
                    self.left_at = self.leaves_at.take();
                }
                let shut_off = self.gift.is_some_and(|(_, shut_off)| shut_off);
                self.gift = Some((*ends_at, shut_off));
                self.hard_end = row.expires_at;
            }
            Step::EndOverride => self.gift_ends(),
            Step::Suspend(_) => match &mut self.gift {
                Some((_, shut_off)) => *shut_off = true,
                None => self.suspended = true,
            },
            Step::Pause(until) => self.paused = Some(*until),
            Step::Resume => {
                match &mut self.gift {
                    Some((_, shut_off)) => *shut_off = false,
                    None => (self.paused, self.suspended) = (None, false),
                }
                if self.has == Has::Paid(None) && self.gift.is_none() {
                    self.pays(now, row.billing_cycle);
                }
            }
            Step::Cancel(CancelAt::Now) | Step::Expire => {
                self.keep();
                self.over();
            }
            Step::Cancel(_) => self.leaves_at = row.cancel_at,
            Step::UndoCancel => self.leaves_at = None,
            Step::Reactivate => {
                self.leaves_at = None;
                self.hard_end = self.hard_end.filter(|end| *end > now);
                self.has = Has::Paid(self.paid_until);
                if self.paid_until.is_none_or(|until| until <= now) {
                    self.pays(now, row.billing_cycle);
                }
            }
            Step::ChangeTier { .. } => {}
        }
        // What comes at once, such as what was due beneath an override that was ended.
        let paused = self.paused.take();
        self.tick_again(now, row.billing_cycle, paused);
    }

    /// The same moment again: no time goes by, in a pause neither.
    fn tick_again(&mut self, now: Timestamp, cycle: BillingCycle, paused: Option<Option<Timestamp>>) {
        if paused.is_none() {
            self.tick(now, cycle);
        }
        self.paused = paused.filter(|_| self.has != Has::Nothing);
    }

    fn entitles(&self) -> bool {
        match self.gift {
            Some((_, shut_off)) => !shut_off,
            None => matches!(self.has, Has::Tried(_) | Has::Paid(_)) && self.paused.is_none() && !self.suspended,
        }
    }
}

fn any_terms(start: Timestamp) -> impl Strategy<Value = Terms> {
    let day = 1i64..120;
    prop_oneof![
        Just(terms()),
        day.clone().prop_map(|days| Terms { trial_days: Some(days), ..terms() }),
        Just(Terms { requires_payment: true, ..terms() }),
        day.clone().prop_map(move |days| Terms { starts_at: Some(start.plus_days(days)), ..terms() }),
        (day.clone(), day.clone()).prop_map(move |(days, trial)| Terms {
            starts_at: Some(start.plus_days(days)),
            trial_days: Some(trial),
            ..terms()
        }),
        day.prop_map(move |days| Terms { expires_at: Some(start.plus_days(days)), ..terms() }),
    ]
}

fn begin(row: &subscription::Model) -> Model {
    let has = match row.status {
        Pending if row.pending_until.is_some() => {
            Has::Waits { starts: None, tries_until: None, pays_until: row.pending_until }
        }
        Pending => Has::Waits { starts: Some(row.starts_at), tries_until: row.trial_ends_at, pays_until: None },
        Trialing => Has::Tried(row.trial_ends_at.expect("a trial ends")),
        _ => Has::Paid(row.current_period_end),
    };
    Model {
        has,
        paid_until: None,
        paused: None,
        suspended: false,
        gift: None,
        hard_end: row.expires_at,
        leaves_at: None,
        left_at: None,
    }
}

fn commands() -> impl Strategy<Value = Vec<(usize, Dice)>> {
    prop::collection::vec((0..TICKS, dice()), 0..40).prop_map(|mut commands| {
        commands.sort_by_key(|(tick, _)| *tick);
        commands
    })
}

fn start() -> Timestamp {
    at("2026-01-31T12:00:00Z")
}

proptest! {
    /// Entitled is exactly who paid, was granted or tries for this moment.
    #[test]
    fn access_is_what_somebody_paid_granted_or_tried(terms in any_terms(start()), commands in commands()) {
        let mut row = opened(terms, start());
        let mut model = begin(&row);
        let mut commands = commands.into_iter().peekable();
        for tick in 0..TICKS {
            let now = start().plus(TICK * i32::try_from(tick).expect("small"));
            let cycle = as_of(&row, now, None).0.billing_cycle;
            let beneath = row.overridden_billing_cycle.unwrap_or(cycle);
            if tick > 0 {
                model.tick(now, beneath);
            }
            while let Some((_, dice)) = commands.next_if(|(at, _)| *at == tick) {
                let step = step(now, dice);
                let before = crate::subscription::testing::up_to_date(&row, now);
                if let Ok(next) = apply(&before, &step, now) {
                    model.obey(&step, &next, before.billing_cycle, now);
                    row = crate::subscription::testing::up_to_date(&next, now);
                }
            }
            let entitled = effective(Some(&row), false, now, &POLICY).entitled;
            prop_assert_eq!(entitled, model.entitles(), "at {}, {:?} of {:?}", now, model, row);
        }
    }
}
