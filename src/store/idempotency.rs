//! Commands that a client may safely send again.

use aws_lc_rs::digest;
use sea_orm::sea_query::{
    Asterisk, CommonTableExpression, Expr, ExprTrait, Func, InsertStatement, OnConflict, Query, UpdateStatement,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel,
    QueryFilter, QueryTrait, Select,
};
use uuid::Uuid;

use crate::auth::Principal;
use crate::clock::Timestamp;
use crate::entity::idempotency_key::{ActiveModel, Column, Entity, Model};
use crate::error::{Code, Error, Refusal, Result};

/// What a client asks for, as far as telling two askings apart goes.
#[derive(Clone, Debug)]
pub struct Command {
    operation: &'static str,
    key: Option<String>,
    fingerprint: String,
}

impl Command {
    /// The command `operation` with this input under the client's key, if it gave one.
    pub fn new(operation: &'static str, key: Option<String>, input: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, input.as_bytes());
        let fingerprint = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { operation, key, fingerprint }
    }

    /// Takes the key for this command, until its transaction ends; or finds the row that the command made or changed
    /// before.
    ///
    /// The key is taken before any work is done: whoever sends the same command meanwhile waits here, and finds its
    /// outcome. Taken afterwards, the others would be refused by what the first one did.
    pub(super) async fn claim(
        &self,
        principal: &Principal,
        now: Timestamp,
        db: &DatabaseTransaction,
    ) -> Result<Claim<()>> {
        let Some(key) = &self.key else { return Ok(Claim::Taken(())) };
        if db.execute(&self.taking(principal, key, now)).await?.rows_affected() == 1 {
            return Ok(Claim::Taken(()));
        }
        self.recorded(principal, key, db).await
    }

    /// Takes the key, and then reads the row that the command is about, in one statement where the database has such.
    pub(super) async fn claim_and_find<E: EntityTrait>(
        &self,
        principal: &Principal,
        now: Timestamp,
        db: &DatabaseTransaction,
        mut query: Select<E>,
    ) -> Result<Claim<Option<E::Model>>> {
        let key = match &self.key {
            Some(key) if db.get_database_backend() == DbBackend::Postgres => key,
            _ => {
                return Ok(match self.claim(principal, now, db).await? {
                    Claim::Taken(()) => Claim::Taken(query.one(db).await?),
                    Claim::Spent(id) => Claim::Spent(id),
                });
            }
        };
        let mut taking = self.taking(principal, key, now);
        taking.returning(Query::returning().expr(Expr::cust("1")));
        let mut taken = CommonTableExpression::new();
        taken.query(taking).table_name("taken");
        let count = Query::select().expr(Func::count(Expr::col(Asterisk))).from("taken").take();
        // The condition depends on no row, so it is decided before the first one is looked for or locked.
        QueryTrait::query(&mut query).with_cte(taken).and_where(Expr::expr(count).eq(1));
        if let Some(row) = query.one(db).await? {
            return Ok(Claim::Taken(Some(row)));
        }
        Ok(match self.recorded(principal, key, db).await? {
            Claim::Taken(()) => Claim::Taken(None),
            Claim::Spent(id) => Claim::Spent(id),
        })
    }

    /// What puts the key into the table, if it is not there.
    fn taking(&self, principal: &Principal, key: &str, now: Timestamp) -> InsertStatement {
        let record = Model {
            principal: principal.key(),
            key: key.to_owned(),
            operation: self.operation.to_owned(),
            fingerprint: self.fingerprint.clone(),
            result_id: None,
            created_at: now,
        };
        let record: ActiveModel = record.into_active_model().reset_all();
        let nothing_on_conflict = OnConflict::columns([Column::Principal, Column::Key]).do_nothing().to_owned();
        let mut taking = Entity::insert(record).into_query();
        taking.on_conflict(nothing_on_conflict);
        taking
    }

    /// What the record of the key says.
    async fn recorded(&self, principal: &Principal, key: &str, db: &DatabaseTransaction) -> Result<Claim<()>> {
        let record = Entity::find_by_id((principal.key(), key.to_owned())).one(db).await?;
        let record = record.ok_or_else(|| Error::Contended("the idempotency key was given back meanwhile".into()))?;
        if record.operation == self.operation && record.fingerprint == self.fingerprint {
            // Nobody sees another transaction's record without an outcome: this one is the own.
            return Ok(record.result_id.map_or(Claim::Taken(()), Claim::Spent));
        }
        let message = format!(
            "This idempotency key was used for another command ({}). Use a new key for a new command.",
            record.operation
        );
        Err(Refusal::new(Code::IdempotencyKeyReused, message).at("input.idempotencyKey").into())
    }

    /// What records the outcome of the command, in its own transaction.
    pub(super) fn outcome(&self, principal: &Principal, result_id: Uuid) -> Option<UpdateStatement> {
        let key = self.key.as_ref()?;
        let outcome = Entity::update_many()
            .col_expr(Column::ResultId, Expr::value(result_id))
            .filter(Column::Principal.eq(principal.key()))
            .filter(Column::Key.eq(key));
        Some(outcome.into_query())
    }
}

/// What came of taking a key.
pub(super) enum Claim<T> {
    /// The command may be carried out. A command without a key always may.
    Taken(T),
    /// It was carried out before, and this row came of it.
    Spent(Uuid),
}
