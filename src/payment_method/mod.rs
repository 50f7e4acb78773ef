//! Stored payment methods. The gateway keeps the numbers; here is only what a screen may show.

pub mod graphql;

use chrono::Datelike;

use crate::clock::Timestamp;

/// Whether a card with this printed expiry is expired: it is valid through the last day of its month, in UTC.
pub fn is_expired(exp_year: i32, exp_month: i32, now: Timestamp) -> bool {
    let today = now.to_utc();
    (today.year(), today.month().cast_signed()) > (exp_year, exp_month)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<DateTime<Utc>>().expect("a valid date").into()
    }

    #[test]
    fn a_card_is_valid_through_the_end_of_its_month() {
        assert!(!is_expired(2026, 2, at("2026-02-28T23:59:59.999999Z")));
        assert!(is_expired(2026, 2, at("2026-03-01T00:00:00Z")));
    }

    #[test]
    fn the_year_counts_before_the_month() {
        assert!(!is_expired(2027, 1, at("2026-12-31T12:00:00Z")));
        assert!(is_expired(2025, 12, at("2026-01-01T00:00:00Z")));
    }
}
