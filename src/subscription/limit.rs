//! How many of something an organization may have, as its own subscription says.

use super::lifecycle::as_of;
use super::status::{self, Effective, Policy};
use crate::entitlement::{self, Source, Terms};
use crate::entity::{add_on, subscription, tier_feature};
use crate::error::{Code, Facts, Refusal, Result};
use crate::store::{Noun, UnitOfWork};
use crate::tier::Unlock;
use sea_orm::Select;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countable {
    /// Key of the feature that limits it.
    pub feature: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Whether there may be none where the organization has never subscribed. What does not need a subscription is
    /// limited by one that says so.
    pub needs_subscription: bool,
}

/// Active members.
pub const USERS: Countable =
    Countable { feature: entitlement::USERS, name: "active members", needs_subscription: true };
/// Customers that are not terminated.
pub const CUSTOMERS: Countable =
    Countable { feature: entitlement::CUSTOMERS, name: "customers", needs_subscription: false };

/// The most there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ceiling {
    limit: i64,
    /// Whether another tier would replace it. What was agreed on for the subscription stays.
    goes_with_tier: bool,
}

/// How many there may be; none for no limit.
fn ceiling(
    agreed: &subscription::Model,
    granted: Option<&tier_feature::Model>,
    add_ons: &[add_on::Model],
    feature: &str,
) -> Option<Ceiling> {
    let granted = granted.map(std::slice::from_ref).unwrap_or_default();
    let terms = Terms { subscription: agreed, granted, declared: &[], add_ons, grants: &[] };
    let entitlement = terms.of(feature)?;
    let goes_with_tier = entitlement.source == Source::Tier;
    entitlement.limit.map(|limit| Ceiling { limit, goes_with_tier })
}

/// What the organization's own subscription says of something, as it is by now.
struct Said {
    agreed: subscription::Model,
    effective: Effective,
    ceiling: Option<Ceiling>,
}

async fn said(unit: &UnitOfWork<'_>, policy: &Policy, what: Countable) -> Result<Option<Said>> {
    let Some(agreed) = unit.organization_subscription().await? else { return Ok(None) };
    let effective = status::effective(Some(&agreed), false, unit.now(), policy);
    // An override that has ended gives nothing.
    let agreed = as_of(&agreed, unit.now(), Some(policy.renewal_tolerance)).0.into_owned();
    let granted = unit.granted(agreed.tier_id, what.feature).await?;
    let add_ons = unit.add_ons(agreed.add_ons.0.iter().map(|line| line.add_on_id)).await?;
    let ceiling = ceiling(&agreed, granted.as_ref(), &add_ons, what.feature);
    Ok(Some(Said { agreed, effective, ceiling }))
}

/// Whether something may be limited. It is not locked: where nothing limits it, nobody has to be kept from counting.
async fn may_be_limited(unit: &UnitOfWork<'_>, policy: &Policy, what: Countable) -> Result<bool> {
    if unit.presume_unlimited(what.feature) {
        return Ok(false);
    }
    let said = said(unit, policy, what).await?;
    // What is overridden is not presumed to be unlimited, whatever it is overridden by.
    let overridden = said.as_ref().is_some_and(|said| said.agreed.feature_overrides.get(what.feature).is_some());
    let limited = said.is_some_and(|said| said.ceiling.is_some());
    unit.remember_limited(what.feature, limited || overridden);
    Ok(limited)
}

/// Refuses one more of something that the organization may not have. The organization is locked first, so that nobody
/// else counts meanwhile; but where nothing limits customers, that is made sure of when all is written.
pub async fn check_room<E: Noun>(
    unit: &UnitOfWork<'_>,
    policy: &Policy,
    what: Countable,
    counted: Select<E>,
    path: &str,
) -> Result<()> {
    if !what.needs_subscription && !may_be_limited(unit, policy, what).await? {
        return Ok(());
    }
    let organization = unit.lock_organization().await?;
    if organization.exempt {
        return Ok(());
    }
    let said = said(unit, policy, what).await?;
    let ceiling = said.as_ref().and_then(|said| said.ceiling);
    let entitled = said.as_ref().is_some_and(|said| said.effective.entitled);
    if !entitled && (what.needs_subscription || ceiling.is_some()) {
        return Err(not_entitled(what, said.map(|said| said.effective).as_ref()).at(path).into());
    }
    let (Some(Said { agreed, .. }), Some(ceiling)) = (said, ceiling) else { return Ok(()) };
    let used = unit.count_in_tenant(counted).await?;
    let unlock = ceiling.goes_with_tier.then(|| Unlock::of(&agreed, organization.parent_id, what.feature, used + 1));
    Ok(refuse_more(what, ceiling.limit, used, unlock.flatten()).map_err(|refusal| refusal.at(path))?)
}

fn refuse_more(what: Countable, limit: i64, used: i64, unlock: Option<Unlock>) -> Result<(), Refusal> {
    if used < limit {
        return Ok(());
    }
    let message = format!("The organization may have {limit} {}, and it has {used}.", what.name);
    let facts = Facts::LimitExceeded { feature: what.feature.to_owned(), limit, used, unlock: unlock.map(Box::new) };
    Err(Refusal::new(Code::LimitExceeded, message).with(facts))
}

fn not_entitled(what: Countable, effective: Option<&Effective>) -> Refusal {
    let name = what.name;
    let message = match effective {
        None => format!("The organization has no subscription: it needs one to have {name}."),
        Some(effective) => {
            let status = async_graphql::resolver_utils::enum_value(effective.kind);
            format!("The organization's subscription gives no access now ({status}): no more {name} until it does.")
        }
    };
    Refusal::new(Code::NotEntitled, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::entity::{FeatureKind, TierFeatureId, TierId};
    use crate::subscription::testing::{at, opened, terms};

    fn agreed(user_limit: Option<i32>, feature_overrides: Value) -> subscription::Model {
        let terms = super::super::opening::Terms { user_limit, feature_overrides, ..terms() };
        opened(terms, at("2026-01-31T12:00:00Z"))
    }

    fn granted(kind: FeatureKind, ceiling: Option<i64>) -> tier_feature::Model {
        let (id, tier_id) = (TierFeatureId::generate(), TierId::generate());
        tier_feature::Model { id, tier_id, key: "users".to_owned(), kind, enabled: true, ceiling }
    }

    fn limit(agreed: &subscription::Model, granted: Option<&tier_feature::Model>) -> Option<(i64, bool)> {
        ceiling(agreed, granted, &[], "users").map(|ceiling| (ceiling.limit, ceiling.goes_with_tier))
    }

    #[test]
    fn the_agreed_limit_wins_over_the_override_over_the_tier() {
        let tier = granted(FeatureKind::Limit, Some(5));
        let instead = |ceiling: Value| json!({ "users": { "enabled": true, "ceiling": ceiling } });
        assert_eq!(limit(&agreed(Some(10), instead(json!(7))), Some(&tier)), Some((10, false)));
        assert_eq!(limit(&agreed(None, instead(json!(7))), Some(&tier)), Some((7, false)));
        assert_eq!(limit(&agreed(None, instead(Value::Null)), Some(&tier)), None);
        assert_eq!(limit(&agreed(None, json!({ "branches": { "ceiling": 1 } })), Some(&tier)), Some((5, true)));
    }

    proptest! {
        #[test]
        fn there_is_room_exactly_below_the_limit(limit in 0..100_000i64, used in 0..100_000i64) {
            prop_assert_eq!(refuse_more(USERS, limit, used, None).is_ok(), used < limit);
        }
    }

    #[test]
    fn the_refusal_tells_limit_and_use() {
        let refusal = refuse_more(CUSTOMERS, 3, 4, None).expect_err("refused");
        assert_eq!(refusal.code, Code::LimitExceeded);
        assert_eq!(refusal.message, "The organization may have 3 customers, and it has 4.");
        let Facts::LimitExceeded { feature, limit: 3, used: 4, .. } = refusal.facts else { panic!("other facts") };
        assert_eq!(feature, "customers");
    }
}
