//! Two tenants of the same shape, below one platform, at a fixed time.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Database};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tessera::app::App;
use tessera::auth::{Grant, Permission, Role, TokenIssuer};
use tessera::clock::{Clock, Timestamp};
use tessera::config::{AuthConfig, Config, KeySource};
use tessera::entity::{
    BillingCycle, CustomerId, FeatureKind, OperationalStatus, OrganizationId, PeriodEndPolicy, TierFeatureId, TierId,
    TierKind, TierPriceId, TypedId, audit_event, organization, outbox_event, subscription, tier, tier_feature,
    tier_price,
};
use tessera::store::Store;

use super::client::Client;
use super::database::{Backend, Fresh, fresh};

/// A moment, from its RFC 3339 form.
pub fn at(text: &str) -> Timestamp {
    text.parse::<DateTime<Utc>>().expect("a valid moment").into()
}

/// How long tokens of tests are valid: longer than any test moves the clock.
const VALID_FOR: Duration = Duration::from_secs(3650 * 24 * 3600);

/// An organization with its own catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Tenant {
    pub id: OrganizationId,
    /// Customer tier of rank 10: 9.00 a month, 90.00 a year, no trial.
    pub basic: TierId,
    /// Customer tier of rank 20: 19.00 a month, 190.00 a year, 14 days of trial.
    pub plus: TierId,
}

/// A fresh installation with two tenants, `alpha` and `beta`, and a reseller `gamma` above `delta`.
pub struct World {
    pub backend: Backend,
    pub app: App,
    pub store: Store,
    pub clock: Clock,
    pub config: Config,
    pub alpha: Tenant,
    pub beta: Tenant,
    pub gamma: Tenant,
    pub delta: Tenant,
    /// Organization tiers of the platform: `starter` (rank 10, 3 users, 30 days of trial), `pro` (rank 20, 25 users),
    /// `enterprise` (rank 30, unlimited), and `internal` (rank 40, not public).
    pub platform_tiers: BTreeMap<&'static str, TierId>,
    issuer: TokenIssuer,
    _database: Fresh,
}

impl World {
    /// A fresh world at 2026-03-01T12:00:00Z.
    pub async fn new(backend: Backend) -> Self {
        let database = fresh(backend).await;
        let clock = Clock::manual(at("2026-03-01T12:00:00Z"));
        let config = config(&database);
        let issuer = TokenIssuer::new(&config.auth, clock.clone()).expect("the key signs");
        let app = App::start(&config, clock.clone()).await.unwrap_or_else(|error| panic!("{error}"));
        let store = app.store().clone();
        let seed = Seed { store: &store, now: clock.now() };
        let platform_tiers = seed.platform().await;
        let alpha = seed.tenant("alpha", None).await;
        let beta = seed.tenant("beta", None).await;
        let gamma = seed.tenant("gamma", None).await;
        let delta = seed.tenant("delta", Some(gamma.id)).await;
        Self {
            backend,
            store,
            app,
            clock,
            config,
            alpha,
            beta,
            gamma,
            delta,
            platform_tiers,
            issuer,
            _database: database,
        }
    }

    /// A caller with this grant.
    pub fn client(&self, grant: Grant) -> Client {
        let token = self.issuer.issue(grant).expect("a token is signed");
        Client { app: self.app.clone(), token: Some(token) }
    }

    /// A caller without a token.
    pub fn nobody(&self) -> Client {
        Client { app: self.app.clone(), token: None }
    }

    /// A caller of the role, in the organization where the role has one.
    pub fn caller(&self, role: Role, tenant: Tenant) -> Client {
        let platform = matches!(role, Role::Root | Role::Support);
        self.client(Grant {
            subject: format!("{}@example.com", role.as_str().to_lowercase()),
            role,
            organization: (!platform).then_some(tenant.id),
            customer: None,
            permissions: (role == Role::Service).then(|| Permission::ALL.to_vec()),
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// The platform's ROOT.
    pub fn root(&self) -> Client {
        self.caller(Role::Root, self.alpha)
    }

    /// An administrator of the organization.
    pub fn admin(&self, tenant: Tenant) -> Client {
        self.caller(Role::Admin, tenant)
    }

    /// The customer itself.
    pub fn customer(&self, tenant: Tenant, customer: &str) -> Client {
        self.client(Grant {
            subject: "customer@example.com".to_owned(),
            role: Role::Customer,
            organization: Some(tenant.id),
            customer: Some(CustomerId::parse(customer).expect("a customer id")),
            permissions: None,
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// A program of the organization with exactly these permissions.
    pub fn service(&self, tenant: Tenant, permissions: &[Permission]) -> Client {
        self.client(Grant {
            subject: "service".to_owned(),
            role: Role::Service,
            organization: Some(tenant.id),
            customer: None,
            permissions: Some(permissions.to_vec()),
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// A caller of the role with no more than these permissions.
    pub fn limited(&self, role: Role, tenant: Tenant, permissions: &[Permission]) -> Client {
        self.client(Grant {
            subject: "limited".to_owned(),
            role,
            organization: (role != Role::Root).then_some(tenant.id),
            customer: None,
            permissions: Some(permissions.to_vec()),
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// Moves the clock.
    pub fn pass(&self, delta: TimeDelta) {
        self.clock.advance(delta);
    }

    /// A new customer of the organization with its subscription to a tier, on terms: the customer and subscription ids.
    pub async fn subscribed(&self, tenant: Tenant, name: &str, tier: TierId, terms: Value) -> (String, String) {
        let mut subscription = json!({ "tierId": tier.to_string() });
        for (key, value) in terms.as_object().expect("terms are an object") {
            subscription[key] = value.clone();
        }
        let input = json!({ "name": name, "subscription": subscription });
        let selection = "customer { id subscription { id } }";
        let payload = self.admin(tenant).mutate("createCustomer", input, selection).await;
        let id = |value: &Value| value.as_str().expect("an id").to_owned();
        (id(&payload["customer"]["id"]), id(&payload["customer"]["subscription"]["id"]))
    }

    /// How many audit entries there are: nothing was written if it stays the same.
    pub async fn writes(&self) -> u64 {
        self.store.system().count::<audit_event::Entity>().await.expect("the database answers")
    }

    /// Does to the database what no request can.
    pub async fn sql(&self, statement: &str) {
        #[expect(clippy::disallowed_methods, reason = "a way past the store")]
        let database = Database::connect(self.config.database.url.expose_secret()).await.expect("the database opens");
        database.execute_unprepared(statement).await.expect("the statement works");
        database.close().await.expect("the database closes");
    }

    /// What must hold of every database, whatever a test did.
    pub async fn check_invariants(&self) {
        let system = self.store.system();
        let rows = system.all::<subscription::Entity>().await.expect("the database answers");
        let tiers = system.all::<tier::Entity>().await.expect("the database answers");
        let tiers: BTreeMap<_, _> = tiers.into_iter().map(|row| (row.id, row.tenant_id)).collect();
        let above = system.all::<organization::Entity>().await.expect("the database answers");
        let above: BTreeMap<_, _> = above.into_iter().map(|row| (row.id, row.parent_id)).collect();
        let mut live = BTreeMap::new();
        for row in &rows {
            for tier in [Some(row.tier_id), row.scheduled_tier_id, row.overridden_tier_id].into_iter().flatten() {
                let catalogue = tiers[&tier];
                let is_near =
                    catalogue.is_none() || catalogue == Some(row.tenant_id) || catalogue == above[&row.tenant_id];
                assert!(is_near, "{} has a tier of a catalogue that it cannot see: {tier}", row.id);
            }
            let derived = tessera::subscription::status::access_ends_at(row);
            assert_eq!(row.access_ends_at, derived, "the derived end of {} is stale", row.id);
            if row.ended_at.is_none() && row.deleted_at.is_none() {
                *live.entry((row.tenant_id, row.customer_id)).or_insert(0) += 1;
            }
        }
        assert!(live.values().all(|count| *count == 1), "an owner has several live subscriptions: {live:?}");
        assert_eq!(system.stale_totals().await.expect("the database answers"), 0, "totals are what there is");
        let audits = system.all::<audit_event::Entity>().await.expect("the database answers");
        let events = system.all::<outbox_event::Entity>().await.expect("the database answers");
        let trail = |list: Vec<(Option<OrganizationId>, String, uuid::Uuid)>| {
            let mut list = list;
            list.sort();
            list
        };
        assert_eq!(
            trail(audits.iter().map(|row| (row.tenant_id, row.action.clone(), row.entity_id)).collect()),
            trail(events.iter().map(|row| (row.tenant_id, row.topic.clone(), row.entity_id)).collect()),
            "every audit entry has its outbox event"
        );
    }
}

fn config(database: &Fresh) -> Config {
    let auth = AuthConfig {
        issuer: "https://issuer.example.com".to_owned(),
        audience: "tessera".to_owned(),
        leeway: Duration::from_secs(30),
        key: KeySource::Hs256(SecretString::from("a secret for tests that is long enough to be one")),
    };
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        database: database.config.clone(),
        auth,
        cursor_secret: SecretString::from("another secret for tests, which signs cursors"),
        graphiql: true,
        introspection: true,
        policy: Default::default(),
        log_format: tessera::config::LogFormat::Json,
        log_filter: "off".to_owned(),
    }
}

struct Seed<'a> {
    store: &'a Store,
    now: Timestamp,
}

impl Seed<'_> {
    async fn platform(&self) -> BTreeMap<&'static str, TierId> {
        let users = |ceiling| vec![("users", FeatureKind::Limit, ceiling)];
        BTreeMap::from([
            ("starter", self.tier(None, "starter", TierKind::Organization, 10, 30, 2_900, users(Some(3))).await),
            ("pro", self.tier(None, "pro", TierKind::Organization, 20, 0, 9_900, users(Some(25))).await),
            ("enterprise", self.tier(None, "enterprise", TierKind::Organization, 30, 0, 49_900, users(None)).await),
            ("internal", self.tier(None, "internal", TierKind::Organization, 40, 0, 0, users(None)).await),
        ])
    }

    async fn tenant(&self, slug: &str, parent_id: Option<OrganizationId>) -> Tenant {
        let id = OrganizationId::generate();
        let row = organization::Model {
            id,
            parent_id,
            name: format!("{slug} organization"),
            name_key: format!("{slug} organization"),
            slug: slug.to_owned(),
            status: OperationalStatus::Active,
            exempt: false,
            billing_email: Some(format!("billing@{slug}.example.com")),
            default_currency: "USD".to_owned(),
            time_zone: "UTC".to_owned(),
            metadata: json!({}),
            created_at: self.now,
            updated_at: self.now,
            version: 1,
            deleted_at: None,
        };
        self.store.system().insert::<_, organization::Entity>(vec![row]).await.expect("an organization");
        let features =
            || vec![("products", FeatureKind::Limit, Some(10)), ("ai.queries", FeatureKind::Meter, Some(100))];
        let basic = self.tier(Some(id), "basic", TierKind::Customer, 10, 0, 900, features()).await;
        let plus = self.tier(Some(id), "plus", TierKind::Customer, 20, 14, 1_900, features()).await;
        self.tier(Some(id), "starter", TierKind::Customer, 5, 0, 500, features()).await;
        Tenant { id, basic, plus }
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
            description: None,
            kind,
            rank,
            trial_days,
            public: key != "internal",
            sort_order: rank,
            period_end_policy: PeriodEndPolicy::Expire,
            fallback_tier_id: None,
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

impl World {
    /// Several administrators of the organization, each a caller of its own.
    pub fn admins(&self, tenant: Tenant, count: usize) -> Vec<Client> {
        let admin = |number| {
            self.client(Grant {
                subject: format!("admin-{number}@example.com"),
                role: Role::Admin,
                organization: Some(tenant.id),
                customer: None,
                permissions: None,
                expires_in: VALID_FOR,
                impersonator: None,
            })
        };
        (0..count).map(admin).collect()
    }
}
