//! The type `AuditEvent` and the query for it.

use async_graphql::{ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition};

use super::sight::{self, Sight};
use super::{read_id, show_id};
use crate::auth::Standing;
use crate::clock::Timestamp;
use crate::entity::{AuditEventId, OrganizationId, StoredJson, audit_event};
use crate::error::{Code, Refusal, Result};
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::DateTimeRange;
use crate::graphql::input::parse_optional_id;
use crate::organization::graphql::{self as organization, Organization};
use crate::read::facts::Facts;

/// An entry of the audit trail: who did what to which object, and why. Never changes. Needs `audit.read`.
#[object(noun = audit_event)]
pub struct AuditEvent {
    /// Globally unique.
    id: AuditEventId,
    /// Role of the actor; `SYSTEM` for parts of Tessera itself.
    actor_role: String,
    /// Noun and verb, such as `subscription.suspend`.
    action: String,
    /// Noun of the object, such as `subscription`.
    entity_type: String,
    /// Id of the object: what `node` finds, if it was not deleted.
    #[computed(entity_id, from(EntityType, EntityId))]
    entity_id: ID,
    /// When it was recorded.
    created_at: Timestamp,
    /// When it took effect: what time brings about is recorded when somebody notices, and is due earlier.
    #[computed(effective_at, from(CreatedAt, EffectiveAt))]
    effective_at: Timestamp,
    /// Subject of the token; the name of a part of Tessera that acted by itself, such as `scheduler` for what time brought
    /// about; the role, for callers of organizations, where the platform's own people acted.
    #[computed(actor, from(ActorRole, Impersonator, Actor))]
    actor: String,
    /// Who acted in the actor's name, if somebody did; `PLATFORM` for callers of organizations.
    #[computed(impersonator, from(ActorRole, Impersonator, Impersonator))]
    impersonator: Option<String>,
    /// What changed: a JSON object from field to `{from, to}`, of the fields that the caller may read; null, with an
    /// error, if it is too deep to be read.
    #[computed(changes, from(EntityType, Changes))]
    changes: Option<StoredJson>,
    /// Why, in the actor's words. Null for callers of organizations where the platform's own people acted.
    #[computed(personal, from(ActorRole, Impersonator, Reason))]
    reason: Option<String>,
    /// The request that did it. Null for callers of organizations where the platform's own people acted.
    #[computed(personal, from(ActorRole, Impersonator, RequestId))]
    request_id: Option<String>,
    /// Network address that the request came from. Null for callers of organizations where the platform's own people
    /// acted.
    #[computed(personal, from(ActorRole, Impersonator, Address))]
    address: Option<String>,
    /// The organization that the object belongs to; null for the platform's own objects and for callers that cannot see
    /// organizations.
    #[one(organization::seen, TenantId)]
    organization: Option<Organization>,
}

fn entity_id(facts: &Facts<'_>) -> Result<ID> {
    Ok(ID(show_id(&facts.filled::<String>(0)?, facts.filled(1)?)))
}

fn effective_at(facts: &Facts<'_>) -> Result<Timestamp> {
    let recorded = facts.filled(0)?;
    Ok(facts.get(1)?.unwrap_or(recorded))
}

fn changes(facts: &Facts<'_>) -> Result<Option<StoredJson>> {
    let (caller, noun) = (facts.request.scope.caller()?, facts.filled::<String>(0)?);
    Ok(Some(sight::changes(caller, &noun, facts.filled(1)?)))
}

/// A text of an entry, as far as the caller is shown it.
fn told<T>(facts: &Facts<'_>, show: impl FnOnce(Sight<'_>) -> T) -> Result<T> {
    let (actor_role, impersonator) = (facts.filled::<String>(0)?, facts.get::<String>(1)?);
    let caller = facts.request.scope.caller()?;
    let sight = Sight { caller, actor_role: &actor_role, impersonated: impersonator.is_some() };
    Ok(show(sight))
}

fn actor(facts: &Facts<'_>) -> Result<String> {
    let actor = facts.filled(2)?;
    told(facts, |sight| sight.actor(actor))
}

fn impersonator(facts: &Facts<'_>) -> Result<Option<String>> {
    let who = facts.get(2)?;
    told(facts, |sight| sight.impersonator(who))
}

fn personal(facts: &Facts<'_>) -> Result<Option<String>> {
    let text = facts.get(2)?;
    told(facts, |sight| sight.personal(text))
}

/// Which actions to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct AuditActionFilter {
    /// Exactly this action, such as `subscription.suspend`.
    eq: Option<String>,
    /// Any of these actions.
    #[graphql(name = "in", validator(max_items = 250))]
    any_of: Option<Vec<String>>,
}

/// Which entries of the audit trail to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct AuditEventFilter {
    /// About objects of this organization.
    organization_id: Option<ID>,
    /// About the object with this id, of whatever kind.
    entity_id: Option<ID>,
    /// About objects of this noun, such as `subscription`.
    entity_type: Option<String>,
    /// By action.
    action: Option<AuditActionFilter>,
    /// By this actor: what `actor` shows.
    actor: Option<String>,
    /// By time.
    created_at: Option<DateTimeRange>,
}

impl AuditEventFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        use audit_event::Column::{Action, CreatedAt, EntityId, EntityType, TenantId};
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let entity = self.entity_id.as_ref().map(|id| {
            read_id(id).ok_or_else(|| {
                let message = "Expected an id of this API, such as `cus_…` or `sub_…`.";
                Refusal::new(Code::InvalidId, message).at("where.entityId")
            })
        });
        let action = self.action.as_ref();
        let any_of = action.and_then(|action| action.any_of.as_ref());
        Ok(Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(
                entity.transpose()?.map(|(noun, id)| Condition::all().add(EntityType.eq(noun)).add(EntityId.eq(id))),
            )
            .add_option(self.entity_type.as_ref().map(|noun| EntityType.eq(noun)))
            .add_option(action.and_then(|action| action.eq.as_ref()).map(|action| Action.eq(action)))
            .add_option(any_of.map(|actions| Action.is_in(actions)))
            .add_option(self.actor.as_ref().map(|actor| by_actor(request, actor)).transpose()?)
            .add_option(self.created_at.map(|range| range.on(CreatedAt))))
    }
}

/// What this actor did, by the name that the caller knows it by.
fn by_actor(request: &RequestContext, actor: &str) -> Result<Condition> {
    use audit_event::Column::{Actor, ActorRole};
    let is = Condition::all().add(Actor.eq(actor));
    Ok(match (request.scope.caller()?.standing(), sight::STAFF.contains(&actor)) {
        (Standing::Platform, _) => is,
        (_, true) => Condition::all().add(ActorRole.eq(actor)),
        (_, false) => is.add(ActorRole.is_not_in(sight::STAFF)),
    })
}

sort_order!(AuditEventOrder, AuditEventSort of audit_event {
    /// When.
    CreatedAt => CreatedAt,
});

connection!(AuditEventConnection, AuditEventEdge, AuditEvent of audit_event, "the audit trail", AuditEventFilter, AuditEventOrder);

/// Queries for the audit trail.
#[derive(Default)]
pub struct AuditQuery;

#[queries]
impl AuditQuery {
    /// The audit trail, as far as the caller can see: who did what, when and why. Needs `audit.read`.
    #[list]
    fn audit_events() -> Option<AuditEventConnection>;
}
