//! Which rows of which table a caller may see: the whole answer, on one page.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, TryIntoModel};

use crate::auth::{Caller, Membership, Permission, Permissions, Standing};
use crate::entity::{
    CustomerId, OrganizationId, audit_event, customer, member, organization, payment, payment_method, revocation,
    subscription, subscription_total, tier, tier_feature, tier_price,
};
use crate::error::{Error, Result};

/// What one caller can see; without a token, what everyone can.
///
/// It holds nothing of the caller but the standing, the permissions and the member: what is visible to one caller is
/// visible to all who stand there with the same permissions, unless the member was deactivated.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    caller: Option<Standpoint<'a>>,
    /// Whether the statement asks elsewhere whether the caller's own organization, member and customer are still there.
    presumes: bool,
}

/// What of a caller its reach depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standpoint<'a> {
    pub(super) standing: Standing,
    pub(super) permissions: Permissions,
    pub(super) member: Option<&'a Membership>,
}

impl Standpoint<'_> {
    fn may(self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
}

/// A table that requests may read. There is no way to read one that does not say here who sees what.
pub trait Visible: EntityTrait<ActiveModel: TryIntoModel<<Self as EntityTrait>::Model>> {
    /// Whether the condition on every row asks if the caller's own organization, member and customer are still there.
    const ASKS_FOR_CALLER: bool = true;

    /// The condition on the rows that `reach` may see, or the permission that is missing to see any.
    fn visible(reach: Reach<'_>) -> Result<Condition>;
}

impl<'a> Reach<'a> {
    pub(super) fn new(caller: Option<&'a Caller>) -> Self {
        let caller = caller.map(|caller| Standpoint {
            standing: caller.standing(),
            permissions: caller.permissions(),
            member: caller.member(),
        });
        Self { caller, presumes: false }
    }

    /// The same in a statement whose first table asks for the caller: its rows are none if the caller is gone, and so
    /// nothing is joined to them. Asking once more for every table costs as much as finding a row.
    pub(super) fn beside(self, first_asks: bool) -> Self {
        Self { presumes: first_asks, ..self }
    }

    /// Who it is; none without a token.
    pub(super) fn anyone(self) -> Option<Standpoint<'a>> {
        self.caller
    }

    pub(super) fn presumes(self) -> bool {
        self.presumes
    }

    fn caller(self) -> Result<Standpoint<'a>> {
        self.caller.ok_or(Error::Unauthenticated)
    }

    /// That this is still there.
    fn there(self, there: SelectStatement) -> Option<Expr> {
        (!self.presumes).then(|| Expr::exists(there))
    }

    /// That the caller itself is still there: its organization, its member, and the customer if it is one.
    pub(super) fn present(self) -> Option<Condition> {
        let caller = self.caller.filter(|_| !self.presumes)?;
        let own = caller.standing.organization()?;
        let organization = alive(own).cond_where(self.member_is_active(own)).take();
        let customer = caller.standing.customer().map(|id| Expr::exists(undeleted(own, id)));
        Some(Condition::all().add(Expr::exists(organization)).add_option(customer))
    }

    fn needs(self, permission: Permission) -> Result<()> {
        if self.caller()?.may(permission) { Ok(()) } else { Err(Error::Forbidden(permission)) }
    }

    /// Whether it is in one tenant, so that finding a row costs the same however many there are.
    pub(super) fn is_in_one_tenant(self) -> bool {
        let standing = self.caller.map(|caller| caller.standing);
        matches!(standing, Some(Standing::Organization(_) | Standing::Customer(..)))
    }

    /// Rows of the tenants that the caller can see.
    pub(super) fn tenants(self, column: impl ColumnTrait) -> Result<Condition> {
        Ok(match self.caller()?.standing {
            Standing::Platform => Condition::all().add(column.not_in_subquery(deleted())),
            Standing::Organization(id) | Standing::Customer(id, _) => {
                let alive = alive(id).cond_where(self.member_is_active(id)).take();
                Condition::all().add(column.eq(id)).add_option(self.there(alive))
            }
            Standing::Reseller(id) => {
                let alive = Expr::col(("family", organization::Column::DeletedAt)).is_null();
                let family = family(id).and_where(alive).cond_where(self.member_is_active(id)).take();
                Condition::all().add(column.in_subquery(family))
            }
        })
    }

    /// Rows of the tenants that the caller could see before any was deleted: what its own commands came to.
    pub(super) fn ever(self, column: impl ColumnTrait) -> Result<Condition> {
        Ok(match self.caller()?.standing {
            Standing::Platform => Condition::all(),
            Standing::Organization(id) | Standing::Customer(id, _) => self.member_is_active(id).add(column.eq(id)),
            Standing::Reseller(id) => self.member_is_active(id).add(column.in_subquery(family(id))),
        })
    }

    /// That the member the token names was not deactivated since, if it names one.
    fn member_is_active(self, organization: OrganizationId) -> Condition {
        use member::Column::{Active, Email, Id, TenantId};
        let column = |column| Expr::col(("holder", column));
        let holder = |name: Expr, active: Expr| {
            Query::select()
                .expr(Expr::cust("1"))
                .from_as(member::Entity, "holder")
                .and_where(column(TenantId).eq(organization))
                .and_where(name)
                .and_where(active)
                .take()
        };
        let all = Condition::all();
        match self.caller.and_then(|caller| caller.member) {
            None => all,
            Some(Membership::Id(id)) => all.add(Expr::exists(holder(column(Id).eq(*id), column(Active)))),
            Some(Membership::Address(address)) => {
                all.add(Expr::not_exists(holder(column(Email).eq(address.as_str()), column(Active).not())))
            }
        }
    }

    /// Rows that belong to an owner: a customer, or the organization itself where `customer` is null. An owner's rows
    /// are visible to who may read the owner.
    fn owned<C: ColumnTrait>(self, tenant: C, customer: C) -> Result<Condition> {
        let caller = self.caller()?;
        let rows = self.tenants(tenant)?;
        if let Standing::Customer(organization, id) = caller.standing {
            self.needs(Permission::CustomersRead)?;
            return Ok(rows.add(customer.eq(id)).add_option(self.there(undeleted(organization, id))));
        }
        Ok(match self.owners()? {
            Owners::All => rows,
            Owners::Organizations => rows.add(customer.is_null()),
            Owners::Customers => rows.add(customer.is_not_null()),
        })
    }

    /// Which kinds of owners the caller may read.
    fn owners(self) -> Result<Owners> {
        let caller = self.caller()?;
        match (caller.may(Permission::OrganizationsRead), caller.may(Permission::CustomersRead)) {
            (true, true) => Ok(Owners::All),
            (true, false) => Ok(Owners::Organizations),
            (false, true) => Ok(Owners::Customers),
            (false, false) => Err(Error::Forbidden(Permission::CustomersRead)),
        }
    }
}

/// A query for what belongs to one row, which is looked up for each row that is in question. Without the limit, which
/// is a value and so unknown to its planner, PostgreSQL may look for it among all that belongs to any row instead:
/// every subscription of a large organization, or every tier there is.
fn one_by_one(belongs: &mut SelectStatement) -> SelectStatement {
    belongs.limit(1).take()
}

/// Kinds of owners.
enum Owners {
    All,
    Organizations,
    Customers,
}

/// The organization itself, unless it was deleted: then nothing of it is visible to its own any more.
fn alive(id: OrganizationId) -> SelectStatement {
    use organization::Column::{DeletedAt, Id};
    Query::select()
        .expr(Expr::cust("1"))
        .from_as(organization::Entity, "tenant")
        .and_where(Expr::col(("tenant", Id)).eq(id))
        .and_where(Expr::col(("tenant", DeletedAt)).is_null())
        .take()
}

/// The customer itself, unless it was deleted: then nothing of it is visible to itself any more.
fn undeleted(organization: OrganizationId, id: CustomerId) -> SelectStatement {
    use customer::Column::{DeletedAt, Id, TenantId};
    Query::select()
        .expr(Expr::cust("1"))
        .from_as(customer::Entity, "self")
        .and_where(Expr::col(("self", TenantId)).eq(organization))
        .and_where(Expr::col(("self", Id)).eq(id))
        .and_where(Expr::col(("self", DeletedAt)).is_null())
        .take()
}

/// Organizations that were deleted: nothing of them is visible to the platform either.
fn deleted() -> SelectStatement {
    use organization::Column::{DeletedAt, Id};
    Query::select()
        .expr(Expr::col(("gone", Id)))
        .from_as(organization::Entity, "gone")
        .and_where(Expr::col(("gone", DeletedAt)).is_not_null())
        .take()
}

fn family(reseller: OrganizationId) -> SelectStatement {
    use organization::Column::{Id, ParentId};
    let column = |column| Expr::col(("family", column));
    Query::select()
        .expr(column(Id))
        .from_as(organization::Entity, "family")
        .cond_where(Condition::any().add(column(Id).eq(reseller)).add(column(ParentId).eq(reseller)))
        .take()
}

impl Visible for organization::Entity {
    /// What `Reach::tenants` asks of a row's organization, asked of the row itself: no look-up could say more.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use organization::Column::{DeletedAt, Id, ParentId};
        reach.needs(Permission::OrganizationsRead)?;
        let standing = reach.caller()?.standing;
        let reached = match standing {
            Standing::Platform => Condition::all(),
            Standing::Organization(id) | Standing::Customer(id, _) => Condition::all().add(Id.eq(id)),
            Standing::Reseller(id) => Condition::any().add(Id.eq(id)).add(ParentId.eq(id)),
        };
        let own = standing.organization().filter(|_| !reach.presumes);
        let rows = Condition::all().add(reached).add(DeletedAt.is_null());
        Ok(rows.add_option(own.map(|own| reach.member_is_active(own)).filter(|asked| !asked.is_empty())))
    }
}

impl Visible for member::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::MembersRead)?;
        reach.tenants(member::Column::TenantId)
    }
}

impl Visible for customer::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use customer::Column::{DeletedAt, Id, TenantId};
        reach.needs(Permission::CustomersRead)?;
        let rows = reach.tenants(TenantId)?.add(DeletedAt.is_null());
        Ok(match reach.caller()?.standing.customer() {
            Some(id) => rows.add(Id.eq(id)),
            None => rows,
        })
    }
}

impl Visible for subscription::Entity {
    /// Reading a subscription is implied by reading its owner.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use subscription::Column::{CustomerId, DeletedAt, TenantId};
        Ok(reach.owned(TenantId, CustomerId)?.add(DeletedAt.is_null()))
    }
}

impl Visible for subscription_total::Entity {
    /// Sums over exactly the live subscriptions that the caller may see.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use subscription_total::Column::{OfCustomers, TenantId};
        if reach.caller()?.standing.customer().is_some() {
            // A total has no part for a single customer.
            return Err(Error::Forbidden(Permission::OrganizationsRead));
        }
        let rows = reach.tenants(TenantId)?;
        Ok(match reach.owners()? {
            Owners::All => rows,
            Owners::Organizations => rows.add(OfCustomers.eq(false)),
            Owners::Customers => rows.add(OfCustomers.eq(true)),
        })
    }
}

impl Visible for payment::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::PaymentsRead)?;
        reach.owned(payment::Column::TenantId, payment::Column::CustomerId)
    }
}

impl Visible for payment_method::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use payment_method::Column::{CustomerId, DeletedAt, TenantId};
        reach.needs(Permission::PaymentsRead)?;
        Ok(reach.owned(TenantId, CustomerId)?.add(DeletedAt.is_null()))
    }
}

impl Visible for audit_event::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::AuditRead)?;
        // The trail outlives what it tells of, and the platform's own entries have no tenant.
        match reach.caller()?.standing {
            Standing::Platform => Ok(Condition::all()),
            _ => reach.tenants(audit_event::Column::TenantId),
        }
    }
}

impl Visible for revocation::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::MembersManage)?;
        reach.tenants(revocation::Column::TenantId)
    }
}

impl Visible for tier::Entity {
    // What is public is seen by whoever has a token.
    const ASKS_FOR_CALLER: bool = false;

    /// A catalogue is seen by who manages it; the public tiers of the platform and of the organization above are seen
    /// by everyone below, the private ones by who is subscribed to them. Without a token, what is on offer to the
    /// public.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use tier::Column::{ArchivedAt, Id, Public, TenantId};
        let Ok(caller) = reach.caller() else {
            return Ok(Condition::all().add(Public.eq(true)).add(ArchivedAt.is_null()));
        };
        let Some(own) = caller.standing.organization() else {
            return Ok(Condition::any().add(TenantId.is_null()).add(reach.tenants(TenantId)?));
        };
        // An equation, because PostgreSQL looks up no list of a subquery in an index where it is one of several ways.
        let parent = Query::select()
            .column(organization::Column::ParentId)
            .from(organization::Entity)
            .and_where(organization::Column::Id.eq(own))
            .take();
        // All that is subscribed to is in one of these too: it was sold there, and no organization moves.
        let catalogues = Condition::any()
            .add(TenantId.is_null())
            .add(Expr::col(TenantId.as_column_ref()).eq(Expr::SubQuery(None, Box::new(parent.into()))))
            .add(reach.tenants(TenantId)?);
        let mut seen = Condition::any().add(Public.eq(true));
        if caller.may(Permission::TiersManage) {
            seen = seen.add(reach.tenants(TenantId)?);
        }
        if let Ok(own) = subscription::Entity::visible(reach) {
            let subscribed = one_by_one(
                Query::select()
                    .expr(Expr::cust("1"))
                    .from(subscription::Entity)
                    .and_where(
                        Expr::col((subscription::Entity, subscription::Column::TierId)).equals((tier::Entity, Id)),
                    )
                    .cond_where(own),
            );
            seen = seen.add(Expr::exists(subscribed));
        }
        // Whoever is gone sees what everybody does.
        let offered = Condition::all().add(Public.eq(true)).add(ArchivedAt.is_null());
        let seen = match reach.present() {
            Some(present) => Condition::any().add(offered).add(Condition::all().add(present).add(seen)),
            None => seen,
        };
        Ok(Condition::all().add(catalogues).add(seen))
    }
}

/// Parts of a tier are visible with it.
fn parts_of_tiers(reach: Reach<'_>, tier_id: impl ColumnTrait) -> Result<Condition> {
    let whole = Expr::col((tier::Entity, tier::Column::Id)).equals(tier_id.as_column_ref());
    let tiers = one_by_one(
        Query::select()
            .expr(Expr::cust("1"))
            .from(tier::Entity)
            .and_where(whole)
            .cond_where(tier::Entity::visible(reach)?),
    );
    Ok(Condition::all().add(Expr::exists(tiers)))
}

impl Visible for tier_price::Entity {
    const ASKS_FOR_CALLER: bool = tier::Entity::ASKS_FOR_CALLER;

    fn visible(reach: Reach<'_>) -> Result<Condition> {
        parts_of_tiers(reach, tier_price::Column::TierId)
    }
}

impl Visible for tier_feature::Entity {
    const ASKS_FOR_CALLER: bool = tier::Entity::ASKS_FOR_CALLER;

    fn visible(reach: Reach<'_>) -> Result<Condition> {
        parts_of_tiers(reach, tier_feature::Column::TierId)
    }
}
