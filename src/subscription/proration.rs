//! What a change in the middle of a period costs, to the minor unit.
//!
//! Up to a moment, a price has cost its part of the period that has gone by, in seconds, rounded half up. A span costs the
//! difference between its ends. So any chain of changes adds up to the price of what was had. A period that was renewed ahead
//! costs the price once more.

use async_graphql::Enum;
use serde_json::{Value, json};

use super::lifecycle::{Charging, is_tried};
use crate::clock::Timestamp;
use crate::entity::subscription::AddOns;
use crate::entity::{AddOnId, Proration, TierId, subscription};

/// Whether a line is owed or given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "ChargeLineKind")]
pub enum Kind {
    /// Given back: what is not used any more.
    Credit,
    /// Owed: what is had instead.
    Charge,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A tier.
    Tier(TierId),
    /// So many of an add-on.
    AddOn(AddOnId, i32),
}

/// A part of what a change costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it is owed or given back.
    pub kind: Kind,
    /// What for.
    pub item: Item,
    /// In minor units, above 0.
    pub amount_minor: i64,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

impl Line {
    /// What it adds to what is owed.
    pub fn signed(&self) -> i64 {
        match self.kind {
            Kind::Charge => self.amount_minor,
            Kind::Credit => -self.amount_minor,
        }
    }
}

/// What a change that happens now costs. It gives no more back than `most`: what is paid or owed for the period.
///
/// A trial costs nothing, and so does a change that waits for the end of the period.
pub fn lines(before: &subscription::Model, after: &subscription::Model, charging: Charging, most: i64) -> Vec<Line> {
    let Some(period) = Paid::of(before).filter(|_| !is_tried(before)) else { return Vec::new() };
    let begins = before.current_period_start != after.current_period_start;
    let same = before.tier_id == after.tier_id && before.billing_cycle == after.billing_cycle;
    if charging.rule == Proration::None || (same && before.add_ons == after.add_ons && !begins) {
        return Vec::new();
    }
    let at = period.clamp(before.paused_at.unwrap_or(charging.at));
    let whole = |item, amount_minor, to| Line { kind: Kind::Charge, item, amount_minor, from: at, to };
    let (had, has) = (items(before), items(after));
    let mut lines: Vec<Line> = Vec::new();
    if charging.rule == Proration::Prorate {
        let gone = had.iter().filter(|item| begins || !has.contains(item));
        lines.extend(gone.map(|(item, price)| Line {
            kind: Kind::Credit,
            item: *item,
            amount_minor: period.rest(*price, at),
            from: at,
            to: period.end,
        }));
    }
    let new = has.iter().filter(|item| begins || charging.rule == Proration::Full || !had.contains(item));
    lines.extend(new.map(|(item, price)| match after.current_period_end.filter(|_| begins) {
        Some(end) => whole(*item, *price, end),
        // What is paused or suspended begins its new period when it is resumed.
        None if after.current_period_end.is_none() => whole(*item, *price, at),
        None => whole(*item, period.rest(*price, at), period.end),
    }));
    let mut left = most;
    for line in lines.iter_mut().filter(|line| line.kind == Kind::Credit) {
        line.amount_minor = line.amount_minor.min(left);
        left -= line.amount_minor;
    }
    lines.retain(|line| line.amount_minor > 0);
    lines
}

/// The lines as the audit trail tells of them; null without any.
pub fn told(lines: &[Line]) -> Value {
    let one = |line: &Line| {
        let (item, quantity) = match line.item {
            Item::Tier(id) => (id.to_string(), 1),
            Item::AddOn(id, quantity) => (id.to_string(), quantity),
        };
        json!({ "item": item, "quantity": quantity, "amount_minor": line.signed(), "from": line.from, "to": line.to })
    };
    if lines.is_empty() { Value::Null } else { lines.iter().map(one).collect() }
}

/// What a subscription consists of, with what each costs a cycle.
fn items(row: &subscription::Model) -> Vec<(Item, i64)> {
    let AddOns(lines) = &row.add_ons;
    let tier = (Item::Tier(row.tier_id), row.amount_minor - row.add_ons.amount_minor());
    let add_ons = lines.iter().map(|line| (Item::AddOn(line.add_on_id, line.quantity), line.amount_minor()));
    std::iter::once(tier).chain(add_ons).collect()
}

/// The period that runs, and those that were renewed ahead: with what they were extended by, without the time that they stood
/// still. Each costs the price once.
struct Paid {
    end: Timestamp,
    /// Where each of them ends, in seconds of running time from the start of the first one; at least 1.
    ends: Vec<i64>,
}

impl Paid {
    fn of(row: &subscription::Model) -> Option<Self> {
        let (end, whole) = (row.current_period_end?, (row.runs_for()? / 1_000_000).max(1));
        let ahead = row.renewed_ahead.0.iter().map(|end| end / 1_000_000).filter(|end| (1..whole).contains(end));
        Some(Self { end, ends: ahead.chain([whole]).collect() })
    }

    fn clamp(&self, at: Timestamp) -> Timestamp {
        at.min(self.end)
    }

    /// What a price for each of them still costs from a moment on.
    fn rest(&self, price: i64, at: Timestamp) -> i64 {
        let whole = self.ends.last().copied().unwrap_or(1);
        let gone = whole - self.end.since(at).num_seconds().clamp(0, whole);
        let starts = std::iter::once(&0).chain(&self.ends);
        let rest = |(start, end): (&i64, &i64)| price - up_to(price, (gone - start).clamp(0, end - start), end - start);
        starts.zip(&self.ends).map(rest).fold(0, i64::saturating_add)
    }
}

/// What a price has cost when so much of the whole has gone by, rounded half up.
fn up_to(price: i64, elapsed: i64, whole: i64) -> i64 {
    let (price, elapsed, whole) = (i128::from(price), i128::from(elapsed), i128::from(whole));
    i64::try_from((2 * price * elapsed + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::subscription::lifecycle::{Step, apply};
    use crate::subscription::testing::{at, opened, terms};

    #[test]
    fn half_of_a_minor_unit_is_rounded_up() {
        assert_eq!((up_to(1, 1, 2), up_to(1, 1, 3), up_to(999, 1, 2)), (1, 0, 500));
        assert_eq!((up_to(900, 0, 30), up_to(900, 30, 30)), (0, 900));
    }

    #[test]
    fn a_change_credits_what_is_not_used_and_charges_what_is_had_instead() {
        let now = at("2026-03-01T12:00:00Z");
        let before = opened(terms(), now);
        let tier_id = TierId::generate();
        let after = subscription::Model { tier_id, amount_minor: 1_900, ..before.clone() };
        let told = |rule, most| {
            let charging = Charging { rule, at: at("2026-03-17T00:00:00Z") };
            let lines = lines(&before, &after, charging, most);
            lines.iter().map(Line::signed).collect::<Vec<_>>()
        };
        // Half of the 31 days is left.
        assert_eq!(told(Proration::Prorate, 900), [-450, 950]);
        assert_eq!(told(Proration::Prorate, 100), [-100, 950], "no more than was paid");
        assert_eq!(told(Proration::Prorate, 0), [950]);
        assert!(told(Proration::None, 900).is_empty());
        let restarted = subscription::Model {
            current_period_start: Some(at("2026-03-17T00:00:00Z")),
            current_period_end: Some(at("2026-04-17T00:00:00Z")),
            ..after.clone()
        };
        let full = Charging { rule: Proration::Full, at: at("2026-03-17T00:00:00Z") };
        let whole = lines(&before, &restarted, full, 900);
        assert_eq!(whole.iter().map(Line::signed).collect::<Vec<_>>(), [1_900]);
    }

    #[test]
    fn a_pause_is_no_part_of_the_period() {
        let now = at("2026-03-01T12:00:00Z");
        let before = opened(terms(), now);
        let longer = subscription::Model {
            current_period_end: before.current_period_end.map(|end| end.plus_days(10)),
            stood_still: 10 * 86_400 * 1_000_000,
            ..before.clone()
        };
        let after = subscription::Model { tier_id: TierId::generate(), ..longer.clone() };
        let half = Charging { rule: Proration::Prorate, at: at("2026-03-27T00:00:00Z") };
        let lines = lines(&longer, &after, half, 900);
        assert_eq!(lines.iter().map(Line::signed).collect::<Vec<_>>(), [-450, 450]);
    }

    #[test]
    fn a_period_that_was_renewed_ahead_costs_its_own_price() {
        let before = opened(terms(), at("2026-03-01T12:00:00Z"));
        let longer = apply(&before, &Step::Renew, at("2026-03-02T12:00:00Z")).expect("renewed");
        let after = subscription::Model { tier_id: TierId::generate(), amount_minor: 1_900, ..longer.clone() };
        let told = |moment| {
            let charging = Charging { rule: Proration::Prorate, at: at(moment) };
            lines(&longer, &after, charging, 1_800).iter().map(Line::signed).collect::<Vec<_>>()
        };
        // Half of the 31 days is left and all of the 30, and then half of those.
        assert_eq!(told("2026-03-17T00:00:00Z"), [-1_350, 2_850]);
        assert_eq!(told("2026-04-16T12:00:00Z"), [-450, 950]);
    }

    proptest! {
        /// However long the periods are, extended and paused meanwhile, and renewed ahead at any time: a change costs what one
        /// of each period costs that is not renewed before it begins.
        #[test]
        fn renewing_ahead_changes_no_price(
            price in 0i64..10_000_000, times in 1usize..5, extended in 0i64..40, paused in 0i64..40, second in 0i64..12_000_000,
        ) {
            let start = at("2026-03-01T12:00:00Z");
            let mut row = subscription::Model { amount_minor: price, ..opened(terms(), start) };
            let mut bounds = vec![start];
            for _ in 0..times {
                bounds.push(row.current_period_end.expect("a period"));
                row = apply(&row, &Step::Renew, start.plus_days(1)).expect("renewed");
            }
            if extended > 0 {
                row = apply(&row, &Step::Extend { days: extended }, start.plus_days(2)).expect("extended");
            }
            bounds.push(row.current_period_end.expect("a period"));
            // In the first period: it becomes longer, and what follows comes later.
            row = apply(&row, &Step::Pause(None), start.plus_days(3)).expect("paused");
            row = apply(&row, &Step::Resume, start.plus_days(3 + paused)).expect("resumed");
            let gone = start.plus(TimeDelta::seconds(3 * 86_400 + second));
            let moment = gone.plus(TimeDelta::days(paused));
            let expected: i64 = bounds.windows(2).map(|period| {
                let whole = period[1].since(period[0]).num_seconds();
                price - up_to(price, gone.since(period[0]).num_seconds().clamp(0, whole), whole)
            }).sum();
            let next = subscription::Model { tier_id: TierId::generate(), amount_minor: 0, ..row.clone() };
            let charging = Charging { rule: Proration::Prorate, at: moment };
            let credit: i64 = lines(&row, &next, charging, i64::MAX).iter().map(Line::signed).sum();
            prop_assert_eq!(-credit, expected);
        }

        /// What was had for no time costs nothing; what was had for all of it costs its price; and every chain of changes
        /// costs what was had, each part for its time.
        #[test]
        fn any_chain_of_changes_adds_up(
            prices in prop::collection::vec(0i64..10_000_000, 1..8), seconds in prop::collection::vec(0i64..2_678_400, 8),
        ) {
            let start = at("2026-03-01T12:00:00Z");
            let mut moments: Vec<_> = seconds.iter().take(prices.len() - 1).copied().collect();
            moments.sort_unstable();
            let mut row = opened(terms(), start);
            row.amount_minor = prices[0];
            let (mut owed, mut exact) = (prices[0], 0);
            let ends: Vec<_> = moments.iter().copied().chain([2_678_400]).collect();
            let mut from = 0;
            for (price, to) in prices.iter().zip(&ends) {
                exact += up_to(*price, *to, 2_678_400) - up_to(*price, from, 2_678_400);
                from = *to;
            }
            for (price, second) in prices[1..].iter().zip(&moments) {
                let next = subscription::Model { tier_id: TierId::generate(), amount_minor: *price, ..row.clone() };
                let charging = Charging { rule: Proration::Prorate, at: start.plus(TimeDelta::seconds(*second)) };
                owed += lines(&row, &next, charging, i64::MAX).iter().map(Line::signed).sum::<i64>();
                row = next;
            }
            prop_assert_eq!(owed, exact);
        }
    }
}
