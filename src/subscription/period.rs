//! Calendar arithmetic of billing periods.
//!
//! Periods run from month to month on an anchor day. A month that is too short ends earlier without losing the
//! anchor: 31 January, 28 February, 31 March.

use chrono::{Datelike, Months, NaiveDate};

use crate::clock::Timestamp;
use crate::entity::BillingCycle;

/// How many months a cycle lasts.
pub const fn months(cycle: BillingCycle) -> u32 {
    match cycle {
        BillingCycle::Monthly => 1,
        BillingCycle::Yearly => 12,
    }
}

/// The day of the month (1–31, UTC) that periods starting at this moment are anchored to.
pub fn anchor_day(start: Timestamp) -> i32 {
    start.to_utc().day().cast_signed()
}

/// The end of the period that starts at `start`: one cycle later, on the anchor day or the last day of the month if
/// that is earlier, at the same time of day.
pub fn period_end(start: Timestamp, cycle: BillingCycle, anchor_day: i32) -> Timestamp {
    let start_utc = start.to_utc();
    let first =
        start_utc.date_naive().with_day(1).and_then(|first| first.checked_add_months(Months::new(months(cycle))));
    let Some(first) = first else { return start };
    let day = anchor_day.unsigned_abs().clamp(1, days_in_month(first));
    match first.with_day(day) {
        Some(date) => date.and_time(start_utc.time()).and_utc().into(),
        None => start,
    }
}

/// The period that contains `now`, of those that follow each other from `start`, which is not later.
pub fn containing(start: Timestamp, cycle: BillingCycle, now: Timestamp) -> (Timestamp, Timestamp) {
    let boundary = |cycles: u32| {
        let months = Months::new(cycles * months(cycle));
        start.to_utc().checked_add_months(months).map_or(start, Timestamp::from)
    };
    let (first, last) = (start.to_utc(), now.to_utc());
    let begun = i64::from(last.year() - first.year()) * 12 + i64::from(last.month()) - i64::from(first.month());
    let cycles = u32::try_from(begun).unwrap_or(0) / months(cycle);
    // The boundary of this month or year may still lie ahead.
    let cycles = if boundary(cycles) > now { cycles.saturating_sub(1) } else { cycles };
    (boundary(cycles), boundary(cycles + 1))
}

fn days_in_month(first: NaiveDate) -> u32 {
    first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).map_or(28, |last| last.day())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<DateTime<Utc>>().expect("a valid date").into()
    }

    #[test]
    fn short_months_keep_the_anchor() {
        let january = at("2026-01-31T09:30:00Z");
        let february = period_end(january, BillingCycle::Monthly, 31);
        let march = period_end(february, BillingCycle::Monthly, 31);
        assert_eq!(february, at("2026-02-28T09:30:00Z"));
        assert_eq!(march, at("2026-03-31T09:30:00Z"));
    }

    #[test]
    fn a_leap_day_returns_in_leap_years() {
        let mut end = at("2024-02-29T00:00:00Z");
        let mut ends = Vec::new();
        for _ in 0..4 {
            end = period_end(end, BillingCycle::Yearly, 29);
            ends.push(end);
        }
        let expected = ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"];
        assert_eq!(ends, expected.map(|day| at(&format!("{day}T00:00:00Z"))));
    }

    #[test]
    fn a_start_in_the_past_opens_the_period_that_runs() {
        let start = at("2025-12-31T12:00:00Z");
        let period = |now| containing(start, BillingCycle::Monthly, at(now));
        assert_eq!(period("2026-03-01T12:00:00Z"), (at("2026-02-28T12:00:00Z"), at("2026-03-31T12:00:00Z")));
        assert_eq!(period("2026-02-28T11:59:59Z"), (at("2026-01-31T12:00:00Z"), at("2026-02-28T12:00:00Z")));
        assert_eq!(period("2025-12-31T12:00:00Z"), (start, at("2026-01-31T12:00:00Z")));
    }

    proptest! {
        /// It contains the moment, and its boundaries are those of periods counted from the start.
        #[test]
        fn the_period_that_runs_is_one_of_those_from_the_start(
            micros in 0i64..1_900_000_000_000_000, later in 0i64..900_000_000_000_000, yearly: bool,
        ) {
            let cycle = if yearly { BillingCycle::Yearly } else { BillingCycle::Monthly };
            let start = Timestamp::from_micros(micros);
            let now = Timestamp::from_micros(micros + later);
            let (from, to) = containing(start, cycle, now);
            prop_assert!(from <= now && now < to);
            let mut end = start;
            while end < from {
                end = period_end(end, cycle, anchor_day(start));
            }
            prop_assert_eq!((end, period_end(end, cycle, anchor_day(start))), (from, to));
        }

        /// The n-th period ends n cycles after the anchor, however many short months lie between.
        #[test]
        fn periods_are_contiguous_and_counted_from_the_anchor(
            micros in 0i64..4_102_444_800_000_000, cycles in 1u32..60, yearly: bool,
        ) {
            let cycle = if yearly { BillingCycle::Yearly } else { BillingCycle::Monthly };
            let start = Timestamp::from_micros(micros);
            let anchor = anchor_day(start);
            let mut end = start;
            for _ in 0..cycles {
                let next = period_end(end, cycle, anchor);
                prop_assert!(next > end);
                end = next;
            }
            let direct = start.to_utc().checked_add_months(Months::new(cycles * months(cycle))).expect("in range");
            prop_assert_eq!(end, Timestamp::from(direct));
        }
    }
}
