//! Writing: one transaction, in one tenant, that leaves an audit entry and an outbox event for every changed row.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sea_orm::sea_query::{InsertStatement, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, IntoActiveModel, ModelTrait,
    QueryFilter, QuerySelect, QueryTrait, Select,
};

use super::flush::{Waiting, Write};
use super::trail::{Change, Entry, changed, created};
use super::{Noun, Part, Record, Scope, Visible};
use crate::clock::Timestamp;
use crate::entity::{Mutable, OrganizationId, organization};
use crate::error::{Error, Result};

/// How rows are locked: exclusively among writers, but without keeping others from referring to the row, as a
/// payment of a customer does.
pub(super) const LOCK: LockType = LockType::NoKeyUpdate;

/// An open transaction in one tenant.
///
/// It can insert and update rows of that tenant only: inserting sets the tenant, and updating filters by it and never
/// writes it, so that no row can move to another tenant.
///
/// Writes wait until something is read, or else until the end: then they are sent together. A use case that reads
/// before it writes takes one statement for all that it writes.
///
/// ```compile_fail
/// # async fn f(tx: &tessera::store::Tx) {
/// use sea_orm::EntityTrait;
/// // A transaction is no connection either.
/// tessera::entity::customer::Entity::delete_many().exec(tx).await.unwrap();
/// # }
/// ```
pub struct Tx<'e> {
    /// Private to this file: all others get it from [`Self::settled`].
    inner: DatabaseTransaction,
    scope: &'e Scope,
    /// The tenant's own row; none while the platform's catalogue is written.
    organization: Option<organization::Model>,
    now: Timestamp,
    waiting: Mutex<Waiting>,
    trail: Mutex<Vec<Entry>>,
}

/// A panic while it was locked left it whole: nothing here panics between two changes of it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'e> Tx<'e> {
    pub(super) fn new(inner: DatabaseTransaction, scope: &'e Scope, organization: Option<organization::Model>) -> Self {
        let now = scope.now();
        Self { inner, scope, organization, now, waiting: Mutex::default(), trail: Mutex::default() }
    }

    /// The connection, when all that was written so far is sent: what is read on it sees that.
    pub(super) async fn settled(&self) -> Result<&DatabaseTransaction> {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.send(&self.inner).await?;
        Ok(&self.inner)
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
        Ok(query.filter(E::visible(self.scope.reach())?).all(self.settled().await?).await?)
    }

    /// The first visible row that the query finds.
    pub async fn one<E: Visible>(&self, query: Select<E>) -> Result<Option<E::Model>> {
        Ok(query.filter(E::visible(self.scope.reach())?).one(self.settled().await?).await?)
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
        Ok(query.filter(E::tenant().eq(self.tenant())).one(self.settled().await?).await?.is_some())
    }

    /// Whether any row at all has this: for values that must be unique across tenants. Tells nothing but yes or no.
    pub(crate) async fn exists_anywhere<E: Noun>(&self, query: Select<E>) -> Result<bool> {
        Ok(query.one(self.settled().await?).await?.is_some())
    }

    /// The visible rows that the query finds, each with its one part that fits the condition, if there is one.
    pub(crate) async fn all_with_part<P: Part>(
        &self,
        query: Select<P::Whole>,
        part: Condition,
    ) -> Result<Vec<(<P::Whole as EntityTrait>::Model, Option<P::Model>)>> {
        let query = query.filter(P::Whole::visible(self.scope.reach())?);
        Ok(P::join(query, part).all(self.settled().await?).await?)
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
        self.write::<M::Entity>(Write::Insert(<M::Entity as EntityTrait>::insert(active).into_query())).await?;
        self.record(Entry::new(self.scope, self.now, &row, created(&row)?, change)?);
        Ok(row)
    }

    /// Replaces a row of this tenant by its changed form and counts its version up. Writes nothing if neither the row
    /// nor a part of it changed. Another version of the row than `before` is found out when the update is sent.
    pub async fn update<M>(&self, before: &M, mut after: M, change: Change) -> Result<M>
    where
        M: Mutable + ModelTrait + PartialEq + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
        M::Entity: EntityTrait<Model = M> + Record,
        <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        if *before == after && !change.has_parts() {
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
        let update = M::Entity::update_many()
            .set(active)
            .filter(M::Entity::id().eq(before.uuid()))
            .filter(tenant)
            .filter(M::Entity::version().eq(before.version()))
            .into_query();
        self.write::<M::Entity>(Write::Update(update)).await?;
        self.record(Entry::new(self.scope, self.now, &after, changed(before, &after)?, change)?);
        Ok(after)
    }

    /// Replaces the parts of a row, such as a tier's prices: what the row's own change tells of in the audit trail.
    pub(crate) async fn replace_parts<E, A>(&self, of: Condition, parts: Vec<A>) -> Result<()>
    where
        E: EntityTrait,
        A: ActiveModelTrait<Entity = E> + Send,
    {
        E::delete_many().filter(of).exec(self.settled().await?).await?;
        self.add_parts(parts).await
    }

    /// Adds the parts of a row that has none yet.
    pub(crate) async fn add_parts<E, A>(&self, parts: Vec<A>) -> Result<()>
    where
        E: EntityTrait,
        A: ActiveModelTrait<Entity = E> + Send,
    {
        if parts.is_empty() {
            return Ok(());
        }
        self.write::<E>(Write::Insert(E::insert_many(parts).into_query())).await
    }

    async fn write<E: EntityTrait>(&self, write: Write) -> Result<()> {
        let ahead = lock(&self.waiting).push(E::default().table_name(), write);
        ahead.send(&self.inner).await
    }

    fn record(&self, entry: Entry) {
        lock(&self.trail).push(entry);
    }

    /// Sends all that was written, its trail and the record of the command, and commits.
    pub(super) async fn commit(self, record: Option<InsertStatement>) -> Result<()> {
        let waiting = self.waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
        let trail = self.trail.into_inner().unwrap_or_else(PoisonError::into_inner);
        waiting.send_last(&self.inner, trail, record).await?;
        Ok(self.inner.commit().await?)
    }
}
