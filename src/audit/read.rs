//! How the audit trail is read in bulk.

use super::show_id;
use super::sight::{self, Sight};
use crate::clock::Timestamp;
use crate::entity::audit_event::Column::{
    Action, Actor, ActorRole, Address, Changes, CreatedAt, EffectiveAt, EntityId, EntityType, Id, Impersonator, Reason,
    RequestId, TenantId,
};
use crate::entity::{AuditEventId, StoredJson, audit_event};
use crate::error::Result;
use crate::organization;
use crate::read::json::Json;
use crate::read::shape::{Facts, Field, Page, Readable, column, computed, object};
use crate::read::start::Root;

impl Readable for audit_event::Entity {
    const OBJECT: &'static str = "AuditEvent";
    const KEY: audit_event::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<AuditEventId>(Id),
            "actor" => computed(&[ActorRole, Impersonator, Actor], |facts| {
                told(facts, |sight, actor| actor.map(|actor| sight.actor(actor)))
            }),
            "actorRole" => column::<String>(ActorRole),
            "impersonator" => computed(&[ActorRole, Impersonator, Impersonator], |facts| {
                told(facts, |sight, who| sight.impersonator(who))
            }),
            "action" => column::<String>(Action),
            "entityType" => column::<String>(EntityType),
            "entityId" => computed(&[EntityType, EntityId], |facts| {
                Ok(Json::text(show_id(&facts.filled::<String>(0)?, facts.filled(1)?)))
            }),
            "changes" => computed(&[EntityType, Changes], |facts| {
                let (caller, noun) = (facts.request.scope.caller()?, facts.filled::<String>(0)?);
                Ok(Json::Document(sight::changes(caller, &noun, facts.filled::<StoredJson>(1)?)))
            }),
            "reason" => computed(&[ActorRole, Impersonator, Reason], personal),
            "requestId" => computed(&[ActorRole, Impersonator, RequestId], personal),
            "address" => computed(&[ActorRole, Impersonator, Address], personal),
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

/// A text of an entry, as far as the caller is shown it.
fn told(facts: &Facts<'_>, show: fn(Sight<'_>, Option<String>) -> Option<String>) -> Result<Json> {
    let (actor_role, impersonator) = (facts.filled::<String>(0)?, facts.get::<String>(1)?);
    let caller = facts.request.scope.caller()?;
    let sight = Sight { caller, actor_role: &actor_role, impersonated: impersonator.is_some() };
    Ok(show(sight, facts.get(2)?).map(Json::text).into())
}

fn personal(facts: &Facts<'_>) -> Result<Json> {
    told(facts, |sight, text| sight.personal(text))
}

/// The query that starts from the audit trail.
pub fn root(name: &str) -> Option<Root> {
    (name == "auditEvents").then_some(Root::Pages(object::<audit_event::Entity>(), |request, arguments| {
        Page::of::<audit_event::Entity>(request, "auditEvents", None, arguments)
    }))
}
