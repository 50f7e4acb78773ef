//! How many members an organization may have, and who among them must stay.

use serde_json::Value;

use crate::entity::{FeatureKind, MemberRole, member, subscription, tier_feature};
use crate::error::{Code, Facts, Refusal, Result};

/// Key of the feature that limits active members.
pub const USERS: &str = "users";

/// How many active members an organization may have; none for no limit.
///
/// The limit agreed on for the subscription comes first, then what the subscription overrides of the tier's features,
/// then what the tier grants. A tier that says nothing of users does not limit them.
pub fn limit(agreed: &subscription::Model, granted: Option<&tier_feature::Model>) -> Option<i64> {
    if let Some(limit) = agreed.user_limit {
        return Some(limit.into());
    }
    if let Some(instead) = agreed.feature_overrides.get(USERS) {
        let off = instead.get("enabled").and_then(Value::as_bool) == Some(false);
        return if off { Some(0) } else { instead.get("ceiling").and_then(Value::as_i64) };
    }
    granted.filter(|feature| feature.kind == FeatureKind::Limit).and_then(|feature| feature.ceiling)
}

/// Refuses one more active member than the limit.
pub fn check_room(limit: Option<i64>, used: i64, path: &str) -> Result<()> {
    match limit {
        Some(limit) if used >= limit => {
            let message = format!("The organization may have {limit} active members, and it has {used}.");
            let facts = Facts::LimitExceeded { feature: USERS, limit, used };
            Err(Refusal::new(Code::LimitExceeded, message).at(path).with(facts).into())
        }
        _ => Ok(()),
    }
}

/// Roles that manage their organization.
pub const MANAGING: [MemberRole; 2] = [MemberRole::Admin, MemberRole::Reseller];

fn manages(row: &member::Model) -> bool {
    row.active && MANAGING.contains(&row.role)
}

/// Whether a change takes a member out of its organization's management. It must not be the last one there.
pub fn stops_managing(before: &member::Model, after: &member::Model) -> bool {
    manages(before) && !manages(after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;
    use crate::entity::{
        BillingCycle, ManagementMode, MemberId, OrganizationId, SubscriptionId, SubscriptionStatus, TierFeatureId,
        TierId,
    };
    use crate::error::Error;

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn agreed(user_limit: Option<i32>, feature_overrides: Value) -> subscription::Model {
        subscription::Model {
            tenant_id: OrganizationId::generate(),
            id: SubscriptionId::generate(),
            customer_id: None,
            tier_id: TierId::generate(),
            status: SubscriptionStatus::Active,
            mode: ManagementMode::Manual,
            amount_minor: 0,
            currency: "EUR".to_owned(),
            billing_cycle: BillingCycle::Monthly,
            starts_at: NOW,
            trial_started_at: None,
            trial_ends_at: None,
            current_period_start: None,
            current_period_end: None,
            anchor_day: 1,
            expires_at: None,
            cancel_at: None,
            canceled_at: None,
            ended_at: None,
            past_due_since: None,
            grace_ends_at: None,
            suspended_at: None,
            suspension_cause: None,
            suspended_from: None,
            paused_at: None,
            resumes_at: None,
            pending_until: None,
            scheduled_tier_id: None,
            scheduled_amount_minor: None,
            scheduled_billing_cycle: None,
            scheduled_at: None,
            override_reason: None,
            override_ends_at: None,
            overridden_tier_id: None,
            overridden_amount_minor: None,
            overridden_billing_cycle: None,
            user_limit,
            feature_overrides,
            gateway: None,
            gateway_subscription_id: None,
            external_id: None,
            search_text: None,
            metadata: json!({}).into(),
            last_renewed_by: None,
            access_ends_at: None,
            created_at: NOW,
            updated_at: NOW,
            version: 1,
            deleted_at: None,
        }
    }

    fn granted(kind: FeatureKind, ceiling: Option<i64>) -> tier_feature::Model {
        let (id, tier_id) = (TierFeatureId::generate(), TierId::generate());
        tier_feature::Model { id, tier_id, key: USERS.to_owned(), kind, enabled: true, ceiling }
    }

    #[test]
    fn the_agreed_limit_wins_over_the_override_over_the_tier() {
        let tier = granted(FeatureKind::Limit, Some(5));
        let instead = |ceiling: Value| json!({ "users": { "enabled": true, "ceiling": ceiling } });
        assert_eq!(limit(&agreed(Some(10), instead(json!(7))), Some(&tier)), Some(10));
        assert_eq!(limit(&agreed(None, instead(json!(7))), Some(&tier)), Some(7));
        assert_eq!(limit(&agreed(None, instead(Value::Null)), Some(&tier)), None);
        assert_eq!(limit(&agreed(None, json!({ "branches": { "ceiling": 1 } })), Some(&tier)), Some(5));
    }

    #[test]
    fn an_override_can_switch_users_off() {
        let off = json!({ "users": { "enabled": false, "ceiling": null } });
        assert_eq!(limit(&agreed(None, off), None), Some(0));
    }

    #[test]
    fn a_tier_limits_only_by_a_ceiling() {
        let none = agreed(None, json!({}));
        assert_eq!(limit(&none, None), None);
        assert_eq!(limit(&none, Some(&granted(FeatureKind::Limit, None))), None);
        assert_eq!(limit(&none, Some(&granted(FeatureKind::Meter, Some(3)))), None);
    }

    proptest! {
        #[test]
        fn there_is_room_exactly_below_the_limit(limit in 0..100_000i64, used in 0..100_000i64) {
            prop_assert_eq!(check_room(Some(limit), used, "input").is_ok(), used < limit);
            prop_assert!(check_room(None, used, "input").is_ok());
        }
    }

    #[test]
    fn the_refusal_tells_limit_and_use() {
        let Err(Error::Refused(refusals)) = check_room(Some(3), 4, "input.id") else { panic!("a refusal") };
        assert_eq!(refusals[0].code, Code::LimitExceeded);
        assert_eq!(refusals[0].path, ["input", "id"]);
        assert!(matches!(refusals[0].facts, Facts::LimitExceeded { feature: "users", limit: 3, used: 4 }));
    }

    #[test]
    fn only_an_active_manager_can_stop_managing() {
        let member = |role, active| member::Model {
            tenant_id: OrganizationId::generate(),
            id: MemberId::generate(),
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            name_key: String::new(),
            search_text: String::new(),
            role,
            active,
            created_at: NOW,
            updated_at: NOW,
            version: 1,
        };
        use MemberRole::{Admin, Reseller, Worker};
        assert!(stops_managing(&member(Admin, true), &member(Admin, false)));
        assert!(stops_managing(&member(Reseller, true), &member(Worker, true)));
        assert!(!stops_managing(&member(Reseller, true), &member(Admin, true)));
        assert!(!stops_managing(&member(Admin, false), &member(Worker, false)));
        assert!(!stops_managing(&member(Worker, true), &member(Worker, false)));
    }
}
