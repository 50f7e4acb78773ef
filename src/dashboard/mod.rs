//! The dashboard: what an organization's live subscriptions amount to, from the totals that the database keeps.

pub mod graphql;
pub mod read;

use sea_orm::ColumnTrait;

use crate::auth::Permission;
use crate::entity::{OrganizationId, organization, subscription_total};
use crate::error::{Error, Result};
use crate::store::Scope;
use crate::tier::statistics::Group;

/// The live subscriptions of the organization and its customers, in groups; none if the caller cannot see the
/// organization.
pub async fn groups(scope: &Scope, id: OrganizationId) -> Result<Option<Vec<Group>>> {
    let groups = Group::all(scope, subscription_total::Column::TenantId.eq(id)).await?;
    // Where there are no subscriptions, there may be no organization either.
    if groups.is_empty() && scope.get::<organization::Entity>(id).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(groups))
}

/// Whoever sees a dashboard sees all of it: sums over one kind of owners would look like the whole.
pub fn check_right(scope: &Scope) -> Result<()> {
    let caller = scope.caller()?;
    let needed = [Permission::CustomersRead, Permission::OrganizationsRead];
    match needed.into_iter().find(|permission| !caller.may(*permission)) {
        Some(missing) => Err(Error::Forbidden(missing)),
        None => Ok(()),
    }
}
