//! The type `Customer` and the queries for it.

use async_graphql::{ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition, IdenStatic};

use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::{CustomerId, OperationalStatus, OrganizationId, StoredJson, TierId, customer};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::{DateTimeRange, enum_filter};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::search::Search;
use crate::organization::graphql::{self as organization, Organization};
use crate::payment::graphql::{self as payment, PaymentConnection};
use crate::payment_method::graphql::{self as payment_method, PaymentMethod, PaymentMethodConnection};
use crate::read::facts::{Facts, private};
use crate::read::relation::{One, Pages};
use crate::subscription::graphql::SubscriptionContract;
use crate::subscription::list::SubscriptionContractConnection;
use crate::subscription::parts::EffectiveStatus;
use crate::subscription::relation as subscription;
use crate::text::email_key;

/// A customer of an organization. Needs `customers.read`.
#[object(noun = customer)]
pub struct Customer {
    /// Globally unique.
    id: CustomerId,
    /// Shown to people.
    name: String,
    /// Contact address.
    email: Option<String>,
    /// Telephone number, as it was given.
    phone: Option<String>,
    /// The integrator's own key, unique in the organization.
    external_ref: Option<String>,
    /// Whether its services may run. Says nothing about what is paid for: that is its subscription's status.
    status: OperationalStatus,
    /// Free-form JSON object of the integrator; null, with an error, if it is too deep to be read.
    metadata: Option<StoredJson>,
    /// Free-form JSON object of those who manage it, shown to nobody else: null without `customers.manage`, and with an error if it
    /// is too deep to be read.
    #[computed(notes, from(PrivateMetadata))]
    private_metadata: Option<StoredJson>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// The organization it is a customer of; null for callers that cannot see organizations.
    #[one(organization::seen, TenantId)]
    organization: Option<Organization>,
    /// Its live subscription, or else its latest; null if it never had one.
    #[one(subscription::current_of_customer, Id)]
    subscription: Option<SubscriptionContract>,
    /// The tier of its subscription.
    #[computed(subscription::tier_id, needs = subscription::needs_tier_id(subscription::current_of_customer(customer::Column::Id)))]
    tier_id: Option<TierId>,
    /// What its subscription is worth at this moment.
    #[computed(subscription::owner_status, needs = subscription::needs_owner_status(subscription::current_of_customer(customer::Column::Id), None))]
    subscription_status: EffectiveStatus,
    /// All its subscriptions, past ones included.
    #[pages(subscription::of_customer, Id)]
    subscriptions: SubscriptionContractConnection,
    /// Its payments. Needs `payments.read`.
    #[pages(payment::of_customer, Id)]
    payments: Option<PaymentConnection>,
    /// Its payment methods. Needs `payments.read`.
    #[pages(payment_method::of_customer, Id)]
    payment_methods: Option<PaymentMethodConnection>,
    /// The payment method that is charged when nothing else is said. Needs `payments.read`.
    #[one(payment_method::default_of_customer, Id)]
    default_payment_method: Option<PaymentMethod>,
}

fn notes(facts: &Facts<'_>) -> Result<Option<StoredJson>> {
    private(facts, Permission::CustomersManage)
}

/// The customer that a column names; null for callers that cannot see customers.
pub fn seen(customer: impl IdenStatic) -> One<customer::Entity> {
    One::new("customer", customer::Column::Id, customer).or_null()
}

/// The customers of an organization.
pub fn of_organization(organization: impl IdenStatic) -> Pages<customer::Entity> {
    Pages::new("organization.customers", customer::Column::TenantId, organization)
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

#[queries]
impl CustomerQuery {
    /// The customer with this id; null if there is none that the caller can see. Needs `customers.read`.
    #[by_id("The customer.")]
    fn customer() -> Option<Customer>;

    /// The customers that the caller can see. Needs `customers.read`.
    #[list]
    fn customers() -> Option<CustomerConnection>;
}
