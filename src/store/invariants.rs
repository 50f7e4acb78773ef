//! What must hold of every database, whatever was done to it and whatever went wrong meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{DbBackend, DbErr, ModelTrait, Statement, TryIntoModel};

use super::executor::Executor as _;
use super::{Noun, Row, Rows, System};
use crate::entity::{Derived, customer, member, organization, payment, subscription, tier};
use crate::payment::{moves as moves_of_payments, under_way};
use crate::subscription::lifecycle::{contradicts_itself, moves, settled};

/// How many rows are read at once.
const AT_ONCE: u64 = 500;

/// Something that must hold, and how often it does not.
#[derive(Clone, Debug)]
pub struct Invariant {
    /// What must hold.
    pub name: &'static str,
    /// How many rows, or groups of rows, it does not hold of, or why that cannot be told.
    pub violations: Result<u64, DbErr>,
}

impl Invariant {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        matches!(self.violations, Ok(0))
    }
}

/// What the database itself can count. The text is the same for both databases.
const COUNTED: &[(&str, &str)] = &[
    (
        "an owner has at most one live subscription",
        "SELECT count(*) FROM (
            SELECT 1 AS one FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL
            GROUP BY tenant_id, customer_id HAVING count(*) > 1
        ) AS found",
    ),
    (
        "a subscription's tiers are of a catalogue that its organization sees",
        "SELECT count(*) FROM subscriptions AS held
        JOIN organizations AS owner ON owner.id = held.tenant_id
        JOIN tiers AS tier ON tier.id IN (held.tier_id, held.scheduled_tier_id, held.overridden_tier_id)
        WHERE tier.tenant_id <> held.tenant_id AND (owner.parent_id IS NULL OR tier.tenant_id <> owner.parent_id)",
    ),
    ("totals of live subscriptions are what there is", super::system::STALE_TOTALS),
    (
        "a subscription is charged once for an attempt at a period",
        "SELECT count(*) FROM (
            SELECT 1 AS one FROM payments WHERE period_start IS NOT NULL
            GROUP BY tenant_id, subscription_id, period_start, attempt HAVING count(*) > 1
        ) AS found",
    ),
    (
        "a subscription tells how its newest payment stands",
        "SELECT count(*) FROM subscriptions AS held LEFT JOIN (
            SELECT tenant_id, subscription_id, status, status_changed_at,
                row_number() OVER (PARTITION BY tenant_id, subscription_id ORDER BY created_at DESC, id DESC) AS place
            FROM payments
        ) AS newest ON newest.tenant_id = held.tenant_id AND newest.subscription_id = held.id AND newest.place = 1
        WHERE coalesce(held.payment_status, '') <> coalesce(newest.status, '')
            OR coalesce(held.payment_status_at, 0) <> coalesce(newest.status_changed_at, 0)",
    ),
    (
        // The platform sells to organizations, an organization to its customers.
        "money goes through an account of the seller",
        "SELECT count(*) FROM (
            SELECT tenant_id, customer_id, gateway_account_id FROM subscriptions
            UNION ALL SELECT tenant_id, customer_id, gateway_account_id FROM payments
            UNION ALL SELECT tenant_id, customer_id, gateway_account_id FROM payment_methods
        ) AS billed JOIN gateway_accounts AS account ON account.id = billed.gateway_account_id
        WHERE (billed.customer_id IS NULL) <> (account.tenant_id IS NULL) OR account.tenant_id <> billed.tenant_id",
    ),
    (
        "an owner with payment methods has one default",
        "SELECT count(*) FROM (
            SELECT 1 AS one FROM payment_methods WHERE deleted_at IS NULL
            GROUP BY tenant_id, customer_id HAVING sum(CASE WHEN is_default THEN 1 ELSE 0 END) <> 1
        ) AS found",
    ),
    (
        "what a counter holds is reserved",
        "SELECT count(*) FROM usage_counters AS counter LEFT JOIN (
            SELECT tenant_id, subscription_id, feature_key, epoch, number, sum(amount) AS amount
            FROM usage_reservations WHERE state = 'HELD'
            GROUP BY tenant_id, subscription_id, feature_key, epoch, number
        ) AS reserved ON reserved.tenant_id = counter.tenant_id
            AND reserved.subscription_id = counter.subscription_id AND reserved.feature_key = counter.feature_key
            AND reserved.epoch = counter.epoch AND reserved.number = counter.number
        WHERE counter.held <> coalesce(reserved.amount, 0)",
    ),
    (
        // But for gauges, which are set and not counted.
        "use adds up by day and by window",
        "SELECT count(*) FROM (
            SELECT tenant_id, subscription_id, feature_key, sum(used) AS used, count(observed_at) AS gauges
            FROM usage_counters GROUP BY tenant_id, subscription_id, feature_key
        ) AS counter LEFT JOIN (
            SELECT tenant_id, subscription_id, feature_key, sum(used) AS used
            FROM usage_days GROUP BY tenant_id, subscription_id, feature_key
        ) AS day ON day.tenant_id = counter.tenant_id AND day.subscription_id = counter.subscription_id
            AND day.feature_key = counter.feature_key
        WHERE gauges = 0 AND counter.used <> coalesce(day.used, 0)",
    ),
    (
        // Of rows that came without a trail, or whose trail was trimmed, only so much is known.
        "a change has one audit entry",
        "SELECT count(*) FROM (
            SELECT id, version FROM organizations UNION ALL SELECT id, version FROM members
            UNION ALL SELECT id, version FROM customers UNION ALL SELECT id, version FROM tiers
            UNION ALL SELECT id, version FROM features UNION ALL SELECT id, version FROM add_ons
            UNION ALL SELECT id, version FROM gateway_accounts UNION ALL SELECT id, version FROM subscriptions
        ) AS changed JOIN (
            SELECT entity_id, count(*) AS entries, max(CASE WHEN action LIKE '%.create' THEN 1 ELSE 0 END) AS is_whole
            FROM audit_events GROUP BY entity_id
        ) AS trail ON trail.entity_id = changed.id
        WHERE entries > version OR (is_whole = 1 AND entries < version)",
    ),
    (
        "a change has one event",
        "SELECT count(*) FROM (
            SELECT 1 AS one FROM outbox_events
            GROUP BY entity_type, entity_id, entity_version HAVING count(*) > 1
        ) AS found",
    ),
    (
        "an event has its audit entry",
        "SELECT count(*) FROM (
            SELECT entity_id, topic, count(*) AS events FROM outbox_events
            WHERE created_at >= (SELECT min(created_at) FROM audit_events) GROUP BY entity_id, topic
        ) AS event LEFT JOIN (
            SELECT entity_id, action, count(*) AS entries FROM audit_events GROUP BY entity_id, action
        ) AS entry ON entry.entity_id = event.entity_id AND entry.action = event.topic
        WHERE coalesce(entry.entries, 0) < event.events",
    ),
    (
        // What overrides lay on was moved by a migration once, without an event.
        "a status is left where the last move arrived",
        "SELECT count(*) FROM (
            SELECT topic, payload -> 'status' ->> 'from' AS left_from, lag(payload -> 'status' ->> 'to')
                OVER (PARTITION BY entity_id ORDER BY entity_version) AS arrived
            FROM outbox_events WHERE entity_type = 'subscription' AND payload -> 'status' IS NOT NULL
        ) AS move WHERE left_from <> arrived AND topic <> 'subscription.end_override'",
    ),
    (
        "a status is where its last move arrived",
        "SELECT count(*) FROM subscriptions AS held JOIN (
            SELECT entity_id, entity_version, payload -> 'status' ->> 'to' AS arrived,
                row_number() OVER (PARTITION BY entity_id ORDER BY entity_version DESC) AS from_last
            FROM outbox_events WHERE entity_type = 'subscription' AND payload -> 'status' IS NOT NULL
        ) AS move ON move.entity_id = held.id AND move.from_last = 1
        WHERE held.status <> move.arrived AND held.mode <> 'OVERRIDE'",
    ),
];

impl System<'_> {
    /// Everything that must hold, with how often it does not. It reads the whole database, which others may change
    /// meanwhile.
    pub async fn invariants(&self) -> Vec<Invariant> {
        let mut found = Vec::new();
        let mut tell = |name, violations| found.push(Invariant { name, violations });
        if self.0.backend() == DbBackend::Sqlite {
            // Unique values and references are checked as well: PostgreSQL has no way around them.
            let is_problem = |row: &Row<'_>| !matches!(row.text(0), Ok(Some("ok")));
            let problems = self.rows("PRAGMA integrity_check").await;
            tell("the file is whole", problems.map(|rows| rows.iter().filter(is_problem).count() as u64));
            let unknown = self.rows("PRAGMA foreign_key_check").await;
            tell("references lead to rows", unknown.map(|rows| rows.len() as u64));
        }
        for (name, sql) in COUNTED {
            tell(name, self.number(sql).await);
        }
        tell("a subscription has at most one attempt at a period under way", self.number(&surplus_attempts()).await);
        tell("a status moves along the table", self.number(&moves_off_the_table()).await);
        tell("the status of a payment moves along its table", self.number(&payments_off_the_table()).await);
        let contradictory = self.count_where::<subscription::Entity>(contradicts_itself).await;
        tell("status, dates and flags of a subscription agree", contradictory);
        let is_stale = |row: &subscription::Model| settled(row.clone()) != *row;
        let stale = self.count_where::<subscription::Entity>(is_stale).await;
        tell("what time will make of a subscription is foreseen", stale);
        tell("keys of text are what the program makes", self.count_all_stale_keys().await);
        found
    }

    async fn rows(&self, sql: &str) -> Result<Rows, DbErr> {
        self.0.0.database.rows(Statement::from_string(self.0.backend(), sql)).await
    }

    async fn number(&self, sql: &str) -> Result<u64, DbErr> {
        let rows = self.rows(sql).await?;
        rows.iter().try_fold(0, |_, row| Ok(row.integer(0)?.unwrap_or(0).unsigned_abs()))
    }

    async fn count_all_stale_keys(&self) -> Result<u64, DbErr> {
        Ok(self.count_stale_keys::<organization::Entity>().await?
            + self.count_stale_keys::<member::Entity>().await?
            + self.count_stale_keys::<customer::Entity>().await?
            + self.count_stale_keys::<tier::Entity>().await?
            + self.count_stale_keys::<subscription::Entity>().await?
            + self.count_stale_keys::<payment::Entity>().await?)
    }

    /// How many rows of a table are so, deleted ones included.
    async fn count_where<E: Noun>(&self, is_so: impl Fn(&E::Model) -> bool) -> Result<u64, DbErr>
    where
        E::Model: ModelTrait<Entity = E>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let (mut count, mut last) = (0, None);
        loop {
            let page = self.page_behind::<E>(last, AT_ONCE).await?;
            count += page.iter().filter(|row| is_so(row)).count() as u64;
            match page.last() {
                Some(row) => last = Some(row.get(E::id())),
                None => return Ok(count),
            }
        }
    }

    async fn count_stale_keys<E: Noun>(&self) -> Result<u64, DbErr>
    where
        E::Model: Derived + PartialEq + ModelTrait<Entity = E>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        self.count_where::<E>(|row| {
            let mut derived = row.clone();
            derived.derive();
            derived != *row
        })
        .await
    }
}

/// Counts the periods with more than one attempt under way.
fn surplus_attempts() -> String {
    let under_way = under_way().map(|status| format!("'{}'", status.as_str())).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT count(*) FROM (
            SELECT 1 AS one FROM payments WHERE status IN ({under_way})
            GROUP BY tenant_id, subscription_id, period_start HAVING count(*) > 1
        ) AS found"
    )
}

/// Counts the outbox's events of payments that moved as they do not.
fn payments_off_the_table() -> String {
    let moves = moves_of_payments().map(|(from, to)| format!("'{} {}'", from.as_str(), to.as_str()));
    let moves = moves.collect::<Vec<_>>().join(", ");
    format!(
        "SELECT count(*) FROM outbox_events WHERE entity_type = 'payment' AND payload -> 'status' ->> 'from' IS NOT NULL
        AND (payload -> 'status' ->> 'from') || ' ' || (payload -> 'status' ->> 'to') NOT IN ({moves})"
    )
}

/// Counts the outbox's events of what was done, or happened, to subscriptions in states that it does not move from.
fn moves_off_the_table() -> String {
    let mut by_verb: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (verb, from) in moves() {
        by_verb.entry(verb).or_default().extend(from.iter().map(|status| status.as_str()));
    }
    let is_off = |(verb, from): (&str, BTreeSet<&str>)| {
        let from = from.iter().map(|status| format!("'{status}'")).collect::<Vec<_>>().join(", ");
        format!("(topic = 'subscription.{verb}' AND payload -> 'status' ->> 'from' NOT IN ({from}))")
    };
    let off = by_verb.into_iter().map(is_off).collect::<Vec<_>>().join(" OR ");
    format!("SELECT count(*) FROM outbox_events WHERE payload -> 'status' IS NOT NULL AND ({off})")
}
