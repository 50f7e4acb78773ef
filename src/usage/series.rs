//! Series: what was used in each of many days or months, those without use included.

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;

use crate::clock::{Timestamp, start_of_day};
use crate::entity::usage_day;

/// How many buckets a series has at most.
pub const MAX_BUCKETS: usize = 750;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "UsageBucketSize")]
pub enum Size {
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

/// What was used in a day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins.
    pub start: Timestamp,
    /// How much was counted.
    pub used: i64,
    /// The last value of a gauge.
    pub last: Option<i64>,
    /// The greatest value of a gauge.
    pub maximum: Option<i64>,
}

/// A day, counted from 1970.
pub fn number_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

/// The first days of the buckets from one day to another, both included; none if there are too many.
pub fn starts(size: Size, from: NaiveDate, to: NaiveDate) -> Option<Vec<NaiveDate>> {
    let mut starts = Vec::new();
    let mut next = match size {
        Size::Day => Some(from),
        Size::Month => from.with_day(1),
    };
    while let Some(start) = next.filter(|start| *start <= to) {
        if starts.len() == MAX_BUCKETS {
            return None;
        }
        starts.push(start);
        next = match size {
            Size::Day => start.succ_opt(),
            Size::Month => start.checked_add_months(Months::new(1)),
        };
    }
    Some(starts)
}

/// The sums of some days, of one feature, in buckets.
pub fn fill(starts: &[NaiveDate], days: &[&usage_day::Model], zone: Tz) -> Vec<Bucket> {
    let empty = |date: &NaiveDate| {
        let start = start_of_day(*date, zone);
        (number_of(*date), Bucket { start, used: 0, last: None, maximum: None })
    };
    let mut buckets: BTreeMap<i32, Bucket> = starts.iter().map(empty).collect();
    let mut days = days.to_vec();
    days.sort_by_key(|row| row.day);
    for row in days {
        let Some((_, bucket)) = buckets.range_mut(..=row.day).next_back() else { continue };
        bucket.used = bucket.used.saturating_add(row.used);
        bucket.last = row.last.or(bucket.last);
        bucket.maximum = bucket.maximum.max(row.maximum);
    }
    buckets.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{OrganizationId, SubscriptionId};
    use crate::subscription::testing::at;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn on(day: &str, used: i64, gauge: Option<(i64, i64)>) -> usage_day::Model {
        usage_day::Model {
            tenant_id: OrganizationId::generate(),
            subscription_id: SubscriptionId::generate(),
            feature_key: "queries".to_owned(),
            day: number_of(date(day)),
            used,
            last: gauge.map(|gauge| gauge.0),
            maximum: gauge.map(|gauge| gauge.1),
        }
    }

    #[test]
    fn days_without_use_are_there() {
        let starts = starts(Size::Day, date("2026-02-27"), date("2026-03-02")).expect("few");
        let (one, two) = (on("2026-02-28", 5, None), on("2026-03-02", 7, None));
        let buckets = fill(&starts, &[&two, &one], Tz::Europe__Berlin);
        assert_eq!(buckets.iter().map(|bucket| bucket.used).collect::<Vec<_>>(), [0, 5, 0, 7]);
        assert_eq!(buckets[0].start, at("2026-02-26T23:00:00Z"));
    }

    #[test]
    fn months_add_up_days_and_keep_the_last_value_of_a_gauge() {
        let starts = starts(Size::Month, date("2026-01-15"), date("2026-03-01")).expect("few");
        let days = [on("2026-02-01", 1, Some((4, 9))), on("2026-02-28", 2, Some((3, 5))), on("2026-03-01", 4, None)];
        let buckets = fill(&starts, &days.iter().collect::<Vec<_>>(), Tz::UTC);
        assert_eq!(buckets.iter().map(|bucket| bucket.used).collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!((buckets[1].last, buckets[1].maximum), (Some(3), Some(9)));
        assert_eq!(buckets[2].last, None);
    }

    #[test]
    fn there_is_an_end_to_buckets() {
        let from = date("2020-01-01");
        let last = from.checked_add_days(chrono::Days::new(749)).expect("a day");
        assert_eq!(starts(Size::Day, from, last).map(|starts| starts.len()), Some(MAX_BUCKETS));
        assert_eq!(starts(Size::Day, from, last.succ_opt().expect("a day")), None);
    }
}
