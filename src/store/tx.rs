//! Writing: one transaction, in one tenant, that leaves an audit entry and an outbox event for every changed row.

use std::sync::Mutex;

use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter,
    QuerySelect, Select,
};
use serde_json::{Map, Value as Json, json};

use super::{Noun, Record, Scope, Visible};
use crate::clock::Timestamp;
use crate::entity::{AuditEventId, Mutable, OrganizationId, OutboxEventId, audit_event, organization, outbox_event};
use crate::error::{Error, Result};

/// How rows are locked: exclusively among writers, but without keeping others from referring to the row, as a
/// payment of a customer does.
pub(super) const LOCK: LockType = LockType::NoKeyUpdate;

/// What a write means, for the audit trail: every insert and update names one.
#[derive(Clone, Debug)]
pub struct Change {
    verb: &'static str,
    reason: Option<String>,
    parts: Vec<(&'static str, Json)>,
}

impl Change {
    /// A change without a given reason; the verb completes the noun, as in `subscription.suspend`.
    pub const fn new(verb: &'static str) -> Self {
        Self { verb, reason: None, parts: Vec::new() }
    }

    /// The same change with the actor's reason.
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// The same change, which also replaces a part of the row that another table holds, such as a tier's prices. A
    /// part that stays as it is does not count.
    pub fn with_part(mut self, name: &'static str, from: Json, to: Json) -> Self {
        if from != to {
            self.parts.push((name, json!({ "from": from, "to": to })));
        }
        self
    }
}

/// An open transaction in one tenant.
///
/// It can insert and update rows of that tenant only: inserting sets the tenant, and updating filters by it and never
/// writes it, so that no row can move to another tenant.
///
/// ```compile_fail
/// # async fn f(tx: &tessera::store::Tx) {
/// use sea_orm::EntityTrait;
/// // A transaction is no connection either.
/// tessera::entity::customer::Entity::delete_many().exec(tx).await.unwrap();
/// # }
/// ```
pub struct Tx<'e> {
    pub(super) inner: DatabaseTransaction,
    pub(super) scope: &'e Scope,
    /// The tenant's own row; none while the platform's catalogue is written.
    organization: Option<organization::Model>,
    now: Timestamp,
    trail: Mutex<Vec<(audit_event::Model, outbox_event::Model)>>,
}

impl<'e> Tx<'e> {
    pub(super) fn new(inner: DatabaseTransaction, scope: &'e Scope, organization: Option<organization::Model>) -> Self {
        let now = scope.now();
        Self { inner, scope, organization, now, trail: Mutex::new(Vec::new()) }
    }

    /// The moment of the whole transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Who writes.
    pub fn scope(&self) -> &'e Scope {
        self.scope
    }

    /// The tenant's organization, or the error that the platform's own rows are being written.
    pub fn organization(&self) -> Result<&organization::Model> {
        self.organization.as_ref().ok_or_else(|| Error::Internal("no tenant in a transaction of the platform".into()))
    }

    fn tenant(&self) -> Option<OrganizationId> {
        self.organization.as_ref().map(|organization| organization.id)
    }

    /// The visible rows that the query finds.
    pub async fn all<E: Visible>(&self, query: Select<E>) -> Result<Vec<E::Model>> {
        Ok(query.filter(E::visible(self.scope.reach())?).all(&self.inner).await?)
    }

    /// The first visible row that the query finds.
    pub async fn one<E: Visible>(&self, query: Select<E>) -> Result<Option<E::Model>> {
        Ok(query.filter(E::visible(self.scope.reach())?).one(&self.inner).await?)
    }

    /// The visible row with this id.
    pub async fn get<E: Noun>(&self, id: impl Into<sea_orm::Value>) -> Result<Option<E::Model>> {
        self.one(E::find().filter(E::id().eq(id))).await
    }

    /// The visible row of this tenant with this id, locked until the end of the transaction.
    pub async fn lock<E: Noun>(&self, id: impl Into<sea_orm::Value>) -> Result<Option<E::Model>> {
        self.one(E::find().filter(E::id().eq(id)).filter(E::tenant().eq(self.tenant())).lock(LOCK)).await
    }

    /// The visible row of any tenant with this id, which nobody changes until the end of the transaction.
    pub async fn share<E: Noun>(&self, id: impl Into<sea_orm::Value>) -> Result<Option<E::Model>> {
        self.one(E::find().filter(E::id().eq(id)).lock(LockType::Share)).await
    }

    /// Whether any row of the tenant has this, visible or not: for values that must be unique.
    pub(crate) async fn exists<E: Noun>(&self, query: Select<E>) -> Result<bool> {
        Ok(query.filter(E::tenant().eq(self.tenant())).one(&self.inner).await?.is_some())
    }

    /// Whether any row at all has this: for values that must be unique across tenants. Tells nothing but yes or no.
    pub(crate) async fn exists_anywhere<E: Noun>(&self, query: Select<E>) -> Result<bool> {
        Ok(query.one(&self.inner).await?.is_some())
    }

    /// Puts a new row into this tenant.
    pub async fn insert<M>(&self, mut row: M, change: Change) -> Result<M>
    where
        M: Mutable + ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
        M::Entity: EntityTrait<Model = M> + Record,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        row.set_tenant(self.tenant());
        let active = row.clone().into_active_model().reset_all();
        <M::Entity as EntityTrait>::insert(active).exec_without_returning(&self.inner).await?;
        self.record(&row, created(&row)?, change)?;
        Ok(row)
    }

    /// Replaces a row of this tenant by its changed form and counts its version up. Writes nothing if neither the row
    /// nor a part of it changed.
    pub async fn update<M>(&self, before: &M, mut after: M, change: Change) -> Result<M>
    where
        M: Mutable + ModelTrait + PartialEq + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
        M::Entity: EntityTrait<Model = M> + Record,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        if *before == after && change.parts.is_empty() {
            return Ok(after);
        }
        after.touch(before.version() + 1, self.now);
        let mut active = after.clone().into_active_model().reset_all();
        active.not_set(M::Entity::id());
        active.not_set(M::Entity::tenant());
        let tenant = match self.tenant() {
            Some(tenant) => M::Entity::tenant().eq(tenant),
            None => M::Entity::tenant().is_null(),
        };
        let updated = M::Entity::update_many()
            .set(active)
            .filter(M::Entity::id().eq(before.uuid()))
            .filter(tenant)
            .filter(M::Entity::version().eq(before.version()))
            .exec(&self.inner)
            .await?;
        if updated.rows_affected != 1 {
            return Err(Error::Contended("the row changed meanwhile".into()));
        }
        self.record(&after, changed(before, &after)?, change)?;
        Ok(after)
    }

    /// Replaces the parts of a row, such as a tier's prices: what the row's own change tells of in the audit trail.
    pub(crate) async fn replace_parts<E, A>(&self, of: sea_orm::Condition, parts: Vec<A>) -> Result<()>
    where
        E: EntityTrait,
        A: ActiveModelTrait<Entity = E> + Send,
    {
        E::delete_many().filter(of).exec(&self.inner).await?;
        if !parts.is_empty() {
            E::insert_many(parts).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    fn record<M: Mutable>(&self, row: &M, mut changes: Map<String, Json>, change: Change) -> Result<()> {
        let caller = self.scope.caller()?;
        let request = &self.scope.request;
        let action = format!("{}.{}", M::NOUN, change.verb);
        changes.extend(change.parts.into_iter().map(|(name, change)| (name.to_owned(), change)));
        let changes = Json::Object(changes);
        let audit = audit_event::Model {
            id: AuditEventId::generate(),
            tenant_id: row.tenant(),
            actor: caller.subject().to_owned(),
            actor_role: caller.role().as_str().to_owned(),
            impersonator: caller.impersonator().map(str::to_owned),
            action: action.clone(),
            entity_type: M::NOUN.to_owned(),
            entity_id: row.uuid(),
            changes: changes.clone(),
            reason: change.reason,
            request_id: (!request.id.is_empty()).then(|| request.id.clone()),
            address: request.address.clone(),
            created_at: self.now,
        };
        let event = outbox_event::Model {
            id: OutboxEventId::generate(),
            tenant_id: row.tenant(),
            topic: action,
            entity_type: M::NOUN.to_owned(),
            entity_id: row.uuid(),
            entity_version: row.version(),
            payload: changes,
            created_at: self.now,
        };
        self.trail.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((audit, event));
        Ok(())
    }

    /// Writes the audit entries and outbox events of all changes and commits.
    pub(super) async fn commit(self) -> Result<()> {
        let trail = self.trail.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !trail.is_empty() {
            let (audits, events): (Vec<_>, Vec<_>) = trail.into_iter().unzip();
            let audits = audits.into_iter().map(|row| row.into_active_model().reset_all());
            audit_event::Entity::insert_many(audits).exec_without_returning(&self.inner).await?;
            let events = events.into_iter().map(|row| row.into_active_model().reset_all());
            outbox_event::Entity::insert_many(events).exec_without_returning(&self.inner).await?;
        }
        Ok(self.inner.commit().await?)
    }
}

/// Bookkeeping that every change moves: it would only blur the trail.
const BOOKKEEPING: [&str; 4] = ["version", "created_at", "updated_at", "tenant_id"];

fn columns(row: &impl Mutable) -> Result<Map<String, Json>> {
    match serde_json::to_value(row)? {
        Json::Object(columns) => Ok(columns),
        _ => Err(Error::Internal("a row is not an object".into())),
    }
}

/// What the audit trail tells of a new row.
pub(crate) fn created(row: &impl Mutable) -> Result<Map<String, Json>> {
    let named =
        columns(row)?.into_iter().filter(|(name, value)| !BOOKKEEPING.contains(&name.as_str()) && !value.is_null());
    Ok(named.map(|(name, to)| (name, json!({ "from": null, "to": to }))).collect())
}

/// What the audit trail tells of a changed row.
pub(crate) fn changed<M: Mutable>(before: &M, after: &M) -> Result<Map<String, Json>> {
    let mut from = columns(before)?;
    let differs = |(name, to): (String, Json)| {
        let from = from.remove(&name).unwrap_or(Json::Null);
        (from != to && !BOOKKEEPING.contains(&name.as_str())).then(|| (name, json!({ "from": from, "to": to })))
    };
    Ok(columns(after)?.into_iter().filter_map(differs).collect())
}
