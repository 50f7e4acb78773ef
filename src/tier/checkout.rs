//! What is on offer to everyone: the tiers of a checkout page, which needs no login.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::terms::TierFeature;
use crate::entity::{
    BillingCycle, OperationalStatus, PaymentOption, TierId, TierKind, organization, tier, tier_feature, tier_price,
};
use crate::error::Result;
use crate::graphql::scalar::{CurrencyCode, Money};
use crate::store::Scope;

/// How many tiers a checkout page shows at most.
const MAX_TIERS: u64 = 100;

/// A tier on offer.
#[derive(Clone, SimpleObject)]
pub struct CheckoutTier {
    /// Id of the tier. Not `id`: caches would take this and the `Tier` for two objects of one id.
    tier_id: TierId,
    /// Unique in its catalogue and kind, such as `starter`.
    key: String,
    /// Shown to people.
    name: String,
    /// Shown to people.
    description: Option<String>,
    /// Who it is sold to.
    kind: TierKind,
    /// Decides what is an upgrade: higher is more.
    rank: i32,
    /// Days of trial that a new subscription gets; 0 for none.
    trial_days: i32,
    /// The ways to pay that its checkout offers; empty for all that the seller has.
    payment_options: Vec<PaymentOption>,
    /// Its place in the list.
    sort_order: i32,
    /// What it costs, by currency and cycle.
    prices: Vec<CheckoutPrice>,
    /// What it grants, by key.
    features: Vec<TierFeature>,
}

/// What a tier on offer costs.
#[derive(Clone, SimpleObject)]
pub struct CheckoutPrice {
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// How much.
    amount: Money,
}

/// The tiers that the organization with this slug has on offer; without a slug, the platform.
pub async fn load(
    anyone: &Scope,
    slug: Option<&str>,
    kind: Option<TierKind>,
    currency: Option<CurrencyCode>,
) -> Result<Vec<CheckoutTier>> {
    use tier::Column::{Key, Kind, Rank, SortOrder};
    let usual = if slug.is_some() { TierKind::Customer } else { TierKind::Organization };
    let tiers = tier::Entity::find()
        .filter(sold_by(slug))
        .filter(Kind.eq(kind.unwrap_or(usual)))
        .order_by_asc(SortOrder)
        .order_by_asc(Rank)
        .order_by_asc(Key)
        .limit(MAX_TIERS);
    let tiers = anyone.all(tiers).await?;
    if tiers.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = tiers.iter().map(|tier| tier.id).collect();
    let mut prices = prices(anyone, &ids, currency).await?;
    let mut features = features(anyone, &ids).await?;
    let assembled = |row: tier::Model| CheckoutTier {
        tier_id: row.id,
        key: row.key,
        name: row.name,
        description: row.description,
        kind: row.kind,
        rank: row.rank,
        trial_days: row.trial_days,
        payment_options: row.payment_options.0,
        sort_order: row.sort_order,
        prices: prices.remove(&row.id).unwrap_or_default(),
        features: features.remove(&row.id).unwrap_or_default(),
    };
    Ok(tiers.into_iter().map(assembled).collect())
}

/// The condition on the seller. An organization that is gone sells nothing.
fn sold_by(slug: Option<&str>) -> Condition {
    let Some(slug) = slug else {
        return Condition::all().add(tier::Column::TenantId.is_null());
    };
    let seller = Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::Slug.eq(slug))
        .and_where(organization::Column::DeletedAt.is_null())
        .and_where(organization::Column::Status.ne(OperationalStatus::Terminated))
        .take();
    Condition::all().add(tier::Column::TenantId.in_subquery(seller))
}

async fn prices(
    anyone: &Scope,
    tiers: &[TierId],
    currency: Option<CurrencyCode>,
) -> Result<HashMap<TierId, Vec<CheckoutPrice>>> {
    use tier_price::Column::{BillingCycle, Currency, TierId};
    let wanted = Condition::all()
        .add(TierId.is_in(tiers.iter().copied()))
        .add_option(currency.map(|currency| Currency.eq(currency.0)));
    let query = tier_price::Entity::find().filter(wanted).order_by_asc(Currency).order_by_asc(BillingCycle);
    let mut prices: HashMap<_, Vec<_>> = HashMap::new();
    for row in anyone.all(query).await? {
        let price = Money::new(row.amount_minor, row.currency);
        prices.entry(row.tier_id).or_default().push(CheckoutPrice { billing_cycle: row.billing_cycle, amount: price });
    }
    Ok(prices)
}

async fn features(anyone: &Scope, tiers: &[TierId]) -> Result<HashMap<TierId, Vec<TierFeature>>> {
    use tier_feature::Column::{Key, TierId};
    let query = tier_feature::Entity::find().filter(TierId.is_in(tiers.iter().copied())).order_by_asc(Key);
    let mut features: HashMap<_, Vec<_>> = HashMap::new();
    for row in anyone.all(query).await? {
        features.entry(row.tier_id).or_default().push(row.into());
    }
    Ok(features)
}
