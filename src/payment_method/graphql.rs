//! The type `PaymentMethod` and the queries for it.

use async_graphql::{ID, InputObject};
use declare::{object, queries};
use sea_orm::sea_query::{ExprTrait, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, IdenStatic};

use super::is_expired;
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::customer::graphql as customer;
use crate::entity::{CustomerId, Gateway, OrganizationId, PaymentMethodId, PaymentMethodKind, payment_method};
use crate::error::Result;
use crate::gateway_account::graphql::{self as gateway_account, GatewayAccount};
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::enum_filter;
use crate::graphql::input::parse_optional_id;
use crate::organization::graphql as organization;
use crate::payment::graphql::GatewayFilter;
use crate::read::facts::Facts;
use crate::read::relation::{One, Pages};
use crate::subscription::parts::SubscriptionOwner;

/// A payment method that a gateway keeps for an owner. Never a card number, never a security code. Needs
/// `payments.read`.
#[object(noun = payment_method)]
pub struct PaymentMethod {
    /// Globally unique.
    id: PaymentMethodId,
    /// Which gateway keeps it.
    gateway: Gateway,
    /// What it is.
    kind: PaymentMethodKind,
    /// Card network, such as `visa`; null for other kinds.
    brand: Option<String>,
    /// Last four digits.
    last4: Option<String>,
    /// Month a card expires, 1–12.
    exp_month: Option<i32>,
    /// Year a card expires, four digits.
    exp_year: Option<i32>,
    /// Name on the card or account.
    holder_name: Option<String>,
    /// Postal code of the billing address.
    postal_code: Option<String>,
    /// Charged when nothing else is said. Exactly one for each owner that has any.
    is_default: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1.
    version: i32,
    /// Whether a card's last month is over, in UTC; false for what has no expiry.
    #[computed(expired, from(ExpYear, ExpMonth))]
    expired: bool,
    /// Its id at the gateway; null for callers without `payments.manage`.
    #[computed(gateway_method_id, from(GatewayMethodId))]
    gateway_method_id: Option<String>,
    /// The seller's account at the gateway; null for callers that cannot see it.
    #[one(gateway_account::seen, GatewayAccountId)]
    gateway_account: Option<GatewayAccount>,
    /// Whom it belongs to; null if the owner was deleted.
    #[one_of(customer::seen, CustomerId; organization::seen, TenantId)]
    owner: Option<SubscriptionOwner>,
}

fn expired(facts: &Facts<'_>) -> Result<bool> {
    let expiry = facts.get::<i32>(0)?.zip(facts.get::<i32>(1)?);
    let now = facts.request.scope.now();
    Ok(expiry.is_some_and(|(year, month)| is_expired(year, month, now)))
}

fn gateway_method_id(facts: &Facts<'_>) -> Result<Option<String>> {
    let manages = facts.request.scope.caller()?.may(Permission::PaymentsManage);
    if manages { facts.get(0) } else { Ok(None) }
}

/// The payment methods of a customer.
pub fn of_customer(customer: impl IdenStatic) -> Pages<payment_method::Entity> {
    Pages::new(OF_OWNER, payment_method::Column::CustomerId, customer)
}

/// An organization's own payment methods.
pub fn of_organization(organization: impl IdenStatic) -> Pages<payment_method::Entity> {
    let own = Some(payment_method::Column::CustomerId.is_null());
    Pages { only: own, ..Pages::new(OF_OWNER, payment_method::Column::TenantId, organization) }
}

const OF_OWNER: &str = "owner.paymentMethods";

/// The default payment method of a customer.
pub fn default_of_customer(customer: impl IdenStatic) -> One<payment_method::Entity> {
    default_of(payment_method::Column::CustomerId, customer)
}

/// The default one of an organization's own payment methods.
pub fn default_of_organization(organization: impl IdenStatic) -> One<payment_method::Entity> {
    default_of(payment_method::Column::TenantId, organization).only(payment_method::Column::CustomerId.is_null())
}

fn default_of(column: payment_method::Column, equals: impl IdenStatic) -> One<payment_method::Entity> {
    // A constant and no parameter, so that the index of default methods is known to hold the row.
    let is_default = payment_method::Column::IsDefault.into_expr().eq(SimpleExpr::Constant(true.into()));
    One::new("default payment method", column, equals).only(is_default)
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

#[queries]
impl PaymentMethodQuery {
    /// The payment method with this id; null if there is none that the caller can see. Needs `payments.read`.
    #[by_id("Id of the payment method, `pm_…`.")]
    fn payment_method() -> Option<PaymentMethod>;

    /// The payment methods that the caller can see. Needs `payments.read`.
    #[list]
    fn payment_methods() -> Option<PaymentMethodConnection>;
}
