//! Windows: from when until when the use of a feature is counted together.
//!
//! Monthly windows run from month to month on the anchor of the subscription's periods, in yearly subscriptions and long
//! trials too. They are numbered by the calendar month that they begin in; a pause lengthens the one that it falls into, so
//! that those behind it are numbered by as many months less. An epoch begins where a period begins anew: what was used
//! before it does not count any more.

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::entity::{FeatureKind, FeatureReset, subscription};
use crate::subscription::period::Anchor;

/// A window of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The subscription's epoch; 0 where use is never counted anew.
    pub epoch: i32,
    /// Tells it from the other windows of the epoch.
    pub number: i64,
    /// When it begins; none for what is counted from the beginning.
    pub start: Option<Timestamp>,
    /// When the next one begins; none if there is none as things stand.
    pub end: Option<Timestamp>,
}

/// The window of a feature that contains a moment. A pause stops the clock.
pub fn window(row: &subscription::Model, kind: FeatureKind, resets: Option<FeatureReset>, moment: Timestamp) -> Window {
    let moment = row.paused_at.map_or(moment, |paused_at| paused_at.min(moment));
    let epoch = row.usage_epoch;
    match (kind, resets) {
        // What there is stays, whatever period begins.
        (FeatureKind::Limit | FeatureKind::Switch, _) => Window { epoch: 0, number: 0, start: None, end: None },
        (FeatureKind::Meter, Some(FeatureReset::Never)) => Window { epoch, number: 0, start: None, end: None },
        (FeatureKind::Meter, Some(FeatureReset::Period)) => {
            let (start, end) = match row.current_period_start {
                Some(start) => (start, row.current_period_end),
                None => (row.trial_started_at.unwrap_or(row.starts_at), row.trial_ends_at),
            };
            if moment < start {
                let (start, end) = (before(row, start, moment), Some(start));
                return Window { epoch, number: start.micros() / 1_000_000, start: Some(start), end };
            }
            renewed(row, (start, end), moment)
        }
        (FeatureKind::Meter, Some(FeatureReset::Monthly) | None) => {
            let (month, start, end) = Anchor::of(row).month(moment);
            Window { epoch, number: (month + row.usage_shift).into(), start: Some(start), end: Some(end) }
        }
    }
}

/// The period, of those that were renewed ahead, that contains a moment. Each is numbered by the running time that it begins
/// behind the start, which no pause changes.
fn renewed(row: &subscription::Model, (start, end): (Timestamp, Option<Timestamp>), moment: Timestamp) -> Window {
    let gone = |end: Timestamp| row.runs_for()?.checked_sub(end.since(moment).num_microseconds()?);
    let gone = end.and_then(gone).unwrap_or(0);
    let at = |running: i64| Some(moment.plus(TimeDelta::microseconds(running - gone)));
    let ends = &row.renewed_ahead.0;
    let (begun, next) = (ends.iter().filter(|end| **end <= gone).max(), ends.iter().filter(|end| **end > gone).min());
    Window {
        epoch: row.usage_epoch,
        number: (start.micros() + begun.copied().unwrap_or(0)) / 1_000_000,
        start: begun.map_or(Some(start), |begun| at(*begun)),
        end: next.map_or(end, |next| at(*next)),
    }
}

/// The start of the period, of those that led to this one, that contains an earlier moment.
fn before(row: &subscription::Model, start: Timestamp, moment: Timestamp) -> Timestamp {
    let anchor = Anchor::of(row);
    let months = crate::subscription::period::months(row.billing_cycle);
    let mut start = start;
    // A moment is no more than some weeks ago.
    for _ in 0..months.max(3) {
        if start <= moment {
            break;
        }
        start = (0..months).fold(start, |start, _| anchor.month(start.plus(TimeDelta::microseconds(-1))).1);
    }
    start
}

/// Keeps the monthly window that was running when a pause began, now that it ends.
pub fn stood_still(row: &mut subscription::Model, paused_at: Timestamp, ends_at: Timestamp) {
    let anchor = Anchor::of(row);
    row.usage_shift -= anchor.month(ends_at.max(paused_at)).0 - anchor.month(paused_at).0;
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::entity::BillingCycle;
    use crate::subscription::lifecycle::{Step, apply};
    use crate::subscription::testing::{at, opened, terms};

    fn monthly(row: &subscription::Model, moment: Timestamp) -> Window {
        window(row, FeatureKind::Meter, Some(FeatureReset::Monthly), moment)
    }

    fn period(row: &subscription::Model, moment: Timestamp) -> Window {
        window(row, FeatureKind::Meter, Some(FeatureReset::Period), moment)
    }

    fn number(row: &subscription::Model, moment: &str) -> i64 {
        monthly(row, at(moment)).number
    }

    #[test]
    fn months_run_from_the_anchor_in_yearly_subscriptions_too() {
        let row = subscription::Model {
            billing_cycle: BillingCycle::Yearly,
            current_period_end: Some(at("2027-01-31T12:00:00Z")),
            ..opened(terms(), at("2026-01-31T12:00:00Z"))
        };
        let first = monthly(&row, at("2026-02-28T11:59:59Z"));
        assert_eq!((first.start, first.end), (Some(at("2026-01-31T12:00:00Z")), Some(at("2026-02-28T12:00:00Z"))));
        let second = monthly(&row, at("2026-02-28T12:00:00Z"));
        assert_eq!(second.end, Some(at("2026-03-31T12:00:00Z")));
        assert_eq!(second.number, first.number + 1);
        let whole = period(&row, at("2026-12-31T00:00:00Z"));
        assert_eq!((whole.start, whole.end), (row.current_period_start, row.current_period_end));
    }

    #[test]
    fn what_never_resets_has_one_window_and_what_there_is_no_epoch() {
        let row = subscription::Model { usage_epoch: 3, ..opened(terms(), at("2026-01-31T12:00:00Z")) };
        let never = window(&row, FeatureKind::Meter, Some(FeatureReset::Never), at("2036-01-01T00:00:00Z"));
        assert_eq!((never.epoch, never.number, never.end), (3, 0, None));
        let limit = window(&row, FeatureKind::Limit, None, at("2036-01-01T00:00:00Z"));
        assert_eq!((limit.epoch, limit.number, limit.end), (0, 0, None));
    }

    #[test]
    fn a_period_that_was_renewed_ahead_has_a_window_of_its_own() {
        let row = opened(terms(), at("2026-03-01T12:00:00Z"));
        let first = period(&row, at("2026-03-31T00:00:00Z"));
        let longer = apply(&row, &Step::Renew, at("2026-03-10T12:00:00Z")).expect("renewed");
        assert_eq!(period(&longer, at("2026-03-31T00:00:00Z")), first, "what was used of it counts");
        let second = period(&longer, at("2026-04-01T12:00:00Z"));
        assert_eq!((second.start, second.end), (first.end, Some(at("2026-05-01T12:00:00Z"))));
        assert_ne!(second.number, first.number);
        let paused = apply(&longer, &Step::Pause(None), at("2026-04-10T12:00:00Z")).expect("paused");
        assert_eq!(period(&paused, at("2026-06-10T12:00:00Z")).number, second.number, "the clock stands still");
        let resumed = apply(&paused, &Step::Resume, at("2026-04-20T12:00:00Z")).expect("resumed");
        let found = period(&resumed, at("2026-05-01T12:00:00Z"));
        assert_eq!((found.number, found.end), (second.number, Some(at("2026-05-11T12:00:00Z"))));
    }

    #[test]
    fn a_pause_lengthens_its_window() {
        let row = opened(terms(), at("2026-03-01T12:00:00Z"));
        let paused = apply(&row, &Step::Pause(None), at("2026-03-10T12:00:00Z")).expect("paused");
        let n = number(&row, "2026-03-10T12:00:00Z");
        assert_eq!(number(&paused, "2026-04-15T12:00:00Z"), n, "the clock stands still");
        let resumed = apply(&paused, &Step::Resume, at("2026-04-20T12:00:00Z")).expect("resumed");
        assert_eq!(number(&resumed, "2026-04-20T12:00:00Z"), n);
        assert_eq!(number(&resumed, "2026-05-01T12:00:00Z"), n + 1);
        assert_eq!(resumed.usage_epoch, row.usage_epoch);
        // The period is the same one, and longer.
        let (before, after) = (period(&row, at("2026-03-10T12:00:00Z")), period(&resumed, at("2026-05-02T12:00:00Z")));
        assert_eq!(before.number, after.number);
    }

    #[test]
    fn an_epoch_begins_where_a_period_begins_anew() {
        let trial =
            opened(crate::subscription::opening::Terms { trial_days: Some(40), ..terms() }, at("2026-03-01T12:00:00Z"));
        let second = monthly(&trial, at("2026-04-02T12:00:00Z"));
        assert_eq!(second.number, number(&trial, "2026-03-02T12:00:00Z") + 1, "long trials have months too");
        let paid = apply(&trial, &Step::Activate, at("2026-04-02T12:00:00Z")).expect("active");
        assert_eq!((trial.usage_epoch, paid.usage_epoch), (0, 1));
        let extended = apply(&paid, &Step::Extend { days: 9 }, at("2026-04-03T12:00:00Z")).expect("longer");
        assert_eq!(extended.usage_epoch, 1);
    }

    #[test]
    fn a_record_of_the_period_before_counts_in_it() {
        let row = subscription::Model {
            current_period_start: Some(at("2026-02-28T12:00:00Z")),
            current_period_end: Some(at("2026-03-31T12:00:00Z")),
            ..opened(terms(), at("2026-01-31T12:00:00Z"))
        };
        let earlier = period(&row, at("2026-02-10T12:00:00Z"));
        assert_eq!((earlier.start, earlier.end), (Some(at("2026-01-31T12:00:00Z")), row.current_period_start));
    }

    const ZONES: [Tz; 6] = [
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__Santiago,
        Tz::Australia__Lord_Howe,
        Tz::Pacific__Auckland,
        Tz::Asia__Kolkata,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// Each moment is in one window, and the next window begins where it ends.
        #[test]
        fn monthly_windows_are_contiguous(
            micros in 0i64..4_000_000_000_000_000, day in 1..=31, time in 0i64..86_400_000_000, zone in 0..6usize,
        ) {
            let row = subscription::Model {
                anchor_day: day,
                anchor_time: time,
                time_zone: ZONES[zone].name().to_owned(),
                ..opened(terms(), at("1970-01-01T00:00:00Z"))
            };
            let moment = Timestamp::from_micros(micros);
            let found = monthly(&row, moment);
            let (start, end) = (found.start.expect("a start"), found.end.expect("an end"));
            prop_assert!(start <= moment && moment < end);
            let (next, last) = (monthly(&row, end), monthly(&row, start.plus(TimeDelta::microseconds(-1))));
            prop_assert_eq!((next.start, next.number), (Some(end), found.number + 1));
            prop_assert_eq!((last.end, last.number), (Some(start), found.number - 1));
            prop_assert_eq!(monthly(&row, start), found);
        }
    }
}
