use serde_json::json;

use super::*;
use crate::clock::Timestamp;
use crate::entity::{FeatureId, TierFeatureId, TierId};
use crate::subscription::opening;
use crate::subscription::testing::{at, opened, terms};

fn subscribed(user_limit: Option<i32>, feature_overrides: Value) -> subscription::Model {
    opened(opening::Terms { user_limit, feature_overrides, ..terms() }, at("2026-01-31T12:00:00Z"))
}

fn granted(key: &str, kind: FeatureKind, enabled: bool, ceiling: Option<i64>) -> tier_feature::Model {
    let (id, tier_id) = (TierFeatureId::generate(), TierId::generate());
    tier_feature::Model { id, tier_id, key: key.to_owned(), kind, enabled, ceiling }
}

fn declared(key: &str, kind: FeatureKind) -> feature::Model {
    let now = Timestamp::from_micros(0);
    feature::Model {
        id: FeatureId::generate(),
        tenant_id: None,
        key: key.to_owned(),
        name: key.to_uppercase(),
        description: None,
        kind,
        unit: Some("GB".to_owned()),
        resets: (kind == FeatureKind::Meter).then_some(FeatureReset::Period),
        enforcement: FeatureEnforcement::Soft,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Whether it is granted, the limit, and what says so.
type Said = (bool, Option<i64>, Source);

fn said(subscription: &subscription::Model, granted: &[tier_feature::Model], key: &str) -> Option<Said> {
    let found = Terms { subscription, granted, declared: &[], add_ons: &[], grants: &[] }.of(key);
    found.map(|found| (found.granted, found.limit, found.source))
}

#[test]
fn the_tier_grants_what_it_says_and_nothing_else() {
    let tier = [
        granted("sso", FeatureKind::Switch, true, None),
        granted("export", FeatureKind::Switch, false, None),
        granted("products", FeatureKind::Limit, true, Some(0)),
        granted("queries", FeatureKind::Meter, true, None),
    ];
    let none = subscribed(None, json!({}));
    assert_eq!(said(&none, &tier, "sso"), Some((true, None, Source::Tier)));
    assert_eq!(said(&none, &tier, "export"), Some((false, None, Source::Tier)));
    assert_eq!(said(&none, &tier, "products"), Some((true, Some(0), Source::Tier)));
    assert_eq!(said(&none, &tier, "queries"), Some((true, None, Source::Tier)));
    assert_eq!(said(&none, &tier, "unheard"), None);
    for counted in [USERS, CUSTOMERS] {
        assert_eq!(said(&none, &tier, counted), Some((true, None, Source::Tier)), "{counted}");
    }
}

#[test]
fn an_override_replaces_what_it_names() {
    let tier =
        [granted("queries", FeatureKind::Meter, true, Some(5)), granted("export", FeatureKind::Switch, false, None)];
    let with = |instead: Value| subscribed(None, json!({"queries": instead}));
    assert_eq!(
        said(&with(json!({"enabled": true, "ceiling": 9})), &tier, "queries"),
        Some((true, Some(9), Source::Override))
    );
    assert_eq!(
        said(&with(json!({"enabled": true, "ceiling": null})), &tier, "queries"),
        Some((true, None, Source::Override))
    );
    assert_eq!(said(&with(json!({"enabled": true})), &tier, "queries"), Some((true, Some(5), Source::Override)));
    assert_eq!(
        said(&with(json!({"enabled": false, "ceiling": 9})), &tier, "queries"),
        Some((false, Some(0), Source::Override))
    );
    let on = subscribed(None, json!({"export": {"enabled": true}}));
    assert_eq!(said(&on, &tier, "export"), Some((true, None, Source::Override)));
    // There is nothing to keep where the tier grants nothing.
    let alone = subscribed(None, json!({"seats": {"enabled": true, "ceiling": 3}, "sso": {"enabled": true}}));
    assert_eq!(said(&alone, &[], "seats"), Some((true, Some(3), Source::Override)));
    assert_eq!(said(&alone, &[], "sso"), Some((true, None, Source::Override)));
}

#[test]
fn the_user_limit_is_another_name_of_the_override_of_users() {
    let tier = [granted(USERS, FeatureKind::Limit, true, Some(5))];
    let both = subscribed(Some(10), json!({"users": {"enabled": true, "ceiling": 7}}));
    assert_eq!(said(&both, &tier, USERS), Some((true, Some(10), Source::Override)));
    assert_eq!(said(&both, &tier, CUSTOMERS), Some((true, None, Source::Tier)));
    let trial = subscription::Model { trial_limits_users: true, ..subscribed(Some(10), json!({})) };
    assert_eq!(said(&trial, &tier, USERS), Some((true, Some(10), Source::Tier)));
    let given = subscription::Model { mode: ManagementMode::Override, ..trial };
    assert_eq!(said(&given, &tier, USERS), Some((true, Some(5), Source::Tier)));
}

#[test]
fn only_a_limit_limits_what_is_counted_here() {
    let tier = [granted(USERS, FeatureKind::Meter, true, Some(5))];
    assert_eq!(said(&subscribed(None, json!({})), &tier, USERS), Some((true, None, Source::Tier)));
}

#[test]
fn allowances_are_added_to_what_the_tier_grants_and_not_to_an_override() {
    let tier =
        [granted("queries", FeatureKind::Meter, true, Some(5)), granted("calls", FeatureKind::Meter, true, None)];
    let grant = |key: &str, amount| usage_grant::Model {
        tenant_id: crate::entity::OrganizationId::generate(),
        id: crate::entity::UsageGrantId::generate(),
        subscription_id: crate::entity::SubscriptionId::generate(),
        feature_key: key.to_owned(),
        amount,
        expires_at: None,
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
        version: 1,
    };
    let grants = [grant("queries", 3), grant("queries", 4), grant("calls", 1), grant("storage", 9)];
    let declared = [declared("storage", FeatureKind::Meter)];
    let said = |subscription: &subscription::Model, key: &str| {
        let found = Terms { subscription, granted: &tier, declared: &declared, add_ons: &[], grants: &grants }.of(key);
        found.map(|found| (found.granted, found.limit, found.source))
    };
    let plain = subscribed(None, json!({}));
    assert_eq!(said(&plain, "queries"), Some((true, Some(12), Source::Tier)));
    assert_eq!(said(&plain, "calls"), Some((true, None, Source::Tier)));
    assert_eq!(said(&plain, "storage"), Some((true, Some(9), Source::Grant)));
    let overridden = subscribed(None, json!({"queries": {"enabled": true, "ceiling": 1}}));
    assert_eq!(said(&overridden, "queries"), Some((true, Some(1), Source::Override)));
}

#[test]
fn the_declaration_says_what_a_key_means() {
    let subscription = subscribed(None, json!({"traffic": {"enabled": true, "ceiling": 3}}));
    let (granted, declared) = (
        [granted("storage", FeatureKind::Meter, true, Some(5))],
        [
            declared("storage", FeatureKind::Meter),
            declared("traffic", FeatureKind::Meter),
            declared("unused", FeatureKind::Limit),
        ],
    );
    let terms =
        Terms { subscription: &subscription, granted: &granted, declared: &declared, add_ons: &[], grants: &[] };
    let all = terms.all();
    let keys: Vec<_> = all.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys.contains(&CUSTOMERS), subscription.customer_id.is_none());
    for key in ["storage", "traffic"] {
        let one = all.iter().find(|one| one.key == key).expect("granted");
        assert_eq!((one.name.as_str(), one.unit.as_deref()), (key.to_uppercase().as_str(), Some("GB")));
        assert_eq!((one.kind, one.resets), (FeatureKind::Meter, Some(FeatureReset::Period)), "{key}");
        assert_eq!(one.enforcement, FeatureEnforcement::Soft);
    }
    let unused = terms.of("unused").expect("declared");
    assert!(!unused.granted && unused.limit == Some(0));
    assert!(keys.iter().all(|key| *key != "unused"), "nothing is said of it");
    let undeclared = Terms { declared: &[], ..terms }.of("storage").expect("granted");
    assert_eq!((undeclared.resets, undeclared.enforcement), (Some(FeatureReset::Monthly), FeatureEnforcement::Hard));
}
