//! The catalogues: the platform's, and those of organizations.

use serde_json::json;

use super::Seeder;
use super::add_on::{PROJECTS, SEATS};
use super::organization::Tenant;
use super::trail::Actor;
use crate::auth::Part;
use crate::clock::Timestamp;
use crate::entity::FeatureKind::{Limit, Meter, Switch};
use crate::entity::{
    AccessMode, BillingCycle, FeatureEnforcement, FeatureKind, Gateway, OrganizationId, PeriodEndPolicy, Proration,
    TierId, TierKind, TrialEndPolicy, feature, tier, tier_feature, tier_price,
};
use crate::error::Result;
use crate::feature::usual_reset;
use crate::subscription::ends::{Ends, Fallback};
use crate::subscription::lifecycle::Offer;

/// A tier with what it costs.
#[derive(Clone, Copy, Debug)]
pub struct Sold {
    /// The tier.
    pub id: TierId,
    policy: PeriodEndPolicy,
    price: Price,
}

/// Minor units for each month.
#[derive(Clone, Copy, Debug)]
struct Price {
    usd: i64,
    eur: i64,
}

impl Price {
    /// A year costs ten months.
    fn of(self, cycle: BillingCycle, currency: &str) -> i64 {
        let month = if currency == "EUR" { self.eur } else { self.usd };
        match cycle {
            BillingCycle::Monthly => month,
            BillingCycle::Yearly => month * 10,
        }
    }
}

impl Sold {
    /// What the tier costs for a cycle in USD or EUR.
    pub fn offer(&self, billing_cycle: BillingCycle, currency: &str) -> Offer {
        Offer { tier_id: self.id, amount_minor: self.price.of(billing_cycle, currency), billing_cycle }
    }

    /// What comes at the end of a period of the tier, of which the first of these is the fallback.
    pub fn ends(&self, tiers: &[Self], billing_cycle: BillingCycle, currency: &str) -> Ends {
        let falls_back = self.policy == PeriodEndPolicy::Downgrade;
        let fallback = tiers.first().filter(|_| falls_back);
        Ends {
            period: self.policy,
            fallback: fallback
                .map(|tier| Fallback { tier_id: tier.id, amount_minor: tier.price.of(billing_cycle, currency) }),
            ..Ends::EXPIRE
        }
    }
}

type Feature = (&'static str, FeatureKind, bool, Option<i64>);

struct Spec {
    key: &'static str,
    name: &'static str,
    description: &'static str,
    trial_days: i32,
    public: bool,
    archived: bool,
    policy: PeriodEndPolicy,
    price: Price,
    features: &'static [Feature],
}

impl Spec {
    const fn new(key: &'static str, name: &'static str, description: &'static str, usd: i64, eur: i64) -> Self {
        Self {
            key,
            name,
            description,
            trial_days: 14,
            public: true,
            archived: false,
            policy: PeriodEndPolicy::Expire,
            price: Price { usd, eur },
            features: &[],
        }
    }
}

/// Sold to organizations, lowest rank first; the last one is for developers and not public. Only the upper two have AI.
const PLATFORM: [Spec; 4] = [
    Spec {
        features: &[
            ("users", Limit, true, Some(5)),
            ("branches", Limit, true, Some(1)),
            ("customers", Limit, true, Some(100)),
            ("products", Limit, true, Some(50)),
            ("ai.enabled", Switch, false, None),
            ("ai.queries", Meter, true, Some(0)),
            ("ai.tokens", Meter, true, Some(0)),
        ],
        ..Spec::new("starter", "Starter", "For a team that begins. Without AI.", 2_900, 2_700)
    },
    Spec {
        policy: PeriodEndPolicy::Downgrade,
        features: &[
            ("users", Limit, true, Some(25)),
            ("branches", Limit, true, Some(5)),
            ("customers", Limit, true, Some(2_500)),
            ("products", Limit, true, Some(1_000)),
            ("ai.enabled", Switch, false, None),
            ("ai.queries", Meter, true, Some(0)),
            ("ai.tokens", Meter, true, Some(0)),
        ],
        ..Spec::new("pro", "Pro", "For a company with branches. Without AI.", 9_900, 9_200)
    },
    Spec {
        trial_days: 30,
        policy: PeriodEndPolicy::Renew,
        features: &[
            ("users", Limit, true, Some(250)),
            ("branches", Limit, true, Some(50)),
            ("customers", Limit, true, Some(50_000)),
            ("products", Limit, true, Some(20_000)),
            ("ai.enabled", Switch, true, None),
            ("ai.queries", Meter, true, Some(5_000)),
            ("ai.tokens", Meter, true, Some(5_000_000)),
        ],
        ..Spec::new("enterprise", "Enterprise", "Everything, with AI by monthly limits.", 49_900, 45_900)
    },
    Spec {
        public: false,
        features: &[
            ("users", Limit, true, None),
            ("branches", Limit, true, None),
            ("customers", Limit, true, None),
            ("products", Limit, true, None),
            ("ai.enabled", Switch, true, None),
            ("ai.queries", Meter, true, None),
            ("ai.tokens", Meter, true, None),
        ],
        ..Spec::new("developer_test", "Developer test", "Everything, without limits. Not for sale.", 0, 0)
    },
];

/// Sold to the customers of organizations that have no catalogue of their own.
const PLATFORM_CUSTOMERS: [Spec; 1] = [Spec {
    features: &[("projects", Limit, true, Some(3)), ("support.priority", Switch, false, None)],
    ..Spec::new("starter", "Starter", "For customers of organizations without tiers of their own.", 500, 500)
}];

/// An organization's own tiers for its customers; the last one is archived.
const OWN: [Spec; 4] = [
    Spec {
        features: &[
            ("projects", Limit, true, Some(5)),
            ("support.priority", Switch, false, None),
            ("ai.queries", Meter, true, Some(50)),
        ],
        ..Spec::new("basic", "Basic", "The essentials.", 900, 800)
    },
    Spec {
        policy: PeriodEndPolicy::Downgrade,
        features: &[
            ("projects", Limit, true, Some(25)),
            ("support.priority", Switch, false, None),
            ("ai.queries", Meter, true, Some(500)),
        ],
        ..Spec::new("plus", "Plus", "For everyday use.", 2_900, 2_600)
    },
    Spec {
        trial_days: 7,
        policy: PeriodEndPolicy::Suspend,
        features: &[
            ("projects", Limit, true, None),
            ("support.priority", Switch, true, None),
            ("ai.queries", Meter, true, None),
        ],
        ..Spec::new("premium", "Premium", "Everything, and an answer within the hour.", 7_900, 7_200)
    },
    Spec {
        trial_days: 0,
        archived: true,
        policy: PeriodEndPolicy::Renew,
        features: &[("projects", Limit, true, Some(10)), ("support.priority", Switch, false, None)],
        ..Spec::new("legacy", "Legacy", "No longer sold; kept by who has it.", 1_500, 1_400)
    },
];

/// What features are called, and what is counted.
const NAMES: [(&str, &str, Option<&str>); 9] = [
    ("users", "Users", Some("users")),
    ("branches", "Branches", Some("branches")),
    ("customers", "Customers", Some("customers")),
    ("products", "Products", Some("products")),
    ("projects", "Projects", Some("projects")),
    ("support.priority", "Answer within the hour", None),
    ("ai.enabled", "AI", None),
    ("ai.queries", "AI queries", Some("queries")),
    ("ai.tokens", "AI tokens", Some("tokens")),
];

/// The platform's tiers, in the order of their rank.
pub struct Platform {
    /// `starter`, `pro`, `enterprise` and `developer_test`, for organizations.
    pub organizations: Vec<Sold>,
    /// `starter`, for customers.
    pub customers: Vec<Sold>,
}

impl Seeder {
    /// Makes the platform's catalogue, with its add-on.
    pub fn platform_catalogue(&mut self) -> Result<Platform> {
        let root = Actor::part(Part::Demo);
        self.add_on(None, &SEATS, &root)?;
        Ok(Platform {
            organizations: self.tiers(None, TierKind::Organization, &PLATFORM, &root)?,
            customers: self.tiers(None, TierKind::Customer, &PLATFORM_CUSTOMERS, &root)?,
        })
    }

    /// Makes an organization's own catalogue: `basic`, `plus`, `premium`, and `legacy`, which is archived; and its add-on.
    pub fn own_catalogue(&mut self, tenant: &Tenant) -> Result<Vec<Sold>> {
        self.add_on(Some(tenant.id), &PROJECTS, &tenant.admin)?;
        self.tiers(Some(tenant.id), TierKind::Customer, &OWN, &tenant.admin)
    }

    fn tiers(
        &mut self,
        tenant_id: Option<OrganizationId>,
        kind: TierKind,
        specs: &[Spec],
        actor: &Actor,
    ) -> Result<Vec<Sold>> {
        let at = self.days(-1_850);
        let mut sold: Vec<Sold> = Vec::with_capacity(specs.len());
        for (place, spec) in (1..).zip(specs) {
            let row = tier::Model {
                id: self.ids.next(),
                tenant_id,
                key: spec.key.to_owned(),
                name: spec.name.to_owned(),
                search_text: String::new(),
                description: Some(spec.description.to_owned()),
                kind,
                rank: place * 10,
                trial_days: spec.trial_days,
                public: spec.public,
                sort_order: place,
                period_end_policy: spec.policy,
                trial_end_policy: TrialEndPolicy::Expire,
                fallback_tier_id: sold
                    .first()
                    .filter(|_| spec.policy == PeriodEndPolicy::Downgrade)
                    .map(|tier| tier.id),
                grace_access: AccessMode::Full,
                after_trial_access: AccessMode::ReadOnly,
                proration: Proration::Prorate,
                payment_options: Default::default(),
                archived_at: spec.archived.then(|| self.days(-90)),
                created_at: at,
                updated_at: at,
                version: 1,
            };
            sold.push(Sold { id: row.id, policy: spec.policy, price: spec.price });
            self.prices(row.id, spec);
            self.features(row.id, spec.features);
            self.declare(tenant_id, spec.features, at, actor)?;
            self.record_creation(&row, at, actor)?;
            self.rows.tiers.push(row);
        }
        Ok(sold)
    }

    fn prices(&mut self, tier_id: TierId, spec: &Spec) {
        for cycle in [BillingCycle::Monthly, BillingCycle::Yearly] {
            for currency in ["USD", "EUR"] {
                let at_gateway = format!("price_demo_{}_{}_{currency}", spec.key, cycle.as_str()).to_lowercase();
                self.rows.tier_prices.push(tier_price::Model {
                    id: self.ids.next(),
                    tier_id,
                    billing_cycle: cycle,
                    currency: currency.to_owned(),
                    amount_minor: spec.price.of(cycle, currency),
                    gateway_prices: json!({ Gateway::Stripe.as_str(): at_gateway }),
                });
            }
        }
    }

    fn features(&mut self, tier_id: TierId, features: &[Feature]) {
        for &(key, kind, enabled, ceiling) in features {
            let id = self.ids.next();
            self.rows.tier_features.push(tier_feature::Model {
                id,
                tier_id,
                key: key.to_owned(),
                kind,
                enabled,
                ceiling,
            });
        }
    }

    /// Declares the features of a tier, as far as its catalogue does not yet.
    fn declare(
        &mut self,
        tenant_id: Option<OrganizationId>,
        features: &[Feature],
        at: Timestamp,
        actor: &Actor,
    ) -> Result<()> {
        for &(key, kind, ..) in features {
            if self.rows.features.iter().any(|declared| declared.tenant_id == tenant_id && declared.key == key) {
                continue;
            }
            let (name, unit) =
                NAMES.iter().find(|named| named.0 == key).map_or((key, None), |named| (named.1, named.2));
            let row = feature::Model {
                id: self.ids.next(),
                tenant_id,
                key: key.to_owned(),
                name: name.to_owned(),
                description: None,
                kind,
                unit: unit.map(str::to_owned),
                resets: usual_reset(kind),
                enforcement: FeatureEnforcement::Hard,
                created_at: at,
                updated_at: at,
                version: 1,
            };
            self.record_creation(&row, at, actor)?;
            self.rows.features.push(row);
        }
        Ok(())
    }
}
