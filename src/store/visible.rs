//! Which rows of which table a caller may see: the whole answer, on one page.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, TryIntoModel};

use super::reach::{Owners, Reach};
use crate::auth::{Permission, Standing};
use crate::entity::{
    OrganizationId, add_on, audit_event, checkout, customer, feature, gateway_account, gateway_price, member,
    organization, payment, payment_method, revocation, subscription, subscription_total, tier, tier_feature,
    tier_price, usage_adjustment, usage_grant, usage_threshold,
};
use crate::error::{Error, Result};

/// A table that requests may read. There is no way to read one that does not say here who sees what.
pub trait Visible: EntityTrait<ActiveModel: TryIntoModel<<Self as EntityTrait>::Model>> {
    /// Whether the condition on every row asks if the caller's own organization, member and customer are still there.
    const ASKS_FOR_CALLER: bool = true;

    /// The condition on the rows that `reach` may see, or the permission that is missing to see any.
    fn visible(reach: Reach<'_>) -> Result<Condition>;
}

/// A query for what belongs to one row, which is looked up for each row that is in question. Without the limit, which
/// is a value and so unknown to its planner, PostgreSQL may look for it among all that belongs to any row instead:
/// every subscription of a large organization, or every tier there is.
fn one_by_one(belongs: &mut SelectStatement) -> SelectStatement {
    belongs.limit(1).take()
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
        let own = standing.organization().filter(|_| !reach.presumes());
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

impl Visible for usage_grant::Entity {
    /// Others see what was granted in the features of the subscription.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::SubscriptionsManage)?;
        reach.tenants(usage_grant::Column::TenantId)
    }
}

impl Visible for usage_threshold::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::SubscriptionsManage)?;
        reach.tenants(usage_threshold::Column::TenantId)
    }
}

impl Visible for usage_adjustment::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::SubscriptionsManage)?;
        reach.tenants(usage_adjustment::Column::TenantId)
    }
}

/// What is of the platform's catalogue, of that of the organization above, or of one that the caller reaches.
fn catalogues(reach: Reach<'_>, own: OrganizationId, tenant: impl ColumnTrait) -> Result<Condition> {
    // An equation, because PostgreSQL looks up no list of a subquery in an index where it is one of several ways.
    let parent = Query::select()
        .column(organization::Column::ParentId)
        .from(organization::Entity)
        .and_where(organization::Column::Id.eq(own))
        .take();
    Ok(Condition::any()
        .add(tenant.is_null())
        .add(Expr::col(tenant.as_column_ref()).eq(Expr::SubQuery(None, Box::new(parent.into()))))
        .add(reach.tenants(tenant)?))
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
        // All that is subscribed to is in one of these too: it was sold there, and no organization moves.
        let catalogues = catalogues(reach, own, TenantId)?;
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

/// What is of the platform or of an organization: seen by who has the permission to manage it, and by the platform's own people.
fn managed(reach: Reach<'_>, tenant: impl ColumnTrait, permission: Permission) -> Result<Condition> {
    let rows = reach.tenants(tenant)?;
    if matches!(reach.caller()?.standing, Standing::Platform) {
        return Ok(Condition::any().add(tenant.is_null()).add(rows));
    }
    reach.needs(permission)?;
    Ok(rows)
}

impl Visible for feature::Entity {
    /// A catalogue's features are seen by who manages the catalogue, and by the platform's own people. Others see what
    /// tiers and subscriptions grant of them.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        managed(reach, feature::Column::TenantId, Permission::TiersManage)
    }
}

impl Visible for gateway_account::Entity {
    /// A seller's accounts are seen by who manages them, and by the platform's own people.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        managed(reach, gateway_account::Column::TenantId, Permission::PaymentsManage)
    }
}

impl Visible for gateway_price::Entity {
    /// With the account that has it.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        managed(reach, gateway_price::Column::TenantId, Permission::PaymentsManage)
    }
}

impl Visible for checkout::Entity {
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        reach.needs(Permission::PaymentsRead)?;
        reach.owned(checkout::Column::TenantId, checkout::Column::CustomerId)
    }
}

impl Visible for add_on::Entity {
    /// A catalogue's add-ons are seen by who manages it; those that are public and sold, by everyone that its tiers may be
    /// sold to. Others see of what they have what the subscription says of it.
    fn visible(reach: Reach<'_>) -> Result<Condition> {
        use add_on::Column::{ArchivedAt, Public, TenantId};
        let caller = reach.caller()?;
        let Some(own) = caller.standing.organization() else {
            return Ok(Condition::any().add(TenantId.is_null()).add(reach.tenants(TenantId)?));
        };
        let offered = Condition::all().add(Public.eq(true)).add(ArchivedAt.is_null());
        let seen = match caller.may(Permission::TiersManage) {
            true => Condition::any().add(offered).add(reach.tenants(TenantId)?),
            false => Condition::any().add(offered),
        };
        Ok(Condition::all().add(catalogues(reach, own, TenantId)?).add_option(reach.present()).add(seen))
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
