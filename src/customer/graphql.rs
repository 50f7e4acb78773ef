//! The type `Customer` and the queries for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition};

use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::{CustomerId, OperationalStatus, OrganizationId, StoredJson, TierId, customer};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::{DateTimeRange, enum_filter};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::json::private;
use crate::graphql::list::PageArgs;
use crate::graphql::nested::{OwnerKey, by_organization};
use crate::graphql::search::Search;
use crate::organization::graphql::Organization;
use crate::payment::graphql::{PaymentConnection, PaymentFilter, PaymentOrder};
use crate::payment_method::graphql::{PaymentMethod, PaymentMethodConnection, PaymentMethodFilter, PaymentMethodOrder};
use crate::subscription::graphql::Subscription;
use crate::subscription::list::{SubscriptionConnection, SubscriptionFilter, SubscriptionOrder};
use crate::subscription::loader::CurrentOf;
use crate::subscription::parts::EffectiveStatus;
use crate::text::email_key;

/// A customer of an organization. Needs `customers.read`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Customer {
    /// Globally unique.
    pub id: CustomerId,
    /// Shown to people.
    pub name: String,
    /// Contact address.
    pub email: Option<String>,
    /// The integrator's own key, unique in the organization.
    pub external_ref: Option<String>,
    /// Whether its services may run. Says nothing about what is paid for: that is its subscription's status.
    pub status: OperationalStatus,
    /// Free-form JSON object of the integrator; null, with an error, if it is too deep to be read.
    pub metadata: Option<StoredJson>,
    #[graphql(skip)]
    private_metadata: Option<StoredJson>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    pub version: i32,
    #[graphql(skip)]
    tenant: OrganizationId,
}

impl From<customer::Model> for Customer {
    fn from(row: customer::Model) -> Self {
        let customer::Model {
            tenant_id: tenant,
            id,
            name,
            name_key: _,
            email,
            external_ref,
            status,
            search_text: _,
            metadata,
            private_metadata,
            created_at,
            updated_at,
            version,
            deleted_at: _,
        } = row;
        let metadata = Some(metadata);
        Self {
            id,
            name,
            email,
            external_ref,
            status,
            metadata,
            private_metadata,
            created_at,
            updated_at,
            version,
            tenant,
        }
    }
}

impl Customer {
    fn owner(&self) -> OwnerKey {
        OwnerKey { tenant: self.tenant, customer: Some(self.id) }
    }
}

#[ComplexObject]
impl Customer {
    /// Free-form JSON object of those who manage it, shown to nobody else: null without `customers.manage`, and with an error if it
    /// is too deep to be read.
    async fn private_metadata(&self, ctx: &Context<'_>) -> Result<Option<StoredJson>> {
        Ok(private(ctx.scope().caller()?, Permission::CustomersManage, self.private_metadata.clone()))
    }

    /// The organization it is a customer of; null for callers that cannot see organizations.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        crate::organization::graphql::visible(ctx, self.tenant).await
    }

    /// Its live subscription, or else its latest; null if it never had one.
    async fn subscription(&self, ctx: &Context<'_>) -> Result<Option<Subscription>> {
        crate::subscription::graphql::current(ctx, self.owner()).await
    }

    /// The tier of its subscription.
    async fn tier_id(&self, ctx: &Context<'_>) -> Result<Option<TierId>> {
        Ok(ctx.loader().load_one(CurrentOf(self.owner())).await?.map(|row| row.tier_id))
    }

    /// What its subscription is worth at this moment.
    async fn subscription_status(&self, ctx: &Context<'_>) -> Result<EffectiveStatus> {
        crate::subscription::graphql::owner_status(ctx, self.owner()).await
    }

    /// All its subscriptions, past ones included.
    async fn subscriptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<SubscriptionFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<SubscriptionOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<SubscriptionConnection> {
        let args = PageArgs { first, after, last, before };
        crate::subscription::list::of_owner(ctx, self.owner(), filter, order_by, args).await
    }

    /// Its payments. Needs `payments.read`.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<PaymentFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<PaymentOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<PaymentConnection>> {
        let args = PageArgs { first, after, last, before };
        Some(crate::payment::graphql::of_owner(ctx, self.owner(), filter, order_by, args).await)
    }

    /// Its payment methods. Needs `payments.read`.
    async fn payment_methods(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<PaymentMethodFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<PaymentMethodOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<PaymentMethodConnection>> {
        let args = PageArgs { first, after, last, before };
        Some(crate::payment_method::graphql::of_owner(ctx, self.owner(), filter, order_by, args).await)
    }

    /// The payment method that is charged when nothing else is said. Needs `payments.read`.
    async fn default_payment_method(&self, ctx: &Context<'_>) -> Option<Result<PaymentMethod>> {
        crate::payment_method::graphql::default_of(ctx, self.owner()).await.transpose()
    }
}

enum_filter!(OperationalStatusFilter of OperationalStatus);

/// Which customers to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct CustomerFilter {
    /// Of this organization.
    organization_id: Option<ID>,
    /// With these ids.
    #[graphql(validator(max_items = 250))]
    ids: Option<Vec<ID>>,
    /// By operational status.
    status: Option<OperationalStatusFilter>,
    /// With this address.
    email: Option<String>,
    /// With this key of the integrator.
    external_ref: Option<String>,
    /// By the time it was made.
    created_at: Option<DateTimeRange>,
    /// With this text in its name, address or external reference, whatever case and accents; blank finds all. A text
    /// of one or two characters finds names that begin with it.
    search: Option<String>,
}

impl CustomerFilter {
    fn condition(&self, _: &RequestContext) -> Result<Condition> {
        use customer::Column::{CreatedAt, Email, ExternalRef, Id, NameKey, SearchText, Status, TenantId};
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let parse = |id: &ID| parse_id::<CustomerId>("where.ids", id);
        let ids = self.ids.as_ref().map(|ids| ids.iter().map(parse).collect::<Result<Vec<_>>>()).transpose()?;
        Ok(Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(ids.map(|ids| Id.is_in(ids)))
            .add_option(self.status.as_ref().map(|status| status.on(Status)))
            .add_option(self.email.as_ref().map(|email| Email.eq(email_key(email))))
            .add_option(self.external_ref.as_ref().map(|external_ref| ExternalRef.eq(external_ref)))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(Search::of(self.search.as_deref())?.map(|search| search.on_named(SearchText, NameKey))))
    }
}

sort_order!(CustomerOrder, CustomerSort of customer {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// When it was last changed.
    UpdatedAt => UpdatedAt,
    /// Name, in any case.
    Name => NameKey,
    /// Operational status, alphabetically.
    Status => Status,
});

connection!(CustomerConnection, CustomerEdge, Customer of customer, "customers", CustomerFilter, CustomerOrder);

/// Queries for customers.
#[derive(Default)]
pub struct CustomerQuery;

#[Object]
impl CustomerQuery {
    /// The customer with this id; null if there is none that the caller can see. Needs `customers.read`.
    async fn customer(&self, ctx: &Context<'_>, #[graphql(desc = "The customer.")] id: ID) -> Result<Option<Customer>> {
        let id = parse_id::<CustomerId>("id", &id)?;
        Ok(ctx.scope().get::<customer::Entity>(id).await?.map(Into::into))
    }

    /// The customers that the caller can see. Needs `customers.read`.
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<CustomerFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<CustomerOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<CustomerConnection>> {
        let args = PageArgs { first, after, last, before };
        CustomerConnection::load(ctx, "customers", filter, order_by, &args).await.map(Some)
    }
}

/// A page of an organization's customers.
pub async fn of_organization(
    ctx: &Context<'_>,
    organization: OrganizationId,
    filter: Option<CustomerFilter>,
    order_by: Option<Vec<CustomerOrder>>,
    args: PageArgs,
) -> Result<CustomerConnection> {
    CustomerConnection::load_nested(
        ctx,
        "organization.customers",
        filter,
        order_by,
        args,
        organization,
        by_organization(),
    )
    .await
}
