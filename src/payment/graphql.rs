//! The type `Payment` and the queries for it.

use async_graphql::{ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition, IdenStatic};

use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::customer::graphql as customer;
use crate::entity::{
    CustomerId, Gateway, OrganizationId, PaymentId, PaymentPurpose, PaymentStatus, ReceivedAs, StoredJson,
    SubscriptionId, payment,
};
use crate::error::Result;
use crate::gateway_account::graphql::{self as gateway_account, GatewayAccount};
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::{AmountRange, DateTimeRange, enum_filter};
use crate::graphql::input::parse_optional_id;
use crate::graphql::scalar::{CurrencyCode, Money, money};
use crate::graphql::search::Search;
use crate::organization::graphql as organization;
use crate::read::facts::{Facts, private};
use crate::read::relation::{One, Pages};
use crate::store::{Order, SortKey, between};
use crate::subscription::graphql::SubscriptionContract;
use crate::subscription::parts::SubscriptionOwner;
use crate::subscription::relation as subscription;

/// A payment for a subscription, or an attempt at one. Needs `payments.read`.
#[object(noun = payment)]
pub struct Payment {
    /// Globally unique.
    id: PaymentId,
    /// How much.
    #[computed(money, from(AmountMinor, Currency))]
    amount: Money,
    /// Where it stands.
    status: PaymentStatus,
    /// Who moves the money.
    gateway: Gateway,
    /// The main one of its ids at the gateway; null for a manual payment, and before it is tried.
    gateway_payment_id: Option<String>,
    /// The seller's account at the gateway; null for a manual payment, and for callers that cannot see the account.
    #[one(gateway_account::seen, GatewayAccountId)]
    gateway_account: Option<GatewayAccount>,
    /// What else the gateway says of it: a JSON object, without numbers of cards and without secrets. Null for callers
    /// without `payments.manage`.
    #[computed(gateway_metadata, from(GatewayMetadata))]
    gateway_metadata: Option<StoredJson>,
    /// What the gateway calls the status.
    gateway_status: Option<String>,
    /// Why it failed, for programs, such as `insufficient_funds`.
    failure_code: Option<String>,
    /// Why it failed, for people.
    failure_message: Option<String>,
    /// Which attempt for the period this is, from 1.
    attempt: i32,
    /// Where the payer was sent back to.
    return_url: Option<String>,
    /// Paid back so far; never more than the amount.
    #[computed(money, from(RefundedMinor, Currency))]
    refunded: Money,
    /// How it was received, where no gateway took it.
    received_as: Option<ReceivedAs>,
    /// What it can be found by where it was received.
    reference: Option<String>,
    /// What for: a period, or a change in the middle of one.
    purpose: PaymentPurpose,
    /// Start of the period that is paid for.
    period_start: Option<Timestamp>,
    /// When the money was received.
    paid_at: Option<Timestamp>,
    /// When the status last changed.
    status_changed_at: Timestamp,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1.
    version: i32,
    /// What is paid for; null if the subscription was deleted.
    #[one(subscription::of, SubscriptionId)]
    subscription: Option<SubscriptionContract>,
    /// Who pays: the owner of the subscription; null if it was deleted.
    #[one_of(customer::seen, CustomerId; organization::seen, TenantId)]
    owner: Option<SubscriptionOwner>,
}

fn gateway_metadata(facts: &Facts<'_>) -> Result<Option<StoredJson>> {
    private(facts, Permission::PaymentsManage)
}

/// The payments of a customer.
pub fn of_customer(customer: impl IdenStatic) -> Pages<payment::Entity> {
    Pages::new("owner.payments", payment::Column::CustomerId, customer)
}

/// An organization's own payments.
pub fn of_organization(organization: impl IdenStatic) -> Pages<payment::Entity> {
    let own = Some(payment::Column::CustomerId.is_null());
    Pages { only: own, ..Pages::new("owner.payments", payment::Column::TenantId, organization) }
}

/// The payments for a subscription.
pub fn of_subscription(subscription: impl IdenStatic) -> Pages<payment::Entity> {
    Pages::new("subscription.payments", payment::Column::SubscriptionId, subscription)
}

/// The newest payment for a subscription, for those who may read it.
pub fn newest_of(subscription: impl IdenStatic) -> One<payment::Entity> {
    use payment::Column::{CreatedAt, Id, SubscriptionId};
    let newest = Order::new(vec![SortKey { column: CreatedAt, descending: true }], Id);
    One::new("newest payment", SubscriptionId, subscription).first_by(&newest).or_null()
}

enum_filter!(PaymentStatusFilter of PaymentStatus);
enum_filter!(GatewayFilter of Gateway);

/// Which payments to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct PaymentFilter {
    /// Of this organization: its own and its customers'.
    organization_id: Option<ID>,
    /// Of this customer.
    customer_id: Option<ID>,
    /// For this subscription.
    subscription_id: Option<ID>,
    /// By status.
    status: Option<PaymentStatusFilter>,
    /// By gateway.
    gateway: Option<GatewayFilter>,
    /// By amount.
    amount: Option<AmountRange>,
    /// In this currency.
    currency: Option<CurrencyCode>,
    /// By the time it was made.
    created_at: Option<DateTimeRange>,
    /// By the time the money was received.
    paid_at: Option<DateTimeRange>,
    /// With this id at the gateway.
    gateway_payment_id: Option<String>,
    /// With this text in its failure code, its failure message or its id at the gateway, or for an owner whom the text
    /// finds, whatever case and accents; blank finds all. A text of one or two characters is looked for at the start of
    /// owners' names only, and finds what the first 1,000 of them have.
    search: Option<String>,
}

impl PaymentFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        use payment::Column::{
            AmountMinor, CreatedAt, Currency, CustomerId as Customer, Gateway, GatewayPaymentId, PaidAt, SearchText,
            Status, SubscriptionId as Subscription, TenantId,
        };
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let customer = parse_optional_id::<CustomerId>("where.customerId", self.customer_id.as_ref())?;
        let subscription = parse_optional_id::<SubscriptionId>("where.subscriptionId", self.subscription_id.as_ref())?;
        let search = Search::of(self.search.as_deref())?;
        Ok(Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(customer.map(|id| Customer.eq(id)))
            .add_option(subscription.map(|id| Subscription.eq(id)))
            .add_option(self.status.as_ref().map(|status| status.on(Status)))
            .add_option(self.gateway.as_ref().map(|gateway| gateway.on(Gateway)))
            .add_option(self.amount.map(|range| range.on(AmountMinor)))
            .add_option(self.currency.as_ref().map(|currency| Currency.eq(currency.0.as_str())))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(self.paid_at.map(|range| between::<payment::Entity>(PaidAt, range.from, range.to)))
            .add_option(self.gateway_payment_id.as_ref().map(|id| GatewayPaymentId.eq(id)))
            .add_option(search.map(|search| search.on_owned::<payment::Entity>(&request.scope, SearchText))))
    }
}

sort_order!(PaymentOrder, PaymentSort of payment {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// When it was last changed.
    UpdatedAt => UpdatedAt,
    /// When the status last changed.
    StatusChangedAt => StatusChangedAt,
    /// When the money was received; what was not received comes last in ascending order.
    PaidAt => PaidAt,
    /// Amount in minor units, whatever the currency.
    Amount => AmountMinor,
    /// Status, alphabetically.
    Status => Status,
});

connection!(PaymentConnection, PaymentEdge, Payment of payment, "payments", PaymentFilter, PaymentOrder);

/// Queries for payments.
#[derive(Default)]
pub struct PaymentQuery;

#[queries]
impl PaymentQuery {
    /// The payment with this id; null if there is none that the caller can see. Needs `payments.read`.
    #[by_id("Id of the payment, `pay_…`.")]
    fn payment() -> Option<Payment>;

    /// The payments that the caller can see. Needs `payments.read`.
    #[list]
    fn payments() -> Option<PaymentConnection>;
}
