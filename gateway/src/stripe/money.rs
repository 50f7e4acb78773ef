//! Stripe's smallest units, which are not ISO 4217's for three currencies.

use crate::object::Money;

/// Stripe's units in one of ISO's, and ISO's in one of Stripe's.
fn units(currency: &str) -> (i64, i64) {
    match currency {
        // Without decimals, and yet Stripe counts hundredths.
        "ISK" | "UGX" => (100, 1),
        // With two, and yet Stripe counts whole ones.
        "MGA" => (1, 100),
        _ => (1, 1),
    }
}

/// What Stripe means by an amount.
pub fn from_stripe(amount: i64, currency: &str) -> Money {
    let currency = currency.to_ascii_uppercase();
    let (theirs, ours) = units(&currency);
    Money { minor: amount.saturating_mul(ours) / theirs, currency }
}

/// An amount as Stripe counts it.
pub fn to_stripe(money: &Money) -> i64 {
    let (theirs, ours) = units(&money.currency);
    money.minor.saturating_mul(theirs) / ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_of_the_units_of_iso_4217() {
        for (theirs, currency, ours) in
            [(1999, "usd", 1999), (5000, "clp", 5000), (500, "jpy", 500), (150_000, "isk", 1500), (20, "mga", 2000)]
        {
            let money = from_stripe(theirs, currency);
            assert_eq!(money, Money { minor: ours, currency: currency.to_ascii_uppercase() });
            assert_eq!(to_stripe(&money), theirs);
        }
    }
}
