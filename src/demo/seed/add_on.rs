//! What is sold beside tiers.

use serde_json::json;

use super::Seeder;
use super::trail::Actor;
use crate::entity::add_on::{self, Grant, Grants, Price, Prices, TierIds};
use crate::entity::{BillingCycle, FeatureKind, OrganizationId, TierKind};
use crate::error::Result;

/// An add-on: what one of it is more of, how much, and what it costs a month in USD and EUR.
pub struct Spec {
    kind: TierKind,
    key: &'static str,
    name: &'static str,
    feature: &'static str,
    more: i64,
    month: [(&'static str, i64); 2],
}

/// For organizations, of the platform's catalogue.
pub const SEATS: Spec = Spec {
    kind: TierKind::Organization,
    key: "seats",
    name: "Five more seats",
    feature: "users",
    more: 5,
    month: [("USD", 1_500), ("EUR", 1_400)],
};

/// For customers, of an organization's own.
pub const PROJECTS: Spec = Spec {
    kind: TierKind::Customer,
    key: "projects",
    name: "Ten more projects",
    feature: "projects",
    more: 10,
    month: [("USD", 400), ("EUR", 350)],
};

impl Seeder {
    /// Makes an add-on of a catalogue, for all of its tiers.
    pub fn add_on(&mut self, tenant_id: Option<OrganizationId>, spec: &Spec, actor: &Actor) -> Result<()> {
        let at = self.days(-1_850);
        let price = |billing_cycle, (currency, month): (&str, i64)| Price {
            billing_cycle,
            currency: currency.to_owned(),
            // A year costs ten months.
            amount_minor: if billing_cycle == BillingCycle::Yearly { 10 * month } else { month },
            gateway_prices: json!({}),
        };
        let cycles = [BillingCycle::Monthly, BillingCycle::Yearly];
        let prices = cycles.into_iter().flat_map(|cycle| spec.month.map(|month| price(cycle, month))).collect();
        let grant = Grant { key: spec.feature.to_owned(), kind: FeatureKind::Limit, ceiling: Some(spec.more) };
        let row = add_on::Model {
            id: self.ids.next(),
            tenant_id,
            key: spec.key.to_owned(),
            name: spec.name.to_owned(),
            search_text: String::new(),
            description: None,
            kind: spec.kind,
            public: true,
            sort_order: 1,
            max_quantity: 20,
            tier_ids: TierIds::default(),
            prices: Prices(prices),
            features: Grants(vec![grant]),
            archived_at: None,
            created_at: at,
            updated_at: at,
            version: 1,
        };
        self.record_creation(&row, at, actor)?;
        self.rows.add_ons.push(row);
        Ok(())
    }
}
