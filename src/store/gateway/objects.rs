//! The registry of objects at gateways: whose each is, who fetches it, and how far that was applied.

use std::fmt::Write as _;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter as _};
use uuid::Uuid;

use super::super::executor::Executor as _;
use super::super::flush::Flush;
use super::super::text::{Text, put};
use super::super::write::Write;
use super::super::{System, UnitOfWork};
use super::{Concerns, ObjectKey, Verdict, models};
use crate::clock::Timestamp;
use crate::entity::{GatewayAccountId, GatewayObjectKind, LeaseId, SubscriptionId, WebhookEventState, gateway_object};
use crate::error::{Contention, Error, Result};
use crate::graphql::nested::OwnerKey;

impl Text {
    /// Puts down that nobody has leased it.
    fn is_free(&mut self, now: Timestamp) {
        put!(self, r#" AND ("leased_until" IS NULL OR "leased_until" <= "#);
        self.value(now);
        put!(self, ")");
    }

    /// Registers an object, or adds to what is known of it. It is fetched at a moment, if one is given.
    pub(super) fn register(
        &mut self,
        key: &ObjectKey,
        concerns: Option<&Concerns>,
        wanted_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let wanted = i64::from(wanted_at.is_some());
        let row = gateway_object::Model {
            account_id: key.account,
            kind: key.kind,
            external_id: key.id.clone(),
            tenant_id: concerns.map(|concerns| concerns.owner.tenant),
            customer_id: concerns.and_then(|concerns| concerns.owner.customer),
            subscription_id: concerns.and_then(|concerns| concerns.subscription),
            payment_id: concerns.and_then(|concerns| concerns.payment),
            wanted_seq: wanted,
            applied_seq: 0,
            due_at: wanted_at,
            waits_until: None,
            lease: None,
            leased_until: None,
            tries: 0,
            error: None,
            gone_at: None,
            created_at: now,
            updated_at: now,
        };
        self.write(Write::insert(std::slice::from_ref(&row)));
        put!(self, r#" ON CONFLICT ("account_id", "kind", "external_id") DO UPDATE SET "updated_at" = "#);
        self.value(now);
        // Whose it is never changes once it is known.
        for column in ["customer_id", "subscription_id", "payment_id", "tenant_id"] {
            put!(self, r#", "{column}" = coalesce("gateway_objects"."{column}", excluded."{column}")"#);
        }
        if wanted_at.is_some() {
            put!(
                self,
                r#", "wanted_seq" = "gateway_objects"."wanted_seq" + 1, "tries" = 0, "due_at" = CASE
                WHEN "gateway_objects"."due_at" < excluded."due_at" AND "gateway_objects"."waits_until" IS NULL
                THEN "gateway_objects"."due_at" ELSE excluded."due_at" END"#
            );
        }
    }

    /// Puts down that all that was wanted up to a number is done.
    pub(super) fn is_applied(&mut self, seq: i64, now: Timestamp) {
        put!(self, r#", "tries" = 0, "waits_until" = NULL, "applied_seq" = "#);
        self.value(seq);
        put!(self, r#", "due_at" = CASE WHEN "wanted_seq" > "#);
        self.value(seq);
        put!(self, " THEN ");
        // A parameter alone has no type on PostgreSQL.
        put!(self, "{}", now.micros());
        put!(self, " END");
    }
}

impl System<'_> {
    /// Leases objects that are due to be fetched, but no more than so many.
    pub async fn lease_objects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<gateway_object::Model>> {
        self.lease(until, |text| {
            put!(
                text,
                r#"("account_id", "kind", "external_id") IN (SELECT "account_id", "kind", "external_id"
                FROM "gateway_objects" WHERE "due_at" <= "#
            );
            text.value(now);
            text.is_free(now);
            put!(text, r#" ORDER BY "due_at" LIMIT {limit}"#);
            text.skip_locked();
            put!(text, ")");
        })
        .await
    }

    /// Leases one object that is wanted, whenever it is due, if nobody else has it.
    pub async fn lease_object(
        &self,
        key: &ObjectKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<gateway_object::Model>> {
        let leased = self.lease(until, |text| {
            text.object_is(key);
            put!(text, r#" AND "wanted_seq" > "applied_seq""#);
            text.is_free(now);
        });
        Ok(leased.await?.pop())
    }

    async fn lease(&self, until: Timestamp, which: impl FnOnce(&mut Text)) -> Result<Vec<gateway_object::Model>> {
        let transaction = self.transaction().await?;
        let lease = self.text(|text| {
            put!(text, r#"UPDATE "gateway_objects" SET "lease" = "#);
            text.value(LeaseId::generate());
            put!(text, r#", "leased_until" = "#);
            text.value(until);
            put!(text, " WHERE ");
            which(text);
            text.returning::<gateway_object::Entity>();
        });
        let leased = models::<gateway_object::Entity>(&transaction, lease).await?;
        transaction.commit(Flush::default()).await?;
        Ok(leased)
    }

    /// Gives a leased object back, without anything of it applied. What others want meanwhile is still wanted.
    pub async fn give_up_object(
        &self,
        leased: &gateway_object::Model,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<()> {
        let key = ObjectKey::from(leased);
        let transaction = self.transaction().await?;
        let decided = match verdict {
            Verdict::Again(..) | Verdict::Waits(..) => None,
            Verdict::Skipped(reason) => Some((WebhookEventState::Skipped, *reason)),
            Verdict::Dead(error) => Some((WebhookEventState::Dead, error.as_str())),
        };
        let released = self.text(|text| {
            put!(text, r#"UPDATE "gateway_objects" SET "lease" = NULL, "leased_until" = NULL, "updated_at" = "#);
            text.value(now);
            let error = match verdict {
                Verdict::Again(_, error) | Verdict::Dead(error) => Some(error.as_str()),
                Verdict::Waits(..) | Verdict::Skipped(_) => None,
            };
            put!(text, r#", "error" = "#);
            text.value(error);
            match verdict {
                Verdict::Again(at, _) => {
                    put!(text, r#", "tries" = "tries" + 1, "due_at" = "#);
                    text.value(*at);
                }
                Verdict::Waits(until, at) => {
                    put!(text, r#", "waits_until" = "#);
                    text.value(*until);
                    put!(text, r#", "due_at" = "#);
                    text.value(*at);
                }
                Verdict::Skipped(_) | Verdict::Dead(_) => text.is_applied(leased.wanted_seq, now),
            }
            put!(text, " WHERE ");
            text.object_is(&key);
            put!(text, r#" AND "lease" = "#);
            text.value(leased.lease);
        });
        let is_held = transaction.execute(released).await? == 1;
        if let Some((state, reason)) = decided.filter(|_| is_held) {
            let decide = self.text(|text| text.decide_events(&key, leased.wanted_seq, state, Some(reason), now));
            transaction.execute(decide).await?;
        }
        Ok(transaction.commit(Flush::default()).await?)
    }

    /// What is known of an object.
    pub async fn gateway_object(&self, key: &ObjectKey) -> Result<Option<gateway_object::Model>> {
        let found = gateway_object::Entity::find_by_id((key.account, key.kind, key.id.clone()));
        Ok(self.0.0.database.one(found).await?)
    }

    /// Has an object fetched at once, whoever wants that, and answers the number that its fetches have to come to.
    pub async fn want_object(&self, key: &ObjectKey, concerns: Option<&Concerns>) -> Result<i64> {
        let now = self.0.real_now();
        let transaction = self.transaction().await?;
        let want = self.text(|text| {
            text.register(key, concerns, Some(now), now);
            put!(text, r#" RETURNING "wanted_seq""#);
        });
        let rows = transaction.returning(want).await?;
        let seq = rows.iter().next().map(|row| row.known(0)).transpose()?.unwrap_or_default();
        transaction.commit(Flush::default()).await?;
        Ok(seq)
    }

    /// The objects of a subscription that are of a kind, in an account.
    pub async fn objects_of(
        &self,
        account: GatewayAccountId,
        subscription: SubscriptionId,
        kind: GatewayObjectKind,
    ) -> Result<Vec<gateway_object::Model>> {
        use gateway_object::Column::{AccountId, Kind, SubscriptionId};
        let found = gateway_object::Entity::find().filter(SubscriptionId.eq(subscription)).filter(Kind.eq(kind));
        Ok(self.0.0.database.all(found.filter(AccountId.eq(account))).await?)
    }

    /// The customer at an account that an owner is.
    pub async fn gateway_customer(&self, account: GatewayAccountId, owner: OwnerKey) -> Result<Option<String>> {
        use gateway_object::Column::{AccountId, CustomerId, GoneAt, Kind, TenantId};
        let of_owner = match owner.customer {
            Some(customer) => CustomerId.eq(customer),
            None => CustomerId.is_null(),
        };
        let found = gateway_object::Entity::find()
            .filter(AccountId.eq(account))
            .filter(TenantId.eq(owner.tenant))
            .filter(of_owner)
            .filter(Kind.eq(GatewayObjectKind::Customer))
            .filter(GoneAt.is_null());
        Ok(self.0.0.database.one(found).await?.map(|row| row.external_id))
    }
}

impl UnitOfWork<'_> {
    /// Whether a lease still holds.
    pub(crate) async fn holds(&self, leased: &gateway_object::Model) -> Result<bool> {
        let found = gateway_object::Entity::find_by_id((leased.account_id, leased.kind, leased.external_id.clone()))
            .filter(gateway_object::Column::Lease.eq(leased.lease));
        Ok(self.settled().await?.count(found, Some(1)).await? > 0)
    }

    /// Registers an object of this tenant; has it fetched, if that is wanted.
    pub(crate) async fn register(&self, key: &ObjectKey, concerns: Concerns, is_wanted: bool) -> Result<()> {
        let now = self.scope().store.real_now();
        let owner = OwnerKey { tenant: self.tenant()?, ..concerns.owner };
        let concerns = Concerns { owner, ..concerns };
        self.write_now(|text| {
            text.register(key, Some(&concerns), is_wanted.then_some(now), now);
            put!(text, r#" RETURNING "wanted_seq""#);
        })
        .await?;
        Ok(())
    }

    /// Has everything fetched once more that is known of a subscription in an account.
    pub(crate) async fn want_again(&self, account: GatewayAccountId, subscription: SubscriptionId) -> Result<()> {
        let (tenant, now) = (self.tenant()?, self.scope().store.real_now());
        self.write_now(|text| {
            put!(text, r#"UPDATE "gateway_objects" SET "wanted_seq" = "wanted_seq" + 1, "due_at" = "#);
            text.value(now);
            put!(text, r#" WHERE "account_id" = "#);
            text.value(account);
            put!(text, r#" AND "tenant_id" = "#);
            text.value(tenant);
            put!(text, r#" AND "subscription_id" = "#);
            text.value(subscription);
            put!(text, r#" AND "kind" IN ('SUBSCRIPTION', 'INVOICE', 'PAYMENT') RETURNING "wanted_seq""#);
        })
        .await?;
        Ok(())
    }

    /// What is known of an object.
    pub(crate) async fn gateway_object(&self, key: &ObjectKey) -> Result<Option<gateway_object::Model>> {
        let found = gateway_object::Entity::find_by_id((key.account, key.kind, key.id.clone()))
            .filter(gateway_object::Column::TenantId.eq(self.tenant()?));
        Ok(self.settled().await?.one(found).await?)
    }

    /// Ends a lease with what was fetched applied, or with the reason why it changes nothing. A lease that somebody else
    /// took over meanwhile undoes all of it.
    pub(crate) async fn finish(
        &self,
        leased: &gateway_object::Model,
        concerns: Concerns,
        skipped: Option<&str>,
        is_gone: bool,
    ) -> Result<()> {
        let (key, now) = (ObjectKey::from(leased), self.scope().store.real_now());
        let finished = self.write_now(|text| {
            put!(
                text,
                r#"UPDATE "gateway_objects" SET "lease" = NULL, "leased_until" = NULL, "error" = NULL, "updated_at" = "#
            );
            text.value(now);
            for (column, value) in [
                ("tenant_id", Some(Uuid::from(concerns.owner.tenant))),
                ("customer_id", concerns.owner.customer.map(Uuid::from)),
                ("subscription_id", concerns.subscription.map(Uuid::from)),
                ("payment_id", concerns.payment.map(Uuid::from)),
            ] {
                if let Some(value) = value {
                    put!(text, r#", "{column}" = "#);
                    text.value(value);
                }
            }
            if is_gone {
                put!(text, r#", "gone_at" = "#);
                text.value(now);
            }
            text.is_applied(leased.wanted_seq, now);
            put!(text, " WHERE ");
            text.object_is(&key);
            put!(text, r#" AND "lease" = "#);
            text.value(leased.lease);
            put!(text, r#" RETURNING "wanted_seq""#);
        });
        if finished.await?.is_empty() {
            return Err(Error::Contended(Contention::Race, "the lease of an object was taken over".into()));
        }
        let state = if skipped.is_some() { WebhookEventState::Skipped } else { WebhookEventState::Applied };
        self.write_now(|text| {
            text.decide_events(&key, leased.wanted_seq, state, skipped, now);
            put!(text, r#" RETURNING "id""#);
        })
        .await?;
        Ok(())
    }
}
