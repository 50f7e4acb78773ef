//! What rules depend on, whatever the caller may read: they hold for everyone alike.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, Order as SortOrder, QueryFilter, QueryOrder, Select};

use super::executor::Executor as _;
use super::unit_of_work::LOCK;
use super::{Noun, Source, UnitOfWork};
use crate::entity::{BillingCycle, TierId, feature, organization, payment, subscription, tier_feature, tier_price};
use crate::error::{Result, not_found};
use crate::graphql::nested::{Owned as _, OwnerKey};

/// The subscriptions that an owner got last.
#[derive(Debug)]
pub struct LastSubscriptions {
    /// Of those that were not deleted.
    pub kept: Option<subscription::Model>,
    /// Of those that were.
    pub deleted: Option<subscription::Model>,
}

impl LastSubscriptions {
    /// The last one of all.
    pub fn last(&self) -> Option<&subscription::Model> {
        self.kept.iter().chain(&self.deleted).max_by_key(|row| (row.created_at, row.id))
    }
}

impl UnitOfWork<'_> {
    /// The tenant's organization, locked until the end of the transaction: what is counted in it afterwards stays so.
    pub(crate) async fn lock_organization(&self) -> Result<organization::Model> {
        if self.connection().backend() == DbBackend::Sqlite {
            // All of the database is locked.
            return Ok(self.organization().await?.clone());
        }
        let id = self.tenant()?;
        let source = Source::unfiltered::<organization::Entity>(organization::Column::Id.eq(id).into());
        self.settled().await?;
        let row = self.lock_row::<organization::Entity>(&source, LOCK).await?;
        row.ok_or_else(|| not_found("organization", "input"))
    }

    /// The live subscription of the tenant's organization itself, or else its latest.
    pub(crate) async fn organization_subscription(&self) -> Result<Option<subscription::Model>> {
        self.current_subscription(OwnerKey { tenant: self.tenant()?, customer: None }).await
    }

    /// The live subscription of an owner in the tenant, or else its latest.
    pub(crate) async fn current_subscription(&self, owner: OwnerKey) -> Result<Option<subscription::Model>> {
        let owner = OwnerKey { tenant: self.tenant()?, ..owner };
        Ok(self.settled().await?.one(current_first(subscription::Entity::of_owner(owner))).await?)
    }

    /// The same of several owners: their subscriptions, those that are live or else the latest first.
    pub(crate) async fn subscriptions_of(&self, owners: &[OwnerKey]) -> Result<Vec<subscription::Model>> {
        use subscription::Column::{CustomerId, TenantId};
        let of_organization = owners.iter().any(|owner| owner.customer.is_none()).then(|| CustomerId.is_null());
        let customers: Vec<_> = owners.iter().filter_map(|owner| owner.customer).collect();
        let of_customers = (!customers.is_empty()).then(|| CustomerId.is_in(customers));
        let owned = Condition::any().add_option(of_organization).add_option(of_customers);
        let of_tenant = Condition::all().add(TenantId.eq(self.tenant()?)).add(owned);
        Ok(self.settled().await?.all(current_first(of_tenant)).await?)
    }

    /// The subscriptions that an owner got last.
    pub(crate) async fn last_subscriptions(&self, owner: OwnerKey) -> Result<LastSubscriptions> {
        use subscription::Column::{CreatedAt, DeletedAt, Id};
        let of_owner = || {
            let found = subscription::Entity::find().filter(subscription::Entity::of_owner(owner));
            found.order_by_desc(CreatedAt).order_by_desc(Id)
        };
        let kept = self.settled().await?.one(of_owner().filter(DeletedAt.is_null())).await?;
        let deleted = self.settled().await?.one(of_owner().filter(DeletedAt.is_not_null())).await?;
        Ok(LastSubscriptions { kept, deleted })
    }

    /// The first payment of the tenant that the query finds.
    pub(crate) async fn payment_of_tenant(&self, query: Select<payment::Entity>) -> Result<Option<payment::Model>> {
        let of_tenant = query.filter(payment::Column::TenantId.eq(self.tenant()?));
        Ok(self.settled().await?.one(of_tenant).await?)
    }

    /// The payments of the tenant that a query finds, whoever may see them.
    pub(crate) async fn payments_of_tenant(&self, query: Select<payment::Entity>) -> Result<Vec<payment::Model>> {
        let of_tenant = query.filter(payment::Column::TenantId.eq(self.tenant()?));
        Ok(self.settled().await?.all(of_tenant).await?)
    }

    /// What a tier costs, whoever may see it: a subscription can fall back to a tier that its owner cannot order.
    pub(crate) async fn price_of(
        &self,
        tier: TierId,
        cycle: BillingCycle,
        currency: &str,
    ) -> Result<Option<tier_price::Model>> {
        use tier_price::Column::{BillingCycle, Currency, TierId};
        let price = tier_price::Entity::find()
            .filter(TierId.eq(tier))
            .filter(BillingCycle.eq(cycle))
            .filter(Currency.eq(currency));
        Ok(self.settled().await?.one(price).await?)
    }

    /// What a tier grants under this key.
    pub(crate) async fn granted(&self, tier: TierId, key: &str) -> Result<Option<tier_feature::Model>> {
        use tier_feature::Column::{Key, TierId};
        let feature = tier_feature::Entity::find().filter(TierId.eq(tier)).filter(Key.eq(key));
        Ok(self.settled().await?.one(feature).await?)
    }

    /// The features of the catalogue that is written in, with these keys.
    pub(crate) async fn declared_features(
        &self,
        keys: impl IntoIterator<Item = &str> + Send,
    ) -> Result<Vec<feature::Model>> {
        use feature::Column::{Key, TenantId};
        let catalogue = match self.tenant() {
            Ok(tenant) => TenantId.eq(tenant),
            Err(_) => TenantId.is_null(),
        };
        let declared = feature::Entity::find().filter(catalogue).filter(Key.is_in(keys));
        Ok(self.settled().await?.all(declared).await?)
    }

    /// How many rows of the tenant the query finds.
    pub(crate) async fn count_in_tenant<E: Noun>(&self, query: Select<E>) -> Result<i64> {
        let query = query.filter(E::tenant().eq(self.tenant()?));
        Ok(self.settled().await?.count(query, None).await?.cast_signed())
    }
}

/// The live subscription first, then the latest.
fn current_first(of: Condition) -> Select<subscription::Entity> {
    use subscription::Column::{CreatedAt, DeletedAt, Id};
    subscription::Entity::find()
        .filter(of)
        .filter(DeletedAt.is_null())
        .order_by(Expr::cust(r#"coalesce("ended_at", 9223372036854775807)"#), SortOrder::Desc)
        .order_by_desc(CreatedAt)
        .order_by_desc(Id)
}
