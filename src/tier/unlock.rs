//! Which tiers help who has too little of a feature.

use std::collections::{BTreeSet, HashMap};

use async_graphql::dataloader::Loader;

use super::graphql::Tier;
use crate::entitlement::is_counted_here;
use crate::entity::{
    BillingCycle, FeatureKind, ManagementMode, OrganizationId, TierId, TierKind, subscription, tier, tier_feature,
};
use crate::error::{Error, Result};
use crate::store::{OnOffer, Scope};

/// How many tiers are told of.
const MOST: usize = 10;

/// What a tier must be in order to take the place of another one at once, and to grant enough of a feature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unlock {
    /// Key of the feature.
    pub feature: String,
    /// How much there must be of it, where it is counted.
    pub needed: i64,
    /// The tier that the owner has.
    from: TierId,
    kind: TierKind,
    /// The organizations that sell to the owner, besides the platform.
    sellers: Vec<OrganizationId>,
    billing_cycle: BillingCycle,
    /// ISO 4217 code.
    currency: String,
}

impl Unlock {
    /// For the owner of a subscription, with what the organization above its own is; none where no change of tier helps,
    /// because a gateway or an override decides.
    pub fn of(
        subscription: &subscription::Model,
        above: Option<OrganizationId>,
        feature: &str,
        needed: i64,
    ) -> Option<Self> {
        let is_customer = subscription.customer_id.is_some();
        (subscription.mode == ManagementMode::Manual).then(|| Self {
            feature: feature.to_owned(),
            needed,
            from: subscription.tier_id,
            kind: if is_customer { TierKind::Customer } else { TierKind::Organization },
            // An organization sells to its customers, never to itself.
            sellers: is_customer.then_some(subscription.tenant_id).into_iter().chain(above).collect(),
            billing_cycle: subscription.billing_cycle,
            currency: subscription.currency.clone(),
        })
    }

    /// The tiers that do, of those that are on offer: lowest rank first, and no more than ten.
    fn among(&self, offer: &OnOffer) -> Vec<tier::Model> {
        // A change to a lower rank waits for the end of the period.
        let rank = offer.present.iter().find(|tier| tier.id == self.from).map_or(i32::MIN, |tier| tier.rank);
        let is_sold = |tier: &&tier::Model| {
            tier.kind == self.kind
                && tier.tenant_id.is_none_or(|seller| self.sellers.contains(&seller))
                && tier.id != self.from
                && tier.rank >= rank
        };
        let is_priced = |tier: &&tier::Model| {
            let mut prices = offer.prices.iter().filter(|price| price.tier_id == tier.id);
            prices.any(|price| price.billing_cycle == self.billing_cycle && price.currency == self.currency)
        };
        let grants = |tier: &&tier::Model| {
            let mut features = offer.features.iter().filter(|feature| feature.tier_id == tier.id);
            self.is_met(features.find(|feature| feature.key == self.feature))
        };
        let mut tiers: Vec<_> = offer.tiers.iter().filter(is_sold).filter(is_priced).filter(grants).cloned().collect();
        tiers.sort_by(|one, other| (one.rank, &one.key, one.id).cmp(&(other.rank, &other.key, other.id)));
        tiers.truncate(MOST);
        tiers
    }

    /// Whether what a tier says of the feature is enough.
    fn is_met(&self, said: Option<&tier_feature::Model>) -> bool {
        let counted_here = is_counted_here(&self.feature);
        match said.filter(|feature| !counted_here || feature.kind == FeatureKind::Limit) {
            None => counted_here,
            Some(feature) if feature.kind == FeatureKind::Switch => feature.enabled,
            Some(feature) => feature.enabled && feature.ceiling.is_none_or(|ceiling| ceiling >= self.needed),
        }
    }
}

impl Loader<Unlock> for Scope {
    type Value = Vec<Tier>;
    type Error = Error;

    async fn load(&self, keys: &[Unlock]) -> Result<HashMap<Unlock, Vec<Tier>>> {
        let sellers: BTreeSet<_> = keys.iter().flat_map(|unlock| unlock.sellers.iter().copied()).collect();
        let features: BTreeSet<_> = keys.iter().map(|unlock| unlock.feature.as_str()).collect();
        let present: BTreeSet<_> = keys.iter().map(|unlock| unlock.from).collect();
        let offer = self.on_offer(&sellers, &features, &present).await?;
        let tiers = |unlock: &Unlock| unlock.among(&offer).into_iter().map(Into::into).collect();
        Ok(keys.iter().map(|unlock| (unlock.clone(), tiers(unlock))).collect())
    }
}
