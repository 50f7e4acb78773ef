//! Counting: rows that are their own trail. They leave neither an audit entry nor an event, but keep to one tenant as all
//! others do: it is put into what is written, and asked for in what is changed.
//!
//! A counter is added to in one statement that looks at its limit as well. Two that count at the same time wait for each
//! other there, and the second one sees what the first one left.

use std::fmt::Write as _;

use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait, QueryFilter};

use super::executor::Executor as _;
use super::place::{Hold, Place};
use super::rows::Rows;
use super::text::{Text, put};
use super::write::Write;
use super::{Scope, UnitOfWork, Writer};
use crate::entity::{
    OrganizationId, SubscriptionId, subscription, usage_counter, usage_day, usage_record, usage_reservation,
    usage_threshold,
};
use crate::error::Result;
use crate::graphql::scalar::MAX_SAFE_INT;

/// A row that counts, or that something was counted by.
pub trait Tally: ModelTrait + Send + Sync {
    /// Puts it into a tenant.
    fn put_in(&mut self, tenant: OrganizationId);
}

macro_rules! tallies {
    ($($row:ident),*) => {$(
        impl Tally for $row::Model {
            fn put_in(&mut self, tenant: OrganizationId) {
                self.tenant_id = tenant;
            }
        }
    )*};
}
tallies!(usage_counter, usage_day, usage_record, usage_reservation);

/// What a counter says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How much is used.
    pub used: i64,
    /// How much is reserved.
    pub held: i64,
}

impl Writer {
    /// Counts in an organization, by work that may be run again. It has no outcome to be replayed: what counts once has a
    /// key of its own.
    pub async fn tally<'e, T: Send>(
        &'e self,
        organization: OrganizationId,
        path: &str,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>) -> BoxFuture<'t, Result<T>> + Sync,
    ) -> Result<T> {
        let (work, place) = (&work, Place::Named(organization, path));
        // Boxed, as those of commands.
        Box::pin(self.retried(|attempt| {
            Box::pin(async move {
                let (unit, hold) = (self.begin(place.tenant(), None, false).await?, Hold::at(attempt));
                let found = hold.find(&unit, &self.tenant(organization)?).await?;
                self.open(&unit, place, found, self.check_own(&unit, place.tenant(), hold)).await?;
                let result = work(&unit).await?;
                unit.commit(None).await?;
                Ok(result)
            })
        }))
        .await
    }
}

impl UnitOfWork<'_> {
    pub(super) async fn write_now(&self, put: impl FnOnce(&mut Text)) -> Result<Rows> {
        self.opened().await;
        let settled = self.settled().await?;
        Ok(settled.returning(Text::statement(settled.backend(), put)).await?)
    }

    /// Puts rows into this tenant, and does what the text says where there is one of a key already.
    pub(super) async fn put<M: Tally>(&self, mut rows: Vec<M>, on_conflict: impl FnOnce(&mut Text)) -> Result<Rows> {
        let tenant = self.tenant()?;
        rows.iter_mut().for_each(|row| row.put_in(tenant));
        self.write_now(|text| {
            text.write(Write::insert(&rows));
            on_conflict(text);
        })
        .await
    }

    /// Adds what these counters say to what is there, unless one would go beyond the limit. They are counted in one
    /// order by everybody. Answers them as they are then; fewer are answered where some would go beyond it.
    pub async fn count(
        &self,
        mut counters: Vec<usage_counter::Model>,
        limit: i64,
    ) -> Result<Vec<usage_counter::Model>> {
        let limit = limit.min(MAX_SAFE_INT);
        counters.retain(|counter| counter.used.saturating_add(counter.held) <= limit);
        if counters.is_empty() {
            return Ok(Vec::new());
        }
        let key = |row: &usage_counter::Model| (row.subscription_id, row.feature_key.clone(), row.epoch, row.number);
        counters.sort_by_key(key);
        let rows = self.put(counters, |text| {
            put!(text, r#" ON CONFLICT ("tenant_id", "subscription_id", "feature_key", "epoch", "number") DO UPDATE "#);
            put!(text, r#"SET "used" = "usage_counters"."used" + excluded."used", "#);
            put!(text, r#""held" = "usage_counters"."held" + excluded."held" WHERE "usage_counters"."used" + "#);
            put!(text, r#""usage_counters"."held" + excluded."used" + excluded."held" <= "#);
            text.value(limit);
            put!(text, " RETURNING ");
            text.columns(usage_counter::Column::iter().map(|column| column.as_str()));
        });
        Ok(rows.await?.iter().map(|row| row.model::<usage_counter::Entity>(0..)).collect::<Result<_, _>>()?)
    }

    /// Changes a counter that is there by these amounts, which may be below 0, unless less than nothing would be used.
    pub async fn recount(&self, counter: &usage_counter::Model, used: i64, held: i64) -> Result<Option<Counted>> {
        let tenant = self.tenant()?;
        let rows = self.write_now(|text| {
            put!(text, r#"UPDATE "usage_counters" SET "used" = "used" + "#);
            text.value(used);
            put!(text, r#", "held" = "held" + "#);
            text.value(held);
            put!(text, r#" WHERE "tenant_id" = "#);
            text.value(tenant);
            put!(text, r#" AND "subscription_id" = "#);
            text.value(counter.subscription_id);
            put!(text, r#" AND "feature_key" = "#);
            text.value(counter.feature_key.as_str());
            put!(text, r#" AND "epoch" = "#);
            text.value(counter.epoch);
            put!(text, r#" AND "number" = "#);
            text.value(counter.number);
            put!(text, r#" AND "used" + "#);
            text.value(used);
            put!(text, r#" BETWEEN 0 AND {MAX_SAFE_INT} RETURNING "used", "held""#);
        });
        Ok(counted(&rows.await?)?.pop())
    }

    /// Sets a gauge, unless it was read later already.
    pub async fn set_gauge(&self, gauge: usage_counter::Model) -> Result<Option<Counted>> {
        let rows = self.put(vec![gauge], |text| {
            put!(text, r#" ON CONFLICT ("tenant_id", "subscription_id", "feature_key", "epoch", "number") DO UPDATE "#);
            put!(text, r#"SET "used" = excluded."used", "observed_at" = excluded."observed_at" "#);
            put!(text, r#"WHERE "usage_counters"."observed_at" IS NULL OR "#);
            put!(text, r#""usage_counters"."observed_at" <= excluded."observed_at" RETURNING "used", "held""#);
        });
        Ok(counted(&rows.await?)?.pop())
    }

    /// Adds to the sums by day; where a gauge was set, its value is the last one.
    pub async fn count_days(&self, mut days: Vec<usage_day::Model>) -> Result<()> {
        if days.is_empty() {
            return Ok(());
        }
        days.sort_by_key(|row| (row.subscription_id, row.feature_key.clone(), row.day));
        self.put(days, |text| {
            put!(text, r#" ON CONFLICT ("tenant_id", "subscription_id", "feature_key", "day") DO UPDATE "#);
            put!(text, r#"SET "used" = "usage_days"."used" + excluded."used", "#);
            put!(text, r#""last" = coalesce(excluded."last", "usage_days"."last"), "#);
            put!(text, r#""maximum" = CASE WHEN "usage_days"."maximum" > excluded."maximum" "#);
            put!(text, r#"THEN "usage_days"."maximum" ELSE coalesce(excluded."maximum", "usage_days"."maximum") END "#);
            put!(text, r#"RETURNING "day""#);
        })
        .await?;
        Ok(())
    }

    /// Puts records into this tenant with what is written last; the work is run again where a key was recorded meanwhile.
    pub async fn record_each_once(&self, mut records: Vec<usage_record::Model>) -> Result<()> {
        let tenant = self.tenant()?;
        records.iter_mut().for_each(|record| record.put_in(tenant));
        records.sort_by(|one, other| one.key.cmp(&other.key));
        self.add_parts(&records).await
    }

    /// The records of these keys.
    pub async fn recorded(&self, keys: &[&str]) -> Result<Vec<usage_record::Model>> {
        use usage_record::Column::{Key, TenantId};
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = usage_record::Entity::find().filter(TenantId.eq(self.tenant()?));
        Ok(self.settled().await?.all(found.filter(Key.is_in(keys.iter().copied()))).await?)
    }

    /// What a counter says; nothing if it has not begun.
    pub async fn counted(&self, counter: &usage_counter::Model) -> Result<Counted> {
        use usage_counter::Column::{Epoch, FeatureKey, Number, SubscriptionId, TenantId};
        let found = usage_counter::Entity::find()
            .filter(TenantId.eq(self.tenant()?))
            .filter(SubscriptionId.eq(counter.subscription_id))
            .filter(FeatureKey.eq(counter.feature_key.as_str()))
            .filter(Epoch.eq(counter.epoch))
            .filter(Number.eq(counter.number));
        let found = self.settled().await?.one(found).await?;
        Ok(found.map_or_else(Counted::default, |row| Counted { used: row.used, held: row.held }))
    }

    /// The shares of this limit, or of a higher one, that a counter has reached already.
    pub async fn reached(&self, counter: &usage_counter::Model, limit: i64) -> Result<Vec<usage_threshold::Model>> {
        use usage_threshold::Column::{Ceiling, Epoch, FeatureKey, Number, SubscriptionId, TenantId};
        let found = usage_threshold::Entity::find()
            .filter(TenantId.eq(self.tenant()?))
            .filter(SubscriptionId.eq(counter.subscription_id))
            .filter(FeatureKey.eq(counter.feature_key.as_str()))
            .filter(Epoch.eq(counter.epoch))
            .filter(Number.eq(counter.number))
            .filter(Ceiling.gte(limit));
        Ok(self.settled().await?.all(found).await?)
    }

    /// The subscription with this id, whoever may see it.
    pub async fn subscription(&self, id: SubscriptionId) -> Result<Option<subscription::Model>> {
        use subscription::Column::{Id, TenantId};
        let found = subscription::Entity::find().filter(TenantId.eq(self.tenant()?)).filter(Id.eq(id));
        Ok(self.settled().await?.one(found).await?)
    }
}

impl Scope {
    /// The sums by day of these subscriptions, which the caller was shown, from one day to another.
    pub async fn days_of(
        &self,
        rows: &[subscription::Model],
        features: &[String],
        (from, to): (i32, i32),
    ) -> Result<Vec<usage_day::Model>> {
        use usage_day::Column::{Day, FeatureKey, SubscriptionId, TenantId};
        let tenants: Vec<OrganizationId> = rows.iter().map(|row| row.tenant_id).collect();
        let found = usage_day::Entity::find()
            .filter(TenantId.is_in(tenants))
            .filter(SubscriptionId.is_in(rows.iter().map(|row| row.id)))
            .filter(FeatureKey.is_in(features.iter().map(String::as_str)))
            .filter(Day.between(from, to));
        self.all_unseen(found).await
    }
}

fn counted(rows: &Rows) -> Result<Vec<Counted>> {
    rows.iter().map(|row| Ok(Counted { used: row.known(0)?, held: row.known(1)? })).collect()
}
