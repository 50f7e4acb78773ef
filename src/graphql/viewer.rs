//! Who is asking, and what it may do.

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use sea_orm::ColumnTrait as _;
use sea_orm::sea_query::ExprTrait as _;

use super::context::{ContextExt, RequestContext};
use crate::auth::{Permission, Role};
use crate::customer::graphql::Customer;
use crate::entity::{CustomerId, OrganizationId, customer, organization};
use crate::error::Result;
use crate::organization::graphql::{self as organizations, Organization};
use crate::read::relation::One;
use crate::read::resolve;
use crate::read::start::{Found, Part, Parts, known};
use crate::read::{Planned, Unplanned};

/// The caller.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// Subject of its token.
    subject: String,
    /// Its role.
    role: Role,
    /// What it may do.
    permissions: Vec<&'static str>,
    /// Who acts in its name, if somebody does.
    impersonator: Option<String>,
    #[graphql(skip)]
    organization_id: Option<OrganizationId>,
    #[graphql(skip)]
    customer_id: Option<CustomerId>,
}

#[ComplexObject]
impl Viewer {
    /// Its organization; null for the platform and for callers that cannot see organizations.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        let Some(id) = self.organization_id else { return Ok(None) };
        resolve::found(ctx, organizations::seen(organization::Column::Id), id).await
    }

    /// The customer it is; null for everyone else.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.customer_id else { return Ok(None) };
        resolve::found(ctx, One::<customer::Entity>::new("customer", customer::Column::Id, customer::Column::Id), id)
            .await
    }
}

/// The query for the caller.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// The caller: who it is and what it may do. Null without a token.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        let caller = ctx.scope().caller().ok()?;
        Some(Viewer {
            subject: caller.name().to_owned(),
            role: caller.principal()?.role(),
            permissions: caller.permissions().iter().map(|permission| permission.as_str()).collect(),
            impersonator: caller.impersonator().map(str::to_owned),
            organization_id: caller.organization(),
            customer_id: caller.customer(),
        })
    }
}

/// How the [read path](crate::read) reads the caller.
pub fn parts(request: &RequestContext) -> Planned<Option<Parts>> {
    let field = |request: &RequestContext, name: &str| {
        let caller = request.scope.caller()?;
        let (organization, customer) = (caller.organization(), caller.customer());
        Ok(match name {
            "subject" => known(&caller.name()),
            "role" => known(&caller.role_name()),
            "permissions" => {
                let permissions: Vec<_> = caller.permissions().iter().map(|permission| permission.as_str()).collect();
                known(&serde_json::json!(permissions))
            }
            "impersonator" => known(&caller.impersonator()),
            "organization" => {
                let id = organization.filter(|_| caller.may(Permission::OrganizationsRead));
                let found = id.map(|id| Found::of::<organization::Entity>(request, organization::Column::Id.eq(id)));
                Part::One(found.transpose()?)
            }
            "customer" => {
                use customer::Column::{Id, TenantId};
                let fits = organization.zip(customer).map(|(tenant, id)| TenantId.eq(tenant).and(Id.eq(id)));
                Part::One(fits.map(|fits| Found::of::<customer::Entity>(request, fits)).transpose()?)
            }
            _ => return Err(Unplanned::Unknown),
        })
    };
    Ok(request.scope.caller().ok().map(|_| Parts { object: "Viewer", field }))
}
