//! What the platform and organizations have on offer: tiers that whoever is sold to may know.

use std::collections::BTreeSet;

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition};

use super::Scope;
use super::bundle::Bundle;
use crate::entity::{OrganizationId, TierId, tier, tier_feature, tier_price};
use crate::error::Result;

/// The public tiers of some catalogues, with prices, and what they say of some features.
#[derive(Debug, Default)]
pub struct OnOffer {
    /// The tiers, in no order.
    pub tiers: Vec<tier::Model>,
    /// Their prices.
    pub prices: Vec<tier_price::Model>,
    /// What they say of the features.
    pub features: Vec<tier_feature::Model>,
    /// Tiers that were asked for besides, on offer or not.
    pub present: Vec<tier::Model>,
}

impl Scope {
    /// What the platform and these organizations have on offer.
    pub(crate) async fn on_offer(
        &self,
        sellers: &BTreeSet<OrganizationId>,
        features: &BTreeSet<&str>,
        present: &BTreeSet<TierId>,
    ) -> Result<OnOffer> {
        use tier::Column::{ArchivedAt, Id, Public, TenantId};
        let of_sellers = (!sellers.is_empty()).then(|| TenantId.is_in(sellers.iter().copied()));
        let offered = Condition::all()
            .add(Condition::any().add(TenantId.is_null()).add_option(of_sellers))
            .add(Public.eq(true))
            .add(ArchivedAt.is_null());
        let ids = || Query::select().column(Id).from(tier::Entity).cond_where(offered.clone()).take();
        let mut bundle = Bundle::new(self.backend());
        let places = (
            bundle.add::<tier::Entity>(offered.clone()),
            bundle.add::<tier_price::Entity>(tier_price::Column::TierId.in_subquery(ids()).into()),
            bundle.add::<tier_feature::Entity>(
                Condition::all()
                    .add(tier_feature::Column::TierId.in_subquery(ids()))
                    .add(tier_feature::Column::Key.is_in(features.iter().copied())),
            ),
            bundle.add::<tier::Entity>(Id.is_in(present.iter().copied()).into()),
        );
        let found = self.ask(bundle.send(&self.store.0.database)).await?;
        Ok(OnOffer {
            tiers: found.of(places.0)?,
            prices: found.of(places.1)?,
            features: found.of(places.2)?,
            present: found.of(places.3)?,
        })
    }
}
