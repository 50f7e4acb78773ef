//! Writing: a unit of work in one tenant, which leaves an audit entry and an outbox event for every changed row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use sea_orm::sea_query::ColumnType;
use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityName as _, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait,
    QueryFilter, QueryTrait, Select, TryIntoModel, Value,
};

use tokio::sync::SetOnce;
use uuid::Uuid;

use super::database::Transaction;
use super::executor::Executor as _;
use super::flush::Found;
use super::lock_order::LockOrder;
use super::reading::Lock;
use super::trail::{Change, Entry, changed, created};
use super::waiting::Waiting;
use super::write::Write;
use super::{Noun, Record, Scope, Source, Visible};
use crate::clock::Timestamp;
use crate::entity::{Mutable, OrganizationId, organization};
use crate::error::{Error, Result};

/// How rows are locked: exclusively among writers, but without keeping others from referring to the row, as a
/// payment of a customer does.
pub(super) const LOCK: Lock = Lock::NoKeyUpdate;

/// What a command reads and writes in one tenant: all of it is written at its end, or nothing.
///
/// What a read in it is worth depends on how it is made. A row that is locked stays as it is until the end. A row that is
/// relied on (`rely_on`) may change; then nothing is written, and the work is run again. Anything else may be out of
/// date by the end, so what must be true of it is a constraint of the database. On SQLite there is a transaction from the
/// start, in which nobody else writes; on PostgreSQL there is none until something is locked or written.
///
/// It can insert and update rows of that tenant only: inserting sets the tenant, and updating filters by it and never
/// writes it, so that no row can move to another tenant.
///
/// Writes wait until something is read, or else until the end: then they are sent together. A use case that reads
/// before it writes takes one statement for all that it writes.
///
/// ```compile_fail
/// # async fn f(unit: &tessera::store::UnitOfWork) {
/// use sea_orm::EntityTrait;
/// // It is no connection either.
/// tessera::entity::customer::Entity::delete_many().exec(unit).await.unwrap();
/// # }
/// ```
pub struct UnitOfWork<'e> {
    /// Others get it from [`Self::settled`], or from [`Self::connection`] with what waits left out.
    inner: Transaction,
    scope: &'e Scope,
    /// None while the platform's catalogue is written.
    tenant: Option<OrganizationId>,
    /// The tenant's own row, as soon as it is known that it can be written.
    organization: SetOnce<Option<organization::Model>>,
    /// Rows that nothing is written without, as they were found.
    relied_on: Mutex<Vec<Found>>,
    /// Which feature was presumed to be unlimited.
    unlimited: OnceLock<&'static str>,
    /// Whether it may be presumed: a second try finds out.
    may_presume: bool,
    /// Whether something was read.
    has_read: AtomicBool,
    lock_order: LockOrder,
    now: Timestamp,
    waiting: Mutex<Waiting>,
    trail: Mutex<Vec<Entry>>,
}

/// A panic while it was locked left it whole: nothing here panics between two changes of it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_tenant() -> Error {
    Error::Internal("no tenant in what the platform does".into())
}

impl<'e> UnitOfWork<'e> {
    pub(super) fn new(inner: Transaction, scope: &'e Scope, tenant: Option<OrganizationId>, may_presume: bool) -> Self {
        let now = scope.now();
        Self {
            inner,
            scope,
            tenant,
            organization: SetOnce::new(),
            relied_on: Mutex::default(),
            unlimited: OnceLock::new(),
            may_presume,
            has_read: AtomicBool::new(false),
            lock_order: LockOrder::default(),
            now,
            waiting: Mutex::default(),
            trail: Mutex::default(),
        }
    }

    /// Waits until it is known that the tenant can be written.
    pub(super) async fn opened(&self) {
        self.organization.wait().await;
    }

    /// Tells the work of the tenant's own row, which it may have begun without.
    pub(super) fn open(&self, organization: Option<organization::Model>) -> Result<()> {
        self.organization.set(organization).map_err(|_| Error::Internal("a unit of work is opened once".into()))
    }

    /// Has this row, which was found without a lock, checked and locked when all is written: until then others can change
    /// it, and the work is run again. It must not be a row that it changes itself.
    pub(crate) fn rely_on<M: Mutable + ModelTrait>(&self, row: &M) {
        lock(&self.relied_on).push(Found::of(row));
    }

    /// Whether nothing limits a feature of the tenant, which is then made sure of when all is written. Otherwise it must
    /// be found out: where the tenant has had a limit lately, or the presumption was wrong, or on SQLite, which has no
    /// statement that could make sure of it.
    pub(crate) fn presume_unlimited(&self, feature: &'static str) -> bool {
        let Some(tenant) = self.tenant else { return false };
        let limited = &self.scope.store.0.limited;
        self.may_presume
            && self.inner.backend() == DbBackend::Postgres
            && !limited.read().unwrap_or_else(PoisonError::into_inner).contains(&(tenant, feature))
            && *self.unlimited.get_or_init(|| feature) == feature
    }

    /// Remembers whether the tenant has a limit of this feature: its next command begins by finding out. Nothing depends
    /// on it but time.
    pub(crate) fn remember_limited(&self, feature: &'static str, is_limited: bool) {
        let Some(tenant) = self.tenant else { return };
        let mut limited = self.scope.store.0.limited.write().unwrap_or_else(PoisonError::into_inner);
        if is_limited {
            limited.insert((tenant, feature))
        } else {
            limited.remove(&(tenant, feature))
        };
    }

    /// The connection as it is, for what depends on nothing that was written.
    pub(super) fn connection(&self) -> &Transaction {
        &self.inner
    }

    /// The connection, when all that was written so far is sent: what is read on it sees that. One read may go ahead of
    /// the news that the tenant can be written, and no write does.
    pub(super) async fn settled(&self) -> Result<&Transaction> {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        if self.has_read.swap(true, Ordering::Relaxed) || !waiting.is_empty() {
            self.organization.wait().await;
        }
        waiting.send(&self.inner).await?;
        Ok(&self.inner)
    }

    /// The one row of a source, whatever was written so far, locked until the end.
    pub(super) async fn lock_row<E>(&self, source: &Source, lock: Lock) -> Result<Option<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        self.lock_order.lock(E::default().table_name());
        Ok(self.inner.lock::<E>(source, lock).await?)
    }

    /// The rows that a query finds and locks.
    pub(super) async fn lock_all<E>(&self, query: Select<E>) -> Result<Vec<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        self.lock_order.lock(E::default().table_name());
        self.settled().await?;
        Ok(self.inner.lock_all(query).await?)
    }

    /// The moment of all of it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Who writes.
    pub fn scope(&self) -> &'e Scope {
        self.scope
    }

    /// The tenant's organization, or the error that the platform's own rows are being written.
    ///
    /// It is on its way while the work begins: what is read first, and does not need it, goes with it.
    pub async fn organization(&self) -> Result<&organization::Model> {
        self.organization.wait().await.as_ref().ok_or_else(no_tenant)
    }

    /// The tenant, or the error that the platform's own rows are being written.
    pub fn tenant(&self) -> Result<OrganizationId> {
        self.tenant.ok_or_else(no_tenant)
    }

    /// The visible rows that the query finds.
    pub async fn all<E: Visible>(&self, query: Select<E>) -> Result<Vec<E::Model>> {
        Ok(self.settled().await?.all(query.filter(self.scope.visible::<E>()?)).await?)
    }

    /// The first visible row that the query finds.
    pub async fn one<E: Visible>(&self, query: Select<E>) -> Result<Option<E::Model>> {
        Ok(self.settled().await?.one(query.filter(self.scope.visible::<E>()?)).await?)
    }

    /// The visible row with this id.
    pub async fn get<E: Noun>(&self, id: impl Into<Value>) -> Result<Option<E::Model>> {
        let source = self.scope.source::<E>(E::id().eq(id).into())?;
        Ok(self.settled().await?.find::<E>(&source).await?)
    }

    /// The visible row of this tenant with this id, locked until the end.
    pub async fn lock<E: Noun>(&self, id: impl Into<Value>) -> Result<Option<E::Model>> {
        let source = self.scope.source::<E>(Condition::all().add(E::id().eq(id)).add(E::tenant().eq(self.tenant)))?;
        self.settled().await?;
        self.lock_row::<E>(&source, LOCK).await
    }

    /// The visible row of any tenant with this id, which nobody changes until the end.
    pub async fn share<E: Noun>(&self, id: impl Into<Value>) -> Result<Option<E::Model>> {
        let source = self.scope.source::<E>(E::id().eq(id).into())?;
        self.settled().await?;
        self.lock_row::<E>(&source, Lock::Share).await
    }

    /// Whether any row of the tenant has this, visible or not: for values that must be unique.
    pub(crate) async fn exists<E: Noun>(&self, query: Select<E>) -> Result<bool> {
        self.exists_anywhere(query.filter(E::tenant().eq(self.tenant))).await
    }

    /// Whether any row at all has this: for values that must be unique across tenants. Tells nothing but yes or no.
    pub(crate) async fn exists_anywhere<E: Noun>(&self, query: Select<E>) -> Result<bool> {
        Ok(self.settled().await?.count(query, Some(1)).await? > 0)
    }

    /// Puts a new row into this tenant.
    pub async fn insert<M>(&self, mut row: M, change: Change) -> Result<M>
    where
        M: Mutable + ModelTrait,
        M::Entity: EntityTrait<Model = M> + Record,
    {
        row.set_tenant(self.tenant);
        row.derive();
        self.write(Write::insert(std::slice::from_ref(&row))).await?;
        self.record(Entry::new(self.scope, self.now, &row, created(&row)?, change)?);
        Ok(row)
    }

    /// Replaces a row of this tenant by its changed form and counts its version up. Writes nothing if neither the row
    /// nor a part of it changed. Another version of the row than `before` is found out when the update is sent.
    pub async fn update<M>(&self, before: &M, mut after: M, change: Change) -> Result<M>
    where
        M: Mutable + ModelTrait + PartialEq,
        M::Entity: EntityTrait<Model = M> + Record,
    {
        if *before == after && !change.has_parts() {
            return Ok(after);
        }
        after.derive();
        after.touch(before.version() + 1, self.now);
        let (id, tenant) = (M::Entity::id().as_str(), M::Entity::tenant().as_str());
        // Documents that stay as they are stay where they are, readable or not.
        let stays = |column: <M::Entity as EntityTrait>::Column, value: &Value| {
            matches!(column.def().get_column_type(), ColumnType::Json | ColumnType::JsonBinary)
                && before.get(column) == *value
        };
        let columns = <M::Entity as EntityTrait>::Column::iter().map(|column| (column, after.get(column)));
        let kept: Vec<_> = M::Entity::kept_by_triggers().iter().map(|column| column.as_str()).collect();
        let set = columns
            .filter(|(column, _)| ![id, tenant].contains(&column.as_str()) && !kept.contains(&column.as_str()))
            .filter(|(column, value)| !stays(*column, value))
            .map(|(column, value)| (column.as_str(), value))
            .collect();
        let version = (M::Entity::version().as_str(), Some(before.version().into()));
        let of = vec![(id, Some(before.uuid().into())), (tenant, self.tenant.map(Into::into)), version];
        self.write(Write::Update { table: M::Entity::default().table_name(), set, of }).await?;
        self.record(Entry::new(self.scope, self.now, &after, changed(before, &after)?, change)?);
        Ok(after)
    }

    /// Replaces the parts of a row, such as a tier's prices: what the row's own change tells of in the audit trail.
    pub(crate) async fn replace_parts<M: ModelTrait>(&self, of: Condition, parts: &[M]) -> Result<()> {
        let delete = M::Entity::delete_many().filter(of);
        self.organization.wait().await;
        let settled = self.settled().await?;
        settled.execute(settled.backend().build(delete.as_query())).await?;
        self.add_parts(parts).await
    }

    /// Adds the parts of a row that has none yet.
    pub(crate) async fn add_parts<M: ModelTrait>(&self, parts: &[M]) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        self.write(Write::insert(parts)).await
    }

    async fn write(&self, write: Write) -> Result<()> {
        if write.is_update() {
            self.lock_order.lock(write.table());
        }
        let ahead = lock(&self.waiting).push(write);
        if !ahead.is_empty() {
            self.organization.wait().await;
        }
        ahead.send(&self.inner).await
    }

    fn record(&self, entry: Entry) {
        lock(&self.trail).push(entry);
    }

    /// Sends all that was written, its trail and the record of the command, and commits.
    pub(super) async fn commit(self, record: Option<Write>) -> Result<()> {
        let waiting = self.waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
        let trail = self.trail.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut relied_on = self.relied_on.into_inner().unwrap_or_else(PoisonError::into_inner);
        let tenant = self.tenant.map(Uuid::from);
        for found in relied_on.iter_mut().filter(|found| Some(found.id) == tenant) {
            found.unlimited = self.unlimited.get().copied();
        }
        relied_on.sort_by_key(|found| LockOrder::place(found.table));
        waiting.commit(self.inner, trail, record, relied_on).await
    }
}
