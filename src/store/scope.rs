//! Reading: every query runs through a [`Scope`], which adds what the caller may see.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{
    ColumnTrait, Condition, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, QueryFilter, QuerySelect, QueryTrait,
    Select, TryIntoModel,
};
use uuid::Uuid;

use super::executor::Executor as _;
use super::page::{PageRequest, Slice};
use super::{First, Reach, Reading, Source, Store, Visible, Writer};
use crate::auth::{Caller, Part, Permission};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::store::Noun;

/// What is known of a request besides its caller; the audit trail keeps it.
#[derive(Clone, Debug, Default)]
pub struct RequestMeta {
    /// Id of the request, as the client sees it.
    pub id: Arc<str>,
    /// Network address of the client.
    pub address: Option<IpAddr>,
}

/// What one request may read.
///
/// It is not a database connection, and there is no way to get at the one inside: a query can be run only through it,
/// and it adds the tenant filter and asks for the permission.
///
/// ```no_run
/// # async fn f(scope: tessera::store::Scope) {
/// use sea_orm::EntityTrait;
/// let customers = scope.all(tessera::entity::customer::Entity::find()).await;
/// # }
/// ```
///
/// ```compile_fail
/// # async fn f(scope: tessera::store::Scope) {
/// use sea_orm::EntityTrait;
/// tessera::entity::customer::Entity::find().all(&scope).await.unwrap();
/// # }
/// ```
///
/// Writing needs a [`Writer`], which only [`Scope::writer`] gives, for a permission:
///
/// ```compile_fail
/// # async fn f(scope: tessera::store::Scope, row: tessera::entity::customer::Model) {
/// scope.insert(row).await.unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct Scope {
    pub(super) store: Store,
    pub(super) caller: Option<Caller>,
    pub(super) request: RequestMeta,
    /// How many statements of the request are under way.
    asking: Arc<AtomicUsize>,
    /// How many it has asked.
    asked: Arc<AtomicUsize>,
}

/// How many statements a request may read with. Each list of a document is one, however many objects it is below.
const MAX_STATEMENTS: usize = 100;

/// A statement that is under way, until it is dropped.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn start(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Store {
    /// Access as a part of Tessera, for work that no request asked for: in its name, as far as it may.
    pub fn acting_as(&self, part: Part) -> Scope {
        Scope::new(self.clone(), Some(Caller::System(part)), RequestMeta::default())
    }
}

impl Scope {
    pub(crate) fn new(store: Store, caller: Option<Caller>, request: RequestMeta) -> Self {
        Self { store, caller, request, asking: Arc::default(), asked: Arc::default() }
    }

    /// The caller, or the error that there is none.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller.as_ref().ok_or(Error::Unauthenticated)
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// The right to write under a permission, or the error that the caller lacks it.
    pub fn writer(&self, permission: Permission) -> Result<Writer> {
        self.writer_for_any(&[permission])
    }

    /// The right to write under the first of these permissions that the caller has, or the error that it lacks the
    /// first.
    pub fn writer_for_any(&self, permissions: &[Permission]) -> Result<Writer> {
        let caller = self.caller()?;
        if permissions.iter().any(|permission| caller.may(*permission)) {
            Ok(Writer::new(self.clone()))
        } else {
            Err(permissions.first().map_or(Error::Unauthenticated, |permission| Error::Forbidden(*permission)))
        }
    }

    /// Learns at once which tokens are revoked. If that fails, it is learned a moment later.
    pub(crate) async fn learn_revoked(&self) {
        if let Err(error) = self.store.learn_revoked().await {
            tracing::warn!(%error, "it is not known yet which tokens are revoked");
        }
    }

    /// Whether a statement of the request is under way.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.load(Ordering::Relaxed) > 0
    }

    /// Counts a statement until the guard is dropped.
    pub(super) fn asking(&self) -> impl Drop {
        Asking::start(&self.asking)
    }

    /// Waits for the answer to a statement.
    pub(super) async fn ask<T>(&self, answer: impl Future<Output = Result<T, DbErr>>) -> Result<T> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= MAX_STATEMENTS {
            return Err(Error::TooMuch(format!("The document reads more than {MAX_STATEMENTS} lists.").into()));
        }
        let _asking = self.asking();
        self.store.0.troubles.noted(answer.await.map_err(Into::into))
    }

    /// The rows that a query finds, whoever may see them: for what is decided or summed up from them.
    pub(super) async fn all_unseen<E>(&self, query: Select<E>) -> Result<Vec<E::Model>>
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        self.ask(self.store.0.database.all(query)).await
    }

    pub(super) fn reach(&self) -> Reach<'_> {
        Reach::new(self.caller.as_ref())
    }

    /// The same request as nobody: what anyone may read without a token.
    pub fn anonymous(&self) -> Self {
        Self { caller: None, ..self.clone() }
    }

    /// The visible rows that the query finds.
    pub async fn all<E: Visible>(&self, query: Select<E>) -> Result<Vec<E::Model>> {
        self.ask(self.store.0.database.all(query.filter(self.visible::<E>()?))).await
    }

    /// The condition on the rows of a table that the caller may see, to be a part of a query; none if there are none.
    pub(crate) fn seen<E: Visible>(&self) -> Option<Condition> {
        self.visible::<E>().ok()
    }

    /// Which SQL the database speaks.
    pub(crate) fn backend(&self) -> DbBackend {
        self.store.backend()
    }

    /// The first visible row that the query finds.
    pub async fn one<E: Visible>(&self, query: Select<E>) -> Result<Option<E::Model>> {
        self.ask(self.store.0.database.one(query.filter(self.visible::<E>()?))).await
    }

    /// The visible row with this id.
    pub async fn get<E: Noun>(&self, id: impl Into<sea_orm::Value>) -> Result<Option<E::Model>> {
        let source = self.source::<E>(E::id().eq(id).into())?;
        self.ask(self.store.0.database.find::<E>(&source)).await
    }

    /// One page of the visible rows that the query finds.
    pub async fn page<E: Visible>(&self, query: Select<E>, page: &PageRequest<E>) -> Result<Slice<E::Model>> {
        let mut query = query.filter(self.visible::<E>()?);
        page.apply(QueryTrait::query(&mut query));
        let rows = self.ask(self.store.0.database.all(query.limit(page.extent().fetched()))).await?;
        Ok(page.slice(rows))
    }

    /// For each of many parents, the first rows of a page of its list: of the visible rows that meet the condition and
    /// whose column `parent` holds the parent's id, all in one statement. A page's surplus row, which tells whether
    /// there is more, is among them.
    pub async fn page_per<E: Visible>(
        &self,
        condition: Condition,
        page: &PageRequest<E>,
        parent: E::Column,
        parents: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<E::Model>>> {
        let source = self.source::<E>(condition)?.page(page);
        let first = First { keys: page.keys(), limit: Some(page.extent().fetched()) };
        self.first_per::<E>(source, first, parent.as_str(), parents).await
    }

    /// For each of many parents, the first rows of a source, of those whose column `parent` holds the parent's id.
    pub async fn first_per<E: Visible>(
        &self,
        source: Source,
        first: First,
        parent: &'static str,
        parents: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<E::Model>>> {
        let mut reading = Reading::per_parent(source, first, parent);
        let places: Vec<_> = E::Column::iter().map(|column| reading.column(Reading::BASE, column.as_str())).collect();
        let mut found: HashMap<Uuid, Vec<E::Model>> = HashMap::with_capacity(parents.len());
        for row in self.read_for(&reading, parents).await?.iter() {
            if let Some(parent) = row.uuid(0)? {
                found.entry(parent).or_default().push(row.model::<E>(places.iter().copied())?);
            }
        }
        Ok(found)
    }

    /// How many visible rows the query finds, counting no further than `cap`.
    pub async fn count<E: Visible>(&self, query: Select<E>, cap: u64) -> Result<u64> {
        let visible = query.filter(self.visible::<E>()?);
        self.ask(self.store.0.database.count(visible, Some(cap))).await
    }

    /// For each of many parents, how many of the visible rows that meet the condition have its id in their column
    /// `parent`, counting no further than `cap`.
    pub async fn count_per<E: Visible>(
        &self,
        condition: Condition,
        parent: E::Column,
        parents: &[Uuid],
        cap: u64,
    ) -> Result<HashMap<Uuid, u64>> {
        self.count_for(&self.source::<E>(condition)?, parent.as_str(), parents, cap).await
    }
}
