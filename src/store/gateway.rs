//! What is known of gateways' objects, what is asked of gateways, and what they told us. No request reads or writes these
//! but through [`crate::gateway`].

use std::fmt::Write as _;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IdenStatic as _, Iterable as _, QueryFilter as _, QueryOrder as _,
    QueryTrait as _, Select, Statement, TryIntoModel,
};
use uuid::Uuid;

use super::database::{Transaction, Whose};
use super::executor::Executor as _;
use super::flush::Flush;
use super::text::{Text, put};
use super::write::Write;
use super::{System, UnitOfWork};
use crate::clock::Timestamp;
use crate::entity::{
    AddOnId, BillingCycle, CheckoutState, GatewayAccountId, GatewayIntentId, GatewayObjectKind, IntentState, LeaseId,
    OrganizationId, PaymentId, SubscriptionId, TierId, WebhookEventState, checkout, gateway_account, gateway_intent,
    gateway_object, gateway_price, webhook_event,
};
use crate::error::{Contention, Error, Result};
use crate::gateway::request::Outcome;
use crate::graphql::nested::OwnerKey;

/// Names an object at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// The account that it is in.
    pub account: GatewayAccountId,
    /// What it is.
    pub kind: GatewayObjectKind,
    /// Its id there.
    pub id: String,
}

impl From<&gateway_object::Model> for ObjectKey {
    fn from(row: &gateway_object::Model) -> Self {
        Self { account: row.account_id, kind: row.kind, id: row.external_id.clone() }
    }
}

/// What of ours an object concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concerns {
    /// Whose it is.
    pub owner: OwnerKey,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// The payment.
    pub payment: Option<PaymentId>,
}

impl Concerns {
    /// What a row of the registry says.
    pub fn of(row: &gateway_object::Model) -> Option<Self> {
        let owner = OwnerKey { tenant: row.tenant_id?, customer: row.customer_id };
        Some(Self { owner, subscription: row.subscription_id, payment: row.payment_id })
    }
}

/// What becomes of a leased object, if not its application.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is tried again at a moment.
    Again(Timestamp, String),
    /// It waits until a moment for whoever knows whose it is, and is looked at again at another.
    Waits(Timestamp, Timestamp),
    /// It changes nothing of ours, for a reason.
    Skipped(&'static str),
    /// It is given up.
    Dead(String),
}

impl Text {
    fn object_is(&mut self, key: &ObjectKey) {
        put!(self, r#""account_id" = "#);
        self.value(key.account);
        put!(self, r#" AND "kind" = "#);
        self.value(key.kind);
        put!(self, r#" AND "external_id" = "#);
        self.value(key.id.as_str());
    }

    fn returning<E: EntityTrait>(&mut self) {
        put!(self, " RETURNING ");
        self.columns(E::Column::iter().map(|column| column.as_str()));
    }

    fn skip_locked(&mut self) {
        if !self.is_sqlite() {
            put!(self, " FOR UPDATE SKIP LOCKED");
        }
    }

    /// Decides the events that an object's fetches up to a number come after.
    fn decide_events(
        &mut self,
        key: &ObjectKey,
        seq: i64,
        state: WebhookEventState,
        reason: Option<&str>,
        now: Timestamp,
    ) {
        put!(self, r#"UPDATE "webhook_events" SET "version" = "version" + 1, "state" = "#);
        self.value(state);
        put!(self, r#", "reason" = "#);
        self.value(reason);
        put!(self, r#", "decided_at" = "#);
        self.value(now);
        put!(self, r#", "updated_at" = "#);
        self.value(now);
        put!(self, r#" WHERE "account_id" = "#);
        self.value(key.account);
        put!(self, r#" AND "object_kind" = "#);
        self.value(key.kind);
        put!(self, r#" AND "object_id" = "#);
        self.value(key.id.as_str());
        put!(self, r#" AND "state" = 'QUEUED' AND "seq" <= "#);
        self.value(seq);
    }

    /// Registers an object, or adds to what is known of it. It is fetched at a moment, if one is given.
    fn register(&mut self, key: &ObjectKey, concerns: Option<&Concerns>, wanted_at: Option<Timestamp>, now: Timestamp) {
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
}

async fn models<E>(transaction: &Transaction, statement: Statement) -> Result<Vec<E::Model>>
where
    E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
{
    let rows = transaction.returning(statement).await?;
    rows.iter().map(|row| Ok(row.model::<E>(0..)?)).collect()
}

impl System<'_> {
    async fn transaction(&self) -> Result<Transaction> {
        Ok(self.0.0.database.begin(Whose::default()).await?)
    }

    fn text(&self, put: impl FnOnce(&mut Text)) -> Statement {
        Text::statement(self.0.backend(), put)
    }

    /// The gateway account with this id.
    pub async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<gateway_account::Model>> {
        Ok(self.0.0.database.one(gateway_account::Entity::find_by_id(id)).await?)
    }

    /// The gateway account whose news comes to this address.
    pub async fn gateway_account_at(&self, slug: &str) -> Result<Option<gateway_account::Model>> {
        let found = gateway_account::Entity::find().filter(gateway_account::Column::Slug.eq(slug));
        Ok(self.0.0.database.one(found).await?)
    }

    /// The accounts of a seller, or the one of them with this id; no seller stands for the platform.
    pub async fn accounts_of_seller(
        &self,
        seller: Option<OrganizationId>,
        id: Option<GatewayAccountId>,
    ) -> Result<Vec<gateway_account::Model>> {
        use gateway_account::Column::{Id, TenantId};
        let of_seller = match seller {
            Some(seller) => TenantId.eq(seller),
            None => TenantId.is_null(),
        };
        let found = gateway_account::Entity::find().filter(of_seller);
        let found = found.filter(Condition::all().add_option(id.map(|id| Id.eq(id))));
        Ok(self.0.0.database.all(found).await?)
    }

    /// Keeps news, unless it is kept already.
    pub async fn keep_event(&self, row: &webhook_event::Model) -> Result<()> {
        let insert = self.text(|text| {
            text.write(Write::insert(std::slice::from_ref(row)));
            put!(text, r#" ON CONFLICT ("account_id", "gateway_event_id") DO NOTHING"#);
        });
        self.execute(insert).await?;
        Ok(())
    }

    /// Queues news that was kept: each object that it names is fetched once, however much of it there is. Answers how much
    /// there was. `due_at` is when they are fetched.
    pub async fn queue_events(&self, now: Timestamp, due_at: Timestamp, limit: u64) -> Result<usize> {
        let transaction = self.transaction().await?;
        let take = self.text(|text| {
            put!(text, r#"SELECT "#);
            text.columns(webhook_event::Column::iter().map(|column| column.as_str()));
            put!(text, r#" FROM "webhook_events" WHERE "state" = 'RECEIVED' ORDER BY "created_at" LIMIT {limit}"#);
            text.skip_locked();
        });
        let events = models::<webhook_event::Entity>(&transaction, take).await?;
        let mut objects: Vec<ObjectKey> = events
            .iter()
            .filter_map(|event| {
                let (kind, id) = event.object_kind.zip(event.object_id.clone())?;
                Some(ObjectKey { account: event.account_id, kind, id })
            })
            .collect();
        // All who lock them do so in one order.
        objects.sort_by(|a, b| (a.account, a.kind.as_str(), &a.id).cmp(&(b.account, b.kind.as_str(), &b.id)));
        objects.dedup();
        for key in &objects {
            transaction.execute(self.text(|text| text.register(key, None, Some(due_at), now))).await?;
        }
        if !events.is_empty() {
            let queue = self.text(|text| {
                put!(
                    text,
                    r#"UPDATE "webhook_events" SET "state" = 'QUEUED', "version" = "version" + 1, "seq" = (SELECT "wanted_seq"
                    FROM "gateway_objects" AS "object" WHERE "object"."account_id" = "webhook_events"."account_id"
                    AND "object"."kind" = "object_kind" AND "object"."external_id" = "object_id"), "updated_at" = "#
                );
                text.value(now);
                put!(text, r#" WHERE "id" IN ("#);
                text.list(events.iter().map(|event| event.id), Text::value);
                put!(text, ")");
            });
            transaction.execute(queue).await?;
        }
        transaction.commit(Flush::default()).await?;
        Ok(events.len())
    }

    /// Leases objects that are due to be fetched, but no more than so many.
    pub async fn lease_objects(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<gateway_object::Model>> {
        let transaction = self.transaction().await?;
        let lease = self.text(|text| {
            put!(text, r#"UPDATE "gateway_objects" SET "lease" = "#);
            text.value(LeaseId::generate());
            put!(text, r#", "leased_until" = "#);
            text.value(until);
            put!(
                text,
                r#" WHERE ("account_id", "kind", "external_id") IN (SELECT "account_id", "kind", "external_id"
                FROM "gateway_objects" WHERE "due_at" <= "#
            );
            text.value(now);
            put!(text, r#" AND ("leased_until" IS NULL OR "leased_until" <= "#);
            text.value(now);
            put!(text, r#") ORDER BY "due_at" LIMIT {limit}"#);
            text.skip_locked();
            put!(text, ")");
            text.returning::<gateway_object::Entity>();
        });
        let leased = models::<gateway_object::Entity>(&transaction, lease).await?;
        transaction.commit(Flush::default()).await?;
        Ok(leased)
    }

    /// Leases one object, if nobody else has and it is wanted: as [`Self::lease_objects`], whenever it is due.
    pub async fn lease_object(
        &self,
        key: &ObjectKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<gateway_object::Model>> {
        let transaction = self.transaction().await?;
        let lease = self.text(|text| {
            put!(text, r#"UPDATE "gateway_objects" SET "lease" = "#);
            text.value(LeaseId::generate());
            put!(text, r#", "leased_until" = "#);
            text.value(until);
            put!(text, " WHERE ");
            text.object_is(key);
            put!(text, r#" AND "wanted_seq" > "applied_seq" AND ("leased_until" IS NULL OR "leased_until" <= "#);
            text.value(now);
            put!(text, ")");
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
        let is_over = matches!(verdict, Verdict::Skipped(_) | Verdict::Dead(_));
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
        if is_held && is_over {
            let (state, reason) = match verdict {
                Verdict::Dead(error) => (WebhookEventState::Dead, error.as_str()),
                Verdict::Skipped(reason) => (WebhookEventState::Skipped, *reason),
                Verdict::Again(..) | Verdict::Waits(..) => return Ok(()),
            };
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

    /// Records an intent, or answers the one with its subject that is open already.
    pub async fn open_intent(&self, row: gateway_intent::Model) -> Result<gateway_intent::Model> {
        use gateway_intent::Column::{AccountId, State, Subject};
        let open = gateway_intent::Entity::find()
            .filter(AccountId.eq(row.account_id))
            .filter(Subject.eq(row.subject.as_str()))
            .filter(State.eq(IntentState::Open));
        loop {
            let insert = self.text(|text| {
                text.write(Write::insert(std::slice::from_ref(&row)));
                put!(text, r#" ON CONFLICT ("account_id", "subject") WHERE "state" = 'OPEN' DO NOTHING"#);
            });
            if self.execute(insert).await? == 1 {
                return Ok(row);
            }
            if let Some(open) = self.0.0.database.one(open.clone()).await? {
                return Ok(open);
            }
        }
    }

    /// Claims intents that are due, but no more than so many: nobody else looks after them until a moment.
    pub async fn claim_intents(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<gateway_intent::Model>> {
        let transaction = self.transaction().await?;
        let claim = self.text(|text| {
            put!(text, r#"UPDATE "gateway_intents" SET "tries" = "tries" + 1, "due_at" = "#);
            text.value(until);
            put!(text, r#" WHERE "id" IN (SELECT "id" FROM "gateway_intents" WHERE "due_at" <= "#);
            text.value(now);
            put!(text, r#" ORDER BY "due_at" LIMIT {limit}"#);
            text.skip_locked();
            put!(text, ")");
            text.returning::<gateway_intent::Entity>();
        });
        let claimed = models::<gateway_intent::Entity>(&transaction, claim).await?;
        transaction.commit(Flush::default()).await?;
        Ok(claimed)
    }

    /// Looks after an intent again at a moment.
    pub async fn postpone_intent(&self, intent: &gateway_intent::Model, due: Timestamp, error: &str) -> Result<()> {
        use gateway_intent::Column::{DueAt, Error, UpdatedAt};
        let set = [(DueAt, due.into()), (Error, error.into()), (UpdatedAt, self.0.real_now().into())];
        self.set_open_intent(intent.id, set).await
    }

    /// Gives an intent a new key: the gateway shows nothing of what was asked with the one before.
    pub async fn renew_intent(&self, intent: &gateway_intent::Model, key: &str, now: Timestamp) -> Result<()> {
        use gateway_intent::Column::{IdempotencyKey, SentAt, UpdatedAt};
        self.set_open_intent(intent.id, [(IdempotencyKey, key.into()), (SentAt, now.into()), (UpdatedAt, now.into())])
            .await
    }

    /// Closes an intent that the gateway did not carry out, and will not.
    pub async fn fail_intent(&self, intent: &gateway_intent::Model, error: &str) -> Result<()> {
        use gateway_intent::Column::{DueAt, Error, Request, State, UpdatedAt};
        let set = [
            (State, IntentState::Failed.into()),
            (DueAt, None::<Timestamp>.into()),
            (Request, serde_json::json!({}).into()),
            (Error, error.into()),
            (UpdatedAt, self.0.real_now().into()),
        ];
        self.set_open_intent(intent.id, set).await
    }

    async fn set_open_intent<const N: usize>(
        &self,
        id: GatewayIntentId,
        set: [(gateway_intent::Column, sea_orm::Value); N],
    ) -> Result<()> {
        use gateway_intent::Column::{Id, State};
        let mut update = gateway_intent::Entity::update_many().filter(Id.eq(id)).filter(State.eq(IntentState::Open));
        for (column, value) in set {
            update = update.col_expr(column, Expr::val(value));
        }
        self.execute(self.0.backend().build(update.as_query())).await?;
        Ok(())
    }

    /// Records what came of an intent: the object is known from now on, and fetched. Answers whether it is a customer that
    /// somebody else was faster to make: that one stays nobody's.
    pub async fn settle_intent(
        &self,
        intent: &gateway_intent::Model,
        outcome: &Outcome,
        is_gone: bool,
    ) -> Result<bool> {
        let now = self.0.real_now();
        let key = ObjectKey { account: intent.account_id, kind: outcome.kind, id: outcome.id.clone() };
        let owner = OwnerKey { tenant: intent.tenant_id, customer: intent.customer_id };
        let is_customer = outcome.kind == GatewayObjectKind::Customer;
        let known = if is_customer { self.gateway_customer(intent.account_id, owner).await? } else { None };
        let is_second = known.is_some_and(|known| known != outcome.id) || is_gone;
        let concerns = Concerns { owner, subscription: intent.subscription_id, payment: None };
        let concerns = (!is_second).then_some(concerns);
        let transaction = self.transaction().await?;
        let settle = self.text(|text| {
            put!(
                text,
                r#"UPDATE "gateway_intents" SET "state" = 'DONE', "due_at" = NULL, "error" = NULL, "request" = "#
            );
            text.value(serde_json::json!({}));
            put!(text, r#", "outcome_kind" = "#);
            text.value(outcome.kind);
            put!(text, r#", "outcome_id" = "#);
            text.value(outcome.id.as_str());
            put!(text, r#", "updated_at" = "#);
            text.value(now);
            put!(text, r#" WHERE "state" = 'OPEN' AND "id" = "#);
            text.value(intent.id);
        });
        if transaction.execute(settle).await? == 1 {
            // A customer that was made is like what was asked for.
            let wanted_at = (!is_customer).then_some(now);
            transaction.execute(self.text(|text| text.register(&key, concerns.as_ref(), wanted_at, now))).await?;
        }
        transaction.commit(Flush::default()).await?;
        Ok(is_second && !is_gone)
    }

    /// The newest intent with a subject in an account.
    pub async fn intent_for(&self, account: GatewayAccountId, subject: &str) -> Result<Option<gateway_intent::Model>> {
        use gateway_intent::Column::{AccountId, CreatedAt, Subject};
        let found = gateway_intent::Entity::find().filter(AccountId.eq(account)).filter(Subject.eq(subject));
        Ok(self.0.0.database.one(found.order_by_desc(CreatedAt)).await?)
    }

    /// The attempts of an owner to pay that are open.
    pub async fn open_checkouts(&self, owner: OwnerKey) -> Result<Vec<checkout::Model>> {
        use checkout::Column::{CustomerId, State, TenantId};
        let of_owner = match owner.customer {
            Some(customer) => CustomerId.eq(customer),
            None => CustomerId.is_null(),
        };
        let found = checkout::Entity::find().filter(TenantId.eq(owner.tenant)).filter(of_owner);
        Ok(self.0.0.database.all(found.filter(State.eq(CheckoutState::Open))).await?)
    }

    /// What an account calls the price of a tier or an add-on, for a cycle in a currency.
    pub async fn gateway_price(
        &self,
        account: GatewayAccountId,
        (tier, add_on): (Option<TierId>, Option<AddOnId>),
        (cycle, currency): (BillingCycle, &str),
    ) -> Result<Option<gateway_price::Model>> {
        Ok(self.0.0.database.one(price(account, (tier, add_on), (cycle, currency))).await?)
    }

    /// Whether an intent of an account is open.
    pub async fn has_open_intent(&self, account: GatewayAccountId) -> Result<bool> {
        use gateway_intent::Column::{AccountId, State};
        let open = gateway_intent::Entity::find().filter(AccountId.eq(account)).filter(State.eq(IntentState::Open));
        Ok(self.0.0.database.count(open, Some(1)).await? > 0)
    }

    /// Whom an intent of an account with this reference was for.
    pub async fn intent_named(
        &self,
        account: GatewayAccountId,
        reference: &str,
    ) -> Result<Option<gateway_intent::Model>> {
        use gateway_intent::Column::{AccountId, Reference};
        let found = gateway_intent::Entity::find().filter(AccountId.eq(account)).filter(Reference.eq(reference));
        Ok(self.0.0.database.one(found).await?)
    }
}

impl Text {
    /// Puts down that all that was wanted up to a number is done.
    fn is_applied(&mut self, seq: i64, now: Timestamp) {
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

/// What an account calls a price.
fn price(
    account: GatewayAccountId,
    (tier, add_on): (Option<TierId>, Option<AddOnId>),
    (cycle, currency): (BillingCycle, &str),
) -> Select<gateway_price::Entity> {
    use gateway_price::Column as Price;
    gateway_price::Entity::find()
        .filter(Price::AccountId.eq(account))
        .filter(Condition::all().add_option(tier.map(|id| Price::TierId.eq(id))))
        .filter(Condition::all().add_option(add_on.map(|id| Price::AddOnId.eq(id))))
        .filter(Price::BillingCycle.eq(cycle))
        .filter(Price::Currency.eq(currency))
}

impl UnitOfWork<'_> {
    /// What an account calls the price of a tier or an add-on, whoever asks: it is told to nobody.
    pub(crate) async fn gateway_price(
        &self,
        account: GatewayAccountId,
        of: (Option<TierId>, Option<AddOnId>),
        charge: (BillingCycle, &str),
    ) -> Result<Option<gateway_price::Model>> {
        Ok(self.settled().await?.one(price(account, of, charge)).await?)
    }

    /// The machine's time, for what is asked of gateways.
    pub(crate) fn real_now(&self) -> Timestamp {
        self.scope().store.real_now()
    }

    /// Records an intent, unless one with its subject is open already. The janitor carries it out as soon as it is due.
    pub(crate) async fn record_intent(&self, row: &gateway_intent::Model) -> Result<()> {
        let row = gateway_intent::Model { due_at: Some(row.created_at), ..row.clone() };
        self.write_now(|text| {
            text.write(Write::insert(std::slice::from_ref(&row)));
            put!(text, r#" ON CONFLICT ("account_id", "subject") WHERE "state" = 'OPEN' DO NOTHING RETURNING "id""#);
        })
        .await?;
        Ok(())
    }

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
