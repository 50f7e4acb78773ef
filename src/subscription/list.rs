//! Lists of subscriptions: what they can be filtered and sorted by.

use async_graphql::{Enum, ID, InputObject};
use sea_orm::sea_query::IntoCondition as _;
use sea_orm::{ColumnTrait, Condition};

use super::foreseen::{Foreseen, between, either};
use super::graphql::SubscriptionContract;
use super::parts::is_told_why;
use super::status::Kind;
use crate::auth::Permission;
use crate::entity::{CustomerId, OrganizationId, SubscriptionId, SubscriptionStatus, TierId, subscription};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::{AmountRange, DateTimeRange, enum_filter, nothing};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::search::Search;
use crate::payment::graphql::PaymentStatusFilter;

enum_filter!(SubscriptionStatusFilter of SubscriptionStatus);

/// Which effective statuses to find. Everything given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct EffectiveStatusFilter {
    /// Exactly this one.
    eq: Option<Kind>,
    /// Any of these.
    #[graphql(name = "in", validator(max_items = 250))]
    any_of: Option<Vec<Kind>>,
}

impl EffectiveStatusFilter {
    fn on(&self, foreseen: Foreseen<'_>) -> Option<Condition> {
        let any_of = self.any_of.as_ref().map(|kinds| foreseen.effectively(kinds));
        let both = self.eq.map(|kind| foreseen.effectively(&[kind])).into_iter().chain(any_of);
        both.reduce(|one, other| Condition::all().add(one).add(other))
    }
}

/// The kind of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OwnerKind {
    /// Organizations.
    Organization,
    /// Customers.
    Customer,
}

/// Which subscriptions to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct SubscriptionFilter {
    /// Of this organization: its own and its customers'.
    organization_id: Option<ID>,
    /// Of this customer.
    customer_id: Option<ID>,
    /// Of owners of this kind.
    owner_kind: Option<OwnerKind>,
    /// With one of these ids.
    #[graphql(validator(max_items = 250))]
    ids: Option<Vec<ID>>,
    /// By recorded status.
    status: Option<SubscriptionStatusFilter>,
    /// By what the status amounts to at this moment.
    effective_status: Option<EffectiveStatusFilter>,
    /// Of these tiers.
    #[graphql(validator(max_items = 250))]
    tier_ids: Option<Vec<ID>>,
    /// By the end of the current period.
    current_period_end: Option<DateTimeRange>,
    /// By the time it was made.
    created_at: Option<DateTimeRange>,
    /// By price.
    amount: Option<AmountRange>,
    /// Whether access runs out soon, as `effectiveStatus` says.
    expiring_soon: Option<bool>,
    /// Whether it is over, as `effectiveStatus` says.
    expired: Option<bool>,
    /// With this key of the integrator.
    external_id: Option<String>,
    /// Whose newest payment stands so. Finds nothing for callers without `payments.read`.
    payment_status: Option<PaymentStatusFilter>,
    /// By the time since when it stands so. Finds nothing for callers without `payments.read`.
    payment_status_at: Option<DateTimeRange>,
    /// Bought by this one, as `purchaser` says. Finds nothing for callers that it is not told.
    purchaser: Option<String>,
    /// With this text in the key of the integrator, or of an owner whom the text finds, whatever case and accents; blank
    /// finds all. A text of one or two characters is looked for at the start of owners' names only, and finds what the
    /// first 1,000 of them have.
    search: Option<String>,
}

impl SubscriptionFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        let foreseen = Foreseen { policy: &request.settings.policy, now: request.scope.now() };
        use subscription::Column::{
            AmountMinor, CreatedAt, CurrentPeriodEnd, CustomerId as Customer, ExternalId, Id, PaymentStatus,
            PaymentStatusAt, Purchaser, SearchText, Status, TenantId, TierId as Tier,
        };
        let caller = request.scope.caller()?;
        let shown = |is_shown: bool, found: Condition| if is_shown { found } else { nothing() };
        let of_payments = |found| shown(caller.may(Permission::PaymentsRead), found);
        let told_why = |found| shown(is_told_why(caller), found);
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let customer = parse_optional_id::<CustomerId>("where.customerId", self.customer_id.as_ref())?;
        let parse_tier = |id: &ID| parse_id::<TierId>("where.tierIds", id);
        let tiers = self.tier_ids.as_ref().map(|ids| ids.iter().map(parse_tier).collect::<Result<Vec<_>>>());
        let search = Search::of(self.search.as_deref())?;
        let parse = |id: &ID| parse_id::<SubscriptionId>("where.ids", id);
        let ids = self.ids.as_ref().map(|ids| ids.iter().map(parse).collect::<Result<Vec<_>>>()).transpose()?;
        Ok(Condition::all()
            .add_option(ids.map(|ids| Id.is_in(ids)))
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(customer.map(|id| Customer.eq(id)))
            .add_option(self.owner_kind.map(|kind| match kind {
                OwnerKind::Organization => Customer.is_null(),
                OwnerKind::Customer => Customer.is_not_null(),
            }))
            .add_option(self.status.as_ref().map(|status| status.on(Status)))
            .add_option(tiers.transpose()?.map(|ids| Tier.is_in(ids)))
            .add_option(self.current_period_end.map(|range| between(CurrentPeriodEnd, range.from, range.to)))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(self.amount.map(|range| range.on(AmountMinor)))
            .add_option(self.effective_status.as_ref().and_then(|status| status.on(foreseen)))
            .add_option(self.expired.map(|wanted| either(foreseen.expired(), wanted)))
            .add_option(self.expiring_soon.map(|wanted| either(foreseen.expiring_soon(), wanted)))
            .add_option(self.external_id.as_ref().map(|id| ExternalId.eq(id)))
            .add_option(self.payment_status.as_ref().map(|status| of_payments(status.on(PaymentStatus))))
            .add_option(self.payment_status_at.map(|range| of_payments(range.on(PaymentStatusAt))))
            .add_option(self.purchaser.as_ref().map(|who| told_why(Purchaser.eq(who.as_str()).into_condition())))
            .add_option(search.map(|search| search.on_owned::<subscription::Entity>(&request.scope, SearchText))))
    }
}

sort_order!(SubscriptionOrder, SubscriptionSort of subscription {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// When it was last changed.
    UpdatedAt => UpdatedAt,
    /// When access ends as things stand; those that never end come last in ascending order.
    AccessEndsAt => AccessEndsAt,
    /// End of the current period; those without one come last in ascending order.
    CurrentPeriodEnd => CurrentPeriodEnd,
    /// Price.
    Amount => AmountMinor,
    /// Recorded status, alphabetically.
    Status => Status,
});

connection!(SubscriptionContractConnection, SubscriptionContractEdge, SubscriptionContract of subscription, "subscriptions", SubscriptionFilter, SubscriptionOrder);
