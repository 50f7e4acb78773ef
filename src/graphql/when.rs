//! Moments that may be given as days.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use super::scalar::{OUTSIDE, moment, refused};
use crate::clock::{Timestamp, start_of_day};
use crate::error::Code;

/// A moment, or a day, which only a time zone makes a moment of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A moment.
    Moment(Timestamp),
    /// A day.
    Day(NaiveDate),
}

impl When {
    /// As the start of something, which begins with the day.
    pub fn start(self, zone: Tz) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Day(day) => start_of_day(day, zone),
        }
    }

    /// As the end of something, to which the day still belongs.
    pub fn end(self, zone: Tz) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Day(day) => day.succ_opt().map_or(Timestamp::from_micros(i64::MAX), |next| start_of_day(next, zone)),
        }
    }
}

/// A moment in RFC 3339 form, as `DateTime`, or a day such as `2026-03-01`, in the time zone of the subscription: for a new one, its organization's. A start
/// is the day's first instant; an end is that of the day behind it, so that the day still belongs to what ends.
#[Scalar(name = "DateTimeOrDate")]
impl ScalarType for When {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        match day(text) {
            Some(day) if day.year() > 0 => Ok(Self::Day(day)),
            Some(_) => Err(refused(Code::InvalidDate, OUTSIDE)),
            None => moment(text).map(Self::Moment).map_err(|code| match code {
                Code::InvalidDate => refused(code, OUTSIDE),
                code => refused(code, "Expected a moment such as 2026-03-01T12:00:00Z, or a day such as 2026-03-01."),
            }),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(match self {
            Self::Moment(moment) => moment.to_string(),
            Self::Day(day) => day.to_string(),
        })
    }
}

/// A day in the form of RFC 3339.
fn day(text: &str) -> Option<NaiveDate> {
    let (year, month_and_day) = text.split_once('-')?;
    let (month, day) = month_and_day.split_once('-')?;
    let number = |text: &str, length| {
        let is_whole = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        is_whole.then(|| text.parse::<u32>().ok()).flatten()
    };
    NaiveDate::from_ymd_opt(number(year, 4)?.cast_signed(), number(month, 2)?, number(day, 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        for text in ["2026-03-01", "0001-01-01", "9999-12-31", "2024-02-29"] {
            assert_eq!(day(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        for text in [
            "2026-3-1",
            "2026-02-29",
            "2026-13-01",
            "+026-03-01",
            "2026-03-01T00:00:00Z",
            "20260301",
            " 2026-03-01",
            "",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_begins_where_the_zone_has_it_begin() {
        let day = |text: &str| When::Day(day(text).expect("a day"));
        for (given, zone, start, end) in [
            ("2026-03-01", Tz::UTC, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
            ("2026-03-29", Tz::Europe__Berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-10-25", Tz::Europe__Berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            // The clock was set forward at midnight, from 00:00 to 01:00.
            ("2018-11-04", Tz::America__Sao_Paulo, "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
            // Midnight came twice: the clock was set back to 23:00 at midnight, or to midnight an hour behind it.
            ("2018-02-17", Tz::America__Sao_Paulo, "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
            ("2026-11-01", Tz::America__Havana, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
            // A day that never was.
            ("2011-12-30", Tz::Pacific__Apia, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ] {
            let found = (day(given).start(zone).to_string(), day(given).end(zone).to_string());
            assert_eq!(found, (start.to_owned(), end.to_owned()), "{given} in {zone}");
        }
        assert!(!day("9999-12-31").end(Tz::UTC).is_in_calendar());
    }
}
