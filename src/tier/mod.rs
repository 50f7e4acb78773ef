//! Tiers: the catalogues of the platform and of organizations.
//!
//! A tier is changed as a whole, with its prices and features. Subscriptions keep the price they were made with,
//! whatever happens here.

pub mod checkout;
mod fallback;
pub mod graphql;
pub mod input;
pub mod loader;
pub mod mutation;
pub(crate) mod parts;
pub(crate) mod rules;
pub mod statistics;
pub mod terms;
mod unlock;

use async_graphql::MaybeUndefined;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use self::fallback::check_fallback;
use self::parts::{Feature, Price};
pub use self::unlock::Unlock;
use crate::entity::tier::PaymentOptions;
use crate::entity::{
    AccessMode, OrganizationId, PeriodEndPolicy, Proration, TierId, TierKind, TrialEndPolicy, tier, tier_feature,
    tier_price,
};
use crate::error::{Code, Refusal, Result};
use crate::feature;
use crate::graphql::command::Target;
use crate::graphql::input::{Check, MAX_DAYS, check_version, updated};
use crate::store::{Change, Command, UnitOfWork, Writer};

/// How many characters a name has at most.
const MAX_NAME: usize = 200;
/// How many characters a description has at most.
const MAX_DESCRIPTION: usize = 2_000;

/// A tier to be made.
#[derive(Clone, Debug)]
pub struct NewTier {
    /// Unique in its catalogue and kind.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// Who it is sold to.
    pub kind: TierKind,
    /// Decides what is an upgrade.
    pub rank: i32,
    /// Days of trial.
    pub trial_days: i32,
    /// Offered at the checkout.
    pub public: bool,
    /// Place in a list of tiers.
    pub sort_order: i32,
    /// What happens when a period ends and nothing renews it.
    pub period_end_policy: PeriodEndPolicy,
    /// What happens when a trial ends and nothing converts it.
    pub trial_end_policy: TrialEndPolicy,
    /// Where `Downgrade` and `Fallback` lead to.
    pub fallback_tier_id: Option<TierId>,
    /// How much access there is while a renewal is unpaid.
    pub grace_access: AccessMode,
    /// How much access there is behind a trial that nothing came of.
    pub after_trial_access: AccessMode,
    /// How a change to it in the middle of a period is charged, if nobody says.
    pub proration: Proration,
    /// The ways to pay that its checkout offers; empty for all that the seller has.
    pub payment_options: PaymentOptions,
    /// What it costs.
    pub prices: Vec<Price>,
    /// What it grants.
    pub features: Vec<Feature>,
}

/// Makes a tier in the catalogue of an organization; without one, in the platform's.
pub async fn create(
    writer: &Writer,
    command: &Command,
    catalogue: Option<OrganizationId>,
    new: &NewTier,
) -> Result<tier::Model> {
    match catalogue {
        Some(organization) => {
            let path = "input.organizationId";
            writer.write_in(command, organization, path, |unit| Box::pin(insert(unit, catalogue, new))).await
        }
        None => writer.write_platform(command, |unit| Box::pin(insert(unit, None, new))).await,
    }
}

async fn insert(unit: &UnitOfWork<'_>, catalogue: Option<OrganizationId>, new: &NewTier) -> Result<tier::Model> {
    rules::check_policies(new.period_end_policy, new.trial_end_policy, new.fallback_tier_id)?;
    refuse_taken_key(unit, new).await?;
    let id = TierId::generate();
    if let Some(fallback) = new.fallback_tier_id {
        check_fallback(unit, fallback, id, new.kind, "input.fallbackTierId").await?;
        if rules::falls_back(new.period_end_policy, new.trial_end_policy) {
            fallback::refuse_missing_price(unit, fallback, &new.prices, "input.fallbackTierId").await?;
        }
    }
    let row = tier::Model {
        id,
        tenant_id: catalogue,
        key: new.key.clone(),
        name: new.name.clone(),
        search_text: String::new(),
        description: new.description.clone(),
        kind: new.kind,
        rank: new.rank,
        trial_days: new.trial_days,
        public: new.public,
        sort_order: new.sort_order,
        period_end_policy: new.period_end_policy,
        trial_end_policy: new.trial_end_policy,
        fallback_tier_id: new.fallback_tier_id,
        grace_access: new.grace_access,
        after_trial_access: new.after_trial_access,
        proration: new.proration,
        payment_options: new.payment_options.clone(),
        archived_at: None,
        created_at: unit.now(),
        updated_at: unit.now(),
        version: 1,
    };
    declare_features(unit, &new.features, &Change::new("create")).await?;
    let prices = parts::prices(id, Vec::new(), &new.prices);
    let features = parts::features(id, Vec::new(), &new.features);
    let change = features.told(prices.told(Change::new("create"))?)?;
    let row = unit.insert(row, change).await?;
    prices.write(unit, parts::prices_of(id)).await?;
    features.write(unit, parts::features_of(id)).await?;
    Ok(row)
}

/// What a tier grants is declared in its catalogue: here, if it is not yet.
async fn declare_features(unit: &UnitOfWork<'_>, wanted: &[Feature], of: &Change) -> Result<()> {
    let granted: Vec<_> = wanted.iter().map(|feature| (feature.key.as_str(), feature.kind)).collect();
    feature::declare(unit, &granted, of, |place| format!("input.features.{place}.kind")).await
}

async fn refuse_taken_key(unit: &UnitOfWork<'_>, new: &NewTier) -> Result<()> {
    let taken =
        tier::Entity::find().filter(tier::Column::Kind.eq(new.kind)).filter(tier::Column::Key.eq(new.key.as_str()));
    if unit.exists(taken).await? {
        let message = "Another tier of this kind in the catalogue has this key.";
        return Err(Refusal::new(Code::Duplicate, message).at("input.key").into());
    }
    Ok(())
}

/// What to change: an omitted field is unchanged, null clears it. Key, kind and catalogue never change.
#[derive(Clone, Debug)]
pub struct Update {
    /// Shown to people.
    pub name: Option<String>,
    /// Shown to people.
    pub description: MaybeUndefined<String>,
    /// Decides what is an upgrade.
    pub rank: Option<i32>,
    /// Days of trial.
    pub trial_days: Option<i32>,
    /// Offered at the checkout.
    pub public: Option<bool>,
    /// Place in a list of tiers.
    pub sort_order: Option<i32>,
    /// What happens when a period ends and nothing renews it.
    pub period_end_policy: Option<PeriodEndPolicy>,
    /// What happens when a trial ends and nothing converts it.
    pub trial_end_policy: Option<TrialEndPolicy>,
    /// Where `Downgrade` and `Fallback` lead to.
    pub fallback_tier_id: MaybeUndefined<TierId>,
    /// How much access there is while a renewal is unpaid.
    pub grace_access: Option<AccessMode>,
    /// How much access there is behind a trial that nothing came of.
    pub after_trial_access: Option<AccessMode>,
    /// How a change to it in the middle of a period is charged, if nobody says.
    pub proration: Option<Proration>,
    /// The ways to pay that its checkout offers; empty for all that the seller has.
    pub payment_options: Option<PaymentOptions>,
    /// What it costs; replaces all prices.
    pub prices: Option<Vec<Price>>,
    /// What it grants; replaces all features.
    pub features: Option<Vec<Feature>>,
}

/// A change of a tier.
#[derive(Clone, Debug)]
pub enum Step {
    /// Changes what is given.
    Update(Box<Update>),
    /// Stops selling it: who has it keeps it. An archived tier stays as it is.
    Archive,
    /// Sells it again. A tier that is sold stays as it is.
    Unarchive,
}

/// Changes a tier of a catalogue that the caller manages.
pub async fn change(writer: &Writer, command: &Command, target: &Target<TierId>, step: &Step) -> Result<tier::Model> {
    rules::authorize_change::<tier::Entity>(writer, target.id).await?;
    writer
        .change::<tier::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let change = |verb| Change::new(verb).because(target.reason.clone());
                match step {
                    Step::Update(wanted) => update(unit, &row, wanted, change("update")).await,
                    Step::Archive => {
                        fallback::refuse_fallback(unit, row.id).await?;
                        let archived = tier::Model { archived_at: row.archived_at.or(Some(unit.now())), ..row.clone() };
                        unit.update(&row, archived, change("archive")).await
                    }
                    Step::Unarchive => {
                        if let (Some(_), Some(fallback)) = (row.archived_at, row.fallback_tier_id) {
                            check_fallback(unit, fallback, row.id, row.kind, "input.id").await?;
                        }
                        let sold = tier::Model { archived_at: None, ..row.clone() };
                        unit.update(&row, sold, change("unarchive")).await
                    }
                }
            })
        })
        .await
}

async fn update(unit: &UnitOfWork<'_>, row: &tier::Model, update: &Update, mut change: Change) -> Result<tier::Model> {
    let next = changed(row, update)?;
    if let MaybeUndefined::Value(fallback) = update.fallback_tier_id {
        check_fallback(unit, fallback, row.id, row.kind, "input.fallbackTierId").await?;
    }
    fallback::refuse_missing_prices(unit, &next, update.prices.as_deref()).await?;
    if let Some(wanted) = &update.prices {
        let of_tier = parts::prices_of(row.id);
        let before = unit.all(tier_price::Entity::find().filter(of_tier.clone())).await?;
        let prices = parts::prices(row.id, before, wanted);
        change = prices.told(change)?;
        prices.write(unit, of_tier).await?;
    }
    if let Some(wanted) = &update.features {
        declare_features(unit, wanted, &change).await?;
        let of_tier = parts::features_of(row.id);
        let before = unit.all(tier_feature::Entity::find().filter(of_tier.clone())).await?;
        let features = parts::features(row.id, before, wanted);
        change = features.told(change)?;
        features.write(unit, of_tier).await?;
    }
    unit.update(row, next, change).await
}

fn changed(row: &tier::Model, update: &Update) -> Result<tier::Model> {
    let mut check = Check::new();
    let mut next = row.clone();
    if let Some(name) = &update.name {
        next.name = check.text("input.name", name, MAX_NAME);
    }
    next.description = updated(&row.description, update.description.clone());
    next.description = check.prose("input.description", next.description.as_deref(), MAX_DESCRIPTION);
    next.rank = update.rank.unwrap_or(row.rank);
    if let Some(days) = update.trial_days {
        check.range("input.trialDays", days.into(), 0..=MAX_DAYS);
        next.trial_days = days;
    }
    next.public = update.public.unwrap_or(row.public);
    next.sort_order = update.sort_order.unwrap_or(row.sort_order);
    next.period_end_policy = update.period_end_policy.unwrap_or(row.period_end_policy);
    next.trial_end_policy = update.trial_end_policy.unwrap_or(row.trial_end_policy);
    next.grace_access = update.grace_access.unwrap_or(row.grace_access);
    next.after_trial_access = update.after_trial_access.unwrap_or(row.after_trial_access);
    next.proration = update.proration.unwrap_or(row.proration);
    if let Some(options) = &update.payment_options {
        next.payment_options = options.clone();
    }
    next.fallback_tier_id = updated(&row.fallback_tier_id, update.fallback_tier_id);
    parts::check_prices(&mut check, update.prices.as_deref().unwrap_or_default());
    parts::check_features(&mut check, update.features.as_deref().unwrap_or_default());
    check.finish()?;
    rules::check_policies(next.period_end_policy, next.trial_end_policy, next.fallback_tier_id)?;
    Ok(next)
}
