//! Reading: every query runs through a [`Scope`], which adds what the caller may see.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Order as SqlOrder, OverStatement, Query, WindowStatement};
use sea_orm::{ColumnTrait, DbErr, FromQueryResult, QueryFilter, QueryResult, QuerySelect, QueryTrait, Select};

use super::page::{PageRequest, Slice};
use super::{Reach, Store, Visible, Writer};
use crate::auth::{Permission, Principal};
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
    pub(super) principal: Option<Arc<Principal>>,
    pub(super) request: RequestMeta,
    /// How many statements of the request are under way.
    asking: Arc<AtomicUsize>,
}

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

impl Scope {
    pub(crate) fn new(store: Store, principal: Option<Arc<Principal>>, request: RequestMeta) -> Self {
        Self { store, principal, request, asking: Arc::default() }
    }

    /// The caller, or the error that there is none.
    pub fn caller(&self) -> Result<&Principal> {
        self.principal.as_deref().ok_or(Error::Unauthenticated)
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
        let _asking = self.asking();
        Ok(answer.await?)
    }

    pub(super) fn reach(&self) -> Reach {
        Reach::new(self.principal.as_deref())
    }

    /// The same request as nobody: what anyone may read without a token.
    pub fn anonymous(&self) -> Self {
        Self { principal: None, ..self.clone() }
    }

    /// The visible rows that the query finds.
    pub async fn all<E: Visible>(&self, query: Select<E>) -> Result<Vec<E::Model>> {
        self.ask(query.filter(E::visible(self.reach())?).all(&self.store.0.connection)).await
    }

    /// The first visible row that the query finds.
    pub async fn one<E: Visible>(&self, query: Select<E>) -> Result<Option<E::Model>> {
        self.ask(query.filter(E::visible(self.reach())?).one(&self.store.0.connection)).await
    }

    /// The visible row with this id.
    pub async fn get<E: Noun>(&self, id: impl Into<sea_orm::Value>) -> Result<Option<E::Model>> {
        self.one(E::find().filter(E::id().eq(id))).await
    }

    /// What the query selects from the visible rows, such as sums.
    pub async fn rows<E: Visible, R: FromQueryResult>(&self, query: Select<E>) -> Result<Vec<R>> {
        let query = query.filter(E::visible(self.reach())?);
        self.ask(query.into_model::<R>().all(&self.store.0.connection)).await
    }

    /// One page of the visible rows that the query finds.
    pub async fn page<E: Visible>(&self, query: Select<E>, page: &PageRequest<E>) -> Result<Slice<E::Model>> {
        let mut query = query.filter(E::visible(self.reach())?);
        page.apply(QueryTrait::query(&mut query));
        let rows = self.ask(query.limit(page.extent().fetched()).all(&self.store.0.connection)).await?;
        Ok(page.slice(rows))
    }

    /// The first rows of the page for each value of `partition`, all in one statement. A page's surplus row, which
    /// tells whether there is more, is among them.
    pub async fn page_per<E: Visible>(
        &self,
        query: Select<E>,
        partition: &[E::Column],
        page: &PageRequest<E>,
    ) -> Result<Vec<E::Model>> {
        let mut inner = query.filter(E::visible(self.reach())?);
        let inner = QueryTrait::query(&mut inner);
        page.filter(inner);
        let mut window = WindowStatement::new();
        for column in partition {
            window.add_partition_by(Expr::col(column.as_column_ref()));
        }
        for (expr, descending) in page.order() {
            window.order_by_expr(expr, if descending { SqlOrder::Desc } else { SqlOrder::Asc });
        }
        inner.expr_window_as(Expr::cust("row_number()"), window, Alias::new("place"));
        let outer = Query::select()
            .column(Asterisk)
            .from_subquery(inner.take(), Alias::new("ranked"))
            .and_where(Expr::col(Alias::new("place")).lte(page.extent().fetched()))
            .order_by(Alias::new("place"), SqlOrder::Asc)
            .take();
        let statement = self.store.backend().build(&outer);
        self.ask(E::find().from_raw_sql(statement).all(&self.store.0.connection)).await
    }

    /// How many visible rows the query finds, counting no further than `cap`.
    pub async fn count<E: Visible>(&self, query: Select<E>, cap: u64) -> Result<u64> {
        #[derive(FromQueryResult)]
        struct Row {
            total: i64,
        }
        let visible = query.filter(E::visible(self.reach())?);
        let found = QuerySelect::query(&mut visible.select_only().expr_as(Expr::val(1), "one").limit(cap)).take();
        let count = Query::select()
            .expr_as(Expr::cust("count(*)"), Alias::new("total"))
            .from_subquery(found, Alias::new("found"))
            .take();
        let statement = self.store.backend().build(&count);
        let row = self.ask(Row::find_by_statement(statement).one(&self.store.0.connection)).await?;
        Ok(row.map_or(0, |row| row.total.unsigned_abs()))
    }

    /// How many visible rows the query finds for each value of `partition`, counting no further than `cap`: one of
    /// the rows with their number, all in one statement.
    pub async fn count_per<E: Visible>(
        &self,
        query: Select<E>,
        partition: &[E::Column],
        cap: u64,
    ) -> Result<Vec<(E::Model, u64)>> {
        struct Counted<M>(M, i64);
        impl<M: FromQueryResult> FromQueryResult for Counted<M> {
            fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
                Ok(Self(M::from_query_result(row, prefix)?, row.try_get(prefix, "total")?))
            }
        }
        let over = |table: Option<&'static str>| {
            let mut window = WindowStatement::new();
            for column in partition {
                window.add_partition_by(match table {
                    Some(table) => Expr::col((table, *column)),
                    None => Expr::col(column.as_column_ref()),
                });
            }
            window
        };
        let mut found = query.filter(E::visible(self.reach())?);
        let found = QueryTrait::query(&mut found)
            .expr_window_as(Expr::cust("row_number()"), over(None), Alias::new("place"))
            .take();
        let counted = Query::select()
            .column(Asterisk)
            .expr_window_as(Expr::cust("count(*)"), over(Some("found")), Alias::new("total"))
            .from_subquery(found, "found")
            .and_where(Expr::col(("found", "place")).lte(cap))
            .take();
        let one_each = Query::select()
            .column(Asterisk)
            .from_subquery(counted, "counted")
            .and_where(Expr::col(("counted", "place")).eq(1))
            .take();
        let statement = self.store.backend().build(&one_each);
        let rows = self.ask(Counted::<E::Model>::find_by_statement(statement).all(&self.store.0.connection)).await?;
        Ok(rows.into_iter().map(|Counted(row, total)| (row, total.unsigned_abs())).collect())
    }
}
