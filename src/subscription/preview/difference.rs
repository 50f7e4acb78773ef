//! What is gained and lost between two sets of features.

use std::cmp::Ordering;

use crate::entitlement::Entitlement;
use crate::entity::FeatureKind;

/// A feature at one side of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What is granted.
    pub feature: Entitlement,
    /// How much is used in the window that runs then.
    pub used: i64,
}

/// A feature before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was granted and used; none if nothing was said of it.
    pub before: Option<Side>,
    /// What would be.
    pub after: Option<Side>,
}

impl Difference {
    /// Whether more would be used than there might be.
    pub fn is_over_quota(&self) -> bool {
        let over = |side: &Side| side.feature.kind != FeatureKind::Switch && side.used > amount(Some(side)).1;
        self.after.as_ref().is_some_and(over)
    }
}

/// How much of a feature there may be: nothing, so much, or any amount.
fn amount(side: Option<&Side>) -> (bool, i64) {
    match side.map(|side| &side.feature).filter(|feature| feature.granted) {
        Some(feature) => (true, feature.limit.unwrap_or(i64::MAX)),
        None => (false, 0),
    }
}

/// What a change comes to.
#[derive(Debug, Default)]
pub struct Differences {
    /// The features of which there would be more.
    pub gained: Vec<Difference>,
    /// Those of which there would be less.
    pub lost: Vec<Difference>,
    /// Those of which more would be used than there might be, whether that changes or not.
    pub over_quota: Vec<Difference>,
}

impl Differences {
    /// Between two sets of features.
    pub fn between(before: &[Side], after: &[Side]) -> Self {
        let mut keys: Vec<_> = before.iter().chain(after).map(|side| side.feature.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let of = |sides: &[Side], key: &str| sides.iter().find(|side| side.feature.key == key).cloned();
        let all = keys.into_iter().map(|key| Difference { before: of(before, key), after: of(after, key) });
        let mut found = Self::default();
        for one in all {
            let (had, has) = (amount(one.before.as_ref()), amount(one.after.as_ref()));
            if one.is_over_quota() {
                found.over_quota.push(one.clone());
            }
            match has.cmp(&had) {
                Ordering::Greater => found.gained.push(one),
                Ordering::Less => found.lost.push(one),
                Ordering::Equal => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlement::Source;
    use crate::entity::FeatureEnforcement;

    fn feature(key: &str, granted: bool, limit: Option<i64>) -> Side {
        let feature = Entitlement {
            key: key.to_owned(),
            name: key.to_owned(),
            kind: FeatureKind::Limit,
            unit: None,
            granted,
            limit,
            source: Source::Tier,
            resets: None,
            enforcement: FeatureEnforcement::Hard,
        };
        Side { feature, used: 3 }
    }

    #[test]
    fn more_is_gained_and_less_is_lost() {
        let before = [
            feature("a", true, Some(1)),
            feature("b", true, Some(5)),
            feature("c", true, None),
            feature("e", true, Some(3)),
        ];
        let after = [
            feature("a", true, Some(2)),
            feature("b", true, Some(4)),
            feature("d", true, Some(0)),
            feature("e", true, Some(3)),
        ];
        let keys = |list: Vec<Difference>| {
            let key = |one: Difference| one.before.or(one.after).map(|side| side.feature.key).unwrap_or_default();
            list.into_iter().map(key).collect::<Vec<_>>().join("")
        };
        let found = Differences::between(&before, &after);
        assert_eq!((keys(found.gained), keys(found.lost)), ("ad".to_owned(), "bc".to_owned()));
        // Three of each are used.
        assert_eq!(keys(found.over_quota), "ad", "as many as there may be are not over it");
        let found = Differences::between(&[feature("a", true, Some(9))], &[feature("a", true, None)]);
        assert_eq!(keys(found.gained), "a", "unlimited is more than any number");
        let found = Differences::between(&[], &[feature("a", false, None), feature("b", true, None)]);
        assert_eq!(keys(found.over_quota), "a", "there may be nothing of what is not granted");
    }
}
