//! The audit trail of what the example data tells.

use super::Seeder;
use crate::auth::{Caller, Part};
use crate::clock::Timestamp;
use crate::entity::{AuditEventId, MemberRole, Mutable, audit_event};
use crate::error::Result;
use crate::store::{Changes, changed, created};

/// Who did something, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Subject of its token.
    pub subject: String,
    role: &'static str,
    address: Option<&'static str>,
}

impl Actor {
    /// A member of an organization.
    pub fn member(email: &str, role: MemberRole) -> Self {
        Self { subject: email.to_owned(), role: role.as_str(), address: Some("198.51.100.20") }
    }

    /// A part of Tessera.
    pub fn part(part: Part) -> Self {
        let caller = Caller::System(part);
        Self { subject: caller.name().to_owned(), role: caller.role_name(), address: None }
    }
}

/// When something was done, by whom and why.
pub struct Deed<'a> {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: &'a Actor,
    /// Why.
    pub reason: Option<&'a str>,
}

impl Seeder {
    /// Records that a row was made.
    pub fn record_creation<M: Mutable>(&mut self, row: &M, at: Timestamp, actor: &Actor) -> Result<()> {
        self.record(row, "create", &created(row)?, &Deed { at, actor, reason: None })
    }

    /// Records that a row was changed.
    pub fn record_change<M: Mutable>(&mut self, before: &M, after: &M, verb: &str, deed: &Deed<'_>) -> Result<()> {
        self.record(after, verb, &changed(before, after)?, deed)
    }

    fn record<M: Mutable>(&mut self, row: &M, verb: &str, changes: &Changes, deed: &Deed<'_>) -> Result<()> {
        let Deed { at, actor, reason } = deed;
        self.rows.audit_events.push(audit_event::Model {
            // Numbered in the order of time, when all are known.
            id: uuid::Uuid::nil().into(),
            tenant_id: row.tenant().into(),
            actor: actor.subject.clone(),
            actor_role: actor.role.to_owned(),
            impersonator: None,
            action: format!("{}.{verb}", M::NOUN),
            entity_type: M::NOUN.to_owned(),
            entity_id: row.uuid(),
            changes: serde_json::to_value(changes)?.into(),
            reason: reason.map(str::to_owned),
            request_id: None,
            address: actor.address.map(str::to_owned),
            created_at: *at,
            effective_at: None,
        });
        Ok(())
    }

    /// Puts the trail in the order of time and numbers it.
    pub fn number_trail(&mut self) {
        self.rows.audit_events.sort_by_key(|event| event.created_at);
        for (number, event) in (1..).zip(&mut self.rows.audit_events) {
            event.id = self.ids.next::<AuditEventId>();
            event.request_id = event.address.as_ref().map(|_| format!("demo-{number:05}"));
        }
    }
}
