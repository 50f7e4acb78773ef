//! The type `Organization` and the queries for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::loader::OrganizationKey;
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::customer::graphql::{CustomerConnection, CustomerFilter, CustomerOrder, OperationalStatusFilter};
use crate::entity::{OperationalStatus, OrganizationId, StoredJson, SubscriptionManagement, TierId, organization};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::DateTimeRange;
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::json::private;
use crate::graphql::list::PageArgs;
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::CurrencyCode;
use crate::graphql::search::Search;
use crate::member::graphql::{MemberConnection, MemberFilter, MemberOrder};
use crate::payment::graphql::{PaymentConnection, PaymentFilter, PaymentOrder};
use crate::payment_method::graphql::{PaymentMethod, PaymentMethodConnection, PaymentMethodFilter, PaymentMethodOrder};
use crate::subscription::graphql::Subscription;
use crate::subscription::list::{SubscriptionConnection, SubscriptionFilter, SubscriptionOrder};
use crate::subscription::loader::CurrentOf;
use crate::subscription::parts::EffectiveStatus;

/// A tenant, or a reseller with tenants below it. Needs `organizations.read`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Organization {
    /// Globally unique.
    pub id: OrganizationId,
    /// Shown to people.
    pub name: String,
    /// Unique short name for addresses.
    pub slug: String,
    /// Whether its services may run. Says nothing about what is paid for: that is its subscription's status.
    pub status: OperationalStatus,
    /// Whether its subscription never expires.
    pub exempt: bool,
    /// Who manages its own subscription.
    pub subscription_management: SubscriptionManagement,
    /// Where invoices and reminders go.
    pub billing_email: Option<String>,
    /// The currency that new prices and subscriptions start from.
    pub default_currency: CurrencyCode,
    /// IANA time zone name.
    pub time_zone: String,
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
    parent_id: Option<OrganizationId>,
}

impl From<organization::Model> for Organization {
    fn from(row: organization::Model) -> Self {
        let organization::Model {
            id,
            parent_id,
            name,
            name_key: _,
            search_text: _,
            slug,
            status,
            exempt,
            subscription_management,
            billing_email,
            default_currency,
            time_zone,
            metadata,
            private_metadata,
            created_at,
            updated_at,
            version,
            deleted_at: _,
        } = row;
        Self {
            id,
            name,
            slug,
            status,
            exempt,
            subscription_management,
            billing_email,
            default_currency: CurrencyCode(default_currency),
            time_zone,
            metadata: Some(metadata),
            private_metadata,
            created_at,
            updated_at,
            version,
            parent_id,
        }
    }
}

impl Organization {
    fn owner(&self) -> OwnerKey {
        OwnerKey { tenant: self.id, customer: None }
    }
}

#[ComplexObject]
impl Organization {
    /// Free-form JSON object of those who manage it, shown to nobody else: null without `organizations.manage`, and with an error if it
    /// is too deep to be read.
    async fn private_metadata(&self, ctx: &Context<'_>) -> Result<Option<StoredJson>> {
        Ok(private(ctx.scope().caller()?, Permission::OrganizationsManage, self.private_metadata.clone()))
    }

    /// The reseller above it; null if there is none or the caller cannot see it.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        match self.parent_id {
            Some(id) => visible(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Its own live subscription, or else its latest; null if it never had one.
    async fn subscription(&self, ctx: &Context<'_>) -> Result<Option<Subscription>> {
        crate::subscription::graphql::current(ctx, self.owner()).await
    }

    /// The tier of its own subscription.
    async fn tier_id(&self, ctx: &Context<'_>) -> Result<Option<TierId>> {
        Ok(ctx.loader().load_one(CurrentOf(self.owner())).await?.map(|row| row.tier_id))
    }

    /// What its own subscription is worth at this moment.
    async fn subscription_status(&self, ctx: &Context<'_>) -> Result<EffectiveStatus> {
        crate::subscription::graphql::owner_status(ctx, self.owner()).await
    }

    /// All its own subscriptions, past ones included. Those of its customers are in `subscriptions` of the root.
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

    /// Its customers. Needs `customers.read`.
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
    ) -> Option<Result<CustomerConnection>> {
        let args = PageArgs { first, after, last, before };
        Some(crate::customer::graphql::of_organization(ctx, self.id, filter, order_by, args).await)
    }

    /// Its members. Needs `members.read`.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<MemberFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<MemberOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<MemberConnection>> {
        let args = PageArgs { first, after, last, before };
        Some(crate::member::graphql::of_organization(ctx, self.id, filter, order_by, args).await)
    }

    /// Its own payments. Needs `payments.read`.
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

    /// Its own payment methods. Needs `payments.read`.
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

    /// Its own payment method that is charged when nothing else is said. Needs `payments.read`.
    async fn default_payment_method(&self, ctx: &Context<'_>) -> Option<Result<PaymentMethod>> {
        crate::payment_method::graphql::default_of(ctx, self.owner()).await.transpose()
    }
}

/// The organization with this id; none for callers that cannot see organizations or this one.
pub async fn visible(ctx: &Context<'_>, id: OrganizationId) -> Result<Option<Organization>> {
    if !ctx.scope().caller()?.may(Permission::OrganizationsRead) {
        return Ok(None);
    }
    Ok(ctx.loader().load_one(OrganizationKey(id)).await?.map(Into::into))
}

/// Which organizations to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct OrganizationFilter {
    /// Below this reseller.
    parent_id: Option<ID>,
    /// With these ids.
    #[graphql(validator(max_items = 250))]
    ids: Option<Vec<ID>>,
    /// With this slug.
    slug: Option<String>,
    /// By operational status.
    status: Option<OperationalStatusFilter>,
    /// Whether their subscription never expires.
    exempt: Option<bool>,
    /// By the time it was made.
    created_at: Option<DateTimeRange>,
    /// With this text in its name or slug, whatever case and accents; blank finds all. A text
    /// of one or two characters finds names that begin with it.
    search: Option<String>,
}

impl OrganizationFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        use organization::Column::{CreatedAt, Exempt, Id, NameKey, ParentId, SearchText, Slug, Status};
        let parent = parse_optional_id::<OrganizationId>("where.parentId", self.parent_id.as_ref())?;
        let own = request.scope.caller()?.organization();
        let parse = |id: &ID| parse_id::<OrganizationId>("where.ids", id);
        let ids = self.ids.as_ref().map(|ids| ids.iter().map(parse).collect::<Result<Vec<_>>>()).transpose()?;
        Ok(Condition::all()
            .add_option(parent.map(|id| ParentId.eq(id)))
            // Which one is above itself, nobody finds out by trying.
            .add_option(own.filter(|_| parent.is_some()).map(|own| Id.ne(own)))
            .add_option(ids.map(|ids| Id.is_in(ids)))
            .add_option(self.slug.as_ref().map(|slug| Slug.eq(slug)))
            .add_option(self.status.as_ref().map(|status| status.on(Status)))
            .add_option(self.exempt.map(|exempt| Exempt.eq(exempt)))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(Search::of(self.search.as_deref())?.map(|search| search.on_named(SearchText, NameKey))))
    }
}

sort_order!(OrganizationOrder, OrganizationSort of organization {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// When it was last changed.
    UpdatedAt => UpdatedAt,
    /// Name, in any case.
    Name => NameKey,
    /// Slug.
    Slug => Slug,
});

connection!(OrganizationConnection, OrganizationEdge, Organization of organization, "organizations", OrganizationFilter, OrganizationOrder);

/// Queries for organizations.
#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The organization with this id or slug; null if there is none that the caller can see. Without arguments, the
    /// caller's own. Needs `organizations.read`.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] id: Option<ID>,
        #[graphql(desc = "Its slug, instead of its id.")] slug: Option<String>,
    ) -> Result<Option<Organization>> {
        let id = parse_optional_id::<OrganizationId>("id", id.as_ref())?;
        let id = match (&id, &slug) {
            (None, None) => ctx.scope().caller()?.organization(),
            _ => id,
        };
        if id.is_none() && slug.is_none() {
            return Ok(None);
        }
        let query = organization::Entity::find().filter(
            Condition::all()
                .add_option(id.map(|id| organization::Column::Id.eq(id)))
                .add_option(slug.map(|slug| organization::Column::Slug.eq(slug))),
        );
        Ok(ctx.scope().one(query).await?.map(Into::into))
    }

    /// The organizations that the caller can see. Needs `organizations.read`.
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<OrganizationFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<OrganizationOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<OrganizationConnection>> {
        let args = PageArgs { first, after, last, before };
        OrganizationConnection::load(ctx, "organizations", filter, order_by, &args).await.map(Some)
    }
}
