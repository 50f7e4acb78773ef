//! Reservations: rows that hold an amount of a counter. As what is counted, they are their own trail.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};

use super::executor::Executor as _;
use super::text::put;
use super::{Scope, UnitOfWork};
use crate::clock::Timestamp;
use crate::entity::{OrganizationId, ReservationState, UsageReservationId, usage_counter, usage_reservation};
use crate::error::{Contention, Error, Result};

impl UnitOfWork<'_> {
    /// How much of a counter is reserved by now: what is over is not looked at.
    pub async fn held(&self, counter: &usage_counter::Model) -> Result<i64> {
        use usage_reservation::Column::{Epoch, Number};
        let found = self.reservations_of(counter, true)?.filter(Epoch.eq(counter.epoch));
        let found = found.filter(Number.eq(counter.number));
        Ok(self.settled().await?.all(found).await?.iter().map(|row| row.amount).sum())
    }

    /// The reservations of a feature that nobody settled, released or found to be over: those that last, or are over.
    fn reservations_of(&self, counter: &usage_counter::Model, last: bool) -> Result<Select<usage_reservation::Entity>> {
        use usage_reservation::Column::{ExpiresAt, FeatureKey, State, SubscriptionId, TenantId};
        let time = if last { ExpiresAt.gt(self.now()) } else { ExpiresAt.lte(self.now()) };
        Ok(usage_reservation::Entity::find()
            .filter(TenantId.eq(self.tenant()?))
            .filter(SubscriptionId.eq(counter.subscription_id))
            .filter(FeatureKey.eq(counter.feature_key.as_str()))
            .filter(State.eq(ReservationState::Held))
            .filter(time))
    }

    /// Whether reservations of a feature are over, and still held.
    pub async fn has_expired(&self, counter: &usage_counter::Model) -> Result<bool> {
        let found = self.reservations_of(counter, false)?.limit(1);
        Ok(self.settled().await?.one(found).await?.is_some())
    }

    /// Gives back what reservations of a feature hold that are over.
    pub async fn expire_reservations(&self, counter: &usage_counter::Model) -> Result<()> {
        let (tenant, now) = (self.tenant()?, self.now());
        let rows = self.write_now(|text| {
            put!(text, r#"UPDATE "usage_reservations" SET "state" = 'EXPIRED', "updated_at" = "#);
            text.value(now);
            put!(text, r#" WHERE "tenant_id" = "#);
            text.value(tenant);
            put!(text, r#" AND "subscription_id" = "#);
            text.value(counter.subscription_id);
            put!(text, r#" AND "feature_key" = "#);
            text.value(counter.feature_key.as_str());
            put!(text, r#" AND "state" = 'HELD' AND "expires_at" <= "#);
            text.value(now);
            put!(text, r#" RETURNING "epoch", "number", "amount""#);
        });
        let mut held: BTreeMap<(i32, i64), i64> = BTreeMap::new();
        for row in rows.await?.iter() {
            *held.entry((row.known(0)?, row.known(1)?)).or_default() += row.known::<i64>(2)?;
        }
        for ((epoch, number), amount) in held {
            let counter = usage_counter::Model { epoch, number, ..counter.clone() };
            self.recount(&counter, 0, -amount).await?;
        }
        Ok(())
    }

    /// Puts a reservation into this tenant; its work is run again where its key was used meanwhile.
    pub async fn reserve(&self, reservation: usage_reservation::Model) -> Result<()> {
        let rows = self.put(vec![reservation], |text| {
            put!(text, r#" ON CONFLICT ("tenant_id", "key") WHERE "key" IS NOT NULL DO NOTHING RETURNING "id""#);
        });
        match rows.await?.is_empty() {
            true => Err(Error::Contended(Contention::Duplicate, "the key was used meanwhile".into())),
            false => Ok(()),
        }
    }

    /// The reservation that was made under a key.
    pub async fn reserved(&self, key: &str) -> Result<Option<usage_reservation::Model>> {
        use usage_reservation::Column::{Key, TenantId};
        let found = usage_reservation::Entity::find().filter(TenantId.eq(self.tenant()?)).filter(Key.eq(key));
        Ok(self.settled().await?.one(found).await?)
    }

    /// The reservation with this id.
    pub async fn reservation(&self, id: UsageReservationId) -> Result<Option<usage_reservation::Model>> {
        use usage_reservation::Column::{Id, TenantId};
        let found = usage_reservation::Entity::find().filter(TenantId.eq(self.tenant()?)).filter(Id.eq(id));
        Ok(self.settled().await?.one(found).await?)
    }

    /// Has a reservation that is held last until a moment at least.
    pub async fn extend_reservation(&self, id: UsageReservationId, until: Timestamp) -> Result<bool> {
        let (tenant, now) = (self.tenant()?, self.now());
        let rows = self.write_now(|text| {
            put!(text, r#"UPDATE "usage_reservations" SET "expires_at" = CASE WHEN "expires_at" > "#);
            text.value(until);
            put!(text, r#" THEN "expires_at" ELSE "#);
            text.value(until);
            put!(text, r#" END, "updated_at" = "#);
            text.value(now);
            put!(text, r#" WHERE "tenant_id" = "#);
            text.value(tenant);
            put!(text, r#" AND "id" = "#);
            text.value(id);
            put!(text, r#" AND "state" = 'HELD' AND "expires_at" > "#);
            text.value(now);
            put!(text, r#" RETURNING "id""#);
        });
        Ok(!rows.await?.is_empty())
    }

    /// Closes a reservation, if it is in this state still.
    pub async fn close_reservation(
        &self,
        id: UsageReservationId,
        from: ReservationState,
        to: ReservationState,
        settled: Option<i64>,
    ) -> Result<bool> {
        let (tenant, now) = (self.tenant()?, self.now());
        let rows = self.write_now(|text| {
            put!(text, r#"UPDATE "usage_reservations" SET "state" = "#);
            text.value(to);
            put!(text, r#", "settled" = "#);
            text.value(settled);
            put!(text, r#", "updated_at" = "#);
            text.value(now);
            put!(text, r#" WHERE "tenant_id" = "#);
            text.value(tenant);
            put!(text, r#" AND "id" = "#);
            text.value(id);
            put!(text, r#" AND "state" = "#);
            text.value(from);
            put!(text, r#" RETURNING "id""#);
        });
        Ok(!rows.await?.is_empty())
    }
}

impl Scope {
    /// The tenant of a reservation in an organization that the caller reaches.
    pub async fn tenant_of_reservation(&self, id: UsageReservationId) -> Result<Option<OrganizationId>> {
        use usage_reservation::Column::{Id, TenantId};
        let found = usage_reservation::Entity::find().filter(Id.eq(id)).filter(self.reach().tenants(TenantId)?);
        Ok(self.ask(self.store.0.database.one(found)).await?.map(|row| row.tenant_id))
    }
}
