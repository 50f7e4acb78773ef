//! The one source of time. Rules take `now` as a value; only this module asks the machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike, Utc};
use chrono_tz::Tz;
use sea_orm::DeriveValueType;
use serde::{Serialize, Serializer};

/// A moment in UTC with microsecond precision, stored as microseconds since 1970-01-01T00:00:00Z.
///
/// An integer sorts, compares and indexes alike on SQLite and PostgreSQL, which text or two different date types do
/// not (docs/adr/0004).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z: RFC 3339 has no earlier year that everybody reads alike.
    pub const FIRST: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z: later years have five digits, which RFC 3339 has no place for.
    pub const LAST: Self = Self(253_402_300_799_999_999);

    /// The moment `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether it is in the years 1 to 9999. Arithmetic goes beyond; what is stored and answered does not.
    pub fn is_in_calendar(self) -> bool {
        (Self::FIRST..=Self::LAST).contains(&self)
    }

    /// The calendar view of this moment.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// This moment plus whole days of 24 hours (negative moves back).
    pub fn plus_days(self, days: i64) -> Self {
        self.plus(TimeDelta::days(days))
    }

    /// This moment plus a duration.
    pub fn plus(self, delta: TimeDelta) -> Self {
        Self(self.0.saturating_add(delta.num_microseconds().unwrap_or(i64::MAX)))
    }

    /// The duration from `earlier` to this moment.
    pub fn since(self, earlier: Self) -> TimeDelta {
        TimeDelta::microseconds(self.0.saturating_sub(earlier.0))
    }
}

/// Where a day begins in a time zone: at midnight; at the first of two midnights; or, where the clock was set forward over
/// midnight, at the first instant behind that.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Timestamp {
    valid(day.and_time(NaiveTime::MIN), zone)
}

/// What a clock in a time zone shows at a moment.
pub fn local(moment: Timestamp, zone: Tz) -> NaiveDateTime {
    moment.to_utc().with_timezone(&zone).naive_local()
}

/// When a clock in a time zone shows this: the first of two such moments; or, where it was set forward over it, the first
/// instant behind that.
pub fn valid(shown: NaiveDateTime, zone: Tz) -> Timestamp {
    if let Some(moment) = zone.from_local_datetime(&shown).earliest() {
        return moment.with_timezone(&Utc).into();
    }
    // Behind the gap clocks show whole minutes.
    let minute = shown.with_second(0).and_then(|shown| shown.with_nanosecond(0)).unwrap_or(shown);
    // No clock was set forward by more than a day, nor to a part of a minute since there are zones.
    let instants = (1..=2 * 24 * 60).filter_map(|minutes| {
        let local = minute.checked_add_signed(TimeDelta::minutes(minutes))?;
        zone.from_local_datetime(&local).earliest()
    });
    let first = instants.map(|instant| instant.with_timezone(&Utc)).next();
    first.unwrap_or_else(|| shown.and_utc()).into()
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(value: DateTime<Utc>) -> Self {
        Self(value.timestamp_micros())
    }
}

/// RFC 3339 in UTC, with milliseconds or microseconds only when there are any. What lies beyond the calendar is shown as
/// its end: there is no other form that a client reads.
impl fmt::Display for Timestamp {
    /// Written digit by digit: an answer holds hundreds of times, and chrono's formatter takes ten times as long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = (*self).clamp(Self::FIRST, Self::LAST).to_utc();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |range: std::ops::Range<usize>, mut number: u32| {
            for digit in text[range].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0..4, utc.year().unsigned_abs());
        put(5..7, utc.month());
        put(8..10, utc.day());
        put(11..13, utc.hour());
        put(14..16, utc.minute());
        put(17..19, utc.second());
        let micros = utc.timestamp_subsec_micros();
        put(20..26, micros);
        let end = match micros {
            0 => 19,
            millis if millis % 1_000 == 0 => 23,
            _ => 26,
        };
        text[end] = b'Z';
        f.write_str(std::str::from_utf8(&text[..=end]).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Tells the time: the system's, or one that a test moves.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is moved with [`Clock::advance`].
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.micros()))))
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
            Source::System => Utc::now().into(),
            Source::Manual(micros) => Timestamp(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the system's clock is not ours to move, so there it does nothing.
    pub fn advance(&self, delta: TimeDelta) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(delta.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_beyond_the_calendar_is_shown() {
        for (micros, shown) in [
            (Timestamp::FIRST.micros(), "0001-01-01T00:00:00Z"),
            (Timestamp::FIRST.micros() - 1, "0001-01-01T00:00:00Z"),
            (i64::MIN, "0001-01-01T00:00:00Z"),
            (Timestamp::LAST.micros(), "9999-12-31T23:59:59.999999Z"),
            (Timestamp::LAST.micros() + 1, "9999-12-31T23:59:59.999999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn a_moment_is_shown_as_rfc_3339(micros in -62_000_000_000_000_000i64..253_000_000_000_000_000, coarse in 0u32..7) {
            let moment = Timestamp::from_micros(micros - micros.rem_euclid(10i64.pow(coarse)));
            let expected = moment.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true);
            prop_assert_eq!(moment.to_string(), expected);
        }
    }
}
