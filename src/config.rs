//! Configuration: read once at start, from flags and `TESSERA_*` variables, and checked as a whole.
//!
//! [`Settings`] is what was given, [`Config`] what came of it. All problems are told at once, each with the name of its
//! variable. Secrets are never printed: they live in [`SecretString`]s, and no message repeats the value of one.

mod check;
mod demo;
mod settings;
mod values;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

pub use check::{ConfigError, Problem};
pub use demo::DemoSecrets;
pub use settings::Settings;
pub use values::duration;

use tessera_gateway::{Stripe, Url};

use crate::entity::SubscriptionManagement;
use crate::gateway_account::seal::SealingKeys;

/// Bytes a shared secret has at least: as many as HMAC-SHA-256 puts out (RFC 7518 §3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Everything the server is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// How it treats connections.
    pub server: ServerConfig,
    /// How much callers may ask for.
    pub rates: RateConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// How tokens are verified.
    pub auth: AuthConfig,
    /// Authenticates cursors. All replicas of a deployment share it.
    pub cursor_secret: SecretString,
    /// Whether the GraphiQL page is served.
    pub graphiql: bool,
    /// Whether the schema can be read, by introspection and at `/schema.graphql`.
    pub introspection: bool,
    /// Whether figures for Prometheus are served at `/metrics`.
    pub metrics: bool,
    /// Where payment gateways are, and how their keys are kept.
    pub gateways: GatewayConfig,
    /// What the subscription rules depend on.
    pub policy: PolicyConfig,
    /// Who brings about what is due.
    pub scheduler: SchedulerConfig,
    /// Form of the logs.
    pub log_format: LogFormat,
    /// What is logged, as directives of `tracing_subscriber::filter::Targets`.
    pub log_filter: String,
}

/// How many connections there may be, and how patient to be with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// How many connections are served at once.
    pub max_connections: usize,
    /// How long the head of a request may take, from its first byte; on a new connection from the start.
    pub header_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a client may take to receive an answer.
    pub write_timeout: Duration,
    /// How long requests are still taken after the signal to stop, so that load balancers notice.
    pub shutdown_delay: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_connections: 800,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            shutdown_delay: Duration::from_secs(5),
        }
    }
}

/// How much callers may ask for: what they get in a second, in the unit that operations cost; 0 is no limit. A budget that
/// is not used adds up for [`SECONDS_OF_BUDGET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// All callers of an organization together, and all of the platform.
    pub tenant: u32,
    /// One subject of tokens.
    pub user: u32,
    /// An address from which callers without a token ask.
    pub address: u32,
}

/// The lowest limit that there can be.
pub const LEAST_RATE: u32 = 25_000;

/// How many seconds a budget adds up that is not used.
pub const SECONDS_OF_BUDGET: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

impl Default for RateConfig {
    fn default() -> Self {
        Self { tenant: 10_000_000, user: 5_000_000, address: 500_000 }
    }
}

/// Where payment gateways are, and how their keys are kept.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where Stripe is.
    pub stripe: Url,
    /// Where the simulator is. There is one only beside a test clock.
    pub simulator: Option<Url>,
    /// Where payers may be sent back to: exactly, but for the query.
    pub return_urls: Vec<Url>,
    /// What keys are sealed with. Without, no account that needs one can be kept.
    pub sealing: Option<SealingKeys>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self { stripe: Stripe::server(), simulator: None, return_urls: Vec::new(), sealing: None }
    }
}

/// Which database, and how patient to be with it.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `sqlite:` or `postgres:` URL; it may hold a password.
    pub url: SecretString,
    /// Size of the connection pool.
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long a statement, or a command before it has a connection, may wait for what another one has locked.
    pub lock_timeout: Duration,
    /// How long a transaction may stand still between two statements before the database ends it.
    pub idle_transaction_timeout: Duration,
    /// How PostgreSQL plans prepared statements.
    pub plan_cache_mode: PlanCacheMode,
    /// How many commands that consume from one counter are counted together at most.
    pub usage_group: usize,
}

impl DatabaseConfig {
    /// This database, with the defaults of everything else.
    pub fn of(url: SecretString) -> Self {
        let is_postgres = url.expose_secret().starts_with("postgres");
        Self {
            url,
            max_connections: if is_postgres { 10 } else { 8 },
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            // PostgreSQL looks for deadlocks after a second of waiting: who is in one should hear of that.
            lock_timeout: Duration::from_millis(1500),
            idle_transaction_timeout: Duration::from_secs(5),
            plan_cache_mode: PlanCacheMode::ForceGenericPlan,
            usage_group: 64,
        }
    }
}

/// How PostgreSQL plans prepared statements (its setting `plan_cache_mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanCacheMode {
    /// As it sees fit, which Citus needs.
    Auto,
    /// Once, whatever the values.
    ForceGenericPlan,
    /// Anew for the values of each run.
    ForceCustomPlan,
}

impl PlanCacheMode {
    /// Every mode there is.
    pub const ALL: &[Self] = &[Self::Auto, Self::ForceGenericPlan, Self::ForceCustomPlan];

    /// PostgreSQL's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ForceGenericPlan => "force_generic_plan",
            Self::ForceCustomPlan => "force_custom_plan",
        }
    }
}

/// Which tokens are accepted.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// The one accepted value of `iss`.
    pub issuer: String,
    /// The value that `aud` must contain.
    pub audience: String,
    /// How far the issuer's clock may be off; at most a minute.
    pub leeway: Duration,
    /// What signatures are verified with.
    pub key: KeySource,
}

/// Where the verification key comes from. Each way fixes the algorithm: a token's header never chooses it.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A secret shared with the issuer, for HMAC-SHA-256.
    Hs256(SecretString),
    /// The issuer's public key.
    PublicKey {
        /// The one algorithm it is used with.
        algorithm: SignatureAlgorithm,
        /// The key, as PEM.
        pem: String,
    },
    /// The issuer's published key set (RFC 7517).
    Jwks {
        /// Its address.
        url: String,
        /// The algorithms that keys of the set may be used with.
        algorithms: Vec<SignatureAlgorithm>,
    },
}

/// Public-key signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// Every algorithm there is.
    pub const ALL: &[Self] = &[Self::Rs256, Self::Es256, Self::EdDsa];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// Who brings about what time makes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulerConfig {
    /// Whether the server does.
    pub in_server: bool,
    /// Whether its time can be moved forward.
    pub has_test_clock: bool,
    /// Days that idempotency keys are kept.
    pub idempotency_days: u16,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self { in_server: true, has_test_clock: false, idempotency_days: 30 }
    }
}

/// What the subscription rules depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyConfig {
    /// Who manages a new organization's own subscription, if nobody says.
    pub subscription_management: SubscriptionManagement,
    /// Days before its end at which a subscription counts as expiring soon.
    pub expiring_soon_days: u16,
    /// Hours after which a pending subscription that nobody paid expires.
    pub pending_hours: u16,
    /// Days that access continues while a renewal is unpaid, where the seller does not say.
    pub grace_days: u16,
    /// Days behind that until an unpaid subscription is canceled, where the seller does not say.
    pub unpaid_days: u16,
    /// Hours a gateway may be late with a renewal before access ends.
    pub renewal_tolerance_hours: u16,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            subscription_management: SubscriptionManagement::PlatformManaged,
            expiring_soon_days: 7,
            pending_hours: 24,
            grace_days: 7,
            unpaid_days: 30,
            renewal_tolerance_hours: 24,
        }
    }
}

/// Form of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Plain lines, for people.
    Text,
}
