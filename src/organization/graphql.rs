//! The type `Organization` and the queries for it.

use async_graphql::{Context, ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IdenStatic, QueryFilter};

use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::customer::graphql::{self as customer, CustomerConnection, OperationalStatusFilter};
use crate::entity::{
    OperationalStatus, OrganizationId, StoredJson, SubscriptionManagement, TierId, TypedId, organization,
};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::DateTimeRange;
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::scalar::CurrencyCode;
use crate::graphql::search::Search;
use crate::member::graphql::{self as member, MemberConnection};
use crate::payment::graphql::{self as payment, PaymentConnection};
use crate::payment_method::graphql::{self as payment_method, PaymentMethod, PaymentMethodConnection};
use crate::read::arguments::Arguments;
use crate::read::facts::{Facts, private};
use crate::read::relation::One;
use crate::read::start::{Found, Root};
use crate::read::{Planned, Unplanned};
use crate::subscription::graphql::SubscriptionContract;
use crate::subscription::list::SubscriptionContractConnection;
use crate::subscription::parts::EffectiveStatus;
use crate::subscription::relation as subscription;

/// A tenant, or a reseller with tenants below it. Needs `organizations.read`.
#[object(noun = organization)]
pub struct Organization {
    /// Globally unique.
    id: OrganizationId,
    /// Shown to people.
    name: String,
    /// Unique short name for addresses.
    slug: String,
    /// Whether its services may run. Says nothing about what is paid for: that is its subscription's status.
    status: OperationalStatus,
    /// Whether its subscription never expires.
    exempt: bool,
    /// Who manages its own subscription.
    subscription_management: SubscriptionManagement,
    /// Where invoices and reminders go.
    billing_email: Option<String>,
    /// The currency that new prices and subscriptions start from.
    default_currency: CurrencyCode,
    /// IANA time zone name.
    time_zone: String,
    /// How many days access of its customers continues while a renewal is unpaid; null: the server's setting.
    grace_days: Option<i32>,
    /// How many days behind that an unpaid subscription of a customer is canceled; null: the server's setting.
    unpaid_days: Option<i32>,
    /// Free-form JSON object of the integrator; null, with an error, if it is too deep to be read.
    metadata: Option<StoredJson>,
    /// Free-form JSON object of those who manage it, shown to nobody else: null without `organizations.manage`, and with an error if it
    /// is too deep to be read.
    #[computed(notes, from(PrivateMetadata))]
    private_metadata: Option<StoredJson>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// The reseller above it; null if there is none or the caller cannot see it.
    #[one(parent, ParentId)]
    parent: Option<Organization>,
    /// Its own live subscription, or else its latest; null if it never had one.
    #[one(subscription::current_of_organization, Id)]
    subscription: Option<SubscriptionContract>,
    /// The tier of its own subscription.
    #[computed(subscription::tier_id, needs = subscription::needs_tier_id(subscription::current_of_organization(organization::Column::Id)))]
    tier_id: Option<TierId>,
    /// What its own subscription is worth at this moment.
    #[computed(subscription::owner_status, needs = subscription::needs_owner_status(subscription::current_of_organization(organization::Column::Id), Some(organization::Column::Exempt)))]
    subscription_status: EffectiveStatus,
    /// All its own subscriptions, past ones included. Those of its customers are in `subscriptions` of the root.
    #[pages(subscription::of_organization, Id)]
    subscriptions: SubscriptionContractConnection,
    /// Its customers. Needs `customers.read`.
    #[pages(customer::of_organization, Id)]
    customers: Option<CustomerConnection>,
    /// Its members. Needs `members.read`.
    #[pages(member::of_organization, Id)]
    members: Option<MemberConnection>,
    /// Its own payments. Needs `payments.read`.
    #[pages(payment::of_organization, Id)]
    payments: Option<PaymentConnection>,
    /// Its own payment methods. Needs `payments.read`.
    #[pages(payment_method::of_organization, Id)]
    payment_methods: Option<PaymentMethodConnection>,
    /// Its own payment method that is charged when nothing else is said. Needs `payments.read`.
    #[one(payment_method::default_of_organization, Id)]
    default_payment_method: Option<PaymentMethod>,
}

fn notes(facts: &Facts<'_>) -> Result<Option<StoredJson>> {
    private(facts, Permission::OrganizationsManage)
}

/// The organization that a column names; null for callers that cannot see organizations.
pub fn seen(organization: impl IdenStatic) -> One<organization::Entity> {
    One::new("organization", organization::Column::Id, organization).or_null()
}

fn parent(parent: impl IdenStatic) -> One<organization::Entity> {
    One::new("parent", organization::Column::Id, parent).or_null()
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

#[queries]
impl OrganizationQuery {
    /// The organization with this id or slug; null if there is none that the caller can see. Without arguments, the
    /// caller's own. Needs `organizations.read`.
    #[planned(Root::One(find))]
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] id: Option<ID>,
        #[graphql(desc = "Its slug, instead of its id.")] slug: Option<String>,
    ) -> Result<Option<Organization>> {
        let id = parse_optional_id::<OrganizationId>("id", id.as_ref())?;
        let Some(wanted) = wanted(ctx.request(), id, slug)? else { return Ok(None) };
        Ok(ctx.scope().one(organization::Entity::find().filter(wanted)).await?.map(Into::into))
    }

    /// The organizations that the caller can see. Needs `organizations.read`.
    #[list]
    fn organizations() -> Option<OrganizationConnection>;
}

/// The organization with this id and slug; without either, the caller's own, if there is one.
fn wanted(request: &RequestContext, id: Option<OrganizationId>, slug: Option<String>) -> Result<Option<Condition>> {
    use organization::Column::{Id, Slug};
    let id = match (id, &slug) {
        (None, None) => request.scope.caller()?.organization(),
        _ => id,
    };
    let wanted = Condition::all().add_option(id.map(|id| Id.eq(id))).add_option(slug.map(|slug| Slug.eq(slug)));
    Ok(if wanted.is_empty() { None } else { Some(wanted) })
}

fn find(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Option<Found>> {
    let (id, slug): (Option<ID>, Option<String>) = (arguments.get("id")?, arguments.get("slug")?);
    let id = id.map(|id| OrganizationId::parse(&id).ok_or(Unplanned::Refused)).transpose()?;
    let wanted = wanted(request, id, slug)?;
    wanted.map(|wanted| Found::of::<organization::Entity>(request, wanted)).transpose()
}
