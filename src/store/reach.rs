//! What one caller can see at most: where it stands, what it may do, and whether it is still there.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition};

use crate::auth::{Caller, Membership, Permission, Permissions, Standing};
use crate::entity::{CustomerId, OrganizationId, customer, member, organization};
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
    pub(super) fn may(self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
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

    pub(super) fn caller(self) -> Result<Standpoint<'a>> {
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

    pub(super) fn needs(self, permission: Permission) -> Result<()> {
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
    pub(super) fn member_is_active(self, organization: OrganizationId) -> Condition {
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
    pub(super) fn owned<C: ColumnTrait>(self, tenant: C, customer: C) -> Result<Condition> {
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
    pub(super) fn owners(self) -> Result<Owners> {
        let caller = self.caller()?;
        match (caller.may(Permission::OrganizationsRead), caller.may(Permission::CustomersRead)) {
            (true, true) => Ok(Owners::All),
            (true, false) => Ok(Owners::Organizations),
            (false, true) => Ok(Owners::Customers),
            (false, false) => Err(Error::Forbidden(Permission::CustomersRead)),
        }
    }
}

/// Kinds of owners.
pub(super) enum Owners {
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
