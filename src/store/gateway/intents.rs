//! What is asked of gateways: recorded, claimed, settled.

use std::fmt::Write as _;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter as _, QueryOrder as _, QueryTrait as _};

use super::super::executor::Executor as _;
use super::super::flush::Flush;
use super::super::text::put;
use super::super::write::Write;
use super::super::{System, UnitOfWork};
use super::{Concerns, ObjectKey, models};
use crate::clock::Timestamp;
use crate::entity::{GatewayAccountId, GatewayIntentId, GatewayObjectKind, IntentState, gateway_intent};
use crate::error::Result;
use crate::gateway::request::Outcome;
use crate::graphql::nested::OwnerKey;

impl System<'_> {
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

impl UnitOfWork<'_> {
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
}
