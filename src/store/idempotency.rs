//! Commands that a client may safely send again.

use aws_lc_rs::digest;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
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
        db: &impl ConnectionTrait,
    ) -> Result<Option<Uuid>> {
        let Some(key) = &self.key else { return Ok(None) };
        let record = Model {
            principal: principal.key(),
            key: key.clone(),
            operation: self.operation.to_owned(),
            fingerprint: self.fingerprint.clone(),
            result_id: None,
            created_at: now,
        };
        let record: ActiveModel = record.into_active_model().reset_all();
        let nothing_on_conflict = OnConflict::columns([Column::Principal, Column::Key]).do_nothing().to_owned();
        let taken = Entity::insert(record).on_conflict(nothing_on_conflict).exec_without_returning(db).await?;
        if taken == 1 {
            return Ok(None);
        }
        let record = Entity::find_by_id((principal.key(), key.clone())).one(db).await?;
        let record = record.ok_or_else(|| Error::Contended("the idempotency key was given back meanwhile".into()))?;
        if record.operation == self.operation && record.fingerprint == self.fingerprint {
            return Ok(record.result_id);
        }
        let message = format!(
            "This idempotency key was used for another command ({}). Use a new key for a new command.",
            record.operation
        );
        Err(Refusal::new(Code::IdempotencyKeyReused, message).at("input.idempotencyKey").into())
    }

    /// Records what came of the command, in its own transaction.
    pub(super) async fn record(&self, principal: &Principal, result_id: Uuid, db: &impl ConnectionTrait) -> Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        Entity::update_many()
            .col_expr(Column::ResultId, Expr::value(result_id))
            .filter(Column::Principal.eq(principal.key()))
            .filter(Column::Key.eq(key))
            .exec(db)
            .await?;
        Ok(())
    }
}
