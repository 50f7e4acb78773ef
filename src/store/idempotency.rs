//! Commands that a client may safely send again.

use aws_lc_rs::digest;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
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

    /// The row that this command made or changed before, if it was carried out already.
    pub(super) async fn replay(&self, principal: &Principal, db: &impl ConnectionTrait) -> Result<Option<Uuid>> {
        let Some(key) = &self.key else { return Ok(None) };
        let Some(record) = Entity::find_by_id((principal.key(), key.clone())).one(db).await? else { return Ok(None) };
        if record.operation == self.operation && record.fingerprint == self.fingerprint {
            return Ok(Some(record.result_id));
        }
        let message = format!(
            "This idempotency key was used for another command ({}). Use a new key for a new command.",
            record.operation
        );
        Err(Refusal::new(Code::IdempotencyKeyReused, message).at("input.idempotencyKey").into())
    }

    /// Records what came of the command, in its own transaction.
    pub(super) async fn record(
        &self,
        principal: &Principal,
        result_id: Uuid,
        now: Timestamp,
        db: &impl ConnectionTrait,
    ) -> Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        let record = Model {
            principal: principal.key(),
            key: key.clone(),
            operation: self.operation.to_owned(),
            fingerprint: self.fingerprint.clone(),
            result_id,
            created_at: now,
        };
        let record: ActiveModel = record.into_active_model().reset_all();
        let nothing_on_conflict = OnConflict::columns([Column::Principal, Column::Key]).do_nothing().to_owned();
        let inserted = Entity::insert(record).on_conflict(nothing_on_conflict).exec_without_returning(db).await?;
        if inserted == 0 {
            // The same command, sent twice at once: the other one won, and the next try replays its answer.
            return Err(Error::Contended("idempotency key taken meanwhile".into()));
        }
        Ok(())
    }
}
