//! Calendar arithmetic of billing periods.
//!
//! Periods run from month to month on a local day and time. A month that is too short ends earlier without losing the
//! anchor: 31 January, 28 February, 31 March. Where the clock is set forward over a boundary, the boundary is the first
//! instant behind that; where it is set back, the earlier of the two.

use chrono::{Datelike, Months, NaiveDate, NaiveTime, Timelike};
use chrono_tz::Tz;

use crate::clock::{Timestamp, local, valid};
use crate::entity::{BillingCycle, subscription};

/// How many months a cycle lasts.
pub const fn months(cycle: BillingCycle) -> u32 {
    match cycle {
        BillingCycle::Monthly => 1,
        BillingCycle::Yearly => 12,
    }
}

/// What the periods of a subscription are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Day of the month, 1–31.
    day: u32,
    time: NaiveTime,
    zone: Tz,
}

impl Anchor {
    /// The anchor of periods that start at this moment.
    pub fn at(start: Timestamp, zone: Tz) -> Self {
        let local = local(start, zone);
        Self { day: local.day(), time: local.time(), zone }
    }

    /// The anchor of a subscription's periods.
    pub fn of(row: &subscription::Model) -> Self {
        let micros = u64::try_from(row.anchor_time).unwrap_or(0);
        let (seconds, nanos) = (micros / 1_000_000, micros % 1_000_000 * 1_000);
        let time = u32::try_from(seconds).ok().zip(u32::try_from(nanos).ok());
        let time = time.and_then(|(seconds, nanos)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos));
        Self { day: row.anchor_day.cast_unsigned(), time: time.unwrap_or_default(), zone: row.zone() }
    }

    /// Whether a period may end at this moment.
    pub fn is_boundary(self, moment: Timestamp) -> bool {
        // Where the clock is set forward over a boundary, the next instant may be in the next month.
        [moment, moment.plus_days(-1)].into_iter().any(|month| self.boundary(month, 0) == moment)
    }

    /// Anchors a subscription's periods here.
    pub fn put(self, row: &mut subscription::Model) {
        row.anchor_day = self.day.cast_signed();
        row.anchor_time = self.micros();
        self.zone.name().clone_into(&mut row.time_zone);
    }

    /// The time zone.
    pub fn zone(self) -> Tz {
        self.zone
    }

    /// Day of the month, 1–31.
    pub fn day(self) -> i32 {
        self.day.cast_signed()
    }

    /// Time of day, in microseconds since local midnight.
    pub fn micros(self) -> i64 {
        i64::from(self.time.num_seconds_from_midnight()) * 1_000_000 + i64::from(self.time.nanosecond() / 1_000)
    }

    /// The boundary this many months behind the month of `start`.
    fn boundary(self, start: Timestamp, months: u32) -> Timestamp {
        let first = local(start, self.zone).date().with_day(1);
        let first = first.and_then(|first| first.checked_add_months(Months::new(months)));
        first.and_then(|first| self.boundary_in(first)).unwrap_or(start)
    }

    /// The boundary in the month that begins at this day.
    fn boundary_in(self, first: NaiveDate) -> Option<Timestamp> {
        let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
        let day = self.day.clamp(1, last.map_or(28, |last| last.day()));
        let boundary = first.with_day(day)?.and_time(self.time);
        Some(valid(boundary, self.zone))
    }

    /// The month from boundary to boundary that contains a moment: the number of the calendar month that it begins in, and
    /// both boundaries.
    pub fn month(self, moment: Timestamp) -> (i32, Timestamp, Timestamp) {
        let calendar = local(moment, self.zone).date().with_day(1).unwrap_or_default();
        let begun = self.boundary_in(calendar).is_some_and(|start| start <= moment);
        let before = calendar.checked_sub_months(Months::new(1)).filter(|_| !begun);
        let first = before.unwrap_or(calendar);
        let start = self.boundary_in(first).unwrap_or(moment);
        let next = first.checked_add_months(Months::new(1)).and_then(|next| self.boundary_in(next));
        (first.year() * 12 + first.month0().cast_signed(), start, next.unwrap_or(moment))
    }

    /// The end of the period that starts at `start`: one cycle later, on the anchor's day and time.
    pub fn end(self, start: Timestamp, cycle: BillingCycle) -> Timestamp {
        self.boundary(start, months(cycle))
    }

    /// The period that contains `now`, of those that follow each other from `start`, which this is the anchor of and which
    /// is not later.
    pub fn containing(self, start: Timestamp, cycle: BillingCycle, now: Timestamp) -> (Timestamp, Timestamp) {
        let boundary = |cycles: u32| if cycles == 0 { start } else { self.boundary(start, cycles * months(cycle)) };
        let (first, last) = (local(start, self.zone), local(now, self.zone));
        let begun = i64::from(last.year() - first.year()) * 12 + i64::from(last.month()) - i64::from(first.month());
        let cycles = u32::try_from(begun).unwrap_or(0) / months(cycle);
        // The boundary of this month or year may still lie ahead.
        let cycles = if boundary(cycles) > now { cycles.saturating_sub(1) } else { cycles };
        (boundary(cycles), boundary(cycles + 1))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<DateTime<Utc>>().expect("a valid date").into()
    }

    /// The first boundaries behind this start.
    fn ends(start: &str, cycle: BillingCycle, zone: Tz, count: usize) -> Vec<String> {
        let (mut end, anchor) = (at(start), Anchor::at(at(start), zone));
        let next = std::iter::from_fn(|| {
            end = anchor.end(end, cycle);
            Some(end.to_string())
        });
        next.take(count).collect()
    }

    #[test]
    fn short_months_keep_the_anchor() {
        let found = ends("2026-01-31T09:30:00Z", BillingCycle::Monthly, Tz::UTC, 2);
        assert_eq!(found, ["2026-02-28T09:30:00Z", "2026-03-31T09:30:00Z"]);
    }

    #[test]
    fn a_leap_day_returns_in_leap_years() {
        let found = ends("2024-02-29T00:00:00Z", BillingCycle::Yearly, Tz::UTC, 4);
        let expected = ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"];
        assert_eq!(found, expected.map(|day| format!("{day}T00:00:00Z")));
    }

    #[test]
    fn periods_begin_at_the_same_local_time() {
        // A month from 1 March in Berlin ends on 1 April there, though the clock is set forward between them.
        let found = ends("2026-02-28T23:00:00Z", BillingCycle::Monthly, Tz::Europe__Berlin, 2);
        assert_eq!(found, ["2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"]);
        // The last day of a month in Auckland is the day before in UTC.
        let found = ends("2026-01-30T11:30:00Z", BillingCycle::Monthly, Tz::Pacific__Auckland, 3);
        assert_eq!(found, ["2026-02-27T11:30:00Z", "2026-03-30T11:30:00Z", "2026-04-29T12:30:00Z"]);
    }

    #[test]
    fn a_boundary_that_is_not_there_is_the_next_instant_and_one_that_is_twice_the_first() {
        // On 29 March 2026, 02:30 does not exist in Berlin; on 25 October it comes twice.
        let found = ends("2026-02-28T01:30:00Z", BillingCycle::Monthly, Tz::Europe__Berlin, 1);
        assert_eq!(found, ["2026-03-28T01:30:00Z"]);
        let anchor =
            Anchor { day: 29, time: NaiveTime::from_hms_opt(2, 30, 0).expect("a time"), zone: Tz::Europe__Berlin };
        let gap = anchor.end(at("2026-02-28T01:30:00Z"), BillingCycle::Monthly);
        assert_eq!(gap, at("2026-03-29T01:00:00Z"));
        assert_eq!(anchor.end(gap, BillingCycle::Monthly), at("2026-04-29T00:30:00Z"), "the time comes back");
        let anchor = Anchor { day: 25, ..anchor };
        assert_eq!(anchor.end(at("2026-09-25T00:30:00Z"), BillingCycle::Monthly), at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn a_start_in_the_past_opens_the_period_that_runs() {
        let start = at("2025-12-31T12:00:00Z");
        let anchor = Anchor::at(start, Tz::UTC);
        let period = |now| anchor.containing(start, BillingCycle::Monthly, at(now));
        assert_eq!(period("2026-03-01T12:00:00Z"), (at("2026-02-28T12:00:00Z"), at("2026-03-31T12:00:00Z")));
        assert_eq!(period("2026-02-28T11:59:59Z"), (at("2026-01-31T12:00:00Z"), at("2026-02-28T12:00:00Z")));
        assert_eq!(period("2025-12-31T12:00:00Z"), (start, at("2026-01-31T12:00:00Z")));
    }

    /// Zones with and without summer time, on both sides of the date line, with half an hour of it, and at midnight.
    const ZONES: [Tz; 8] = [
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::America__Santiago,
        Tz::Australia__Lord_Howe,
        Tz::Pacific__Auckland,
        Tz::Asia__Kolkata,
        Tz::Pacific__Chatham,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        /// It contains the moment, and its boundaries are those of periods counted from the start.
        #[test]
        fn the_period_that_runs_is_one_of_those_from_the_start(
            micros in 0i64..1_900_000_000_000_000, later in 0i64..300_000_000_000_000, yearly: bool, zone in 0..8usize,
        ) {
            let cycle = if yearly { BillingCycle::Yearly } else { BillingCycle::Monthly };
            let start = Timestamp::from_micros(micros);
            let now = Timestamp::from_micros(micros + later);
            let anchor = Anchor::at(start, ZONES[zone]);
            let (from, to) = anchor.containing(start, cycle, now);
            prop_assert!(from <= now && now < to);
            let mut end = start;
            while end < from {
                end = anchor.end(end, cycle);
            }
            prop_assert_eq!((end, anchor.end(end, cycle)), (from, to));
        }

        /// Each period begins where the one before ended, later than it began, on the anchor's local day and time unless
        /// the month or the clock has none.
        #[test]
        fn periods_are_contiguous_and_counted_from_the_anchor(
            micros in 0i64..4_102_444_800_000_000, cycles in 1u32..60, yearly: bool, zone in 0..8usize,
        ) {
            let cycle = if yearly { BillingCycle::Yearly } else { BillingCycle::Monthly };
            let start = Timestamp::from_micros(micros);
            let anchor = Anchor::at(start, ZONES[zone]);
            let mut end = start;
            for _ in 0..cycles {
                let next = anchor.end(end, cycle);
                prop_assert!(next > end);
                end = next;
            }
            let direct = local(start, ZONES[zone]).checked_add_months(Months::new(cycles * months(cycle)));
            prop_assert_eq!(end, valid(direct.expect("in range"), ZONES[zone]));
        }
    }
}
