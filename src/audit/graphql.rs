//! The type `AuditEvent` and the query for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition};

use super::sight::{self, Sight};
use super::{read_id, show_id};
use crate::auth::Standing;
use crate::clock::Timestamp;
use crate::entity::{AuditEventId, OrganizationId, StoredJson, audit_event};
use crate::error::{Code, Refusal, Result};
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::DateTimeRange;
use crate::graphql::input::parse_optional_id;
use crate::graphql::list::PageArgs;
use crate::organization::graphql::Organization;

/// An entry of the audit trail: who did what to which object, and why. Never changes. Needs `audit.read`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct AuditEvent {
    /// Globally unique.
    pub id: AuditEventId,
    /// Role of the actor; `SYSTEM` for parts of Tessera itself.
    pub actor_role: String,
    /// Noun and verb, such as `subscription.suspend`.
    pub action: String,
    /// Noun of the object, such as `subscription`.
    pub entity_type: String,
    /// Id of the object: what `node` finds, if it was not deleted.
    pub entity_id: ID,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it took effect: what time brings about is recorded when somebody notices, and is due earlier.
    pub effective_at: Timestamp,
    #[graphql(skip)]
    row: Box<audit_event::Model>,
}

impl From<audit_event::Model> for AuditEvent {
    fn from(row: audit_event::Model) -> Self {
        let kept = Box::new(row.clone());
        let audit_event::Model {
            id,
            tenant_id: _,
            actor: _,
            actor_role,
            impersonator: _,
            action,
            entity_type,
            entity_id,
            changes: _,
            reason: _,
            request_id: _,
            address: _,
            created_at,
            effective_at,
        } = row;
        Self {
            id,
            actor_role,
            action,
            entity_id: ID(show_id(&entity_type, entity_id)),
            entity_type,
            created_at,
            effective_at: effective_at.unwrap_or(created_at),
            row: kept,
        }
    }
}

impl AuditEvent {
    fn sight<'a>(&'a self, ctx: &'a Context<'_>) -> Result<Sight<'a>> {
        let (caller, impersonated) = (ctx.scope().caller()?, self.row.impersonator.is_some());
        Ok(Sight { caller, actor_role: &self.actor_role, impersonated })
    }
}

#[ComplexObject]
impl AuditEvent {
    /// Subject of the token; the name of a part of Tessera that acted by itself, such as `scheduler` for what time brought
    /// about; the role, for callers of organizations, where the platform's own people acted.
    async fn actor(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.sight(ctx)?.actor(self.row.actor.clone()))
    }

    /// Who acted in the actor's name, if somebody did; `PLATFORM` for callers of organizations.
    async fn impersonator(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.sight(ctx)?.impersonator(self.row.impersonator.clone()))
    }

    /// What changed: a JSON object from field to `{from, to}`, of the fields that the caller may read; null, with an
    /// error, if it is too deep to be read.
    async fn changes(&self, ctx: &Context<'_>) -> Result<Option<StoredJson>> {
        let caller = ctx.scope().caller()?;
        Ok(Some(sight::changes(caller, &self.entity_type, self.row.changes.clone())))
    }

    /// Why, in the actor's words. Null for callers of organizations where the platform's own people acted.
    async fn reason(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.sight(ctx)?.personal(self.row.reason.clone()))
    }

    /// The request that did it. Null for callers of organizations where the platform's own people acted.
    async fn request_id(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.sight(ctx)?.personal(self.row.request_id.clone()))
    }

    /// Network address that the request came from. Null for callers of organizations where the platform's own people
    /// acted.
    async fn address(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.sight(ctx)?.personal(self.row.address.clone()))
    }

    /// The organization that the object belongs to; null for the platform's own objects and for callers that cannot see
    /// organizations.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        match self.row.tenant_id.organization() {
            Some(id) => crate::organization::graphql::visible(ctx, id).await,
            None => Ok(None),
        }
    }
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

#[Object]
impl AuditQuery {
    /// The audit trail, as far as the caller can see: who did what, when and why. Needs `audit.read`.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<AuditEventFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<AuditEventOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<AuditEventConnection>> {
        let args = PageArgs { first, after, last, before };
        AuditEventConnection::load(ctx, "auditEvents", filter, order_by, &args).await.map(Some)
    }
}
