//! What limits depend on, whatever the caller may read: a limit holds for everyone alike.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::tx::LOCK;
use super::{Noun, Tx};
use crate::entity::{TierId, organization, subscription, tier_feature};
use crate::error::{Result, not_found};

impl Tx<'_> {
    /// The tenant's organization, locked until the end of the transaction: what is counted in it afterwards stays so.
    pub(crate) async fn lock_organization(&self) -> Result<organization::Model> {
        let id = self.organization()?.id;
        let row = organization::Entity::find_by_id(id).lock(LOCK).one(self.settled().await?).await?;
        row.ok_or_else(|| not_found("organization", "input"))
    }

    /// The live subscription of the tenant's organization itself.
    pub(crate) async fn organization_subscription(&self) -> Result<Option<subscription::Model>> {
        use subscription::Column::{CustomerId, DeletedAt, EndedAt, TenantId};
        let live = subscription::Entity::find()
            .filter(TenantId.eq(self.organization()?.id))
            .filter(CustomerId.is_null())
            .filter(EndedAt.is_null())
            .filter(DeletedAt.is_null());
        Ok(live.one(self.settled().await?).await?)
    }

    /// What a tier grants under this key.
    pub(crate) async fn granted(&self, tier: TierId, key: &str) -> Result<Option<tier_feature::Model>> {
        use tier_feature::Column::{Key, TierId};
        let feature = tier_feature::Entity::find().filter(TierId.eq(tier)).filter(Key.eq(key));
        Ok(feature.one(self.settled().await?).await?)
    }

    /// How many rows of the tenant the query finds.
    pub(crate) async fn count_in_tenant<E: Noun>(&self, query: sea_orm::Select<E>) -> Result<i64>
    where
        E::Model: Send + Sync,
    {
        let count = query.filter(E::tenant().eq(self.organization()?.id)).count(self.settled().await?).await?;
        Ok(count.cast_signed())
    }
}
