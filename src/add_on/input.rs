//! What the mutations of add-ons take.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::{NewAddOn, Update};
use crate::entity::{AddOnId, TierKind};
use crate::error::Result;
use crate::graphql::command::target_input;
use crate::graphql::input::{Check, check_key, parse_ids};
use crate::graphql::update::{Omittable, list_given, update_input};
use crate::tier::input::{TierFeatureInput, TierPriceInput, features, prices};

/// Where the tiers stand in the input.
const TIERS: &str = "input.tierIds";

/// Makes an add-on with its prices and features.
#[derive(Clone, Debug, InputObject)]
pub struct CreateAddOnInput {
    /// The organization whose catalogue it is for; if not given, the caller's own, and for the platform's people the
    /// platform's catalogue.
    pub(super) organization_id: Option<ID>,
    /// Unique in the catalogue and kind, such as `extra-seats`: at most 64 lower-case letters, digits, dots, underscores
    /// and hyphens. Never changes.
    key: String,
    /// Shown to people, at most 200 characters.
    name: String,
    /// Shown to people, at most 2,000 characters.
    description: Option<String>,
    /// Who it is sold to. Never changes.
    kind: TierKind,
    /// Whether everyone that its tiers are sold to may have it; otherwise only who manages the catalogue adds it.
    #[graphql(default)]
    public: bool,
    /// Its place in a list.
    #[graphql(default)]
    sort_order: i32,
    /// How many of it a subscription may have, 1–10,000.
    #[graphql(default = 1)]
    max_quantity: i32,
    /// The tiers that it goes with, of the same catalogue and kind, at most 100; all of them if not given.
    #[graphql(validator(max_items = 100))]
    tier_ids: Option<Vec<ID>>,
    /// What one of it costs, at most 20 prices.
    #[graphql(validator(max_items = 20))]
    prices: Option<Vec<TierPriceInput>>,
    /// What one of it grants, at most 100 features: so much more of a limit or meter, or a switch that is on.
    #[graphql(validator(max_items = 100))]
    features: Option<Vec<TierFeatureInput>>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

update_input! {
    /// Changes an add-on: an omitted field is unchanged, null clears it where it can be empty. Subscriptions keep the price
    /// they have; what it grants changes for them at once.
    UpdateAddOnInput for AddOnId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// Shown to people, at most 2,000 characters.
        description: MaybeUndefined<String>,
        /// Whether everyone that its tiers are sold to may have it.
        public: Omittable<bool>,
        /// Its place in a list.
        sort_order: Omittable<i32>,
        /// How many of it a subscription may have, 1–10,000. Who has more keeps it.
        max_quantity: Omittable<i32>,
        /// The tiers that it goes with, of the same catalogue and kind, at most 100; none for all of them.
        #[graphql(validator(max_items = 100))]
        tier_ids: MaybeUndefined<Vec<ID>>,
        /// What one of it costs, at most 20 prices. Replaces all of them.
        #[graphql(validator(max_items = 20))]
        prices: MaybeUndefined<Vec<TierPriceInput>>,
        /// What one of it grants, at most 100 features. Replaces all of them.
        #[graphql(validator(max_items = 100))]
        features: MaybeUndefined<Vec<TierFeatureInput>>,
    }
}
target_input! {
    /// Names an add-on to act on.
    AddOnActionInput for AddOnId {
    }
}

impl CreateAddOnInput {
    /// The add-on that this input stands for.
    pub(super) fn add_on(self) -> Result<NewAddOn> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let key = check.key("input.key", &self.key);
        let terms = Update {
            name: Some(self.name),
            description: self.description.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value),
            public: Some(self.public),
            sort_order: Some(self.sort_order),
            max_quantity: Some(self.max_quantity),
            tier_ids: check.absorb(parse_ids(TIERS, &self.tier_ids.unwrap_or_default()))?,
            prices: Some(prices(&mut check, self.prices.unwrap_or_default())),
            features: Some(features(&mut check, self.features.unwrap_or_default())),
        };
        check.finish()?;
        Ok(NewAddOn { key, kind: self.kind, terms })
    }
}

impl UpdateAddOnInput {
    /// The changes that this input stands for.
    pub(super) fn update(self) -> Result<Update> {
        let mut check = Check::new();
        let tier_ids = list_given(self.tier_ids).map(|list| parse_ids(TIERS, &list)).transpose();
        let update = Update {
            name: self.name.given(),
            description: self.description,
            public: self.public.given(),
            sort_order: self.sort_order.given(),
            max_quantity: self.max_quantity.given(),
            tier_ids: check.absorb(tier_ids)?.flatten(),
            prices: list_given(self.prices).map(|inputs| prices(&mut check, inputs)),
            features: list_given(self.features).map(|inputs| features(&mut check, inputs)),
        };
        check.finish()?;
        Ok(update)
    }
}
