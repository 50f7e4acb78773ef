//! How tiers are read in bulk.

use sea_orm::{ColumnTrait, IdenStatic};

use super::rules;
use crate::clock::Timestamp;
use crate::entity::tier::Column::{
    ArchivedAt, CreatedAt, Description, FallbackTierId, Id, Key, Kind, Name, PeriodEndPolicy, Public, Rank, SortOrder,
    TenantId, TrialDays, UpdatedAt, Version,
};
use crate::entity::{TierId, TierPriceId, tier, tier_feature, tier_price};
use crate::graphql::scalar::money;
use crate::organization;
use crate::read::json::Json;
use crate::read::shape::{Computed, Field, One, Page, Readable, all, column, computed, object, one};
use crate::read::start::{Found, Root};

impl Readable for tier::Entity {
    const OBJECT: &'static str = "Tier";
    const KEY: tier::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<TierId>(Id),
            "key" => column::<String>(Key),
            "name" => column::<String>(Name),
            "description" => column::<Option<String>>(Description),
            "kind" => column::<String>(Kind),
            "rank" => column::<i32>(Rank),
            "trialDays" => column::<i32>(TrialDays),
            "public" => column::<bool>(Public),
            "sortOrder" => column::<i32>(SortOrder),
            "periodEndPolicy" => column::<String>(PeriodEndPolicy),
            "archivedAt" => column::<Option<Timestamp>>(ArchivedAt),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "catalogue" => Some(Field::One(organization::read::seen(TenantId))),
            "fallbackTier" => Some(Field::One(of("fallback tier", FallbackTierId))),
            "prices" => all::<tier_price::Entity>(tier_price::Column::TierId, Id, super::loader::prices_first),
            "features" => all::<tier_feature::Entity>(tier_feature::Column::TierId, Id, super::loader::features_first),
            "viewerCanManage" => computed(&[TenantId], |facts| {
                Ok(Json::Bool(rules::obstacle(facts.request.scope.caller()?, facts.get(0)?).is_none()))
            }),
            _ => None,
        }
    }
}

impl Readable for tier_price::Entity {
    const OBJECT: &'static str = "TierPrice";
    const KEY: tier_price::Column = tier_price::Column::Id;

    fn field(name: &str) -> Option<Field> {
        use tier_price::Column::{AmountMinor, BillingCycle, Currency, GatewayPrices, Id, TierId};
        match name {
            "id" => column::<TierPriceId>(Id),
            "billingCycle" => column::<String>(BillingCycle),
            "amount" => money!(AmountMinor, Currency),
            "gatewayPrices" => Some(Field::Computed(Computed {
                needs: vec![(None, vec![GatewayPrices.as_str()]), (Some(of("tier", TierId)), vec![TenantId.as_str()])],
                value: |facts| {
                    if rules::obstacle(facts.request.scope.caller()?, facts.get(1)?).is_some() {
                        return Ok(Json::Null);
                    }
                    let prices = super::terms::gateway_prices(&facts.filled(0)?);
                    let one = |price: super::terms::GatewayPrice| {
                        let fields =
                            vec![("gateway", Json::name(price.gateway)), ("priceId", Json::text(price.price_id))];
                        Json::Object("GatewayPrice", fields)
                    };
                    Ok(Json::List(prices.into_iter().map(one).collect()))
                },
            })),
            _ => None,
        }
    }
}

impl Readable for tier_feature::Entity {
    const OBJECT: &'static str = "TierFeature";
    const KEY: tier_feature::Column = tier_feature::Column::Id;

    fn field(name: &str) -> Option<Field> {
        use tier_feature::Column::{Ceiling, Enabled, Key, Kind};
        match name {
            "key" => column::<String>(Key),
            "kind" => column::<String>(Kind),
            "enabled" => column::<bool>(Enabled),
            "ceiling" => column::<Option<i64>>(Ceiling),
            _ => None,
        }
    }
}

/// The tier that a column names.
pub fn of(relation: &'static str, id: impl ColumnTrait) -> One {
    one::<tier::Entity>(relation, Id, id)
}

/// The queries that start from tiers.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "tier" => Some(Root::One(|request, arguments| {
            request.scope.caller()?;
            Found::by_id::<tier::Entity, TierId>(request, arguments)
        })),
        "tiers" => Some(Root::Pages(object::<tier::Entity>(), |request, arguments| {
            request.scope.caller()?;
            Page::of::<tier::Entity>(request, "tiers", None, arguments)
        })),
        _ => None,
    }
}
