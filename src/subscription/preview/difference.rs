//! What is gained and lost between two sets of features.

use crate::entitlement::Entitlement;

/// A feature before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was granted; none if nothing was said of it.
    pub before: Option<Entitlement>,
    /// What would be.
    pub after: Option<Entitlement>,
}

/// How much of a feature there may be: nothing, so much, or any amount.
fn amount(feature: Option<&Entitlement>) -> (bool, i64) {
    match feature.filter(|feature| feature.granted) {
        Some(feature) => (true, feature.limit.unwrap_or(i64::MAX)),
        None => (false, 0),
    }
}

/// The features of which there would be more, and those of which there would be less.
pub fn differences(before: &[Entitlement], after: &[Entitlement]) -> (Vec<Difference>, Vec<Difference>) {
    let mut keys: Vec<_> = before.iter().chain(after).map(|feature| feature.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let of = |features: &[Entitlement], key: &str| features.iter().find(|feature| feature.key == key).cloned();
    let all = keys.into_iter().map(|key| Difference { before: of(before, key), after: of(after, key) });
    let changed = all.filter(|one| amount(one.before.as_ref()) != amount(one.after.as_ref()));
    changed.partition(|one| amount(one.after.as_ref()) > amount(one.before.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlement::Source;
    use crate::entity::{FeatureEnforcement, FeatureKind};

    fn feature(key: &str, granted: bool, limit: Option<i64>) -> Entitlement {
        Entitlement {
            key: key.to_owned(),
            name: key.to_owned(),
            kind: FeatureKind::Limit,
            unit: None,
            granted,
            limit,
            source: Source::Tier,
            resets: None,
            enforcement: FeatureEnforcement::Hard,
        }
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
            let key = |one: Difference| one.before.or(one.after).map(|feature| feature.key).unwrap_or_default();
            list.into_iter().map(key).collect::<Vec<_>>().join("")
        };
        let (gained, lost) = differences(&before, &after);
        assert_eq!((keys(gained), keys(lost)), ("ad".to_owned(), "bc".to_owned()));
        let (gained, _) = differences(&[feature("a", true, Some(9))], &[feature("a", true, None)]);
        assert_eq!(keys(gained), "a", "unlimited is more than any number");
    }
}
