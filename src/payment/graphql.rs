//! The type `Payment` and the queries for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition};

use crate::clock::Timestamp;
use crate::entity::{CustomerId, Gateway, OrganizationId, PaymentId, PaymentStatus, SubscriptionId, payment};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::{AmountRange, DateTimeRange, enum_filter};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::list::PageArgs;
use crate::graphql::nested::{Belonging, By, OwnerKey, by_owner};
use crate::graphql::scalar::{CurrencyCode, Money};
use crate::graphql::search::Search;
use crate::store::between;
use crate::subscription::graphql::Subscription;
use crate::subscription::loader::ById;
use crate::subscription::parts::SubscriptionOwner;

/// A payment for a subscription, or an attempt at one. Needs `payments.read`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Payment {
    /// Globally unique.
    pub id: PaymentId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Who moves the money.
    pub gateway: Gateway,
    /// Its id at the gateway; null for a manual payment.
    pub gateway_payment_id: Option<String>,
    /// What the gateway calls the status.
    pub gateway_status: Option<String>,
    /// Why it failed, for programs, such as `insufficient_funds`.
    pub failure_code: Option<String>,
    /// Why it failed, for people.
    pub failure_message: Option<String>,
    /// Which attempt for the period this is, from 1.
    pub attempt: i32,
    /// Where the payer was sent back to.
    pub return_url: Option<String>,
    /// Paid back so far; never more than the amount.
    pub refunded: Money,
    /// Start of the period that is paid for.
    pub period_start: Option<Timestamp>,
    /// When the money was received.
    pub paid_at: Option<Timestamp>,
    /// When the status last changed.
    pub status_changed_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
    #[graphql(skip)]
    owner: OwnerKey,
    #[graphql(skip)]
    subscription: SubscriptionId,
}

impl From<payment::Model> for Payment {
    fn from(row: payment::Model) -> Self {
        let payment::Model {
            tenant_id: tenant,
            id,
            subscription_id: subscription,
            customer_id: customer,
            amount_minor,
            currency,
            status,
            gateway,
            gateway_payment_id,
            gateway_status,
            failure_code,
            failure_message,
            search_text: _,
            attempt,
            return_url,
            refunded_minor,
            period_start,
            paid_at,
            status_changed_at,
            created_at,
            updated_at,
            version,
        } = row;
        Self {
            id,
            amount: Money::new(amount_minor, currency.clone()),
            status,
            gateway,
            gateway_payment_id,
            gateway_status,
            failure_code,
            failure_message,
            attempt,
            return_url,
            refunded: Money::new(refunded_minor, currency),
            period_start,
            paid_at,
            status_changed_at,
            created_at,
            updated_at,
            version,
            owner: OwnerKey { tenant, customer },
            subscription,
        }
    }
}

#[ComplexObject]
impl Payment {
    /// What is paid for; null if the subscription was deleted.
    async fn subscription(&self, ctx: &Context<'_>) -> Result<Option<Subscription>> {
        Ok(ctx.loader().load_one(ById(self.owner.tenant, self.subscription)).await?.map(Into::into))
    }

    /// Who pays: the owner of the subscription; null if it was deleted.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<SubscriptionOwner>> {
        crate::subscription::parts::owner_of(ctx, self.owner).await
    }
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

#[Object]
impl PaymentQuery {
    /// The payment with this id; null if there is none that the caller can see. Needs `payments.read`.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the payment, `pay_…`.")] id: ID,
    ) -> Result<Option<Payment>> {
        let id = parse_id::<PaymentId>("id", &id)?;
        Ok(ctx.scope().get::<payment::Entity>(id).await?.map(Into::into))
    }

    /// The payments that the caller can see. Needs `payments.read`.
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
    ) -> Result<Option<PaymentConnection>> {
        let args = PageArgs { first, after, last, before };
        PaymentConnection::load(ctx, "payments", filter, order_by, &args).await.map(Some)
    }
}

/// A page of an owner's payments.
pub async fn of_owner(
    ctx: &Context<'_>,
    owner: OwnerKey,
    filter: Option<PaymentFilter>,
    order_by: Option<Vec<PaymentOrder>>,
    args: PageArgs,
) -> Result<PaymentConnection> {
    nested(ctx, "owner.payments", by_owner(), owner, filter, order_by, args).await
}

/// A page of the payments for a subscription.
pub async fn of_subscription(
    ctx: &Context<'_>,
    subscription: SubscriptionId,
    filter: Option<PaymentFilter>,
    order_by: Option<Vec<PaymentOrder>>,
    args: PageArgs,
) -> Result<PaymentConnection> {
    let column = payment::Column::SubscriptionId;
    let id = |subscription: &SubscriptionId| Some((*subscription).into());
    let belonging = Belonging(vec![By { column, id, only: Condition::all() }]);
    nested(ctx, "subscription.payments", belonging, subscription, filter, order_by, args).await
}

async fn nested<P>(
    ctx: &Context<'_>,
    field: &str,
    belonging: Belonging<payment::Entity, P>,
    parent: P,
    filter: Option<PaymentFilter>,
    order_by: Option<Vec<PaymentOrder>>,
    args: PageArgs,
) -> Result<PaymentConnection>
where
    P: Copy + Eq + std::hash::Hash + Send + Sync + 'static,
{
    PaymentConnection::load_nested(ctx, field, filter, order_by, args, parent, belonging).await
}
