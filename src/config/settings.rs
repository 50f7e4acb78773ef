//! What was given: flags and variables, not yet checked.

mod auth;
mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tessera_gateway::Url;

use super::check::{Check, ConfigError};
use super::values::{
    database_url, duration_within, log_filter, log_format, management, number_within, plan_cache_mode, secret, switch,
};
use super::{AuthConfig, Config, DatabaseConfig, GatewayConfig, LogFormat, PolicyConfig, SchedulerConfig};
use crate::gateway_account::seal::SealingKeys;

const DATABASE_URL: &str = "TESSERA_DATABASE_URL";
const HS256_SECRET: &str = "TESSERA_AUTH_HS256_SECRET";
const PUBLIC_KEY_FILE: &str = "TESSERA_AUTH_PUBLIC_KEY_FILE";
const JWKS_URL: &str = "TESSERA_AUTH_JWKS_URL";
const ALGORITHMS: &str = "TESSERA_AUTH_ALGORITHMS";
const CURSOR_SECRET: &str = "TESSERA_CURSOR_SECRET";
const SEALING_KEYS: &str = "TESSERA_SEALING_KEYS";
const SIMULATOR_URL: &str = "TESSERA_SIMULATOR_URL";
const RETURN_URLS: &str = "TESSERA_RETURN_URLS";

/// Flags of the server, each with a variable of the same name.
///
/// Three secrets are variables only, because other users of a machine can read command lines:
/// `TESSERA_AUTH_HS256_SECRET`, `TESSERA_CURSOR_SECRET` and `TESSERA_SEALING_KEYS`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Settings {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "TESSERA_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
    /// How many connections are served at once [default: 800]
    #[arg(long, env = "TESSERA_MAX_CONNECTIONS", value_name = "NUMBER")]
    max_connections: Option<String>,
    /// How long the head of a request may take [default: 10s]
    #[arg(long, env = "TESSERA_HEADER_TIMEOUT", value_name = "DURATION")]
    header_timeout: Option<String>,
    /// How long the body of a request may take [default: 5s]
    #[arg(long, env = "TESSERA_BODY_TIMEOUT", value_name = "DURATION")]
    body_timeout: Option<String>,
    /// How long a connection may be without a request [default: 75s]
    #[arg(long, env = "TESSERA_IDLE_TIMEOUT", value_name = "DURATION")]
    idle_timeout: Option<String>,
    /// How long a client may take to receive an answer [default: 30s]
    #[arg(long, env = "TESSERA_WRITE_TIMEOUT", value_name = "DURATION")]
    write_timeout: Option<String>,
    /// How much cost the callers of one organization may ask for in a second, 0 for no limit [default: 10000000]
    #[arg(long, env = "TESSERA_TENANT_RATE", value_name = "NUMBER")]
    tenant_rate: Option<String>,
    /// How much cost one user may ask for in a second, 0 for no limit [default: 5000000]
    #[arg(long, env = "TESSERA_USER_RATE", value_name = "NUMBER")]
    user_rate: Option<String>,
    /// How much cost an address may ask for in a second without a token, 0 for no limit [default: 500000]
    #[arg(long, env = "TESSERA_ADDRESS_RATE", value_name = "NUMBER")]
    address_rate: Option<String>,
    /// How long requests are still taken after SIGTERM [default: 5s]
    #[arg(long, env = "TESSERA_SHUTDOWN_DELAY", value_name = "DURATION")]
    shutdown_delay: Option<String>,
    /// Serve figures for Prometheus at /metrics [default: false]
    #[arg(long, env = "TESSERA_METRICS", value_name = "BOOL")]
    metrics: Option<String>,
    /// Database, as sqlite: or postgres:// URL
    #[arg(long, env = DATABASE_URL, value_name = "URL", hide_env_values = true)]
    database_url: Option<SecretString>,
    /// Size of the connection pool [default: 10 for PostgreSQL, 8 for SQLite]
    #[arg(long, env = "TESSERA_DATABASE_MAX_CONNECTIONS", value_name = "NUMBER")]
    database_max_connections: Option<String>,
    /// How long a request waits for a free connection [default: 2s]
    #[arg(long, env = "TESSERA_DATABASE_ACQUIRE_TIMEOUT", value_name = "DURATION")]
    database_acquire_timeout: Option<String>,
    /// How long one statement may run [default: 5s]
    #[arg(long, env = "TESSERA_DATABASE_STATEMENT_TIMEOUT", value_name = "DURATION")]
    database_statement_timeout: Option<String>,
    /// How long to wait for what another command has locked [default: 1500ms]
    #[arg(long, env = "TESSERA_DATABASE_LOCK_TIMEOUT", value_name = "DURATION")]
    database_lock_timeout: Option<String>,
    /// How long a transaction may stand still before PostgreSQL ends it [default: 5s]
    #[arg(long, env = "TESSERA_DATABASE_IDLE_TRANSACTION_TIMEOUT", value_name = "DURATION")]
    database_idle_transaction_timeout: Option<String>,
    /// How PostgreSQL plans statements: auto, force_generic_plan, force_custom_plan [default: force_generic_plan]
    #[arg(long, env = "TESSERA_DATABASE_PLAN_CACHE_MODE", value_name = "MODE")]
    database_plan_cache_mode: Option<String>,
    /// How many commands that consume from one counter are counted together at most, 1 to 256 [default: 64]
    #[arg(long, env = "TESSERA_USAGE_GROUP", value_name = "NUMBER")]
    usage_group: Option<String>,
    /// The accepted issuer of tokens (`iss`)
    #[arg(long, env = "TESSERA_AUTH_ISSUER", value_name = "TEXT")]
    auth_issuer: Option<String>,
    /// The audience that tokens must name (`aud`)
    #[arg(long, env = "TESSERA_AUTH_AUDIENCE", value_name = "TEXT")]
    auth_audience: Option<String>,
    /// How far the issuer's clock may be off, at most 60s [default: 30s]
    #[arg(long, env = "TESSERA_AUTH_LEEWAY", value_name = "DURATION")]
    auth_leeway: Option<String>,
    /// File with the issuer's public key, as PEM
    #[arg(long, env = PUBLIC_KEY_FILE, value_name = "FILE")]
    auth_public_key_file: Option<String>,
    /// Address of the issuer's key set
    #[arg(long, env = JWKS_URL, value_name = "URL")]
    auth_jwks_url: Option<String>,
    /// Algorithms of the public key (one) or the key set: RS256, ES256, EdDSA
    #[arg(long, env = ALGORITHMS, value_name = "LIST")]
    auth_algorithms: Option<String>,
    /// Serve the GraphiQL page [default: false]
    #[arg(long, env = "TESSERA_GRAPHIQL", value_name = "BOOL")]
    graphiql: Option<String>,
    /// Let the schema be read [default: true]
    #[arg(long, env = "TESSERA_INTROSPECTION", value_name = "BOOL")]
    introspection: Option<String>,
    /// Who manages a new organization's own subscription: PLATFORM_MANAGED or SELF_MANAGED [default: PLATFORM_MANAGED]
    #[arg(long, env = "TESSERA_SUBSCRIPTION_MANAGEMENT", value_name = "WHO")]
    subscription_management: Option<String>,
    /// Days before its end at which a subscription expires soon [default: 7]
    #[arg(long, env = "TESSERA_EXPIRING_SOON_DAYS", value_name = "DAYS")]
    expiring_soon_days: Option<String>,
    /// Hours after which an unpaid pending subscription expires [default: 24]
    #[arg(long, env = "TESSERA_PENDING_HOURS", value_name = "HOURS")]
    pending_hours: Option<String>,
    /// Bring about in this server what is due [default: true]
    #[arg(long, env = "TESSERA_SCHEDULER", value_name = "BOOL")]
    scheduler: Option<String>,
    /// Let time be moved forward, for tests [default: false]
    #[arg(long, env = "TESSERA_TEST_CLOCK", value_name = "BOOL")]
    test_clock: Option<String>,
    /// Days that idempotency keys are kept, 1 to 3650 [default: 30]
    #[arg(long, env = "TESSERA_IDEMPOTENCY_DAYS", value_name = "DAYS")]
    idempotency_days: Option<String>,
    /// Days that access continues while a renewal is unpaid, 0 to 730 [default: 7]
    #[arg(long, env = "TESSERA_GRACE_DAYS", value_name = "DAYS")]
    grace_days: Option<String>,
    /// Days behind that until an unpaid subscription is canceled, 0 to 730 [default: 30]
    #[arg(long, env = "TESSERA_UNPAID_DAYS", value_name = "DAYS")]
    unpaid_days: Option<String>,
    /// Hours a gateway may be late with a renewal [default: 24]
    #[arg(long, env = "TESSERA_RENEWAL_TOLERANCE_HOURS", value_name = "HOURS")]
    renewal_tolerance_hours: Option<String>,
    /// Where the simulator of a payment gateway is; only with a test clock
    #[arg(long, env = SIMULATOR_URL, value_name = "URL")]
    simulator_url: Option<String>,
    /// Where payers may be sent back to after a checkout: addresses with commas between them, compared without their query
    #[arg(long, env = RETURN_URLS, value_name = "URLS")]
    return_urls: Option<String>,
    /// Form of the logs: json or text [default: json]
    #[arg(long, env = "TESSERA_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<String>,
    /// What is logged [default: info,sqlx=warn]
    #[arg(long, env = "TESSERA_LOG", value_name = "FILTER")]
    log: Option<String>,
    #[arg(skip = Secrets::from_environment())]
    secrets: Secrets,
}

#[derive(Clone, Debug, Default)]
struct Secrets {
    hs256: Option<SecretString>,
    cursor: Option<SecretString>,
    sealing: Option<SecretString>,
}

impl Secrets {
    fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is where configuration is read")]
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from);
        Self { hs256: read(HS256_SECRET), cursor: read(CURSOR_SECRET), sealing: read(SEALING_KEYS) }
    }
}

fn exposed(secret: &Option<SecretString>) -> Option<&str> {
    secret.as_ref().map(ExposeSecret::expose_secret)
}

impl Settings {
    /// The whole configuration, or everything that is wrong with it.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut check = Check::default();
        let address = |text: &str| text.parse().map_err(|_| format!("`{text}` is no address like 127.0.0.1:8080"));
        let listen = check.optional("TESSERA_LISTEN", self.listen.as_deref(), ([127, 0, 0, 1], 8080).into(), address);
        let server = self.check_server(&mut check);
        let rates = self.check_rates(&mut check);
        let database = self.check_database(&mut check);
        let auth = self.check_auth(&mut check);
        let hint = "it authenticates cursors; use the output of `openssl rand -base64 48`";
        let cursor_secret = check.required(CURSOR_SECRET, exposed(&self.secrets.cursor), hint, secret);
        if cursor_secret.is_some() && exposed(&self.secrets.cursor) == exposed(&self.secrets.hs256) {
            check.problem(CURSOR_SECRET, format!("must differ from {HS256_SECRET}: one secret, one purpose"));
        }
        let graphiql = check.optional("TESSERA_GRAPHIQL", self.graphiql.as_deref(), false, switch);
        let introspection = check.optional("TESSERA_INTROSPECTION", self.introspection.as_deref(), true, switch);
        let metrics = check.optional("TESSERA_METRICS", self.metrics.as_deref(), false, switch);
        let policy = self.check_policy(&mut check);
        let scheduler = self.check_scheduler(&mut check);
        let gateways = self.check_gateways(&mut check, scheduler.has_test_clock);
        let (log_format, log_filter) = self.check_logs(&mut check);

        let config = database.zip(auth).zip(cursor_secret).map(|((database, auth), cursor_secret)| Config {
            listen,
            server,
            rates,
            database,
            auth,
            cursor_secret,
            graphiql,
            introspection,
            metrics,
            gateways,
            policy,
            scheduler,
            log_format,
            log_filter,
        });
        check.finish(config)
    }

    /// Only the database: a migration needs no keys.
    pub fn database(&self) -> Result<DatabaseConfig, ConfigError> {
        let mut check = Check::default();
        let database = self.check_database(&mut check);
        check.finish(database)
    }

    /// Only the database and the scheduler: it needs no keys.
    pub fn scheduler(&self) -> Result<(DatabaseConfig, SchedulerConfig), ConfigError> {
        let mut check = Check::default();
        let database = self.check_database(&mut check);
        let scheduler = self.check_scheduler(&mut check);
        check.finish(database.map(|database| (database, scheduler)))
    }

    /// Only form and filter of the logs.
    pub fn logs(&self) -> Result<(LogFormat, String), ConfigError> {
        let mut check = Check::default();
        let logs = self.check_logs(&mut check);
        check.finish(Some(logs))
    }

    fn check_logs(&self, check: &mut Check) -> (LogFormat, String) {
        let format = check.optional("TESSERA_LOG_FORMAT", self.log_format.as_deref(), LogFormat::Json, log_format);
        let filter = check.optional("TESSERA_LOG", self.log.as_deref(), "info,sqlx=warn".to_owned(), log_filter);
        (format, filter)
    }

    fn check_scheduler(&self, check: &mut Check) -> SchedulerConfig {
        let default = SchedulerConfig::default();
        let days = number_within(1..=3650);
        SchedulerConfig {
            in_server: check.optional("TESSERA_SCHEDULER", self.scheduler.as_deref(), default.in_server, switch),
            has_test_clock: check.optional(
                "TESSERA_TEST_CLOCK",
                self.test_clock.as_deref(),
                default.has_test_clock,
                switch,
            ),
            idempotency_days: check.optional(
                "TESSERA_IDEMPOTENCY_DAYS",
                self.idempotency_days.as_deref(),
                default.idempotency_days,
                days,
            ),
        }
    }

    fn check_gateways(&self, check: &mut Check, has_test_clock: bool) -> GatewayConfig {
        let keys = exposed(&self.secrets.sealing);
        let sealing = check.optional(SEALING_KEYS, keys, None, |text| SealingKeys::parse(text).map(Some));
        let at = |text: &str| {
            let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            url.map(Some).ok_or_else(|| format!("`{text}` is no address like http://127.0.0.1:8081/"))
        };
        let simulator = check.optional(SIMULATOR_URL, self.simulator_url.as_deref(), None, at);
        if simulator.is_some() && !has_test_clock {
            check.problem(
                SIMULATOR_URL,
                "is set without TESSERA_TEST_CLOCK: where real money moves, nothing is simulated",
            );
        }
        let listed = |text: &str| {
            let one = |text: &str| at(text.trim()).map(Option::into_iter);
            text.split(',').map(one).collect::<Result<Vec<_>, _>>().map(|urls| urls.into_iter().flatten().collect())
        };
        let return_urls = check.optional(RETURN_URLS, self.return_urls.as_deref(), Vec::new(), listed);
        GatewayConfig { simulator, sealing, return_urls, ..GatewayConfig::default() }
    }

    /// Only how tokens are verified.
    pub fn auth(&self) -> Result<AuthConfig, ConfigError> {
        let mut check = Check::default();
        let auth = self.check_auth(&mut check);
        check.finish(auth)
    }

    /// Whether any source of keys is given, usable or not.
    pub fn names_keys(&self) -> bool {
        self.secrets.hs256.is_some() || self.auth_public_key_file.is_some() || self.auth_jwks_url.is_some()
    }

    fn check_database(&self, check: &mut Check) -> Option<DatabaseConfig> {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let hint = "give sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE";
        let url = check.required(DATABASE_URL, exposed(&self.database_url), hint, database_url);
        // The defaults depend on the kind of database alone.
        let default = DatabaseConfig::of(url.clone().unwrap_or_default());
        let max_connections = check.optional(
            "TESSERA_DATABASE_MAX_CONNECTIONS",
            self.database_max_connections.as_deref(),
            default.max_connections,
            number_within(1..=1000),
        );
        let mut duration = |variable, value: &Option<String>, default, range| {
            check.optional(variable, value.as_deref(), default, duration_within(range))
        };
        let acquire_timeout = duration(
            "TESSERA_DATABASE_ACQUIRE_TIMEOUT",
            &self.database_acquire_timeout,
            default.acquire_timeout,
            ms(100)..=s(30),
        );
        let statement_timeout = duration(
            "TESSERA_DATABASE_STATEMENT_TIMEOUT",
            &self.database_statement_timeout,
            default.statement_timeout,
            ms(100)..=s(60),
        );
        let lock_timeout = duration(
            "TESSERA_DATABASE_LOCK_TIMEOUT",
            &self.database_lock_timeout,
            default.lock_timeout,
            ms(100)..=s(60),
        );
        let idle_transaction_timeout = duration(
            "TESSERA_DATABASE_IDLE_TRANSACTION_TIMEOUT",
            &self.database_idle_transaction_timeout,
            default.idle_transaction_timeout,
            s(1)..=s(3600),
        );
        let plan_cache_mode = check.optional(
            "TESSERA_DATABASE_PLAN_CACHE_MODE",
            self.database_plan_cache_mode.as_deref(),
            default.plan_cache_mode,
            plan_cache_mode,
        );
        let usage_group = check.optional(
            "TESSERA_USAGE_GROUP",
            self.usage_group.as_deref(),
            default.usage_group,
            number_within(1..=256),
        );
        Some(DatabaseConfig {
            url: url?,
            max_connections,
            acquire_timeout,
            statement_timeout,
            lock_timeout,
            idle_transaction_timeout,
            plan_cache_mode,
            usage_group,
        })
    }

    fn check_policy(&self, check: &mut Check) -> PolicyConfig {
        let default = PolicyConfig::default();
        let subscription_management = check.optional(
            "TESSERA_SUBSCRIPTION_MANAGEMENT",
            self.subscription_management.as_deref(),
            default.subscription_management,
            management,
        );
        let mut number = |variable, value: &Option<String>, default, range| {
            check.optional(variable, value.as_deref(), default, number_within(range))
        };
        PolicyConfig {
            subscription_management,
            expiring_soon_days: number(
                "TESSERA_EXPIRING_SOON_DAYS",
                &self.expiring_soon_days,
                default.expiring_soon_days,
                0..=365,
            ),
            grace_days: number("TESSERA_GRACE_DAYS", &self.grace_days, default.grace_days, 0..=730),
            unpaid_days: number("TESSERA_UNPAID_DAYS", &self.unpaid_days, default.unpaid_days, 0..=730),
            pending_hours: number("TESSERA_PENDING_HOURS", &self.pending_hours, default.pending_hours, 1..=8760),
            renewal_tolerance_hours: number(
                "TESSERA_RENEWAL_TOLERANCE_HOURS",
                &self.renewal_tolerance_hours,
                default.renewal_tolerance_hours,
                0..=720,
            ),
        }
    }
}
