//! Rows in the numbers and proportions of production: a thousand organizations, one with more than half of everything.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tessera::entity::{CustomerId, OrganizationId, SubscriptionId, TierId};
use uuid::Uuid;

use crate::support::{Backend, World};

/// Customers; everything else is counted by them.
const CUSTOMERS: u64 = 20_000;
/// A dozen for each organization.
const TIERS: u64 = 12_000;
/// The first row of each table was made at the start of 2024, every other a minute after the one before.
const FIRST: u64 = 1_704_067_200_000_000;
const A_MINUTE: u64 = 60_000_000;

/// Customers of the organization with 60 % of all, of one with 2 %, and of one of the many others, a reseller.
pub const OF_LARGE: u64 = 20;
pub const OF_MIDDLING: u64 = 1_004;
pub const OF_RESELLER: u64 = 1_013;

#[derive(Clone, Copy)]
enum Table {
    Organization = 1,
    Tier,
    Customer,
    Subscription,
    Payment,
    Method,
    Member,
    AuditEvent,
    Ended,
    Own,
    Further,
    OfOrganization,
    Price,
    Feature,
}

fn uuid(table: Table, number: u64) -> Uuid {
    let millis = u128::from((FIRST + number * A_MINUTE) / 1000);
    Uuid::from_u128(millis << 80 | 7 << 76 | (table as u128) << 64 | 0x8000 << 48 | u128::from(number))
}

pub fn customer(number: u64) -> CustomerId {
    uuid(Table::Customer, number).into()
}

pub fn subscription(number: u64) -> SubscriptionId {
    uuid(Table::Subscription, number).into()
}

pub fn organization(number: u64) -> OrganizationId {
    uuid(Table::Organization, number).into()
}

pub fn tier(number: u64) -> TierId {
    uuid(Table::Tier, number).into()
}

/// The letters that are told from those of other rows.
pub fn letters(number: u64) -> String {
    format!("{:08x}", number * 2_654_435_761 % 4_294_967_296)
}

/// Expressions that the two databases write differently.
struct Sql {
    backend: Backend,
    now: i64,
    alpha: String,
    beta: String,
    gamma: String,
    delta: String,
}

impl Sql {
    fn pick(&self, postgres: String, sqlite: String) -> String {
        if self.backend == Backend::Postgres { postgres } else { sqlite }
    }

    fn literal(&self, id: Uuid) -> String {
        self.pick(format!("'{id}'::uuid"), format!("x'{}'", id.simple()))
    }

    fn id(&self, table: Table, number: &str) -> String {
        let (millis, table) = (format!("(({FIRST} + ({number}) * {A_MINUTE}) / 1000)"), table as u32);
        self.pick(
            format!("(lpad(to_hex({millis}), 12, '0') || '7{table:03x}8000' || lpad(to_hex({number}), 12, '0'))::uuid"),
            format!("unhex(printf('%012x7{table:03x}8000%012x', {millis}, {number}))"),
        )
    }

    fn letters(&self, number: &str) -> String {
        let hash = format!("(({number}) * 2654435761 % 4294967296)");
        self.pick(format!("lpad(to_hex({hash}), 8, '0')"), format!("printf('%08x', {hash})"))
    }

    /// The organization of a customer.
    fn tenant(&self, customer: &str) -> String {
        let Self { alpha, beta, gamma, delta, .. } = self;
        let other = self.id(Table::Organization, &format!("({customer}) % 996 + 1"));
        format!(
            "CASE WHEN ({customer}) % 5 < 3 THEN {alpha} WHEN ({customer}) % 50 = 4 THEN {beta} \
             ELSE CASE ({customer}) % 1000 WHEN 13 THEN {gamma} WHEN 14 THEN {delta} ELSE {other} END END"
        )
    }

    /// An insertion of as many rows, numbered `n` from 1.
    fn insert(&self, table: &str, rows: u64, columns: &[(&str, String)]) -> String {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<_> = columns.iter().map(|(_, value)| value.as_str()).collect();
        let big = self.pick("bigint".to_owned(), "integer".to_owned());
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT CAST(1 AS {big}) UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) \
             INSERT INTO {table} ({}) SELECT {} FROM numbers ORDER BY n",
            names.join(", "),
            values.join(", ")
        )
    }

    fn made(number: &str) -> String {
        format!("{FIRST} + ({number}) * {A_MINUTE}")
    }

    /// A moment that has nothing to do with the order in which rows were made.
    fn changed(number: &str) -> String {
        format!("{FIRST} + ({number}) * 7919 % 1000003 * {A_MINUTE}")
    }

    fn statements(&self) -> Vec<String> {
        let s = |text: &str| text.to_owned();
        let stamps = |number: &str| {
            [("created_at", Self::made(number)), ("updated_at", Self::changed(number)), ("version", s("1"))]
        };
        let with = |own: Vec<(&'static str, String)>| [own, stamps("n").to_vec()].concat();
        let tenant = self.tenant("n");
        let organizations = self.insert(
            "organizations",
            996,
            &with(vec![
                ("id", self.id(Table::Organization, "n")),
                ("parent_id", format!("CASE WHEN n <= 2 THEN {} END", self.gamma)),
                ("name", format!("'Organization ' || {}", self.letters("n"))),
                ("name_key", format!("'organization ' || {}", self.letters("n"))),
                ("slug", s("'organization-' || n")),
                ("status", s("CASE n % 50 WHEN 0 THEN 'SUSPENDED' WHEN 1 THEN 'TERMINATED' ELSE 'ACTIVE' END")),
                ("exempt", s("n % 100 = 2")),
                ("default_currency", s("'EUR'")),
                ("time_zone", s("'UTC'")),
                ("metadata", s("'{}'")),
                ("deleted_at", s("CASE WHEN n % 200 = 3 THEN 1 END")),
            ]),
        );
        // The large organization sells some to a few; most organizations sell those of the platform, beside their own.
        let tiers = self.insert(
            "tiers",
            TIERS,
            &with(vec![
                ("id", self.id(Table::Tier, "n")),
                (
                    "tenant_id",
                    format!(
                        "CASE WHEN n <= 8 THEN {} WHEN n <= 16 THEN NULL WHEN n <= 28 THEN {} WHEN n <= 40 THEN {} \
                         WHEN n <= 52 THEN {} ELSE {} END",
                        self.alpha,
                        self.beta,
                        self.gamma,
                        self.delta,
                        self.id(Table::Organization, "n % 996 + 1")
                    ),
                ),
                ("key", s("'tier-' || n")),
                ("name", s("'Tier ' || n")),
                ("kind", s("'CUSTOMER'")),
                ("rank", s("n % 40")),
                ("trial_days", s("0")),
                ("public", s("n > 8 AND n % 4 <> 3")),
                ("sort_order", s("n")),
                ("period_end_policy", s("'EXPIRE'")),
            ]),
        );
        let of_tier = ("tier_id", self.id(Table::Tier, &format!("(n % {TIERS} + 1)")));
        let prices = self.insert(
            "tier_prices",
            TIERS * 2,
            &[
                ("id", self.id(Table::Price, "n")),
                of_tier.clone(),
                ("billing_cycle", format!("CASE WHEN n <= {TIERS} THEN 'MONTHLY' ELSE 'YEARLY' END")),
                ("currency", s("'EUR'")),
                ("amount_minor", s("n * 7919 % 97 * 100")),
                ("gateway_prices", s("'{}'")),
            ],
        );
        let features = self.insert(
            "tier_features",
            TIERS * 3,
            &[
                ("id", self.id(Table::Feature, "n")),
                of_tier,
                ("key", format!("'feature-' || (n / {TIERS})")),
                ("kind", s("'SWITCH'")),
                ("enabled", s("n % 2 = 0")),
            ],
        );
        let members = self.insert(
            "members",
            CUSTOMERS,
            &with(vec![
                ("tenant_id", tenant.clone()),
                ("id", self.id(Table::Member, "n")),
                ("email", format!("{} || '@example.org'", self.letters("n"))),
                ("name", format!("'Member ' || {}", self.letters("n + 7"))),
                ("name_key", format!("'member ' || {}", self.letters("n + 7"))),
                ("role", s("CASE WHEN n % 3000 = 1 THEN 'RESELLER' WHEN n % 10 = 0 THEN 'ADMIN' ELSE 'WORKER' END")),
                ("active", s("n % 20 <> 0")),
            ]),
        );
        let customers = self.insert(
            "customers",
            CUSTOMERS,
            &with(vec![
                ("tenant_id", tenant.clone()),
                ("id", self.id(Table::Customer, "n")),
                ("name", format!("'Customer ' || {}", self.letters("n + 7"))),
                ("name_key", format!("'customer ' || {}", self.letters("n + 7"))),
                ("email", format!("{} || '@example.org'", self.letters("n"))),
                ("external_ref", s("CASE WHEN n % 4 = 0 THEN 'ref-' || n END")),
                ("status", s("CASE n % 50 WHEN 0 THEN 'SUSPENDED' WHEN 1 THEN 'TERMINATED' ELSE 'ACTIVE' END")),
                (
                    "search_text",
                    format!(
                        "'customer ' || {} || ' ' || {} || '@example.org'",
                        self.letters("n + 7"),
                        self.letters("n")
                    ),
                ),
                ("metadata", s("'{}'")),
                ("deleted_at", s("CASE WHEN n % 100 = 7 THEN 1 END")),
            ]),
        );
        let end = format!("{} + (n * 7919 % 400 - 5) * 86400000000", self.now);
        let live = |customer: Option<String>, tenant: String, id: String, status: &str| {
            let period = |value: String| format!("CASE WHEN {status} <> 'PENDING' THEN {value} END");
            let only = |wanted: &str, value: &str| format!("CASE WHEN {status} = '{wanted}' THEN {value} END");
            let trial = format!("CASE WHEN {status} = 'TRIALING' THEN {} END", Self::made("n"));
            with(vec![
                ("tenant_id", tenant),
                ("id", id),
                ("customer_id", customer.unwrap_or_else(|| s("NULL"))),
                (
                    "tier_id",
                    format!(
                        "CASE WHEN n % 5 < 3 THEN {} ELSE {} END",
                        self.id(Table::Tier, "n % 12 + 1"),
                        self.id(Table::Tier, "n % 8 + 9")
                    ),
                ),
                ("status", s(status)),
                ("mode", s("CASE WHEN n % 3 = 0 THEN 'GATEWAY' ELSE 'MANUAL' END")),
                ("amount_minor", s("n * 7919 % 97 * 100")),
                ("currency", s("'EUR'")),
                ("billing_cycle", s("CASE WHEN n % 5 = 0 THEN 'YEARLY' ELSE 'MONTHLY' END")),
                ("starts_at", Self::made("n")),
                ("trial_started_at", trial.clone()),
                ("trial_ends_at", trial),
                ("current_period_start", period(Self::made("n"))),
                ("current_period_end", period(end.clone())),
                ("anchor_day", s("1")),
                ("past_due_since", only("PAST_DUE", "1")),
                ("grace_ends_at", only("PAST_DUE", "1")),
                ("suspended_at", only("SUSPENDED", "1")),
                ("suspension_cause", only("SUSPENDED", "'OPERATOR'")),
                ("suspended_from", only("SUSPENDED", "'ACTIVE'")),
                ("paused_at", only("PAUSED", "1")),
                ("canceled_at", only("CANCELED", "1")),
                ("cancel_at", only("CANCELED", "1")),
                ("ended_at", format!("CASE WHEN {status} IN ('CANCELED', 'EXPIRED') THEN {} END", Self::made("n"))),
                ("feature_overrides", s("'{}'")),
                ("gateway", s("CASE WHEN n % 3 = 0 THEN 'STRIPE' END")),
                ("external_id", s("CASE WHEN n % 3 = 1 THEN 'external-' || n END")),
                ("metadata", s("'{}'")),
                ("access_ends_at", period(end.clone())),
                ("deleted_at", s("CASE WHEN n % 200 = 11 THEN 1 END")),
            ])
        };
        let gateway_id = |kind: &str| {
            let id = format!("CASE WHEN n % 3 = 0 THEN '{kind}-' || n END");
            [("gateway_subscription_id", id)]
        };
        let statuses = "CASE n % 20 WHEN 0 THEN 'PENDING' WHEN 1 THEN 'TRIALING' WHEN 2 THEN 'TRIALING' \
            WHEN 3 THEN 'PAST_DUE' WHEN 4 THEN 'SUSPENDED' ELSE CASE WHEN n % 500 = 6 THEN 'PAUSED' ELSE 'ACTIVE' END END";
        let of_customer =
            live(Some(self.id(Table::Customer, "n")), tenant.clone(), self.id(Table::Subscription, "n"), statuses);
        let subscriptions =
            self.insert("subscriptions", CUSTOMERS, &[of_customer, gateway_id("sub").to_vec()].concat());
        let ended = live(
            Some(self.id(Table::Customer, "n * 4")),
            self.tenant("n * 4"),
            self.id(Table::Ended, "n"),
            "CASE WHEN n % 5 = 0 THEN 'EXPIRED' ELSE 'CANCELED' END",
        );
        let ended = self.insert("subscriptions", CUSTOMERS / 4, &[ended, gateway_id("ended").to_vec()].concat());
        let own = live(None, self.id(Table::Organization, "n"), self.id(Table::Own, "n"), "'ACTIVE'");
        let own = self.insert("subscriptions", 996, &[own, gateway_id("own").to_vec()].concat());
        let payer = format!("(n % {CUSTOMERS} + 1)");
        let payments = self.insert(
            "payments",
            CUSTOMERS * 4,
            &with(vec![
                ("tenant_id", self.tenant(&payer)),
                ("id", self.id(Table::Payment, "n")),
                ("subscription_id", self.id(Table::Subscription, &payer)),
                ("customer_id", self.id(Table::Customer, &payer)),
                ("amount_minor", s("n * 7919 % 97 * 100")),
                ("currency", s("CASE WHEN n % 20000 = 1 THEN 'JPY' WHEN n % 10 = 0 THEN 'USD' ELSE 'EUR' END")),
                (
                    "status",
                    s("CASE n * 7 % 20 WHEN 0 THEN 'FAILED' WHEN 1 THEN 'REFUNDED' WHEN 2 THEN 'PARTIALLY_REFUNDED' \
                WHEN 3 THEN 'CANCELED' WHEN 4 THEN CASE WHEN n % 5000 = 12 THEN 'PROCESSING' ELSE 'PENDING' END \
                ELSE 'SUCCEEDED' END"),
                ),
                (
                    "gateway",
                    s("CASE WHEN n % 5 = 0 THEN 'MANUAL' WHEN n % 20000 = 1 THEN 'MERCADO_PAGO' ELSE 'STRIPE' END"),
                ),
                ("gateway_payment_id", format!("CASE WHEN n % 5 <> 0 THEN 'pi_' || {} || n END", self.letters("n"))),
                ("failure_code", s("CASE WHEN n * 7 % 20 = 0 THEN 'card_declined' END")),
                (
                    "failure_message",
                    format!("CASE WHEN n * 7 % 20 = 0 THEN 'Declined by bank ' || {} END", self.letters("n")),
                ),
                ("attempt", s("1")),
                ("refunded_minor", s("CASE WHEN n * 7 % 20 = 1 THEN n * 7919 % 97 * 100 ELSE 0 END")),
                ("period_start", Self::made("n")),
                ("paid_at", format!("CASE WHEN n * 7 % 20 NOT IN (0, 3, 4) THEN {} END", Self::changed("n + 3"))),
                ("status_changed_at", Self::changed("n + 5")),
            ]),
        );
        let method = |table, tenant: String, default: &str, customer: String| {
            with(vec![
                ("tenant_id", tenant),
                ("id", self.id(table, "n")),
                ("customer_id", customer),
                ("gateway", s("CASE WHEN n % 10000 = 1 THEN 'MERCADO_PAGO' ELSE 'STRIPE' END")),
                ("gateway_method_id", format!("'pm-{}-' || n", table as u32)),
                ("kind", s("CASE WHEN n % 5000 = 1 THEN 'WALLET' WHEN n % 10 = 0 THEN 'BANK_ACCOUNT' ELSE 'CARD' END")),
                ("is_default", s(default)),
                ("deleted_at", s("CASE WHEN n % 200 = 11 THEN 1 END")),
            ])
        };
        let methods = method(Table::Method, self.tenant("n"), "n > 0", self.id(Table::Customer, "n"));
        let methods = self.insert("payment_methods", CUSTOMERS, &methods);
        let further = method(Table::Further, self.tenant("n * 4"), "n < 0", self.id(Table::Customer, "n * 4"));
        let further = self.insert("payment_methods", CUSTOMERS / 4, &further);
        let of_organization = self.id(Table::Organization, "n");
        let of_organizations = method(Table::OfOrganization, of_organization, "n > 0", s("NULL"));
        let of_organizations = self.insert("payment_methods", 996, &of_organizations);
        let concerned = format!("(n % {CUSTOMERS} + 1)");
        let audit = self.insert(
            "audit_events",
            CUSTOMERS * 3,
            &[
                ("tenant_id", format!("CASE WHEN n % 500 = 0 THEN NULL ELSE {} END", self.tenant(&concerned))),
                ("id", self.id(Table::AuditEvent, "n")),
                ("actor", s("CASE WHEN n % 3 = 0 THEN 'worker' ELSE 'person-' || (n % 2000) || '@example.org' END")),
                ("actor_role", s("'ADMIN'")),
                (
                    "action",
                    s("CASE WHEN n % 3000 = 5 THEN 'customer.terminate' WHEN n % 20 = 0 THEN 'tier.update' \
                WHEN n % 2 = 0 THEN 'subscription.renew' ELSE 'customer.update' END"),
                ),
                (
                    "entity_type",
                    s("CASE WHEN n % 20 = 0 THEN 'tier' WHEN n % 2 = 0 THEN 'subscription' ELSE 'customer' END"),
                ),
                ("entity_id", self.id(Table::Customer, &concerned)),
                ("changes", s("'{}'")),
                ("created_at", Self::made("n")),
            ],
        );
        vec![
            organizations,
            tiers,
            prices,
            features,
            members,
            customers,
            subscriptions,
            ended,
            own,
            payments,
            methods,
            further,
            of_organizations,
            audit,
            self.pick(s("VACUUM ANALYZE"), s("ANALYZE")),
        ]
    }
}

/// Fills the database of the world.
pub async fn fill(world: &World, database: &DatabaseConnection, backend: Backend) {
    let now = world.clock.now().micros();
    let mut sql =
        Sql { backend, now, alpha: String::new(), beta: String::new(), gamma: String::new(), delta: String::new() };
    let literal = |id: OrganizationId| sql.literal(id.into());
    let [alpha, beta, gamma, delta] =
        [world.alpha, world.beta, world.gamma, world.delta].map(|tenant| literal(tenant.id));
    (sql.alpha, sql.beta, sql.gamma, sql.delta) = (alpha, beta, gamma, delta);
    let hurry = match backend {
        Backend::Postgres => "SET gin_pending_list_limit = '256MB'; SET maintenance_work_mem = '256MB'",
        Backend::Sqlite => "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000",
    };
    for statement in [hurry.to_owned()].into_iter().chain(sql.statements()) {
        database.execute_unprepared(&statement).await.unwrap_or_else(|error| panic!("{error} of {statement}"));
    }
}
