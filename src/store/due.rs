//! What is due: finding it across all tenants, and carrying it out in one.

use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, OnConflict, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};

use super::database::Whose;
use super::executor::Executor as _;
use super::{Scope, System, UnitOfWork};
use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::entity::{OrganizationId, SubscriptionId, parked_transition, subscription};
use crate::error::{Contention, Error, Result};

/// How often a unit of work is tried before its contention is reported.
const TRIES: usize = 4;

/// A subscription with something due.
#[derive(Clone, Copy, Debug)]
pub struct DueSubscription {
    /// The organization.
    pub tenant: OrganizationId,
    /// The subscription.
    pub id: SubscriptionId,
    /// Since when.
    pub since: Timestamp,
}

/// The subscriptions that time can do something to.
fn live() -> Select<subscription::Entity> {
    use subscription::Column::{DeletedAt, EndedAt};
    subscription::Entity::find().filter(EndedAt.is_null()).filter(DeletedAt.is_null())
}

/// Those with something due by a moment.
fn due(by: Timestamp) -> Select<subscription::Entity> {
    live().filter(subscription::Column::DueAt.lte(by))
}

/// Whether the last attempt at what is due has failed.
fn is_parked() -> Expr {
    use parked_transition::Column;
    let parked = |column: Column| Expr::col((parked_transition::Entity, column));
    let of = |column: subscription::Column| Expr::col((subscription::Entity, column));
    let found = Query::select()
        .expr(Expr::cust("1"))
        .from(parked_transition::Entity)
        .and_where(parked(Column::TenantId).eq(of(subscription::Column::TenantId)))
        .and_where(parked(Column::SubscriptionId).eq(of(subscription::Column::Id)))
        .and_where(parked(Column::DueAt).eq(of(subscription::Column::DueAt)))
        .take();
    Expr::exists(found)
}

impl System<'_> {
    /// The first subscriptions behind another one that have something due by a moment, without those whose last attempt
    /// has failed. Nothing is locked: whoever carries it out looks again.
    pub async fn due(
        &self,
        by: Timestamp,
        behind: Option<DueSubscription>,
        limit: u64,
    ) -> Result<Vec<DueSubscription>> {
        use subscription::Column::{DueAt, Id};
        let behind = behind.map(|last| {
            let same = Condition::all().add(DueAt.eq(last.since)).add(Id.gt(last.id));
            Condition::all().add(DueAt.gte(last.since)).add(Condition::any().add(DueAt.gt(last.since)).add(same))
        });
        let found = due(by).filter(is_parked().not()).filter(Condition::all().add_option(behind));
        self.waiting(found.order_by_asc(DueAt).order_by_asc(Id).limit(limit)).await
    }

    /// The subscription, if it has something due by a moment.
    pub async fn due_of(
        &self,
        tenant: OrganizationId,
        id: SubscriptionId,
        by: Timestamp,
    ) -> Result<Option<DueSubscription>> {
        use subscription::Column::{Id, TenantId};
        let found = self.waiting(due(by).filter(TenantId.eq(tenant)).filter(Id.eq(id))).await?;
        Ok(found.into_iter().next())
    }

    /// When something is due next, behind a moment.
    pub async fn earliest_due(&self, behind: Timestamp) -> Result<Option<Timestamp>> {
        use subscription::Column::DueAt;
        let found = live().filter(DueAt.gt(behind)).filter(is_parked().not());
        let first = self.waiting(found.order_by_asc(DueAt).limit(1)).await?;
        Ok(first.first().map(|first| first.since))
    }

    async fn waiting(&self, found: Select<subscription::Entity>) -> Result<Vec<DueSubscription>> {
        use subscription::Column::{DueAt, Id, TenantId};
        let found = found.select_only().columns([TenantId, Id, DueAt]);
        let rows = self.0.0.database.rows(self.0.backend().build(found.as_query())).await?;
        let one = |row: super::Row<'_>| {
            let (tenant, id, since) = (row.uuid(0)?, row.uuid(1)?, row.integer(2)?);
            let (tenant, id) = (tenant.unwrap_or_default().into(), id.unwrap_or_default().into());
            Ok(DueSubscription { tenant, id, since: Timestamp::from_micros(since.unwrap_or_default()) })
        };
        rows.iter().map(one).collect()
    }

    /// What could not be carried out, and is still due: the earliest first.
    pub async fn parked(&self, limit: u64) -> Result<Vec<parked_transition::Model>> {
        use parked_transition::Column;
        let of = |column: subscription::Column| Expr::col((subscription::Entity, column));
        let waiting = Query::select()
            .expr(Expr::cust("1"))
            .from(subscription::Entity)
            .and_where(of(subscription::Column::TenantId).eq(Expr::col((parked_transition::Entity, Column::TenantId))))
            .and_where(of(subscription::Column::Id).eq(Expr::col((parked_transition::Entity, Column::SubscriptionId))))
            .and_where(of(subscription::Column::DueAt).eq(Expr::col((parked_transition::Entity, Column::DueAt))))
            .and_where(of(subscription::Column::EndedAt).is_null())
            .and_where(of(subscription::Column::DeletedAt).is_null())
            .take();
        let parked = parked_transition::Entity::find()
            .filter(Expr::exists(waiting))
            .order_by_asc(Column::DueAt)
            .order_by_asc(Column::SubscriptionId)
            .limit(limit);
        Ok(self.0.0.database.all(parked).await?)
    }

    /// Sets a subscription aside: its transition is not tried again until something changes, or somebody asks for it.
    pub async fn park(&self, waiting: DueSubscription, error: String) -> Result<()> {
        use parked_transition::Column::{Attempts, DueAt, Error, ParkedAt, SubscriptionId, TenantId};
        let row = parked_transition::ActiveModel {
            tenant_id: sea_orm::Set(waiting.tenant),
            subscription_id: sea_orm::Set(waiting.id),
            due_at: sea_orm::Set(waiting.since),
            attempts: sea_orm::Set(1),
            error: sea_orm::Set(error),
            parked_at: sea_orm::Set(self.0.now()),
        };
        let again = Expr::col((parked_transition::Entity, Attempts)).add(1);
        let conflict = OnConflict::columns([TenantId, SubscriptionId])
            .update_columns([DueAt, Error, ParkedAt])
            .value(Attempts, again)
            .to_owned();
        let insert = parked_transition::Entity::insert(row).on_conflict(conflict);
        self.execute(self.0.backend().build(insert.as_query())).await?;
        Ok(())
    }

    /// Forgets that a subscription was set aside.
    pub async fn unpark(&self, tenant: OrganizationId, id: SubscriptionId) -> Result<()> {
        use parked_transition::Column::{SubscriptionId, TenantId};
        let delete = parked_transition::Entity::delete_many().filter(TenantId.eq(tenant)).filter(SubscriptionId.eq(id));
        self.execute(self.0.backend().build(delete.as_query())).await?;
        Ok(())
    }
}

impl Scope {
    /// Runs one unit of work of a part of Tessera in a tenant, whatever the state of its organization. It is tried again
    /// when somebody else was faster. Not for requests, whose commands go through a [`Writer`](super::Writer).
    pub(crate) async fn act<'e, T>(
        &'e self,
        tenant: OrganizationId,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>) -> BoxFuture<'t, Result<T>> + Sync,
    ) -> Result<T> {
        if !matches!(self.caller()?, Caller::System(_)) {
            return Err(Error::Internal("only parts of the program act without a command".into()));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let attempt = async {
                let whose = Whose { tenant: tenant.into(), row: None };
                let transaction = self.store.0.database.begin(whose).await?;
                let unit = UnitOfWork::new(transaction, self, Some(tenant), false);
                unit.open(None)?;
                let result = work(&unit).await?;
                unit.commit(None).await?;
                Ok(result)
            };
            match attempt.await {
                Err(Error::Contended(..)) if tries < TRIES => {}
                // No rule foresaw it.
                Err(Error::Contended(Contention::Duplicate, text)) => return Err(Error::Internal(text)),
                outcome => return self.store.0.troubles.noted(outcome),
            }
        }
    }
}

impl UnitOfWork<'_> {
    /// Those of these subscriptions of the tenant that still have something due, locked until the end, but for those that
    /// somebody else has locked: who writes a subscription carries out what is due to it.
    pub(crate) async fn take_due(&self, ids: &[SubscriptionId]) -> Result<Vec<subscription::Model>> {
        use subscription::Column::{Id, TenantId};
        // Few texts: as many ids as the next power of two.
        let last = ids.last().into_iter().cycle().copied();
        let ids = ids.iter().copied().chain(last).take(ids.len().next_power_of_two());
        let found = due(self.now())
            .filter(Condition::all().add(TenantId.eq(self.tenant()?)).add(Id.is_in(ids)))
            .order_by_asc(Id)
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        self.lock_all(found).await
    }
}
