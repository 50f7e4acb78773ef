//! The type `PaymentMethod` and the queries for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition};

use super::is_expired;
use super::loader::DefaultOf;
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::{CustomerId, Gateway, OrganizationId, PaymentMethodId, PaymentMethodKind, payment_method};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::enum_filter;
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::list::PageArgs;
use crate::graphql::nested::{OwnerKey, by_owner};
use crate::payment::graphql::GatewayFilter;
use crate::subscription::parts::SubscriptionOwner;

/// A payment method that a gateway keeps for an owner. Never a card number, never a security code. Needs
/// `payments.read`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct PaymentMethod {
    /// Globally unique.
    pub id: PaymentMethodId,
    /// Which gateway keeps it.
    pub gateway: Gateway,
    /// What it is.
    pub kind: PaymentMethodKind,
    /// Card network, such as `visa`; null for other kinds.
    pub brand: Option<String>,
    /// Last four digits.
    pub last4: Option<String>,
    /// Month a card expires, 1–12.
    pub exp_month: Option<i32>,
    /// Year a card expires, four digits.
    pub exp_year: Option<i32>,
    /// Name on the card or account.
    pub holder_name: Option<String>,
    /// Postal code of the billing address.
    pub postal_code: Option<String>,
    /// Charged when nothing else is said. Exactly one for each owner that has any.
    pub is_default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
    #[graphql(skip)]
    owner: OwnerKey,
    #[graphql(skip)]
    gateway_method_id: String,
}

impl From<payment_method::Model> for PaymentMethod {
    fn from(row: payment_method::Model) -> Self {
        let payment_method::Model {
            tenant_id: tenant,
            id,
            customer_id: customer,
            gateway,
            gateway_method_id,
            kind,
            brand,
            last4,
            exp_month,
            exp_year,
            holder_name,
            postal_code,
            is_default,
            created_at,
            updated_at,
            version,
            deleted_at: _,
        } = row;
        Self {
            id,
            gateway,
            kind,
            brand,
            last4,
            exp_month,
            exp_year,
            holder_name,
            postal_code,
            is_default,
            created_at,
            updated_at,
            version,
            owner: OwnerKey { tenant, customer },
            gateway_method_id,
        }
    }
}

#[ComplexObject]
impl PaymentMethod {
    /// Whether a card's last month is over, in UTC; false for what has no expiry.
    async fn expired(&self, ctx: &Context<'_>) -> bool {
        let expiry = self.exp_year.zip(self.exp_month);
        expiry.is_some_and(|(year, month)| is_expired(year, month, ctx.scope().now()))
    }

    /// Its id at the gateway; null for callers without `payments.manage`.
    async fn gateway_method_id(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        let manages = ctx.scope().caller()?.may(Permission::PaymentsManage);
        Ok(manages.then_some(self.gateway_method_id.as_str()))
    }

    /// Whom it belongs to; null if the owner was deleted.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<SubscriptionOwner>> {
        crate::subscription::parts::owner_of(ctx, self.owner).await
    }
}

enum_filter!(PaymentMethodKindFilter of PaymentMethodKind);

/// Which payment methods to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct PaymentMethodFilter {
    /// Of this organization: its own and its customers'.
    organization_id: Option<ID>,
    /// Of this customer.
    customer_id: Option<ID>,
    /// By kind.
    kind: Option<PaymentMethodKindFilter>,
    /// By gateway.
    gateway: Option<GatewayFilter>,
    /// Whether it is its owner's default.
    is_default: Option<bool>,
}

impl PaymentMethodFilter {
    fn condition(&self, _: &RequestContext) -> Result<Condition> {
        use payment_method::Column::{CustomerId as Customer, Gateway, IsDefault, Kind, TenantId};
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let customer = parse_optional_id::<CustomerId>("where.customerId", self.customer_id.as_ref())?;
        Ok(Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(customer.map(|id| Customer.eq(id)))
            .add_option(self.kind.as_ref().map(|kind| kind.on(Kind)))
            .add_option(self.gateway.as_ref().map(|gateway| gateway.on(Gateway)))
            .add_option(self.is_default.map(|is_default| IsDefault.eq(is_default))))
    }
}

sort_order!(PaymentMethodOrder, PaymentMethodSort of payment_method {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// When it was last changed.
    UpdatedAt => UpdatedAt,
    /// Kind, alphabetically.
    Kind => Kind,
});

connection!(PaymentMethodConnection, PaymentMethodEdge, PaymentMethod of payment_method, "payment methods", PaymentMethodFilter, PaymentMethodOrder);

/// Queries for payment methods.
#[derive(Default)]
pub struct PaymentMethodQuery;

#[Object]
impl PaymentMethodQuery {
    /// The payment method with this id; null if there is none that the caller can see. Needs `payments.read`.
    async fn payment_method(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the payment method, `pm_…`.")] id: ID,
    ) -> Result<Option<PaymentMethod>> {
        let id = parse_id::<PaymentMethodId>("id", &id)?;
        Ok(ctx.scope().get::<payment_method::Entity>(id).await?.map(Into::into))
    }

    /// The payment methods that the caller can see. Needs `payments.read`.
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
    ) -> Result<Option<PaymentMethodConnection>> {
        let args = PageArgs { first, after, last, before };
        PaymentMethodConnection::load(ctx, "paymentMethods", filter, order_by, &args).await.map(Some)
    }
}

/// The owner's default payment method.
pub async fn default_of(ctx: &Context<'_>, owner: OwnerKey) -> Result<Option<PaymentMethod>> {
    Ok(ctx.loader().load_one(DefaultOf(owner)).await?.map(Into::into))
}

/// A page of an owner's payment methods.
pub async fn of_owner(
    ctx: &Context<'_>,
    owner: OwnerKey,
    filter: Option<PaymentMethodFilter>,
    order_by: Option<Vec<PaymentMethodOrder>>,
    args: PageArgs,
) -> Result<PaymentMethodConnection> {
    PaymentMethodConnection::load_nested(ctx, "owner.paymentMethods", filter, order_by, args, owner, by_owner()).await
}
