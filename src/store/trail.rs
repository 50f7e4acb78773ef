//! What every changed row leaves behind: an entry in the audit trail and an event in the outbox.

use std::fmt::Write as _;

use sea_orm::sea_query::Value;
use sea_orm::{EntityTrait, IdenStatic as _};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use uuid::Uuid;

use super::Scope;
use super::text::{Text, put};
use crate::auth::{Caller, Part};
use crate::clock::Timestamp;
use crate::entity::{AuditEventId, Mutable, OutboxEventId, TenantKey, audit_event, outbox_event};
use crate::error::Result;

/// What a write means, for the audit trail: every insert and update names one.
#[derive(Clone, Debug)]
pub struct Change {
    verb: &'static str,
    reason: Option<String>,
    parts: Changes,
    /// When it was due, if time made it.
    due_at: Option<Timestamp>,
}

impl Change {
    /// A change without a given reason; the verb completes the noun, as in `subscription.suspend`.
    pub const fn new(verb: &'static str) -> Self {
        Self { verb, reason: None, parts: Changes(Vec::new()), due_at: None }
    }

    /// The same change with the actor's reason.
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Another change, for the same reason.
    pub fn along(&self, verb: &'static str) -> Self {
        Self::new(verb).because(self.reason.clone())
    }

    /// The same change, which time made at this moment: whoever writes it only carries it out.
    pub fn due(mut self, at: Timestamp) -> Self {
        self.due_at = Some(at);
        self
    }

    /// The same change, which also replaces a part of the row that another table holds, such as a tier's prices. A
    /// part that stays as it is does not count.
    pub fn with_part(mut self, name: &'static str, from: Json, to: Json) -> Self {
        if from != to {
            self.parts.0.push((name, Difference { from, to }));
        }
        self
    }

    /// Whether it replaces a part of the row.
    pub(super) fn has_parts(&self) -> bool {
        !self.parts.0.is_empty()
    }
}

/// What changed, by column or part.
#[derive(Clone, Debug)]
pub(crate) struct Changes(Vec<(&'static str, Difference)>);

/// What was there and what took its place.
#[derive(Clone, Debug, Serialize)]
struct Difference {
    from: Json,
    to: Json,
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, difference)| (*name, difference)))
    }
}

/// One change of one row: what its audit entry and its outbox event are made of.
#[derive(Clone)]
pub(super) struct Entry {
    audit_id: AuditEventId,
    event_id: OutboxEventId,
    tenant_id: TenantKey,
    actor: String,
    actor_role: &'static str,
    impersonator: Option<String>,
    action: String,
    entity_type: &'static str,
    entity_id: Uuid,
    entity_version: i32,
    /// As JSON text: two tables get it, and statements are copied on their way.
    changes: String,
    reason: Option<String>,
    request_id: Option<String>,
    address: Option<String>,
    created_at: Timestamp,
    effective_at: Option<Timestamp>,
}

impl Entry {
    /// What the scope's caller did to this row now.
    pub(super) fn new<M: Mutable>(
        scope: &Scope,
        now: Timestamp,
        row: &M,
        mut changes: Changes,
        change: Change,
    ) -> Result<Self> {
        let by_time = change.due_at.is_some();
        let caller = if by_time { &Caller::System(Part::Scheduler) } else { scope.caller()? };
        let request = &scope.request;
        changes.0.extend(change.parts.0);
        Ok(Self {
            audit_id: AuditEventId::generate(),
            event_id: OutboxEventId::generate(),
            tenant_id: row.tenant().into(),
            actor: caller.name().to_owned(),
            actor_role: caller.role_name(),
            impersonator: caller.impersonator().map(str::to_owned),
            action: format!("{}.{}", M::NOUN, change.verb),
            entity_type: M::NOUN,
            entity_id: row.uuid(),
            entity_version: row.version(),
            changes: serde_json::to_string(&changes)?,
            reason: change.reason,
            request_id: (!request.id.is_empty()).then(|| request.id.as_ref().to_owned()),
            address: request.address.filter(|_| !by_time).map(|address| address.to_string()),
            created_at: now,
            effective_at: change.due_at,
        })
    }

    /// In the order of [`COLUMNS`].
    fn values(&self) -> [Value; COLUMNS.len()] {
        [
            self.audit_id.into(),
            self.event_id.into(),
            self.tenant_id.into(),
            self.actor.as_str().into(),
            self.actor_role.into(),
            self.impersonator.as_deref().into(),
            self.action.as_str().into(),
            self.entity_type.into(),
            self.entity_id.into(),
            self.entity_version.into(),
            self.changes.as_str().into(),
            self.reason.as_deref().into(),
            self.request_id.as_deref().into(),
            self.address.as_deref().into(),
            self.created_at.into(),
            self.effective_at.into(),
        ]
    }
}

const COLUMNS: [&str; 16] = [
    "audit_id",
    "event_id",
    "tenant_id",
    "actor",
    "actor_role",
    "impersonator",
    "action",
    "entity_type",
    "entity_id",
    "entity_version",
    "changes",
    "reason",
    "request_id",
    "address",
    "created_at",
    "effective_at",
];

/// What an event tells of the changes: not what only managers may read, because it is sent to others as well.
const TOLD: &str = "told";

/// Which columns of a table come from which of the trail's.
pub(super) struct Copy {
    table: &'static str,
    columns: Vec<(&'static str, &'static str)>,
}

/// What makes the audit entries and the outbox events from the trail.
pub(super) fn copies() -> [Copy; 2] {
    use audit_event::Column as Audit;
    use outbox_event::Column as Outbox;
    let audit = [
        (Audit::Id, "audit_id"),
        (Audit::TenantId, "tenant_id"),
        (Audit::Actor, "actor"),
        (Audit::ActorRole, "actor_role"),
        (Audit::Impersonator, "impersonator"),
        (Audit::Action, "action"),
        (Audit::EntityType, "entity_type"),
        (Audit::EntityId, "entity_id"),
        (Audit::Changes, "changes"),
        (Audit::Reason, "reason"),
        (Audit::RequestId, "request_id"),
        (Audit::Address, "address"),
        (Audit::CreatedAt, "created_at"),
        (Audit::EffectiveAt, "effective_at"),
    ];
    let outbox = [
        (Outbox::Id, "event_id"),
        (Outbox::TenantId, "tenant_id"),
        (Outbox::Topic, "action"),
        (Outbox::EntityType, "entity_type"),
        (Outbox::EntityId, "entity_id"),
        (Outbox::EntityVersion, "entity_version"),
        (Outbox::Payload, TOLD),
        (Outbox::CreatedAt, "created_at"),
    ];
    [Copy::into(audit_event::Entity, &audit), Copy::into(outbox_event::Entity, &outbox)]
}

impl Copy {
    fn into<E: EntityTrait>(table: E, columns: &[(E::Column, &'static str)]) -> Self {
        let columns = columns.iter().map(|(to, from)| (to.as_str(), *from)).collect();
        Self { table: table.table_name(), columns }
    }
}

impl Text {
    /// The entries as a table for [`copies`] to read: what both of them hold is sent once, and made JSON once.
    pub(super) fn trail(&mut self, entries: &[Entry]) {
        put!(self, r#""trail" ("#);
        self.columns(COLUMNS);
        put!(self, ") AS (VALUES ");
        self.list(entries, |text, entry| {
            put!(text, "(");
            text.list(COLUMNS.into_iter().zip(entry.values()), |text, (name, value)| match name {
                // PostgreSQL has a type for JSON, SQLite keeps the text.
                "changes" if !text.is_sqlite() => {
                    put!(text, "CAST(");
                    text.value(value);
                    put!(text, " AS jsonb)");
                }
                _ => text.value(value),
            });
            put!(text, ")");
        });
        put!(self, ")");
    }

    /// Makes rows of a table from the trail.
    pub(super) fn copy(&mut self, Copy { table, columns }: &Copy) {
        put!(self, r#"INSERT INTO "{table}" ("#);
        self.columns(columns.iter().map(|(to, _)| *to));
        put!(self, ") SELECT ");
        self.list(columns, |text, (_, from)| match *from {
            TOLD if text.is_sqlite() => {
                put!(text, r#"json_remove("changes", '$.private_metadata')"#);
            }
            TOLD => {
                put!(text, r#""changes" - 'private_metadata'"#);
            }
            column => text.columns([column]),
        });
        put!(self, r#" FROM "trail""#);
    }
}

/// What the audit trail tells of a new row.
pub(crate) fn created(row: &impl Mutable) -> Result<Changes> {
    let named = row.audited()?.into_iter().filter(|(_, value)| !value.is_null());
    Ok(Changes(named.map(|(name, to)| (name, Difference { from: Json::Null, to })).collect()))
}

/// What the audit trail tells of a changed row.
pub(crate) fn changed<M: Mutable>(before: &M, after: &M) -> Result<Changes> {
    let columns = before.audited()?.into_iter().zip(after.audited()?);
    let differing = columns.filter(|((_, from), (_, to))| from != to);
    Ok(Changes(differing.map(|((name, from), (_, to))| (name, Difference { from, to })).collect()))
}
