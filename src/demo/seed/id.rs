//! Ids that every seeding makes alike, so that a link to an object of the demo stays good.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::{Builder, Uuid};

use crate::entity::TypedId;

/// The moment that ids count from, in milliseconds: 2026-01-01T00:00:00Z.
const EPOCH: u64 = 1_767_225_600_000;

/// Numbers the rows of each noun.
#[derive(Default)]
pub struct Ids(HashMap<&'static str, u64>);

impl Ids {
    /// The next id of a noun: a UUIDv7 whose time is the number and whose random part is a hash of noun and number.
    pub fn next<T: TypedId>(&mut self) -> T {
        let number = self.0.entry(T::PREFIX).or_default();
        *number += 1;
        numbered(T::PREFIX, *number).into()
    }
}

fn numbered(prefix: &str, number: u64) -> Uuid {
    let hash = digest(&SHA256, format!("{prefix}/{number}").as_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&hash.as_ref()[..10]);
    Builder::from_unix_timestamp_millis(EPOCH + number, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{CustomerId, SubscriptionId};

    #[test]
    fn ids_have_the_form_of_version_7_and_repeat() {
        let ids = |count| {
            let mut ids = Ids::default();
            (0..count).map(|_| ids.next::<CustomerId>()).collect::<Vec<_>>()
        };
        let made = ids(100);
        assert_eq!(made[..50], ids(50));
        assert!(made.is_sorted());
        assert!(made.iter().all(|id| Uuid::from(*id).get_version_num() == 7));
    }

    #[test]
    fn nouns_are_numbered_apart() {
        let mut ids = Ids::default();
        let first: CustomerId = ids.next();
        let other: SubscriptionId = ids.next();
        assert_ne!(Uuid::from(first), Uuid::from(other));
        assert_eq!(Ids::default().next::<SubscriptionId>(), other);
    }
}
