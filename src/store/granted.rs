//! What subscriptions grant by their tiers and by allowances, whoever may read tiers and catalogues: who is shown a
//! subscription is shown what it grants.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::bundle::{Bundle, Found, Place};
use super::executor::Executor as _;
use super::{Scope, UnitOfWork};
use crate::clock::Timestamp;
use crate::entitlement::Terms;
use crate::entity::{AddOnId, SubscriptionId, TierId, add_on, feature, subscription, tier, tier_feature, usage_grant};
use crate::error::Result;

/// What some subscriptions grant.
#[derive(Debug, Default)]
pub struct Granted {
    tiers: HashMap<TierId, OfTier>,
    grants: HashMap<SubscriptionId, Vec<usage_grant::Model>>,
    /// The add-ons of all of them.
    add_ons: Vec<add_on::Model>,
}

#[derive(Debug, Default)]
struct OfTier {
    tier: Option<tier::Model>,
    features: Vec<tier_feature::Model>,
    /// What the tier's catalogue declares of what is granted or overridden.
    declared: Vec<feature::Model>,
}

impl Granted {
    /// The tier of one of these subscriptions.
    pub fn tier(&self, subscription: &subscription::Model) -> Option<&tier::Model> {
        self.tiers.get(&subscription.tier_id)?.tier.as_ref()
    }

    /// When the allowances of one of these subscriptions end.
    pub fn allowance_ends(&self, subscription: SubscriptionId) -> impl Iterator<Item = Timestamp> {
        self.grants.get(&subscription).into_iter().flatten().filter_map(|grant| grant.expires_at)
    }

    /// What is known of the features of one of these subscriptions.
    pub fn terms<'a>(&'a self, subscription: &'a subscription::Model) -> Terms<'a> {
        let tier = self.tiers.get(&subscription.tier_id);
        Terms {
            subscription,
            granted: tier.map_or(&[], |tier| &tier.features),
            declared: tier.map_or(&[], |tier| &tier.declared),
            add_ons: &self.add_ons,
            grants: self.grants.get(&subscription.id).map_or(&[], Vec::as_slice),
        }
    }
}

/// The queries for what some subscriptions grant, in a bundle.
pub(super) struct Asked {
    tiers: Place<tier::Entity>,
    features: Place<tier_feature::Entity>,
    /// What the platform's catalogue declares, and those of organizations.
    declared: [Place<feature::Entity>; 2],
    grants: Place<usage_grant::Entity>,
    /// None where they have none.
    add_ons: Option<Place<add_on::Entity>>,
}

impl Asked {
    /// Asks what these subscriptions grant: of these features, or else of all.
    pub(super) fn of(
        bundle: &mut Bundle,
        rows: &[&subscription::Model],
        keys: Option<&[String]>,
        now: Timestamp,
    ) -> Self {
        use feature::Column::{Key, TenantId};
        let ids: BTreeSet<_> = rows.iter().map(|row| row.tier_id).collect();
        let catalogues = Query::select()
            .column(tier::Column::TenantId)
            .from(tier::Entity)
            .and_where(tier::Column::Id.is_in(ids.iter().copied()))
            .and_where(tier::Column::TenantId.is_not_null())
            .take();
        let named = keys.map(|keys| tier_feature::Column::Key.is_in(keys));
        let declared = || Condition::all().add_option(keys.map(|keys| Key.is_in(keys)));
        let add_ons: BTreeSet<_> = rows.iter().flat_map(|row| &row.add_ons.0).map(|line| line.add_on_id).collect();
        Self {
            tiers: bundle.add(tier::Column::Id.is_in(ids.iter().copied()).into()),
            features: bundle
                .add(Condition::all().add(tier_feature::Column::TierId.is_in(ids.iter().copied())).add_option(named)),
            // Apart, because each has an index of its own.
            declared: [
                bundle.add(declared().add(TenantId.is_null())),
                bundle.add(declared().add(TenantId.in_subquery(catalogues))),
            ],
            grants: bundle.add(in_force(rows, now)),
            add_ons: (!add_ons.is_empty()).then(|| bundle.add(add_on::Column::Id.is_in(add_ons).into())),
        }
    }

    /// What the bundle found.
    pub(super) fn answer(self, found: &Found) -> Result<Granted> {
        let mut declared = found.of(self.declared[0])?;
        declared.extend(found.of(self.declared[1])?);
        let add_ons = self.add_ons.map(|add_ons| found.of(add_ons)).transpose()?.unwrap_or_default();
        let mut granted = Granted { add_ons, ..Granted::default() };
        for tier in found.of(self.tiers)? {
            let declared = declared.iter().filter(|feature| feature.tenant_id == tier.tenant_id).cloned().collect();
            granted.tiers.insert(tier.id, OfTier { features: Vec::new(), declared, tier: Some(tier) });
        }
        for feature in found.of(self.features)? {
            granted.tiers.entry(feature.tier_id).or_default().features.push(feature);
        }
        for grant in found.of(self.grants)? {
            granted.grants.entry(grant.subscription_id).or_default().push(grant);
        }
        Ok(granted)
    }
}

impl Scope {
    /// What these subscriptions grant now.
    pub(crate) async fn granted_by(&self, rows: &[&subscription::Model]) -> Result<Granted> {
        if rows.is_empty() {
            return Ok(Granted::default());
        }
        let mut bundle = Bundle::new(self.backend());
        let asked = Asked::of(&mut bundle, rows, None, self.now());
        asked.answer(&self.ask(bundle.send(&self.store.0.database)).await?)
    }
}

impl UnitOfWork<'_> {
    /// These add-ons, whoever may see them.
    pub(crate) async fn add_ons(&self, ids: impl IntoIterator<Item = AddOnId>) -> Result<Vec<add_on::Model>> {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        if ids.is_empty() {
            Ok(Vec::new())
        } else {
            Ok(self.settled().await?.all(add_on::Entity::find().filter(add_on::Column::Id.is_in(ids))).await?)
        }
    }

    /// What these subscriptions grant now: of these features, or else of all.
    pub(crate) async fn granted_by(&self, rows: &[&subscription::Model], keys: Option<&[String]>) -> Result<Granted> {
        if rows.is_empty() {
            return Ok(Granted::default());
        }
        let settled = self.settled().await?;
        let mut bundle = Bundle::new(settled.backend());
        let asked = Asked::of(&mut bundle, rows, keys, self.now());
        asked.answer(&bundle.send(settled).await?)
    }
}

/// The allowances of these subscriptions that are not over.
fn in_force(rows: &[&subscription::Model], now: Timestamp) -> Condition {
    use usage_grant::Column::{ExpiresAt, SubscriptionId, TenantId};
    let tenants: BTreeSet<_> = rows.iter().map(|row| row.tenant_id).collect();
    Condition::all()
        .add(TenantId.is_in(tenants))
        .add(SubscriptionId.is_in(rows.iter().map(|row| row.id)))
        .add(Condition::any().add(ExpiresAt.is_null()).add(ExpiresAt.gt(now)))
}
