//! The type `AddOn` and the queries for it.

use async_graphql::{ID, InputObject, SimpleObject};
use declare::{ToJson, object, queries};
use sea_orm::{ColumnTrait, Condition};

use crate::clock::Timestamp;
use crate::entity::{AddOnId, BillingCycle, FeatureKind, OrganizationId, TierId, TierKind, add_on};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::input::parse_optional_id;
use crate::graphql::scalar::{Money, SafeInt};
use crate::graphql::search::Search;
use crate::organization::graphql::{self as organization, Organization};
use crate::read::facts::Facts;
use crate::tier::rules;

/// What can be had besides a tier, in any quantity up to `maxQuantity`: of the platform's catalogue, or of an organization's
/// own.
///
/// Seen by who manages the catalogue; those that are public, by who its tiers are offered to.
#[object(noun = add_on)]
pub struct AddOn {
    /// Globally unique.
    id: AddOnId,
    /// Unique in its catalogue and kind, such as `extra-seats`. Never changes.
    key: String,
    /// Shown to people.
    name: String,
    /// Shown to people.
    description: Option<String>,
    /// Who it is sold to. Never changes.
    kind: TierKind,
    /// Whether everyone that its tiers are sold to may have it.
    #[column(Public)]
    is_public: bool,
    /// Its place in a list.
    sort_order: i32,
    /// How many of it a subscription may have.
    max_quantity: i32,
    /// The tiers that it goes with; empty for all of its catalogue and kind.
    #[computed(tier_ids, from(TierIds))]
    tier_ids: Vec<TierId>,
    /// What one of it costs.
    #[computed(prices, from(Prices))]
    prices: Vec<AddOnPrice>,
    /// What one of it grants.
    #[computed(grants, from(Features))]
    features: Vec<AddOnFeature>,
    /// Since when it is sold to nobody; who has it keeps it.
    archived_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// The organization whose catalogue this is; null for the platform's, and for callers that cannot see the
    /// organization.
    #[one(organization::seen, TenantId)]
    catalogue: Option<Organization>,
    /// Whether the caller may change it.
    #[computed(viewer_can_manage, from(TenantId))]
    viewer_can_manage: bool,
}

/// What one of an add-on costs for a cycle in a currency.
#[derive(Clone, SimpleObject, ToJson)]
pub struct AddOnPrice {
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// How much.
    amount: Money,
}

/// What one of an add-on grants of a feature.
#[derive(Clone, SimpleObject, ToJson)]
pub struct AddOnFeature {
    /// Such as `users` or `ai.queries`.
    key: String,
    /// How it is measured.
    kind: FeatureKind,
    /// How much more of a limit or meter each one gives; null is unlimited. Null for a switch, which it turns on.
    ceiling: Option<SafeInt>,
}

fn tier_ids(facts: &Facts<'_>) -> Result<Vec<TierId>> {
    Ok(facts.filled::<add_on::TierIds>(0)?.0)
}

fn prices(facts: &Facts<'_>) -> Result<Vec<AddOnPrice>> {
    let mut prices = facts.filled::<add_on::Prices>(0)?.0;
    prices.sort_by(|one, other| {
        (&one.currency, one.billing_cycle.as_str()).cmp(&(&other.currency, other.billing_cycle.as_str()))
    });
    let one = |price: add_on::Price| AddOnPrice {
        billing_cycle: price.billing_cycle,
        amount: Money::new(price.amount_minor, price.currency),
    };
    Ok(prices.into_iter().map(one).collect())
}

fn grants(facts: &Facts<'_>) -> Result<Vec<AddOnFeature>> {
    let mut grants = facts.filled::<add_on::Grants>(0)?.0;
    grants.sort_by(|one, other| one.key.cmp(&other.key));
    let one =
        |grant: add_on::Grant| AddOnFeature { key: grant.key, kind: grant.kind, ceiling: grant.ceiling.map(SafeInt) };
    Ok(grants.into_iter().map(one).collect())
}

fn viewer_can_manage(facts: &Facts<'_>) -> Result<bool> {
    Ok(rules::obstacle(facts.request.scope.caller()?, facts.get(0)?).is_none())
}

/// Which add-ons to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct AddOnFilter {
    /// Sold to owners of this kind.
    kind: Option<TierKind>,
    /// Of this organization's catalogue.
    catalogue_of: Option<ID>,
    /// Whether of the platform's catalogue.
    platform: Option<bool>,
    /// Whether archived.
    archived: Option<bool>,
    /// Whether everyone that its tiers are sold to may have it.
    public: Option<bool>,
    /// With this key.
    key: Option<String>,
    /// With this text in its key or name, whatever case and accents; blank finds all.
    search: Option<String>,
}

impl AddOnFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        use add_on::Column::{ArchivedAt, Key, Kind, Public, SearchText, TenantId};
        let catalogue = parse_optional_id::<OrganizationId>("where.catalogueOf", self.catalogue_of.as_ref())?;
        let null = |column: add_on::Column, null: bool| if null { column.is_null() } else { column.is_not_null() };
        Ok(Condition::all()
            .add_option(self.kind.map(|kind| Kind.eq(kind)))
            .add_option(catalogue.map(|id| rules::of_catalogue(request.scope.caller()?, id, TenantId)).transpose()?)
            .add_option(self.platform.map(|platform| null(TenantId, platform)))
            .add_option(self.archived.map(|archived| null(ArchivedAt, !archived)))
            .add_option(self.public.map(|public| Public.eq(public)))
            .add_option(self.key.as_ref().map(|key| Key.eq(key.as_str())))
            .add_option(Search::of(self.search.as_deref())?.map(|search| search.on(SearchText))))
    }
}

sort_order!(AddOnOrder, AddOnSort of add_on {
    /// Key, alphabetically.
    Key => Key,
    /// Its place in a list.
    SortOrder => SortOrder,
    /// When it was made.
    CreatedAt => CreatedAt,
});

connection!(AddOnConnection, AddOnEdge, AddOn of add_on, "addOns", AddOnFilter, AddOnOrder);

/// Queries for add-ons.
#[derive(Default)]
pub struct AddOnQuery;

#[queries]
impl AddOnQuery {
    /// The add-on with this id; null if there is none that the caller can see. Needs a token, but no permission.
    #[by_id("The add-on.")]
    fn add_on() -> Option<AddOn>;

    /// The add-ons that the caller can see: of the catalogues it manages, and those on offer to it. Needs a token, but no
    /// permission.
    #[list]
    fn add_ons() -> Option<AddOnConnection>;
}
