//! Commands that a client may safely send again.

use aws_lc_rs::digest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::Source;
use super::executor::Executor;
use super::write::Write;
use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::entity::idempotency_key::{Column, Entity, Model};
use crate::error::{Code, Refusal, Result};

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

    /// Whether it removes what it is told.
    pub(super) fn deletes(&self) -> bool {
        self.operation.starts_with("delete")
    }

    /// The source, or no row of it if the command was carried out before: then none is looked for or locked.
    ///
    /// The key is not taken. Two commands with the same key at the same time both do their work, and the one that is
    /// behind finds out when it records its outcome, or by being refused for what the other one did.
    pub(super) fn unless_done(&self, caller: &Caller, source: Source) -> Source {
        let unspent = self.key.as_ref().map(|key| {
            let record = Entity::find().select_only().expr(Expr::val(1)).filter(of(caller, key));
            Expr::not_exists(record.into_query())
        });
        source.with(Condition::all().add_option(unspent))
    }

    /// The row that the command made or changed, if it was carried out before.
    pub(super) async fn outcome(&self, caller: &Caller, db: &impl Executor) -> Result<Option<Uuid>> {
        let Some(key) = &self.key else { return Ok(None) };
        let Some(record) = db.one(Entity::find().filter(of(caller, key))).await? else { return Ok(None) };
        if record.operation == self.operation && record.fingerprint == self.fingerprint {
            return Ok(Some(record.result_id));
        }
        let message = format!(
            "This idempotency key was used for another command ({}). Use a new key for a new command.",
            record.operation
        );
        Err(Refusal::new(Code::IdempotencyKeyReused, message).at("input.idempotencyKey").into())
    }

    /// What records the outcome of the command, in its own transaction. It fails if the key was used meanwhile.
    pub(super) fn record(&self, caller: &Caller, now: Timestamp, result_id: Uuid) -> Option<Write> {
        let record = Model {
            principal: caller.key(),
            key: self.key.clone()?,
            operation: self.operation.to_owned(),
            fingerprint: self.fingerprint.clone(),
            result_id,
            created_at: now,
        };
        Some(Write::insert(&[record]))
    }
}

/// What tells the record of a key.
fn of(caller: &Caller, key: &str) -> Condition {
    Condition::all().add(Column::Principal.eq(caller.key())).add(Column::Key.eq(key))
}
