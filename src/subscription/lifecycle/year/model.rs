//! A model of a subscription that knows nothing of the rules: it keeps what was paid, granted and tried as plain spans of
//! time.

use chrono_tz::Tz;

use super::*;
use crate::entity::{BillingCycle, PeriodEndPolicy, TrialEndPolicy};

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
    /// Not paid for yet.
    Owes(Owed),
    Nothing,
}

/// A period that is not paid for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Owed {
    /// Until when there is access nevertheless.
    grace: Timestamp,
    /// The end of the period. None: one begins when it is resumed.
    end: Option<Timestamp>,
    /// Since when there is none.
    stopped: Option<Timestamp>,
}

/// What was agreed on for the ends.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    period: PeriodEndPolicy,
    trial_falls_back: bool,
    /// Whether there is a fallback, and whether it costs nothing.
    fallback_is_free: Option<bool>,
}

impl Agreed {
    fn of(row: &subscription::Model) -> Self {
        Self {
            period: row.period_end_policy,
            trial_falls_back: row.trial_end_policy == TrialEndPolicy::Fallback,
            fallback_is_free: row.fallback_amount_minor.map(|amount_minor| amount_minor == 0),
        }
    }
}

const GRACE_DAYS: i64 = 7;
const UNPAID_DAYS: i64 = 30;

#[derive(Debug)]
pub(super) struct Model {
    has: Has,
    agreed: Agreed,
    /// Whether it costs nothing.
    is_free: bool,
    /// The cycle of what it changes to at the end of what it has, and whether that costs nothing.
    changes: Option<(BillingCycle, bool)>,
    cycle: BillingCycle,
    /// What its periods are counted from.
    anchor: Anchor,
    /// Whether a pause is over, and a cancellation at a date has yet to be held to the end that it left.
    runs_on: bool,
    /// Whether something fell due beneath the gift.
    charged: bool,
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
            let stopped = matches!(self.has, Has::Owes(Owed { stopped: Some(_), .. }));
            self.suspended |= shut_off && !stopped;
            self.leaves_at = self.leaves_at.into_iter().chain(self.left_at.take()).min();
            if self.leaves_at.is_some() && self.charged {
                self.has = Has::Nothing;
            }
            if self.has == Has::Nothing {
                self.over();
            }
        }
    }

    /// A period from this moment on.
    fn pays(&mut self, now: Timestamp, cycle: BillingCycle) {
        self.anchor = Anchor::at(now, Tz::UTC);
        self.has = Has::Paid(Some(self.anchor.end(now, cycle)));
    }

    /// The end of the period that begins where this one ends.
    fn next_end(&mut self, end: Timestamp, cycle: BillingCycle) -> Timestamp {
        if !self.anchor.is_boundary(end) {
            self.anchor = Anchor::at(end, Tz::UTC);
        }
        self.anchor.end(end, cycle)
    }

    /// A period that begins at a moment, and is paid for if it costs nothing.
    fn begins(&mut self, at: Timestamp, end: Timestamp) {
        self.charged |= !self.is_free;
        let grace = at.plus_days(GRACE_DAYS).min(end);
        self.has =
            if self.is_free { Has::Paid(Some(end)) } else { Has::Owes(Owed { grace, end: Some(end), stopped: None }) };
    }

    fn falls_back(&mut self, is_free: bool) {
        self.is_free = is_free;
        self.agreed = Agreed { period: PeriodEndPolicy::Renew, trial_falls_back: false, fallback_is_free: None };
    }

    fn changes_tier(&mut self) {
        if let Some((cycle, is_free)) = self.changes.take() {
            self.cycle = cycle;
            self.is_free = is_free;
        }
    }

    fn trial_over(&mut self, at: Timestamp) {
        match self.agreed.fallback_is_free {
            _ if self.changes.is_some() => self.changes_tier(),
            Some(is_free) if self.agreed.trial_falls_back && (is_free || !self.leaves()) => self.falls_back(is_free),
            _ => return self.nothing_left(),
        }
        self.anchor = Anchor::at(at, Tz::UTC);
        self.begins(at, self.anchor.end(at, self.cycle));
    }

    fn period_over(&mut self, at: Timestamp) {
        self.changes_tier();
        match (self.agreed.period, self.agreed.fallback_is_free) {
            _ if self.is_free => {}
            (PeriodEndPolicy::Downgrade, Some(true)) => self.falls_back(true),
            _ if self.leaves() => return self.nothing_left(),
            (PeriodEndPolicy::Downgrade, Some(false)) => self.falls_back(false),
            (PeriodEndPolicy::Downgrade | PeriodEndPolicy::Expire, _) => return self.nothing_left(),
            (PeriodEndPolicy::Suspend, _) => {
                self.charged = true;
                self.has = Has::Owes(Owed { grace: at, end: Some(at), stopped: None });
                return;
            }
            (PeriodEndPolicy::Renew, _) => {}
        }
        let end = self.next_end(at, self.cycle);
        self.begins(at, end);
    }

    /// Whether it is to leave, as far as a gift does not hide that.
    fn leaves(&self) -> bool {
        self.gift.is_none() && self.leaves_at.is_some()
    }

    /// What is owed is paid now.
    fn settles(&mut self, now: Timestamp, cycle: BillingCycle) {
        let Has::Owes(Owed { end, .. }) = self.has else { return };
        match end.filter(|end| *end > now) {
            Some(end) => self.has = Has::Paid(Some(end)),
            None => self.pays(now, cycle),
        }
    }

    /// What is not paid for stops, and ends at last, unless somebody has shut it off.
    fn waits_in_vain(&mut self, now: Timestamp) {
        let Has::Owes(owed) = &mut self.has else { return };
        if self.gift.is_some() || self.suspended {
            return;
        }
        if owed.stopped.is_none() && owed.grace <= now {
            owed.stopped = Some(owed.grace);
        }
        if owed.stopped.is_some_and(|since| since.plus_days(UNPAID_DAYS) <= now) {
            self.over();
        }
    }

    /// Whatever this moment brings by itself.
    pub(super) fn tick(&mut self, now: Timestamp) {
        let cycle = self.cycle;
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
            return self.over();
        }
        if self.paused.is_some_and(has_come) {
            self.paused = None;
            self.runs_on = true;
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
        if self.gift.is_none() && std::mem::take(&mut self.runs_on) {
            self.leaves_at = self.leaves_at.map(|at| self.end().map_or(at, |end| end.min(at)));
        }
        match self.has {
            Has::Tried(until) if until <= now => self.trial_over(until),
            Has::Paid(Some(until)) if until <= now && self.paused.is_none() => self.period_over(until),
            _ => {}
        }
        self.waits_in_vain(now);
        // To leave what is over means nothing, and what is over beneath a gift stays over.
        if self.gift.is_some() && has_come(self.left_at) && self.paused.is_none() {
            self.has = Has::Nothing;
        }
    }

    fn nothing_left(&mut self) {
        self.has = Has::Nothing;
        if self.gift.is_none() {
            self.over();
        } else {
            self.suspended = false;
        }
    }

    /// What a command that was carried out means. The dates and the cycle that it agreed on are those of the row.
    pub(super) fn obey(&mut self, step: &Step, row: &subscription::Model, was_cycle: BillingCycle, now: Timestamp) {
        let unpaid = matches!(self.has, Has::Owes(Owed { stopped: Some(_), .. })) && self.gift.is_none();
        let stopped =
            unpaid || self.paused.is_some() || self.suspended || self.gift.is_some_and(|(_, shut_off)| shut_off);
        match step {
            Step::Activate => {
                self.leaves_at = None;
                self.pays(now, row.billing_cycle);
            }
            Step::StartTrial { ends_at, .. } => self.has = Has::Tried(*ends_at),
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
                    Has::Owes(owed) => {
                        if *leaves == owed.end {
                            *leaves = owed.end.map(|end| end.max(now).plus_days(*days));
                        }
                        owed.end = owed.end.map(|end| end.max(now).plus_days(*days));
                        owed.grace = owed.grace.max(now).plus_days(*days);
                    }
                    _ => {}
                }
            }
            Step::Renew | Step::MarkPaid if matches!(self.has, Has::Owes(_)) => self.settles(now, row.billing_cycle),
            Step::Renew | Step::MarkPaid => {
                let Has::Paid(Some(was)) = self.has else { return };
                let end = self.next_end(was, row.billing_cycle);
                self.has = Has::Paid(Some(end));
                self.leaves_at = self.leaves_at.map(|at| if at == was { end } else { at });
            }
            Step::MarkPastDue => {
                let Has::Paid(Some(end)) = self.has else { return };
                let grace = now.plus_days(GRACE_DAYS).min(end);
                self.has = Has::Owes(Owed { grace, end: Some(end), stopped: None });
            }
            Step::ChangeTier { at_period_end: false, charging, .. }
                if (charging.rule == Proration::Full || row.billing_cycle != was_cycle) && self.end().is_some() =>
            {
                let Some(was) = self.end() else { return };
                let end = (!stopped).then(|| {
                    self.anchor = Anchor::at(now, Tz::UTC);
                    self.anchor.end(now, row.billing_cycle)
                });
                match &mut self.has {
                    Has::Owes(owed) => owed.end = end,
                    has => *has = Has::Paid(end),
                }
                if let Some(until) = end {
                    self.leaves_at = self.leaves_at.map(|at| if at == was { until } else { at.min(until) });
                }
            }
            Step::OverrideTier { ends_at, .. } => {
                if self.gift.is_none() {
                    self.charged = false;
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
                if self.gift.is_none() {
                    self.runs_on = true;
                    self.goes_on(now, row.billing_cycle);
                }
            }
            Step::Cancel(CancelAt::Now) | Step::Expire => {
                self.over();
            }
            Step::Cancel(_) => self.leaves_at = row.cancel_at,
            Step::UndoCancel => self.leaves_at = None,
            Step::Reactivate => {
                self.leaves_at = None;
                self.hard_end = self.hard_end.filter(|end| *end > now);
                // What it comes back on is what it had when it ended.
                self.has = Has::Paid(row.current_period_end.filter(|end| *end > now));
                self.anchor = Anchor::of(row);
                self.is_free = row.amount_minor == 0;
                self.agreed = Agreed::of(row);
            }
            Step::ChangeTier { .. } | Step::ChangeAddOns { .. } => {}
        }
        match (step, self.changes) {
            (Step::ChangeTier { at_period_end: false, .. }, _) => self.is_free = false,
            (Step::Activate, Some((_, is_free))) => self.is_free = is_free,
            (Step::ChangeAddOns { now: Some(_), .. }, _) => self.is_free = row.amount_minor == 0,
            _ => {}
        }
        // What was to change beneath a gift has, though nobody wrote that down.
        let changes = row.scheduled_billing_cycle.zip(row.scheduled_amount_minor.map(|amount| amount == 0));
        self.changes = changes.filter(|_| self.changes.is_some() || self.gift.is_none());
        if self.gift.is_none() {
            self.cycle = row.billing_cycle;
        }
        // What comes at once, such as what was due beneath an override that was ended.
        let paused = self.paused.take();
        self.tick_again(now, paused);
    }

    /// The same moment again: no time goes by, in a pause neither.
    fn tick_again(&mut self, now: Timestamp, paused: Option<Option<Timestamp>>) {
        if paused.is_none() {
            self.tick(now);
        }
        self.paused = paused.filter(|_| self.has != Has::Nothing);
    }

    /// Begins a period that waited for this, and the days of grace that were added.
    fn goes_on(&mut self, now: Timestamp, cycle: BillingCycle) {
        match &mut self.has {
            Has::Paid(None) => self.pays(now, cycle),
            Has::Owes(owed) => {
                owed.stopped = None;
                if owed.end.is_none() {
                    self.anchor = Anchor::at(now, Tz::UTC);
                    owed.end = Some(self.anchor.end(now, cycle));
                }
            }
            _ => {}
        }
    }

    /// The end of its period.
    fn end(&self) -> Option<Timestamp> {
        match self.has {
            Has::Paid(end) | Has::Owes(Owed { end, .. }) => end,
            _ => None,
        }
    }

    pub(super) fn entitles(&self) -> bool {
        let has = match self.has {
            Has::Tried(_) | Has::Paid(_) => true,
            Has::Owes(owed) => owed.stopped.is_none(),
            Has::Waits { .. } | Has::Nothing => false,
        };
        match self.gift {
            Some((_, shut_off)) => !shut_off,
            None => has && self.paused.is_none() && !self.suspended,
        }
    }
}

/// What a subscription begins with.
pub(super) fn begin(row: &subscription::Model) -> Model {
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
        agreed: Agreed::of(row),
        is_free: false,
        changes: None,
        cycle: row.billing_cycle,
        anchor: Anchor::of(row),
        charged: false,
        runs_on: false,
        paused: None,
        suspended: false,
        gift: None,
        hard_end: row.expires_at,
        leaves_at: None,
        left_at: None,
    }
}
