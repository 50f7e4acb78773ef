//! Work that concerns every tenant at once. Not reachable from a request.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, IntoActiveModel, Iterable as _, QueryFilter,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, Set, Statement, TryIntoModel, Value,
};

use super::database::Whose;
use super::executor::Executor as _;
use super::flush::Flush;
use super::{Noun, Store};
use crate::entity::{Derived, OrganizationId, organization, subscription};
use crate::subscription::lifecycle::settled;

/// The database without a tenant: for maintenance and the demo's data.
pub struct System<'a>(pub(super) &'a Store);

impl Store {
    /// Access across tenants, for work that no request asked for.
    pub fn system(&self) -> System<'_> {
        System(self)
    }
}

/// How many sorts of live subscriptions have another total than there are rows. One statement, so that both are looked
/// at in the same moment.
pub(super) const STALE_TOTALS: &str = "
SELECT count(*) AS stale FROM (
    SELECT 1 FROM (
        SELECT tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor,
            sum(subscriptions) AS surplus
        FROM subscription_totals
        GROUP BY tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor
        UNION ALL
        SELECT tenant_id, tier_id, customer_id IS NOT NULL, status, mode, currency, billing_cycle, amount_minor,
            -count(*)
        FROM subscriptions WHERE ended_at IS NULL AND deleted_at IS NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ) AS sums
    GROUP BY tenant_id, tier_id, of_customers, status, mode, currency, billing_cycle, amount_minor
    HAVING sum(surplus) <> 0
) AS differing";

impl System<'_> {
    /// The organization with this slug.
    pub async fn organization_by_slug(&self, slug: &str) -> Result<Option<OrganizationId>, DbErr> {
        let found = organization::Entity::find()
            .filter(organization::Column::Slug.eq(slug))
            .filter(organization::Column::DeletedAt.is_null());
        Ok(self.0.0.database.one(found).await?.map(|organization| organization.id))
    }

    /// How many rows the table has.
    pub async fn count<E: EntityTrait>(&self) -> Result<u64, DbErr> {
        self.0.0.database.count(E::find(), None).await
    }

    /// Runs one statement that writes, and tells how many rows it changed.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        let transaction = self.0.0.database.begin(Whose::default()).await?;
        let changed = transaction.execute(statement).await?;
        transaction.commit(Flush::default()).await?;
        Ok(changed)
    }

    /// Every row of the table.
    pub async fn all<E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>>(&self) -> Result<Vec<E::Model>, DbErr> {
        self.0.0.database.all(E::find()).await
    }

    /// The rows of a table that come behind the one with this id.
    pub(super) async fn page_behind<E: Noun>(&self, id: Option<Value>, limit: u64) -> Result<Vec<E::Model>, DbErr>
    where
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let mut page = E::find().order_by_asc(E::id()).limit(limit);
        if let Some(id) = id {
            page = page.filter(E::id().gt::<Value>(id));
        }
        self.0.0.database.all(page).await
    }

    /// How many totals of subscriptions differ from what the subscriptions add up to: none, unless rows were written
    /// without the database's triggers.
    pub async fn stale_totals(&self) -> Result<u64, DbErr> {
        let statement = Statement::from_string(self.0.backend(), STALE_TOTALS);
        let rows = self.0.0.database.rows(statement).await?;
        rows.iter().try_fold(0, |_, row| Ok(row.integer(0)?.unwrap_or(0).unsigned_abs()))
    }

    /// Foresees what time will make of the subscriptions that were written by a program that did not.
    pub async fn foresee(&self) -> Result<(), DbErr> {
        use subscription::Column::{DueAt, EndedAt, Id, TenantId, Version};
        let unforeseen = Condition::all().add(EndedAt.is_null()).add(DueAt.eq(0));
        let mut behind = None;
        loop {
            let found = subscription::Entity::find()
                .filter(unforeseen.clone().add_option(behind.map(|id| Id.gt(id))))
                .order_by_asc(Id)
                .limit(500);
            let rows = self.0.0.database.all(found).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            behind = Some(last.id);
            let transaction = self.0.0.database.begin(Whose::default()).await?;
            for row in rows.into_iter().map(settled) {
                let derived = subscription::ActiveModel {
                    access_ends_at: Set(row.access_ends_at),
                    next_at: Set(row.next_at),
                    next_status: Set(row.next_status),
                    second_at: Set(row.second_at),
                    second_status: Set(row.second_status),
                    third_at: Set(row.third_at),
                    third_status: Set(row.third_status),
                    fourth_at: Set(row.fourth_at),
                    fourth_status: Set(row.fourth_status),
                    fifth_at: Set(row.fifth_at),
                    fifth_status: Set(row.fifth_status),
                    due_at: Set(row.due_at),
                    ..Default::default()
                };
                // Who changed it meanwhile has foreseen it as well.
                let update = subscription::Entity::update_many()
                    .set(derived)
                    .filter(Condition::all().add(TenantId.eq(row.tenant_id)).add(Id.eq(row.id)))
                    .filter(Version.eq(row.version));
                transaction.execute(self.0.backend().build(update.as_query())).await?;
            }
            transaction.commit(Flush::default()).await?;
        }
    }

    /// Inserts rows as they are, tenants, versions and times included: all of them or none.
    pub async fn insert<M, E>(&self, rows: Vec<M>) -> Result<(), DbErr>
    where
        E: EntityTrait<Model = M>,
        M: Derived + IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        let transaction = self.0.0.database.begin(Whose::default()).await?;
        // SQLite allows 32,766 parameters in a statement.
        let most = 32_766 / E::Column::iter().count().max(1);
        let derived = rows.into_iter().map(|mut row| {
            row.derive();
            row.into_active_model().reset_all()
        });
        let mut rows = derived.peekable();
        while rows.peek().is_some() {
            let batch: Vec<_> = rows.by_ref().take(most).collect();
            transaction.execute(self.0.backend().build(E::insert_many(batch).as_query())).await?;
        }
        transaction.commit(Flush::default()).await
    }
}
