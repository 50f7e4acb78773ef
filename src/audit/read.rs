//! How the audit trail is read in bulk.

use super::show_id;
use crate::clock::Timestamp;
use crate::entity::audit_event::Column::{
    Action, Actor, ActorRole, Address, Changes, CreatedAt, EffectiveAt, EntityId, EntityType, Id, Impersonator, Reason,
    RequestId, TenantId,
};
use crate::entity::{AuditEventId, StoredJson, audit_event};
use crate::organization;
use crate::read::json::Json;
use crate::read::shape::{Field, Page, Readable, column, computed, object};
use crate::read::start::Root;

impl Readable for audit_event::Entity {
    const OBJECT: &'static str = "AuditEvent";
    const KEY: audit_event::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<AuditEventId>(Id),
            "actor" => column::<String>(Actor),
            "actorRole" => column::<String>(ActorRole),
            "impersonator" => column::<Option<String>>(Impersonator),
            "action" => column::<String>(Action),
            "entityType" => column::<String>(EntityType),
            "entityId" => computed(&[EntityType, EntityId], |facts| {
                Ok(Json::text(show_id(&facts.filled::<String>(0)?, facts.filled(1)?)))
            }),
            "changes" => column::<StoredJson>(Changes),
            "reason" => column::<Option<String>>(Reason),
            "requestId" => column::<Option<String>>(RequestId),
            "address" => column::<Option<String>>(Address),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "effectiveAt" => computed(&[CreatedAt, EffectiveAt], |facts| {
                let recorded: Timestamp = facts.filled(0)?;
                Ok(Json::Time(facts.get(1)?.unwrap_or(recorded)))
            }),
            "organization" => Some(Field::One(organization::read::seen(TenantId))),
            _ => None,
        }
    }
}

/// The query that starts from the audit trail.
pub fn root(name: &str) -> Option<Root> {
    (name == "auditEvents").then_some(Root::Pages(object::<audit_event::Entity>(), |request, arguments| {
        Page::of::<audit_event::Entity>(request, "auditEvents", None, arguments)
    }))
}
