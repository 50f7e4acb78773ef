//! Running SeaORM's queries over the databases' own drivers.

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{DbBackend, DbErr, EntityTrait, QuerySelect, QueryTrait, Select, Statement, TryIntoModel};

use super::Source;
use super::rows::Rows;
use super::text::Text;

/// What finds rows: a database, by statements that stand alone, or a transaction.
pub(super) trait Executor: Sync {
    /// Which SQL it speaks.
    fn backend(&self) -> DbBackend;

    /// The rows that a statement finds.
    fn rows(&self, statement: Statement) -> impl Future<Output = Result<Rows, DbErr>> + Send;

    /// The rows that a statement finds, which is put down as text.
    fn run(&self, write: impl FnOnce(&mut Text)) -> impl Future<Output = Result<Rows, DbErr>> + Send {
        self.rows(Text::statement(self.backend(), write))
    }

    /// The one row of a source, such as the row with some id.
    fn find<E>(&self, source: &Source) -> impl Future<Output = Result<Option<E::Model>, DbErr>> + Send
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let rows = self.run(move |text| text.models::<E>(source, None));
        async { rows.await?.iter().next().map(|row| row.model::<E>(0..)).transpose() }
    }

    /// The rows of a table that a query finds.
    fn all<E>(&self, query: Select<E>) -> impl Future<Output = Result<Vec<E::Model>, DbErr>> + Send
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let rows = self.rows(self.backend().build(query.as_query()));
        async { rows.await?.iter().map(|row| row.model::<E>(0..)).collect() }
    }

    /// The first row of a table that a query finds.
    fn one<E>(&self, query: Select<E>) -> impl Future<Output = Result<Option<E::Model>, DbErr>> + Send
    where
        E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
    {
        let rows = self.all(query.limit(1));
        async { Ok(rows.await?.into_iter().next()) }
    }

    /// How many rows a query finds, counting no further than `cap`.
    fn count<E: EntityTrait>(
        &self,
        query: Select<E>,
        cap: Option<u64>,
    ) -> impl Future<Output = Result<u64, DbErr>> + Send {
        let mut found = query.select_only().expr_as(Expr::val(1), "one");
        if let Some(cap) = cap {
            found = found.limit(cap);
        }
        let count = Query::select().expr(Expr::cust("count(*)")).from_subquery(found.into_query(), "found").take();
        let rows = self.rows(self.backend().build(&count));
        async { rows.await?.iter().try_fold(0, |_, row| Ok(row.integer(0)?.unwrap_or(0).unsigned_abs())) }
    }
}
