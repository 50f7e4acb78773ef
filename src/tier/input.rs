//! What the mutations of tiers take.

use async_graphql::{ID, InputObject, MaybeUndefined};
use serde_json::{Map, Value};

use super::parts::{self, Feature, Price};
use super::{MAX_DESCRIPTION, MAX_NAME, NewTier, Update};
use crate::entity::tier::PaymentOptions;
use crate::entity::{
    AccessMode, BillingCycle, FeatureKind, Gateway, PaymentOption, PeriodEndPolicy, Proration, TierId, TierKind,
    TrialEndPolicy,
};
use crate::error::{Code, Result};
use crate::graphql::command::target_input;
use crate::graphql::input::{Check, MAX_DAYS, check_key, parse_id};
use crate::graphql::scalar::{CurrencyCode, SafeInt};
use crate::graphql::update::{Omittable, list_given, update_input};

/// What a tier costs for a cycle in a currency.
#[derive(Clone, Debug, InputObject)]
pub struct TierPriceInput {
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// The currency. At most one price for each cycle and currency.
    currency: CurrencyCode,
    /// In minor units of the currency, not negative.
    amount_minor: SafeInt,
    /// Its ids at payment gateways that Tessera does not ask, at most one for each; those of the sellers' accounts are set by
    /// `setGatewayPrice`. An update that leaves them out keeps those that the price of
    /// this cycle and currency has; an empty list removes them, and a list replaces all of them. A gateway's price has an
    /// amount of its own: with another amount, give the new ids too.
    #[graphql(validator(max_items = 10))]
    gateway_prices: MaybeUndefined<Vec<GatewayPriceInput>>,
}

/// A price's id at a payment gateway.
#[derive(Clone, Debug, InputObject)]
pub struct GatewayPriceInput {
    /// The gateway.
    gateway: Gateway,
    /// The id there, at most 255 characters.
    price_id: String,
}

/// Something that a tier grants.
#[derive(Clone, Debug, InputObject)]
pub struct TierFeatureInput {
    /// Such as `users` or `ai.queries`: at most 64 lower-case letters, digits, dots, underscores and hyphens. Unique in
    /// the tier. A key that the catalogue does not declare yet is declared: a meter that resets monthly, and HARD.
    key: String,
    /// How it is measured, as the catalogue declares it.
    kind: FeatureKind,
    /// For a switch: on or off. Only a switch can be off.
    #[graphql(default = true)]
    enabled: bool,
    /// For a limit or meter: the ceiling, not negative; null is unlimited.
    ceiling: Option<SafeInt>,
}

/// Makes a tier with its prices and features.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTierInput {
    /// The organization whose catalogue it is for; if not given, the caller's own, and for the platform's people the
    /// platform's catalogue.
    pub(super) organization_id: Option<ID>,
    /// Unique in the catalogue and kind, such as `starter`: at most 64 lower-case letters, digits, dots, underscores
    /// and hyphens. Never changes.
    key: String,
    /// Shown to people, at most 200 characters.
    name: String,
    /// Shown to people, at most 2,000 characters.
    description: Option<String>,
    /// Who it is sold to. Never changes.
    kind: TierKind,
    /// Decides what is an upgrade: higher is more.
    rank: i32,
    /// Days of trial that a new subscription gets, 0–730.
    #[graphql(default)]
    trial_days: i32,
    /// Whether it is offered at the checkout, without login.
    #[graphql(default)]
    public: bool,
    /// Its place in a list of tiers.
    #[graphql(default)]
    sort_order: i32,
    /// What happens to a subscription whose period ends and that nothing renews.
    #[graphql(default_with = "PeriodEndPolicy::Expire")]
    period_end_policy: PeriodEndPolicy,
    /// What happens to a subscription whose trial ends and that nothing converts.
    #[graphql(default_with = "TrialEndPolicy::Expire")]
    trial_end_policy: TrialEndPolicy,
    /// The tier that the policies DOWNGRADE and FALLBACK move to: another one of the same catalogue and kind, not archived,
    /// with a price wherever this one has one.
    fallback_tier_id: Option<ID>,
    /// How much access there is while a renewal is unpaid, for the days of grace.
    #[graphql(default_with = "AccessMode::Full")]
    grace_access: AccessMode,
    /// How much access there is behind a trial that nothing came of.
    #[graphql(default_with = "AccessMode::ReadOnly")]
    after_trial_access: AccessMode,
    /// How a change to it in the middle of a period is charged, if nobody says.
    #[graphql(default_with = "Proration::Prorate")]
    proration: Proration,
    /// The ways to pay that its checkout offers; all that the seller has if there are none.
    #[graphql(validator(max_items = 10))]
    payment_options: Option<Vec<PaymentOption>>,
    /// What it costs, at most 20 prices.
    #[graphql(validator(max_items = 20))]
    prices: Option<Vec<TierPriceInput>>,
    /// What it grants, at most 100 features.
    #[graphql(validator(max_items = 100))]
    features: Option<Vec<TierFeatureInput>>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

update_input! {
    /// Changes a tier: an omitted field is unchanged, null clears it where it can be empty. Subscriptions keep the price
    /// they have.
    UpdateTierInput for TierId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// Shown to people, at most 2,000 characters.
        description: MaybeUndefined<String>,
        /// Decides what is an upgrade: higher is more.
        rank: Omittable<i32>,
        /// Days of trial that a new subscription gets, 0–730.
        trial_days: Omittable<i32>,
        /// Whether it is offered at the checkout, without login.
        public: Omittable<bool>,
        /// Its place in a list of tiers.
        sort_order: Omittable<i32>,
        /// What happens to a subscription whose period ends and that nothing renews. Subscriptions keep what was agreed on
        /// when their period began.
        period_end_policy: Omittable<PeriodEndPolicy>,
        /// What happens to a subscription whose trial ends and that nothing converts.
        trial_end_policy: Omittable<TrialEndPolicy>,
        /// The tier that the policies DOWNGRADE and FALLBACK move to: another one of the same catalogue and kind, not
        /// archived, with a price wherever this one has one.
        fallback_tier_id: MaybeUndefined<ID>,
        /// How much access there is while a renewal is unpaid, for the days of grace.
        grace_access: Omittable<AccessMode>,
        /// How much access there is behind a trial that nothing came of.
        after_trial_access: Omittable<AccessMode>,
        /// How a change to it in the middle of a period is charged, if nobody says.
        proration: Omittable<Proration>,
        /// The ways to pay that its checkout offers; all that the seller has if there are none. Replaces all of them.
        #[graphql(validator(max_items = 10))]
        payment_options: MaybeUndefined<Vec<PaymentOption>>,
        /// What it costs, at most 20 prices. Replaces all of them; a price that stays for its cycle and currency keeps its
        /// id, and its ids at gateways unless others are given.
        #[graphql(validator(max_items = 20))]
        prices: MaybeUndefined<Vec<TierPriceInput>>,
        /// What it grants, at most 100 features. Replaces all of them.
        #[graphql(validator(max_items = 100))]
        features: MaybeUndefined<Vec<TierFeatureInput>>,
    }
}
target_input! {
    /// Names a tier to act on.
    TierActionInput for TierId {
    }
}

/// The prices that these inputs stand for.
pub fn prices(check: &mut Check, inputs: Vec<TierPriceInput>) -> Vec<Price> {
    let one = |(index, input): (usize, TierPriceInput)| {
        let keeps = input.gateway_prices.is_undefined();
        let mut gateway_prices = Map::new();
        let given = input.gateway_prices.take().unwrap_or_default();
        for (place, GatewayPriceInput { gateway, price_id }) in given.into_iter().enumerate() {
            let path = format!("input.prices.{index}.gatewayPrices.{place}");
            let price_id = check.text(&format!("{path}.priceId"), &price_id, 255);
            if gateway_prices.insert(gateway.as_str().to_owned(), Value::String(price_id)).is_some() {
                let message = format!("The gateway {} is named twice.", gateway.as_str());
                check.refuse(&format!("{path}.gateway"), Code::Duplicate, message);
            }
        }
        Price {
            billing_cycle: input.billing_cycle,
            currency: input.currency.0,
            amount_minor: input.amount_minor.0,
            gateway_prices: (!keeps).then_some(Value::Object(gateway_prices)),
        }
    };
    inputs.into_iter().enumerate().map(one).collect()
}

/// The features that these inputs stand for.
pub fn features(check: &mut Check, inputs: Vec<TierFeatureInput>) -> Vec<Feature> {
    let one = |(index, TierFeatureInput { key, kind, enabled, ceiling }): (usize, TierFeatureInput)| Feature {
        key: check.key(&format!("input.features.{index}.key"), &key),
        kind,
        enabled,
        ceiling: ceiling.map(|ceiling| ceiling.0),
    };
    inputs.into_iter().enumerate().map(one).collect()
}

impl CreateTierInput {
    /// The tier that this input stands for.
    pub(super) fn tier(self) -> Result<NewTier> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let fallback = check.optional_id::<TierId>("input.fallbackTierId", self.fallback_tier_id.as_ref());
        check.range("input.trialDays", self.trial_days.into(), 0..=MAX_DAYS);
        let new = NewTier {
            key: check.key("input.key", &self.key),
            name: check.text("input.name", &self.name, MAX_NAME),
            description: check.prose("input.description", self.description.as_deref(), MAX_DESCRIPTION),
            kind: self.kind,
            rank: self.rank,
            trial_days: self.trial_days,
            public: self.public,
            sort_order: self.sort_order,
            period_end_policy: self.period_end_policy,
            trial_end_policy: self.trial_end_policy,
            fallback_tier_id: fallback,
            grace_access: self.grace_access,
            after_trial_access: self.after_trial_access,
            proration: self.proration,
            payment_options: PaymentOptions::of(self.payment_options.unwrap_or_default()),
            prices: prices(&mut check, self.prices.unwrap_or_default()),
            features: features(&mut check, self.features.unwrap_or_default()),
        };
        parts::check_prices(&mut check, &new.prices);
        parts::check_features(&mut check, &new.features);
        check.finish()?;
        Ok(new)
    }
}

impl UpdateTierInput {
    /// The changes that this input stands for.
    pub(super) fn update(self) -> Result<Update> {
        let fallback_tier_id = match self.fallback_tier_id {
            MaybeUndefined::Undefined => MaybeUndefined::Undefined,
            MaybeUndefined::Null => MaybeUndefined::Null,
            MaybeUndefined::Value(id) => MaybeUndefined::Value(parse_id::<TierId>("input.fallbackTierId", &id)?),
        };
        let mut check = Check::new();
        let prices = list_given(self.prices).map(|inputs| prices(&mut check, inputs));
        let features = list_given(self.features).map(|inputs| features(&mut check, inputs));
        check.finish()?;
        Ok(Update {
            name: self.name.given(),
            description: self.description,
            rank: self.rank.given(),
            trial_days: self.trial_days.given(),
            public: self.public.given(),
            sort_order: self.sort_order.given(),
            period_end_policy: self.period_end_policy.given(),
            trial_end_policy: self.trial_end_policy.given(),
            fallback_tier_id,
            grace_access: self.grace_access.given(),
            after_trial_access: self.after_trial_access.given(),
            proration: self.proration.given(),
            payment_options: list_given(self.payment_options).map(PaymentOptions::of),
            prices,
            features,
        })
    }
}
