//! Two tenants of the same shape, below one platform, at a fixed time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbErr};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tessera::app::App;
use tessera::auth::TokenIssuer;
use tessera::clock::{Clock, Timestamp};
use tessera::config::{AuthConfig, Config, GatewayConfig, KeySource};
use tessera::entity::{
    BillingCycle, GatewayAccountId, GatewayPriceId, OrganizationId, TierId, TypedId as _, audit_event, gateway_account,
    gateway_price,
};
use tessera::gateway_account::seal::SealingKeys;
use tessera::store::Store;
use tessera_gateway::simulator::{Now, Options, Simulator};
use tokio::net::TcpListener;

use super::database::{Backend, Fresh, connect, fresh};
use super::seed::Seed;

/// A moment, from its RFC 3339 form.
pub fn at(text: &str) -> Timestamp {
    text.parse::<DateTime<Utc>>().expect("a valid moment").into()
}

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
    /// The gateway of accounts of the kind SIMULATOR.
    pub simulator: Simulator,
    pub(super) issuer: TokenIssuer,
    _database: Fresh,
}

impl World {
    /// A fresh world at 2026-03-01T12:00:00Z.
    pub async fn new(backend: Backend) -> Self {
        let database = fresh(backend).await;
        let clock = Clock::manual(at("2026-03-01T12:00:00Z"));
        let simulator = simulator(&clock).await;
        let config = config(&database, &simulator);
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
            simulator,
            issuer,
            _database: database,
        }
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

    /// A new add-on that is on offer, of the platform or of the organization that is named: its id. Each of up to 50 costs
    /// 200 a month and 2,000 a year, and allows 5 products, 2 users
    /// and 3 branches more.
    pub async fn seats(&self, kind: &str, more: Value) -> String {
        let price = |cycle: &str, amount: i64| json!({"billingCycle": cycle, "currency": "USD", "amountMinor": amount});
        let mut input = json!({
            "key": "seats", "name": "Seats", "kind": kind, "public": true, "maxQuantity": 50,
            "prices": [price("MONTHLY", 200), price("YEARLY", 2_000)],
            "features": [{"key": "products", "kind": "LIMIT", "ceiling": 5}, {"key": "users", "kind": "LIMIT", "ceiling": 2},
                {"key": "branches", "kind": "LIMIT", "ceiling": 3}],
        });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let made = self.root().mutate("createAddOn", input, "addOn { id }").await;
        made["addOn"]["id"].as_str().expect("an id").to_owned()
    }

    /// An account of a seller at the simulator, whose news is signed with `whsec_test`: its row. Without a tenant, of the platform.
    pub async fn gateway(&self, seller: Option<Tenant>) -> gateway_account::Model {
        let mut input = json!({"kind": "SIMULATOR", "mode": "TEST", "name": "Cards", "webhookSecrets": ["whsec_test"]});
        input["apiKey"] = json!(format!(
            "sk_test_{}_1",
            seller.map_or("platform".to_owned(), |seller| { seller.id.to_string().replace("org_", "") })
        ));
        let client = match seller {
            Some(seller) => self.admin(seller),
            None => self.root(),
        };
        let made = client.mutate("createGatewayAccount", input, "gatewayAccount { id }").await;
        let id = made["gatewayAccount"]["id"].as_str().and_then(GatewayAccountId::parse).expect("an id");
        self.store.system().gateway_account(id).await.expect("rows").expect("the account")
    }

    /// Gives an account prices for the tiers `basic` and `plus` of its tenant, each month in dollars.
    pub async fn gateway_prices(&self, account: &str, tenant: Tenant) {
        let now = self.clock.now();
        let price = |tier, amount: i64| gateway_price::Model {
            id: GatewayPriceId::generate(),
            tenant_id: Some(tenant.id),
            account_id: GatewayAccountId::parse(account).expect("an id"),
            tier_id: Some(tier),
            add_on_id: None,
            billing_cycle: BillingCycle::Monthly,
            currency: "USD".to_owned(),
            amount_minor: amount,
            price_id: format!("price_{amount}_usd_month"),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let prices = vec![price(tenant.basic, 900), price(tenant.plus, 1_900)];
        self.store.system().insert::<_, gateway_price::Entity>(prices).await.expect("the prices");
    }

    /// How many audit entries there are: nothing was written if it stays the same.
    pub async fn writes(&self) -> u64 {
        self.store.system().count::<audit_event::Entity>().await.expect("the database answers")
    }

    /// Does to the database what no request can.
    pub async fn sql(&self, statement: &str) {
        self.try_sql(statement).await.expect("the statement works");
    }

    /// The same for what may fail.
    pub async fn try_sql(&self, statement: &str) -> Result<(), DbErr> {
        let database = connect(self.config.database.url.expose_secret()).await;
        let outcome = database.execute_unprepared(statement).await;
        database.close().await.expect("the database closes");
        outcome.map(drop)
    }
}

/// A simulator whose time is the world's.
async fn simulator(clock: &Clock) -> Simulator {
    let clock = clock.clone();
    let now: Now = Arc::new(move || clock.now().micros().div_euclid(1_000_000));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Simulator::start(listener, Options { now, seed: "w".to_owned(), check: None }).expect("it starts")
}

fn config(database: &Fresh, simulator: &Simulator) -> Config {
    let auth = AuthConfig {
        issuer: "https://issuer.example.com".to_owned(),
        audience: "tessera".to_owned(),
        leeway: Duration::from_secs(30),
        key: KeySource::Hs256(SecretString::from("a secret for tests that is long enough to be one")),
    };
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        server: Default::default(),
        database: database.config.clone(),
        auth,
        cursor_secret: SecretString::from("another secret for tests, which signs cursors"),
        graphiql: true,
        introspection: true,
        metrics: true,
        rates: Default::default(),
        gateways: GatewayConfig {
            simulator: Some(simulator.base().clone()),
            return_urls: vec!["https://shop.example.com/done".parse().expect("an address")],
            sealing: Some(SealingKeys::parse(&format!("k1:{}=", "A".repeat(43))).expect("a key")),
            ..GatewayConfig::default()
        },
        policy: Default::default(),
        scheduler: Default::default(),
        log_format: tessera::config::LogFormat::Json,
        log_filter: "off".to_owned(),
    }
}
