//! Add-ons: what a catalogue sells beside its tiers, in any quantity. Which of them a subscription has is its own part:
//! `subscription/add_ons.rs`.

pub mod graphql;
pub mod input;
pub mod mutation;

use async_graphql::MaybeUndefined;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Map, Value};

use crate::entity::add_on::{Grant, Grants, Prices, TierIds};
use crate::entity::{AddOnId, OrganizationId, TierId, TierKind, add_on, tier};
use crate::error::{Code, Refusal, Result, not_found};
use crate::feature;
use crate::graphql::command::Target;
use crate::graphql::input::{Check, check_version, updated};
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::tier::parts::{self, Feature, Price};
use crate::tier::rules;

/// How many characters a name has at most.
const MAX_NAME: usize = 200;
/// How many characters a description has at most.
const MAX_DESCRIPTION: usize = 2_000;
/// How many of one add-on a subscription may have at most.
pub const MAX_QUANTITY: i64 = 10_000;

/// An add-on to be made.
#[derive(Clone, Debug)]
pub struct NewAddOn {
    /// Unique in its catalogue and kind.
    pub key: String,
    /// Who it is sold to.
    pub kind: TierKind,
    /// Everything else.
    pub terms: Update,
}

/// What is said of an add-on: an omitted field is unchanged, and the usual one where it is made.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Shown to people.
    pub name: Option<String>,
    /// Shown to people.
    pub description: MaybeUndefined<String>,
    /// Whether it is on offer to everyone that its tiers are sold to.
    pub public: Option<bool>,
    /// Place in a list.
    pub sort_order: Option<i32>,
    /// How many of it a subscription may have.
    pub max_quantity: Option<i32>,
    /// The tiers that it goes with; none of them for all.
    pub tier_ids: Option<Vec<TierId>>,
    /// What one of it costs; replaces all prices.
    pub prices: Option<Vec<Price>>,
    /// What one of it grants; replaces all features.
    pub features: Option<Vec<Feature>>,
}

/// Makes an add-on in the catalogue of an organization; without one, in the platform's.
pub async fn create(
    writer: &Writer,
    command: &Command,
    catalogue: Option<OrganizationId>,
    new: &NewAddOn,
) -> Result<add_on::Model> {
    match catalogue {
        Some(organization) => {
            let path = "input.organizationId";
            writer.write_in(command, organization, path, |unit| Box::pin(insert(unit, catalogue, new))).await
        }
        None => writer.write_platform(command, |unit| Box::pin(insert(unit, None, new))).await,
    }
}

async fn insert(unit: &UnitOfWork<'_>, catalogue: Option<OrganizationId>, new: &NewAddOn) -> Result<add_on::Model> {
    use add_on::Column::{Key, Kind};
    if unit.exists(add_on::Entity::find().filter(Kind.eq(new.kind)).filter(Key.eq(new.key.as_str()))).await? {
        let message = "Another add-on of this kind in the catalogue has this key.";
        return Err(Refusal::new(Code::Duplicate, message).at("input.key").into());
    }
    let bare = add_on::Model {
        id: AddOnId::generate(),
        tenant_id: catalogue,
        key: new.key.clone(),
        name: new.key.clone(),
        search_text: String::new(),
        description: None,
        kind: new.kind,
        public: false,
        sort_order: 0,
        max_quantity: 1,
        tier_ids: TierIds::default(),
        prices: Prices::default(),
        features: Grants::default(),
        archived_at: None,
        created_at: unit.now(),
        updated_at: unit.now(),
        version: 1,
    };
    let row = changed(&bare, &new.terms)?;
    check_parts(unit, &row, &new.terms, &Change::new("create")).await?;
    unit.insert(row, Change::new("create")).await
}

/// A change of an add-on.
#[derive(Clone, Debug)]
pub enum Step {
    /// Changes what is given.
    Update(Box<Update>),
    /// Stops selling it: who has it keeps it. An archived add-on stays as it is.
    Archive,
    /// Sells it again. An add-on that is sold stays as it is.
    Unarchive,
}

/// Changes an add-on of a catalogue that the caller manages.
pub async fn change(
    writer: &Writer,
    command: &Command,
    target: &Target<AddOnId>,
    step: &Step,
) -> Result<add_on::Model> {
    rules::authorize_change::<add_on::Entity>(writer, target.id).await?;
    writer
        .change::<add_on::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let change = |verb| Change::new(verb).because(target.reason.clone());
                match step {
                    Step::Update(wanted) => {
                        let next = changed(&row, wanted)?;
                        check_parts(unit, &next, wanted, &change("update")).await?;
                        unit.update(&row, next, change("update")).await
                    }
                    Step::Archive => {
                        let archived_at = row.archived_at.or(Some(unit.now()));
                        unit.update(&row, add_on::Model { archived_at, ..row.clone() }, change("archive")).await
                    }
                    Step::Unarchive => {
                        let sold = add_on::Model { archived_at: None, ..row.clone() };
                        unit.update(&row, sold, change("unarchive")).await
                    }
                }
            })
        })
        .await
}

fn changed(row: &add_on::Model, update: &Update) -> Result<add_on::Model> {
    let mut check = Check::new();
    let mut next = row.clone();
    if let Some(name) = &update.name {
        next.name = check.text("input.name", name, MAX_NAME);
    }
    next.description = updated(&row.description, update.description.clone());
    next.description = check.prose("input.description", next.description.as_deref(), MAX_DESCRIPTION);
    next.public = update.public.unwrap_or(row.public);
    next.sort_order = update.sort_order.unwrap_or(row.sort_order);
    if let Some(most) = update.max_quantity {
        check.range("input.maxQuantity", most.into(), 1..=MAX_QUANTITY);
        next.max_quantity = most;
    }
    if let Some(tiers) = &update.tier_ids {
        next.tier_ids = TierIds(tiers.clone());
    }
    if let Some(wanted) = &update.prices {
        parts::check_prices(&mut check, wanted);
        next.prices = prices(&row.prices, wanted);
    }
    if let Some(wanted) = &update.features {
        parts::check_features(&mut check, wanted);
        next.features = grants(&mut check, wanted);
    }
    check.finish()?;
    Ok(next)
}

/// These prices. One that stays for its cycle and currency keeps its ids at gateways, unless others are given.
fn prices(before: &Prices, wanted: &[Price]) -> Prices {
    let one = |price: &Price| {
        let same =
            |before: &&add_on::Price| before.billing_cycle == price.billing_cycle && before.currency == price.currency;
        let kept = || before.0.iter().find(same).map(|before| before.gateway_prices.clone());
        let given = price.gateway_prices.clone().or_else(kept);
        add_on::Price {
            billing_cycle: price.billing_cycle,
            currency: price.currency.clone(),
            amount_minor: price.amount_minor,
            gateway_prices: given.unwrap_or_else(|| Value::Object(Map::new())),
        }
    };
    Prices(wanted.iter().map(one).collect())
}

fn grants(check: &mut Check, wanted: &[Feature]) -> Grants {
    let mut one = |(place, feature): (usize, &Feature)| {
        if !feature.enabled {
            let message = "An add-on takes nothing away: leave the feature out.";
            check.refuse(&format!("input.features.{place}.enabled"), Code::Conflict, message);
        }
        Grant { key: feature.key.clone(), kind: feature.kind, ceiling: feature.ceiling }
    };
    Grants(wanted.iter().enumerate().map(&mut one).collect())
}

/// Refuses tiers that it cannot go with, and declares the features that the catalogue does not declare yet.
async fn check_parts(unit: &UnitOfWork<'_>, row: &add_on::Model, update: &Update, of: &Change) -> Result<()> {
    if let Some(tiers) = update.tier_ids.as_ref().filter(|tiers| !tiers.is_empty()) {
        let found = unit.all(tier::Entity::find().filter(tier::Column::Id.is_in(tiers.iter().copied()))).await?;
        for (place, id) in tiers.iter().enumerate() {
            let path = format!("input.tierIds.{place}");
            match found.iter().find(|tier| tier.id == *id && tier.tenant_id == row.tenant_id) {
                None => return Err(not_found("tier in this catalogue", &path)),
                Some(tier) if tier.kind != row.kind => {
                    let message = "The tier is for another kind of owner.";
                    return Err(Refusal::new(Code::WrongTierKind, message).at(&path).into());
                }
                Some(_) => {}
            }
        }
    }
    let Some(features) = &update.features else { return Ok(()) };
    let granted: Vec<_> = features.iter().map(|feature| (feature.key.as_str(), feature.kind)).collect();
    feature::declare(unit, &granted, of, |place| format!("input.features.{place}.kind")).await
}
