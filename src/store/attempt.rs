//! Running a command until it is done: its unit of work, the retry of lost races, and the replay of what was done before.

use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, Condition, EntityTrait, IdenStatic, Iterable, ModelTrait, QueryFilter};
use uuid::Uuid;

use super::executor::Executor as _;
use super::{Command, Noun, UnitOfWork, Writer};
use crate::entity::Mutable;
use crate::error::{Contention, Error, Result, Trouble, not_found};

/// How often a unit of work is tried before its contention is reported as a fault.
const TRIES: usize = 8;

/// What a try came to, before it is committed.
pub(super) enum Attempt<'e, M> {
    /// The work was done, with this result.
    Done(Box<UnitOfWork<'e>>, M),
    /// It had been done before, and the row with this id came of it.
    Replayed(Uuid),
}

/// A row that a command can have as its outcome.
pub trait Row: Mutable + ModelTrait<Entity = Self::Table> {
    /// Its table.
    type Table: EntityTrait<Model = Self> + Noun;
}

impl<M> Row for M
where
    M: Mutable + ModelTrait,
    M::Entity: EntityTrait<Model = M> + Noun,
{
    type Table = M::Entity;
}

impl Writer {
    /// Runs one unit of work: does it, records the outcome, commits. Tries again when another command was
    /// faster or the connection was lost, and replays a command that was carried out before.
    pub(super) async fn run<'e, 'f, M: Row>(
        &'e self,
        command: &Command,
        work: impl Fn(usize) -> BoxFuture<'f, Result<Attempt<'e, M>>>,
    ) -> Result<M> {
        let work = &work;
        self.retried(|attempt| self.attempt(command, attempt, work)).await
    }

    /// Tries again when another command was faster or the connection was lost.
    pub(super) async fn retried<T, F: Future<Output = Result<T>>>(&self, tried: impl Fn(usize) -> F) -> Result<T> {
        let mut outcome = tried(0).await;
        for attempt in 1..TRIES {
            if !matches!(outcome, Err(Error::Contended(..))) {
                break;
            }
            outcome = tried(attempt).await;
        }
        let outcome = outcome.map_err(|error| {
            let given_up = |text: &str| format!("gave up after {TRIES} tries: {text}").into();
            match error {
                // No check foresaw it.
                Error::Contended(Contention::Duplicate, text) => Error::Internal(given_up(&text)),
                Error::Contended(Contention::Race, text) => Error::Unavailable(Trouble::Contended, given_up(&text)),
                error => error,
            }
        });
        self.store.0.troubles.noted(outcome)
    }

    async fn attempt<'e, 'f, M: Row>(
        &'e self,
        command: &Command,
        attempt: usize,
        work: &impl Fn(usize) -> BoxFuture<'f, Result<Attempt<'e, M>>>,
    ) -> Result<M> {
        match work(attempt).await {
            Ok(Attempt::Done(unit, result)) => {
                unit.commit(command.record(self.caller()?, self.store.real_now(), result.uuid())).await?;
                Ok(result)
            }
            Ok(Attempt::Replayed(id)) => {
                self.replay(command, id).await?.ok_or_else(|| not_found(M::NOUN, "input.idempotencyKey"))
            }
            // It may be for what the command itself did, before or at the same time.
            Err(refused @ Error::Refused(_)) => match command.outcome(self.caller()?, self.database()).await? {
                Some(id) => self.replay(command, id).await?.ok_or_else(|| not_found(M::NOUN, "input.idempotencyKey")),
                None => Err(refused),
            },
            Err(error) => Err(error),
        }
    }

    /// What came of a command, if it was carried out before: for what must not be done twice outside of the database.
    pub async fn carried_out<M: Row>(&self, command: &Command) -> Result<Option<M>> {
        match command.outcome(self.caller()?, self.database()).await? {
            Some(id) => self.replay(command, id).await,
            None => Ok(None),
        }
    }

    /// What came of a command that was carried out before, as it is now; none if the caller lost its access meanwhile, or
    /// if it was deleted by another command.
    async fn replay<M: Row>(&self, command: &Command, id: Uuid) -> Result<Option<M>> {
        let found = M::Entity::find().filter(M::Entity::id().eq(id));
        let found = if command.deletes() {
            found.filter(self.reach().ever(M::Entity::tenant())?)
        } else {
            let deleted = <M::Entity as EntityTrait>::Column::iter().find(|column| column.as_str() == "deleted_at");
            let kept = Condition::all().add_option(deleted.map(|column| column.is_null()));
            let tenant = M::Entity::tenant();
            // Of nobody: the platform's catalogue.
            let visible = Condition::any().add(self.reach().tenants(tenant)?).add(tenant.is_null());
            found.filter(visible).filter(kept).filter(Condition::all().add_option(self.reach().present()))
        };
        Ok(self.database().one(found).await?)
    }
}
