//! Deleting what was kept for long enough, some rows at a time.

use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter as _, QueryTrait as _};

use super::System;
use crate::clock::Timestamp;
use crate::entity::{idempotency_key, usage_record};
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

    async fn forget<E: EntityTrait>(
        &self,
        table: E,
        key: [E::Column; 2],
        made: E::Column,
        before: Timestamp,
        limit: u64,
    ) -> Result<u64> {
        let old = Query::select().columns(key).from(table).and_where(made.lt(before)).limit(limit).take();
        let delete = E::delete_many().filter(Expr::tuple(key.map(Expr::col)).in_subquery(old));
        Ok(self.execute(self.0.backend().build(delete.as_query())).await?)
    }
}
