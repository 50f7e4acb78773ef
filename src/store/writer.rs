//! Opening units of work: authorization, the idempotency key, the tenant and its state.

use std::ops::Deref;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join, join3, ready, try_join};
use sea_orm::ColumnTrait;
use uuid::Uuid;

use super::attempt::{Attempt, Row};
use super::database::{Database, Whose};
use super::executor::Executor as _;
use super::place::{Hold, Place};
use super::reading::Lock;
use super::unit_of_work::LOCK;
use super::{Command, Record, Scope, Source, UnitOfWork};
use crate::auth::{Permission, Standing};
use crate::entity::{Mutable, OperationalStatus, OrganizationId, customer, organization};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::operational;

/// The right to write, given for a permission by [`Scope::writer`].
///
/// Each of its methods runs one [unit of work](UnitOfWork). The work may begin before it is known that it may be done, and
/// may be run again from the start when another command was faster or the connection was lost, so it must have no effect
/// outside of the unit.
///
/// The work returns a boxed future, `|unit| Box::pin(async move { … })`, because the compiler cannot prove yet that the
/// future of an async closure that borrows is `Send` for every lifetime.
pub struct Writer(Scope);

impl Deref for Writer {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl Writer {
    pub(super) fn new(scope: Scope) -> Self {
        Self(scope)
    }

    /// Writes in the organization that the caller named in the input field `path`.
    pub async fn write_in<'e, M: Row>(
        &'e self,
        command: &Command,
        organization: OrganizationId,
        path: &str,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>) -> BoxFuture<'t, Result<M>> + Sync,
    ) -> Result<M> {
        self.write_at(command, Place::Named(organization, path), work).await
    }

    /// Writes in the platform's own catalogue.
    pub async fn write_platform<'e, M: Row>(
        &'e self,
        command: &Command,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>) -> BoxFuture<'t, Result<M>> + Sync,
    ) -> Result<M> {
        self.write_at(command, Place::Platform, work).await
    }

    /// Writes in an organization that the work itself inserts, first of all.
    pub async fn write_new<'e, M: Row>(
        &'e self,
        command: &Command,
        new: &organization::Model,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>) -> BoxFuture<'t, Result<M>> + Sync,
    ) -> Result<M> {
        self.write_at(command, Place::New(new), work).await
    }

    async fn write_at<'e, M: Row>(
        &'e self,
        command: &Command,
        place: Place<'_>,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>) -> BoxFuture<'t, Result<M>> + Sync,
    ) -> Result<M> {
        let work = &work;
        // Boxed, here and below: a mutation's future is large, and a debug build keeps several copies on the stack.
        Box::pin(self.run(command, |attempt| {
            Box::pin(async move {
                let (unit, hold) = (self.begin(place.tenant(), None, attempt == 0).await?, Hold::at(attempt));
                let result = match place {
                    Place::Named(id, path) => {
                        let opened = async {
                            let tenant = command.unless_done(self.caller()?, self.tenant(id)?);
                            let found = hold.find(&unit, &tenant).await?;
                            if found.as_ref().is_some_and(|row| row.status == OperationalStatus::Terminated) {
                                let message = "The organization is terminated: nothing is made in it any more.";
                                return Err(Refusal::new(Code::OwnerInactive, message).at(path).into());
                            }
                            self.open(&unit, place, found, self.check_own(&unit, place.tenant(), hold)).await
                        };
                        // What the work reads first goes right behind the look for the organization. Whether that can
                        // be written is known before anything that the work came to counts.
                        let worked = async { Ok(work(&unit).await) };
                        try_join(opened, worked).await?.1?
                    }
                    Place::New(_) | Place::Platform => {
                        if let Some(id) = command.outcome(self.caller()?, unit.connection()).await? {
                            return Ok(Attempt::Replayed(id));
                        }
                        self.open(&unit, place, None, self.check_own(&unit, place.tenant(), hold)).await?;
                        work(&unit).await?
                    }
                };
                Ok(Attempt::Done(Box::new(unit), result))
            })
        }))
        .await
    }

    /// Changes the row with this id: it is found through the scope, locked, and handed to the work together with a
    /// unit of work in its tenant. `path` is the input field that the id came from.
    ///
    /// What it belongs to is locked before it (`lock_order.rs`). So it is found without a lock first: what it belongs to
    /// never changes.
    pub async fn change<'e, E, M: Row>(
        &'e self,
        command: &Command,
        id: impl Into<Uuid>,
        path: &str,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>, E::Model) -> BoxFuture<'t, Result<M>> + Sync,
    ) -> Result<M>
    where
        E: Record,
        E::Model: Mutable,
    {
        let (id, work) = (id.into(), &work);
        Box::pin(self.run(command, |_| {
            Box::pin(async move {
                let visible = self.source::<E>(E::id().eq(id).into())?;
                let (unit, row) =
                    self.found_and_locked::<E>(id, command.unless_done(self.caller()?, visible), path).await?;
                let result = work(&unit, row).await?;
                Ok(Attempt::Done(Box::new(unit), result))
            })
        }))
        .await
    }

    /// Does the work of a command on the row with this id, and writes nothing of it: what would come of it.
    pub async fn try_out<'e, E, T: Send>(
        &'e self,
        id: impl Into<Uuid>,
        path: &str,
        work: impl for<'t> Fn(&'t UnitOfWork<'e>, E::Model) -> BoxFuture<'t, Result<T>> + Sync,
    ) -> Result<T>
    where
        E: Record,
        E::Model: Mutable,
    {
        let (id, work) = (id.into(), &work);
        Box::pin(self.retried(|_| {
            Box::pin(async move {
                let visible = self.source::<E>(E::id().eq(id).into())?;
                let (unit, row) = self.found_and_locked::<E>(id, visible, path).await?;
                work(&unit, row).await
            })
        }))
        .await
    }

    /// The row that a source finds, locked in a unit of work that is open in its tenant.
    async fn found_and_locked<E: Record>(
        &self,
        id: Uuid,
        visible: Source,
        path: &str,
    ) -> Result<(UnitOfWork<'_>, E::Model)>
    where
        E::Model: Mutable,
    {
        let found = self.database().find::<E>(&visible).await?;
        let found = found.ok_or_else(|| not_found(E::Model::NOUN, path))?;
        let place = found.tenant().map_or(Place::Platform, |tenant| Place::Named(tenant, path));
        let unit = self.begin(place.tenant(), Some(id), false).await?;
        let (own, organization, row) = self.lock_in_order::<E>(&unit, place, &found, &visible).await;
        // Where one of them failed, those behind it did, too.
        if let Err(fault @ (Error::Contended(..) | Error::Unavailable(..) | Error::Internal(_))) = own {
            return Err(fault);
        }
        let organization = organization?;
        let row = row?.ok_or_else(|| not_found(E::Model::NOUN, path))?;
        self.open(&unit, place, organization, ready(own)).await?;
        Ok((unit, row))
    }

    /// Locks what a row belongs to, and the row, in one packet. The caller's own organization is looked at as well.
    #[expect(clippy::type_complexity, reason = "three outcomes that are told apart where they are used")]
    fn lock_in_order<'t, E: Record>(
        &'t self,
        unit: &'t UnitOfWork<'_>,
        place: Place<'t>,
        found: &'t E::Model,
        source: &'t Source,
    ) -> BoxFuture<'t, (Result<()>, Result<Option<organization::Model>>, Result<Option<E::Model>>)>
    where
        E::Model: Mutable,
    {
        let own = self.check_own(unit, place.tenant(), Hold::Lock);
        let organization = async move {
            let Some(tenant) = place.tenant() else { return Ok(None) };
            unit.lock_row::<organization::Entity>(&self.tenant(tenant)?, E::organization_lock(found)).await
        };
        let owner_and_row = async move {
            let row = unit.lock_row::<E>(source, Lock::Update);
            let Some(owner) = E::owner(found) else { return row.await };
            let owner = Source::unfiltered::<customer::Entity>(customer::Column::Id.eq(owner).into());
            let (owner, row) = join(unit.lock_row::<customer::Entity>(&owner, LOCK), row).await;
            owner.and(row)
        };
        // In boxes, because they are large, and a debug build keeps several copies on the stack.
        join3(own.boxed(), organization.boxed(), owner_and_row.boxed()).boxed()
    }

    /// Begins a unit of work in a tenant, to change the row with this id if there is one.
    pub(super) async fn begin(
        &self,
        tenant: Option<OrganizationId>,
        row: Option<Uuid>,
        may_presume: bool,
    ) -> Result<UnitOfWork<'_>> {
        let whose = Whose { tenant: tenant.map(Uuid::from).unwrap_or_default(), row };
        Ok(UnitOfWork::new(self.database().begin(whose).await?, self, tenant, may_presume))
    }

    /// The organization with this id, if the caller reaches it.
    pub(super) fn tenant(&self, id: OrganizationId) -> Result<Source> {
        use organization::Column::{DeletedAt, Id};
        let reached = self.reach().tenants(Id)?.add(Id.eq(id)).add(DeletedAt.is_null());
        Ok(Source::unfiltered::<organization::Entity>(reached))
    }

    /// Opens the unit of work in the tenant that was found, and refuses where it cannot be written.
    pub(super) async fn open(
        &self,
        unit: &UnitOfWork<'_>,
        place: Place<'_>,
        found: Option<organization::Model>,
        own: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let caller = self.caller()?;
        let organization = match place {
            Place::Platform if caller.standing() == Standing::Platform && caller.may(Permission::PlatformManage) => {
                None
            }
            Place::Platform => return Err(Error::Forbidden(Permission::PlatformManage)),
            Place::New(organization) => Some(organization.clone()),
            Place::Named(_, path) => Some(found.ok_or_else(|| not_found("organization", path))?),
        };
        own.await?;
        let path = if let Place::Named(_, path) = place { path } else { "input" };
        if let Some(organization) = &organization {
            self.check_operational(organization, path)?;
        }
        self.check_own_customer(unit, path).await?;
        unit.open(organization)
    }

    /// Who acts on an organization below its own does so only while its own is active.
    pub(super) async fn check_own(
        &self,
        unit: &UnitOfWork<'_>,
        target: Option<OrganizationId>,
        hold: Hold,
    ) -> Result<()> {
        let Some(own) = self.caller()?.organization().filter(|own| target != Some(*own)) else {
            return Ok(());
        };
        let own = Source::unfiltered::<organization::Entity>(organization::Column::Id.eq(own).into());
        let own = hold.find(unit, &own).await?;
        if own.is_some_and(|own| own.status == OperationalStatus::Active && own.deleted_at.is_none()) {
            return Ok(());
        }
        let message = "The caller's own organization is not active: it cannot change anything.";
        Err(Refusal::new(Code::OwnerInactive, message).at("input").into())
    }

    /// A customer acts only while it is active itself.
    async fn check_own_customer(&self, unit: &UnitOfWork<'_>, path: &str) -> Result<()> {
        let Some(own) = self.caller()?.customer() else { return Ok(()) };
        let own = Source::unfiltered::<customer::Entity>(customer::Column::Id.eq(own).into());
        let own = unit.connection().find::<customer::Entity>(&own).await?;
        if own.is_some_and(|own| own.status == OperationalStatus::Active) {
            return Ok(());
        }
        let message = "The customer is not active: it cannot change anything.";
        Err(Refusal::new(Code::OwnerInactive, message).at(path).into())
    }

    fn check_operational(&self, organization: &organization::Model, path: &str) -> Result<()> {
        if operational::may_write(self.caller()?, organization.id, organization.status) {
            return Ok(());
        }
        let state = organization.status.as_str();
        let message = format!("The organization is {state}: it cannot be changed.");
        Err(Refusal::new(Code::OwnerInactive, message).at(path).into())
    }

    pub(super) fn database(&self) -> &Database {
        &self.0.store.0.database
    }
}
