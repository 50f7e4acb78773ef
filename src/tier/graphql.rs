//! The type `Tier` and the queries for it.

use async_graphql::{Context, ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition, IdenStatic};

use super::checkout::{self, CheckoutTier};
use super::loader::StatisticsOf;
use super::rules;
use super::statistics::{self, TierStatistics};
use super::terms::{self, TierFeature, TierPrice};
use crate::clock::Timestamp;
use crate::entity::{
    AccessMode, OrganizationId, PaymentOption, PeriodEndPolicy, Proration, TierId, TierKind, TrialEndPolicy, tier,
};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::refuse_nulls;
use crate::graphql::input::parse_optional_id;
use crate::graphql::list::{Listed, given_filter};
use crate::graphql::scalar::CurrencyCode;
use crate::graphql::search::Search;
use crate::organization::graphql::{self as organization, Organization};
use crate::read::facts::Facts;
use crate::read::relation::One;

/// What a subscription is for: a tier of the platform's catalogue, or of an organization's own.
///
/// Seen by who manages the catalogue, by who it is offered to, and by who is subscribed to it.
#[object(noun = tier)]
pub struct Tier {
    /// Globally unique.
    id: TierId,
    /// Unique in its catalogue and kind, such as `starter`. Never changes.
    key: String,
    /// Shown to people.
    name: String,
    /// Shown to people.
    description: Option<String>,
    /// Who it is sold to. Never changes.
    kind: TierKind,
    /// Decides what is an upgrade: higher is more.
    rank: i32,
    /// Days of trial that a new subscription gets; 0 for none.
    trial_days: i32,
    /// Whether it is offered at the checkout, without login.
    #[column(Public)]
    is_public: bool,
    /// Its place in a list of tiers.
    sort_order: i32,
    /// What happens to a subscription whose period ends and that nothing renews.
    period_end_policy: PeriodEndPolicy,
    /// What happens to a subscription whose trial ends and that nothing converts.
    trial_end_policy: TrialEndPolicy,
    /// How much access there is while a renewal is unpaid, for the days of grace.
    grace_access: AccessMode,
    /// How much access there is behind a trial that nothing came of.
    after_trial_access: AccessMode,
    /// How a change to it in the middle of a period is charged, if nobody says.
    proration: Proration,
    /// The ways to pay that its checkout offers; empty for all that the seller has.
    #[computed(payment_options, from(PaymentOptions))]
    payment_options: Vec<PaymentOption>,
    /// Since when it is sold to nobody; who has it keeps it.
    archived_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, those of prices and features included, from 1. Pass it as `expectedVersion` to change only what
    /// you saw.
    version: i32,
    /// The organization whose catalogue this is; null for the platform's, and for callers that cannot see the
    /// organization.
    #[one(organization::seen, TenantId)]
    catalogue: Option<Organization>,
    /// The tier that its subscriptions move to under the policies DOWNGRADE and FALLBACK; null if there is none that the caller can
    /// see.
    #[one(of, FallbackTierId)]
    fallback_tier: Option<Tier>,
    /// What it costs, by currency and cycle.
    #[all(terms::prices_of, Id)]
    prices: Vec<TierPrice>,
    /// What it grants, by key.
    #[all(terms::features_of, Id)]
    features: Vec<TierFeature>,
    /// What its subscriptions amount to; null for callers that do not manage the catalogue. The platform's own people
    /// read it of every tier.
    #[resolved(statistics_of)]
    statistics: Option<TierStatistics>,
    /// Whether the caller may change it.
    #[computed(viewer_can_manage, from(TenantId))]
    viewer_can_manage: bool,
}

/// The tier that a column names.
pub fn of(id: impl IdenStatic) -> One<tier::Entity> {
    One::new(id.as_str(), tier::Column::Id, id)
}

fn payment_options(facts: &Facts<'_>) -> Result<Vec<PaymentOption>> {
    Ok(facts.filled::<tier::PaymentOptions>(0)?.0)
}

fn viewer_can_manage(facts: &Facts<'_>) -> Result<bool> {
    Ok(rules::obstacle(facts.request.scope.caller()?, facts.get(0)?).is_none())
}

async fn statistics_of(ctx: &Context<'_>, row: &tier::Model) -> Result<Option<TierStatistics>> {
    if !rules::reads_statistics(ctx.scope().caller()?, row.tenant_id) {
        return Ok(None);
    }
    Ok(Some(ctx.loader().load_one(StatisticsOf(row.id)).await?.unwrap_or_default().into()))
}

/// Which tiers to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct TierFilter {
    /// Sold to owners of this kind.
    kind: Option<TierKind>,
    /// Of this organization's catalogue.
    catalogue_of: Option<ID>,
    /// Whether of the platform's catalogue.
    platform: Option<bool>,
    /// Whether archived.
    archived: Option<bool>,
    /// Whether offered at the checkout.
    public: Option<bool>,
    /// With this key.
    key: Option<String>,
    /// With this text in its key or name, whatever case and accents; blank finds all.
    search: Option<String>,
}

impl TierFilter {
    fn condition(&self, request: &RequestContext) -> Result<Condition> {
        use tier::Column::{ArchivedAt, Key, Kind, Public, SearchText, TenantId};
        let catalogue = parse_optional_id::<OrganizationId>("where.catalogueOf", self.catalogue_of.as_ref())?;
        let null = |column: tier::Column, null: bool| if null { column.is_null() } else { column.is_not_null() };
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

sort_order!(TierOrder, TierSort of tier {
    /// Rank: what decides about upgrades.
    Rank => Rank,
    /// Key, alphabetically.
    Key => Key,
    /// Its place in a list of tiers.
    SortOrder => SortOrder,
    /// When it was made.
    CreatedAt => CreatedAt,
});

connection!(TierConnection, TierEdge, Tier of tier, "tiers", TierFilter, TierOrder);

/// Queries for tiers.
#[derive(Default)]
pub struct TierQuery;

#[queries]
impl TierQuery {
    /// The tier with this id; null if there is none that the caller can see. Needs a token, but no permission.
    #[by_id("The tier.")]
    fn tier() -> Option<Tier>;

    /// The tiers that the caller can see: of the catalogues it manages, those on offer to it, and those subscribed to.
    /// Needs a token, but no permission.
    #[list]
    fn tiers() -> Option<TierConnection>;

    /// What the live subscriptions of all tiers amount to, or of those that `where` finds: the total over the tiers whose
    /// `statistics` the caller reads. Exact; revenue is rounded once, so it can differ a little from the sum over the
    /// tiers. Needs `tiers.manage`; the platform's own people do not.
    async fn tier_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which tiers count; all if not given.")] filter: Option<TierFilter>,
    ) -> Result<Option<TierStatistics>> {
        refuse_nulls(given_filter(ctx).as_ref())?;
        let found = tier::Entity::found(filter.as_ref(), ctx.request())?;
        Ok(Some(statistics::of_tiers(ctx.scope(), found).await?.into()))
    }

    /// What is on offer to everyone, for a checkout page: at most 100 public tiers by sort order, rank and key. Needs
    /// no token.
    async fn checkout_tiers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the organization that sells them; the platform if not given. Without such an \
                          organization, the list is empty.")]
        organization_slug: Option<String>,
        #[graphql(desc = "Sold to owners of this kind; if not given, to organizations by the platform, and to \
                          customers by an organization.")]
        kind: Option<TierKind>,
        #[graphql(desc = "Only prices in this currency. A tier that has none is listed without a price.")]
        currency: Option<CurrencyCode>,
    ) -> Result<Option<Vec<CheckoutTier>>> {
        checkout::load(&ctx.scope().anonymous(), organization_slug.as_deref(), kind, currency).await.map(Some)
    }
}
