//! Ids of the data set's rows, computed as `data/keys.sql` does, and their form at the API.

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The organization with 60,000 customers.
pub const LARGE: u64 = 1;
/// An organization with 40 customers.
pub const SMALL: u64 = 77;
/// The organization with 80 customers: large enough for a page of 50.
pub const MIDDLE: u64 = 2;
/// Customers of [`LARGE`].
pub const LARGE_CUSTOMERS: u64 = 60_000;
/// The customer of [`LARGE`] that U1 counts for: its subscription is active.
pub const BUSY: u64 = 2;
/// Customers of [`SMALL`].
pub const SMALL_CUSTOMERS: u64 = 40;
/// The organizations that M1 writes into. Several, as in life: all their new rows refer to the organization's row.
pub const WRITTEN: std::ops::RangeInclusive<u64> = 969..=1000;
/// The tier that M1 subscribes to: sold by the platform.
pub const WRITTEN_TIER: u64 = 6;

fn id(kind: u128, number: u64, micros: u64) -> u128 {
    u128::from(micros / 1000) << 80 | (0x7000 + kind) << 64 | 0x8000_u128 << 48 | u128::from(number)
}

fn customer_made(number: u64) -> u64 {
    1_704_067_200_000_000 + number * 500_000_000 + number * 7919 % 1_000_000
}

/// The id of an organization.
pub fn organization(number: u64) -> u128 {
    id(1, number, 1_672_531_200_000_000 + number * 1_000_000)
}

/// The id of a tier.
pub fn tier(number: u64) -> u128 {
    id(2, number, 1_672_531_200_000_000 + number * 1_000_000)
}

/// The id of a customer.
pub fn customer(number: u64) -> u128 {
    id(3, number, customer_made(number))
}

/// The number of the `k`th customer (from 0) of [`LARGE`].
pub fn large(k: u64) -> u64 {
    k / 3 * 5 + k % 3 + 1
}

/// The number of the `k`th customer (from 0) of an organization with 40.
pub fn small(organization: u64, k: u64) -> u64 {
    let place = k * 999 + organization - 2;
    place / 2 * 5 + 3 + place % 2 + 1
}

/// An id as PostgreSQL and PostGraphile write it.
pub fn uuid(id: u128) -> String {
    let hex = format!("{id:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An id as Tessera's API writes it (TypeID 0.3).
pub fn typed(prefix: &str, id: u128) -> String {
    let digits = (0..26).rev().map(|place| char::from(CROCKFORD[(id >> (place * 5) & 31) as usize]));
    format!("{prefix}_{}", digits.collect::<String>())
}

/// The id in its API form, if the text is one.
pub fn parse_typed(text: &str) -> Option<u128> {
    let (prefix, digits) = text.rsplit_once('_')?;
    if prefix.is_empty() || digits.len() != 26 {
        return None;
    }
    digits.bytes().try_fold(0_u128, |id, digit| {
        let value = CROCKFORD.iter().position(|known| *known == digit)?;
        Some(id << 5 | value as u128)
    })
}

/// Numbers that look like chance and are the same in every run.
pub struct Chance(pub u64);

impl Chance {
    /// A number below `limit` (splitmix64).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_example_is_written_and_read() {
        let id = 0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881;
        assert_eq!(typed("prefix", id), "prefix_01h2xcejqtf2nbrexx3vqjhp41");
        assert_eq!(parse_typed("prefix_01h2xcejqtf2nbrexx3vqjhp41"), Some(id));
        assert_eq!(uuid(id), "0188bac7-4afa-78aa-bc3b-bd1eef28d881");
    }

    #[test]
    fn ids_are_those_of_the_data_set() {
        assert_eq!(uuid(organization(LARGE)), "01856aa0-cbe8-7001-8000-000000000001");
        assert_eq!(uuid(customer(large(59_999))), "0198667e-2934-7003-8000-00000001869e");
        assert_eq!(small(1000, 39), 99_900);
    }
}
