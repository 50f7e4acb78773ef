//! The rows that a world begins with: organizations and their catalogues.

use std::collections::BTreeMap;

use serde_json::json;
use tessera::clock::Timestamp;
use tessera::entity::{
    BillingCycle, FeatureEnforcement, FeatureId, FeatureKind, FeatureReset, OperationalStatus, OrganizationId,
    PeriodEndPolicy, SubscriptionManagement, TierFeatureId, TierId, TierKind, TierPriceId, TrialEndPolicy, feature,
    organization, tier, tier_feature, tier_price,
};
use tessera::store::Store;

use super::world::Tenant;

/// Puts into an empty database what every test finds there.
pub struct Seed<'a> {
    pub store: &'a Store,
    pub now: Timestamp,
}

impl Seed<'_> {
    /// The platform's tiers for organizations, by their keys.
    pub async fn platform(&self) -> BTreeMap<&'static str, TierId> {
        let users = |ceiling| vec![("users", FeatureKind::Limit, ceiling)];
        self.declared(None, &[("users", FeatureKind::Limit)]).await;
        BTreeMap::from([
            ("starter", self.tier(None, "starter", TierKind::Organization, 10, 30, 2_900, users(Some(3))).await),
            ("pro", self.tier(None, "pro", TierKind::Organization, 20, 0, 9_900, users(Some(25))).await),
            ("enterprise", self.tier(None, "enterprise", TierKind::Organization, 30, 0, 49_900, users(None)).await),
            ("internal", self.tier(None, "internal", TierKind::Organization, 40, 0, 0, users(None)).await),
        ])
    }

    /// An organization with its catalogue.
    pub async fn tenant(&self, slug: &str, parent_id: Option<OrganizationId>) -> Tenant {
        let id = OrganizationId::generate();
        let row = organization::Model {
            id,
            parent_id,
            name: format!("{slug} organization"),
            name_key: String::new(),
            search_text: String::new(),
            slug: slug.to_owned(),
            status: OperationalStatus::Active,
            exempt: false,
            subscription_management: SubscriptionManagement::SelfManaged,
            billing_email: Some(format!("billing@{slug}.example.com")),
            default_currency: "USD".to_owned(),
            time_zone: "UTC".to_owned(),
            grace_days: None,
            unpaid_days: None,
            metadata: json!({}).into(),
            private_metadata: None,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
            deleted_at: None,
        };
        self.store.system().insert::<_, organization::Entity>(vec![row]).await.expect("an organization");
        let features =
            || vec![("products", FeatureKind::Limit, Some(10)), ("ai.queries", FeatureKind::Meter, Some(100))];
        self.declared(Some(id), &[("products", FeatureKind::Limit), ("ai.queries", FeatureKind::Meter)]).await;
        let basic = self.tier(Some(id), "basic", TierKind::Customer, 10, 0, 900, features()).await;
        let plus = self.tier(Some(id), "plus", TierKind::Customer, 20, 14, 1_900, features()).await;
        self.tier(Some(id), "starter", TierKind::Customer, 5, 0, 500, features()).await;
        Tenant { id, basic, plus }
    }

    async fn declared(&self, tenant_id: Option<OrganizationId>, features: &[(&str, FeatureKind)]) {
        let row = |&(key, kind): &(&str, FeatureKind)| feature::Model {
            id: FeatureId::generate(),
            tenant_id,
            key: key.to_owned(),
            name: key.to_uppercase(),
            description: None,
            kind,
            unit: None,
            resets: (kind == FeatureKind::Meter).then_some(FeatureReset::Monthly),
            enforcement: FeatureEnforcement::Hard,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        let rows = features.iter().map(row).collect();
        self.store.system().insert::<_, feature::Entity>(rows).await.expect("features");
    }

    async fn tier(
        &self,
        tenant_id: Option<OrganizationId>,
        key: &str,
        kind: TierKind,
        rank: i32,
        trial_days: i32,
        monthly: i64,
        features: Vec<(&str, FeatureKind, Option<i64>)>,
    ) -> TierId {
        let id = TierId::generate();
        let row = tier::Model {
            id,
            tenant_id,
            key: key.to_owned(),
            name: key.to_uppercase(),
            search_text: String::new(),
            description: None,
            kind,
            rank,
            trial_days,
            public: key != "internal",
            sort_order: rank,
            period_end_policy: PeriodEndPolicy::Expire,
            trial_end_policy: TrialEndPolicy::Expire,
            fallback_tier_id: None,
            grace_access: tessera::entity::AccessMode::Full,
            after_trial_access: tessera::entity::AccessMode::ReadOnly,
            proration: tessera::entity::Proration::None,
            payment_options: Default::default(),
            archived_at: None,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        let price = |billing_cycle, amount_minor| tier_price::Model {
            id: TierPriceId::generate(),
            tier_id: id,
            billing_cycle,
            currency: "USD".to_owned(),
            amount_minor,
            gateway_prices: json!({}),
        };
        let prices = vec![price(BillingCycle::Monthly, monthly), price(BillingCycle::Yearly, monthly * 10)];
        let feature = |(key, kind, ceiling): (&str, FeatureKind, Option<i64>)| tier_feature::Model {
            id: TierFeatureId::generate(),
            tier_id: id,
            key: key.to_owned(),
            kind,
            enabled: true,
            ceiling,
        };
        let system = self.store.system();
        system.insert::<_, tier::Entity>(vec![row]).await.expect("a tier");
        system.insert::<_, tier_price::Entity>(prices).await.expect("prices");
        system.insert::<_, tier_feature::Entity>(features.into_iter().map(feature).collect()).await.expect("features");
        id
    }
}
