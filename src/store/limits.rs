//! What limits depend on, whatever the caller may read: a limit holds for everyone alike.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::executor::Executor as _;
use super::tx::LOCK;
use super::{Noun, Source, Tx};
use crate::entity::{TierId, organization, subscription, tier_feature};
use crate::error::{Result, not_found};

impl Tx<'_> {
    /// The tenant's organization, locked until the end of the transaction: what is counted in it afterwards stays so.
    pub(crate) async fn lock_organization(&self) -> Result<organization::Model> {
        let id = self.tenant()?;
        let source = Source::unfiltered::<organization::Entity>(organization::Column::Id.eq(id).into());
        let row = self.settled().await?.lock::<organization::Entity>(&source, LOCK).await?;
        row.ok_or_else(|| not_found("organization", "input"))
    }

    /// The live subscription of the tenant's organization itself.
    pub(crate) async fn organization_subscription(&self) -> Result<Option<subscription::Model>> {
        use subscription::Column::{CustomerId, DeletedAt, EndedAt, TenantId};
        let live = subscription::Entity::find()
            .filter(TenantId.eq(self.tenant()?))
            .filter(CustomerId.is_null())
            .filter(EndedAt.is_null())
            .filter(DeletedAt.is_null());
        Ok(self.settled().await?.one(live).await?)
    }

    /// What a tier grants under this key.
    pub(crate) async fn granted(&self, tier: TierId, key: &str) -> Result<Option<tier_feature::Model>> {
        use tier_feature::Column::{Key, TierId};
        let feature = tier_feature::Entity::find().filter(TierId.eq(tier)).filter(Key.eq(key));
        Ok(self.settled().await?.one(feature).await?)
    }

    /// How many rows of the tenant the query finds.
    pub(crate) async fn count_in_tenant<E: Noun>(&self, query: sea_orm::Select<E>) -> Result<i64> {
        let query = query.filter(E::tenant().eq(self.tenant()?));
        Ok(self.settled().await?.count(query, None).await?.cast_signed())
    }
}
