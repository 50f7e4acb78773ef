//! The type `Tier` and the queries for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition};

use super::checkout::{self, CheckoutTier};
use super::loader::{FeaturesOf, PricesOf, StatisticsOf, TierKey};
use super::rules;
use super::statistics::{self, TierStatistics};
use super::terms::{TierFeature, TierPrice};
use crate::auth::Standing;
use crate::clock::Timestamp;
use crate::entity::{OrganizationId, PeriodEndPolicy, TierId, TierKind, tier};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::{nothing, refuse_nulls};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::list::{Listed, PageArgs, given_filter};
use crate::graphql::scalar::CurrencyCode;
use crate::graphql::search::Search;
use crate::organization::graphql::Organization;

/// What a subscription is for: a tier of the platform's catalogue, or of an organization's own.
///
/// Seen by who manages the catalogue, by who it is offered to, and by who is subscribed to it.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Tier {
    /// Globally unique.
    pub id: TierId,
    /// Unique in its catalogue and kind, such as `starter`. Never changes.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// Who it is sold to. Never changes.
    pub kind: TierKind,
    /// Decides what is an upgrade: higher is more.
    pub rank: i32,
    /// Days of trial that a new subscription gets; 0 for none.
    pub trial_days: i32,
    /// Whether it is offered at the checkout, without login.
    pub public: bool,
    /// Its place in a list of tiers.
    pub sort_order: i32,
    /// What happens to a subscription whose period or trial ends and that nothing renews.
    pub period_end_policy: PeriodEndPolicy,
    /// Since when it is sold to nobody; who has it keeps it.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, those of prices and features included, from 1. Pass it as `expectedVersion` to change only what
    /// you saw.
    pub version: i32,
    #[graphql(skip)]
    tenant: Option<OrganizationId>,
    #[graphql(skip)]
    fallback: Option<TierId>,
}

impl From<tier::Model> for Tier {
    fn from(row: tier::Model) -> Self {
        let tier::Model {
            id,
            tenant_id: tenant,
            key,
            name,
            search_text: _,
            description,
            kind,
            rank,
            trial_days,
            public,
            sort_order,
            period_end_policy,
            fallback_tier_id: fallback,
            archived_at,
            created_at,
            updated_at,
            version,
        } = row;
        Self {
            id,
            key,
            name,
            description,
            kind,
            rank,
            trial_days,
            public,
            sort_order,
            period_end_policy,
            archived_at,
            created_at,
            updated_at,
            version,
            tenant,
            fallback,
        }
    }
}

#[ComplexObject]
impl Tier {
    /// The organization whose catalogue this is; null for the platform's, and for callers that cannot see the
    /// organization.
    async fn catalogue(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        match self.tenant {
            Some(id) => crate::organization::graphql::visible(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The tier that its subscriptions move to under the policy DOWNGRADE; null if there is none that the caller can
    /// see.
    async fn fallback_tier(&self, ctx: &Context<'_>) -> Result<Option<Tier>> {
        match self.fallback {
            Some(id) => Ok(ctx.loader().load_one(TierKey(id)).await?.map(Into::into)),
            None => Ok(None),
        }
    }

    /// What it costs, by currency and cycle.
    async fn prices(&self, ctx: &Context<'_>) -> Result<Vec<TierPrice>> {
        let manages = rules::obstacle(ctx.scope().caller()?, self.tenant).is_none();
        let rows = ctx.loader().load_one(PricesOf(self.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(|row| TierPrice::new(row, manages)).collect())
    }

    /// What it grants, by key.
    async fn features(&self, ctx: &Context<'_>) -> Result<Vec<TierFeature>> {
        let rows = ctx.loader().load_one(FeaturesOf(self.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// What its subscriptions amount to; null for callers that do not manage the catalogue. The platform's own people
    /// read it of every tier.
    async fn statistics(&self, ctx: &Context<'_>) -> Result<Option<TierStatistics>> {
        if !rules::reads_statistics(ctx.scope().caller()?, self.tenant) {
            return Ok(None);
        }
        Ok(Some(ctx.loader().load_one(StatisticsOf(self.id)).await?.unwrap_or_default().into()))
    }

    /// Whether the caller may change it.
    async fn viewer_can_manage(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(rules::obstacle(ctx.scope().caller()?, self.tenant).is_none())
    }
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
            .add_option(catalogue.map(|id| of_catalogue(request, id)).transpose()?)
            .add_option(self.platform.map(|platform| null(TenantId, platform)))
            .add_option(self.archived.map(|archived| null(ArchivedAt, !archived)))
            .add_option(self.public.map(|public| Public.eq(public)))
            .add_option(self.key.as_ref().map(|key| Key.eq(key.as_str())))
            .add_option(Search::of(self.search.as_deref())?.map(|search| search.on(SearchText))))
    }
}

/// The tiers of a catalogue that the caller can know whose it is: which organization is above its own, nobody finds out by
/// trying.
fn of_catalogue(request: &RequestContext, id: OrganizationId) -> Result<Condition> {
    Ok(match request.scope.caller()?.standing() {
        Standing::Organization(own) | Standing::Customer(own, _) if own != id => nothing(),
        _ => Condition::all().add(tier::Column::TenantId.eq(id)),
    })
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

#[Object]
impl TierQuery {
    /// The tier with this id; null if there is none that the caller can see. Needs a token, but no permission.
    async fn tier(&self, ctx: &Context<'_>, #[graphql(desc = "The tier.")] id: ID) -> Result<Option<Tier>> {
        ctx.scope().caller()?;
        let id = parse_id::<TierId>("id", &id)?;
        Ok(ctx.scope().get::<tier::Entity>(id).await?.map(Into::into))
    }

    /// The tiers that the caller can see: of the catalogues it manages, those on offer to it, and those subscribed to.
    /// Needs a token, but no permission.
    async fn tiers(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<TierFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<TierOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<TierConnection>> {
        ctx.scope().caller()?;
        let args = PageArgs { first, after, last, before };
        TierConnection::load(ctx, "tiers", filter, order_by, &args).await.map(Some)
    }

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
