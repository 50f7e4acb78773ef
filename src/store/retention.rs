//! Deleting what was kept for long enough, some rows at a time.

use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter as _, QuerySelect as _, QueryTrait as _};

use super::System;
use super::executor::Executor as _;
use crate::auth::Part;
use crate::clock::Timestamp;
use crate::entity::{ReservationState, idempotency_key, usage_counter, usage_record, usage_reservation};
use crate::error::Result;

impl System<'_> {
    /// Deletes idempotency keys that were used before a moment, but no more than so many, and tells how many.
    pub async fn forget_keys(&self, before: Timestamp, limit: u64) -> Result<u64> {
        use idempotency_key::Column::{CreatedAt, Key, Principal};
        self.forget(idempotency_key::Entity, [Principal, Key], CreatedAt, before, limit).await
    }

    /// The same for records of use. What they were counted in stays.
    pub async fn forget_usage(&self, before: Timestamp, limit: u64) -> Result<u64> {
        use usage_record::Column::{CreatedAt, Id, TenantId};
        self.forget(usage_record::Entity, [TenantId, Id], CreatedAt, before, limit).await
    }

    /// The same for reservations that were closed before a moment.
    pub async fn forget_reservations(&self, before: Timestamp, limit: u64) -> Result<u64> {
        use usage_reservation::Column::{Id, State, TenantId, UpdatedAt};
        let closed = State.ne(ReservationState::Held).and(UpdatedAt.lt(before));
        self.forget_those(usage_reservation::Entity, [TenantId, Id], closed, limit).await
    }

    /// Gives back what reservations hold that were over before a moment, of no more than so many counters, and tells how
    /// many. It is no hurry: who finds no room does it at once.
    pub async fn give_back(&self, before: Timestamp, limit: u64) -> Result<u64> {
        use usage_reservation::Column::{ExpiresAt, FeatureKey, State, SubscriptionId, TenantId};
        let over = usage_reservation::Entity::find()
            .filter(State.eq(ReservationState::Held))
            .filter(ExpiresAt.lt(before))
            .select_only()
            .columns([TenantId, SubscriptionId, FeatureKey])
            .distinct()
            .limit(limit);
        let rows = self.0.0.database.rows(self.0.backend().build(over.as_query())).await?;
        for row in rows.iter() {
            let counter = usage_counter::Model {
                tenant_id: row.known::<uuid::Uuid>(0)?.into(),
                subscription_id: row.known::<uuid::Uuid>(1)?.into(),
                feature_key: row.known(2)?,
                epoch: 0,
                number: 0,
                used: 0,
                held: 0,
                observed_at: None,
            };
            let scope = self.0.acting_as(Part::Scheduler);
            let counter = &counter;
            scope
                .act(counter.tenant_id, |unit| Box::pin(async move { unit.expire_reservations(counter).await }))
                .await?;
        }
        Ok(rows.len() as u64)
    }

    async fn forget<E: EntityTrait>(
        &self,
        table: E,
        key: [E::Column; 2],
        made: E::Column,
        before: Timestamp,
        limit: u64,
    ) -> Result<u64> {
        self.forget_those(table, key, made.lt(before), limit).await
    }

    async fn forget_those<E: EntityTrait>(
        &self,
        table: E,
        key: [E::Column; 2],
        those: Expr,
        limit: u64,
    ) -> Result<u64> {
        let old = Query::select().columns(key).from(table).and_where(those).limit(limit).take();
        let delete = E::delete_many().filter(Expr::tuple(key.map(Expr::col)).in_subquery(old));
        Ok(self.execute(self.0.backend().build(delete.as_query())).await?)
    }
}
