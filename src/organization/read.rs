//! How organizations are read in bulk.

use async_graphql::ID;
use sea_orm::{ColumnTrait, Condition};

use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::organization::Column::{
    BillingEmail, CreatedAt, DefaultCurrency, Exempt, Id, Metadata, Name, ParentId, PrivateMetadata, Slug, Status,
    SubscriptionManagement, TimeZone, UpdatedAt, Version,
};
use crate::entity::{
    OrganizationId, StoredJson, TypedId, customer, member, organization, payment, payment_method, subscription,
};
use crate::graphql::context::RequestContext;
use crate::read::arguments::Arguments;
use crate::read::shape::{Field, One, Page, Readable, column, computed, object, one, pages, private};
use crate::read::start::{Found, Root};
use crate::read::{Planned, Unplanned};
use crate::{payment_method as methods, subscription as subscriptions};

impl Readable for organization::Entity {
    const OBJECT: &'static str = "Organization";
    const KEY: organization::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<OrganizationId>(Id),
            "name" => column::<String>(Name),
            "slug" => column::<String>(Slug),
            "status" => column::<String>(Status),
            "exempt" => column::<bool>(Exempt),
            "subscriptionManagement" => column::<String>(SubscriptionManagement),
            "billingEmail" => column::<Option<String>>(BillingEmail),
            "defaultCurrency" => column::<String>(DefaultCurrency),
            "timeZone" => column::<String>(TimeZone),
            "metadata" => column::<StoredJson>(Metadata),
            "privateMetadata" => computed(&[PrivateMetadata], |facts| private(facts, Permission::OrganizationsManage)),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "parent" => Some(Field::One(seen(ParentId))),
            "subscription" => Some(Field::One(current())),
            "tierId" => subscriptions::read::tier_id(current()),
            "subscriptionStatus" => subscriptions::read::owner_status(current(), Some(Exempt)),
            "subscriptions" => {
                pages::<subscription::Entity>(subscription::Column::TenantId, Id, |request, arguments| {
                    let own = subscription::Column::CustomerId.is_null();
                    Page::of::<subscription::Entity>(request, "owner.subscriptions", Some(own), arguments)
                })
            }
            "customers" => pages::<customer::Entity>(customer::Column::TenantId, Id, |request, arguments| {
                Page::of::<customer::Entity>(request, "organization.customers", None, arguments)
            }),
            "members" => pages::<member::Entity>(member::Column::TenantId, Id, |request, arguments| {
                Page::of::<member::Entity>(request, "organization.members", None, arguments)
            }),
            "payments" => pages::<payment::Entity>(payment::Column::TenantId, Id, |request, arguments| {
                let own = payment::Column::CustomerId.is_null();
                Page::of::<payment::Entity>(request, "owner.payments", Some(own), arguments)
            }),
            "paymentMethods" => {
                pages::<payment_method::Entity>(payment_method::Column::TenantId, Id, |request, arguments| {
                    let own = payment_method::Column::CustomerId.is_null();
                    Page::of::<payment_method::Entity>(request, "owner.paymentMethods", Some(own), arguments)
                })
            }
            "defaultPaymentMethod" => {
                let own = Condition::all().add(payment_method::Column::CustomerId.is_null());
                Some(Field::One(methods::read::default_of(payment_method::Column::TenantId, Id, own)))
            }
            _ => None,
        }
    }
}

/// The live subscription of the organization itself, or else its latest.
fn current() -> One {
    subscriptions::read::current_of(
        subscription::Column::TenantId,
        Id,
        Condition::all().add(subscription::Column::CustomerId.is_null()),
    )
}

/// The organization that a column names; null for callers that cannot see organizations.
pub fn seen(tenant: impl ColumnTrait) -> One {
    One { or_null: true, ..one::<organization::Entity>("organization", Id, tenant) }
}

/// The queries that start from organizations.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "organization" => Some(Root::One(find)),
        "organizations" => Some(Root::Pages(object::<organization::Entity>(), |request, arguments| {
            Page::of::<organization::Entity>(request, "organizations", None, arguments)
        })),
        _ => None,
    }
}

fn find(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Option<Found>> {
    let (id, slug): (Option<ID>, Option<String>) = (arguments.get("id")?, arguments.get("slug")?);
    let id = id.map(|id| OrganizationId::parse(&id).ok_or(Unplanned)).transpose()?;
    let id = match (id, &slug) {
        (None, None) => match request.scope.caller()?.organization() {
            Some(own) => Some(own),
            None => return Ok(None),
        },
        _ => id,
    };
    let fits = Condition::all().add_option(id.map(|id| Id.eq(id))).add_option(slug.map(|slug| Slug.eq(slug)));
    Ok(Some(Found::of::<organization::Entity>(request, fits)?))
}
