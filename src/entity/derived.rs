//! Columns that follow from the others of their row: what it is found and sorted by.

use super::{
    add_on, audit_event, checkout, customer, feature, gateway_account, gateway_price, member, organization, payment,
    payment_method, revocation, subscription, tier, tier_feature, tier_price, usage_adjustment, usage_grant,
    usage_threshold,
};
use crate::text::{fold, sort_key};

/// A row of a table. Every row that is written passes through here.
pub trait Derived {
    /// Makes the columns that follow from others, where there are any.
    fn derive(&mut self) {}
}

/// What a search looks through: each text in a line of its own; none without texts.
fn searched(texts: &[Option<&str>]) -> Option<String> {
    let folded: Vec<_> = texts.iter().flatten().map(|text| fold(text)).collect();
    (!folded.is_empty()).then(|| folded.join("\n"))
}

impl Derived for organization::Model {
    fn derive(&mut self) {
        self.name_key = sort_key(&self.name);
        self.search_text = searched(&[Some(&self.name), Some(&self.slug)]).unwrap_or_default();
    }
}

impl Derived for member::Model {
    fn derive(&mut self) {
        self.name_key = sort_key(&self.name);
        self.search_text = searched(&[Some(&self.name), Some(&self.email)]).unwrap_or_default();
    }
}

impl Derived for customer::Model {
    fn derive(&mut self) {
        self.name_key = sort_key(&self.name);
        let texts = [Some(self.name.as_str()), self.email.as_deref(), self.external_ref.as_deref()];
        self.search_text = searched(&texts).unwrap_or_default();
    }
}

impl Derived for tier::Model {
    fn derive(&mut self) {
        self.search_text = searched(&[Some(&self.key), Some(&self.name)]).unwrap_or_default();
    }
}

impl Derived for add_on::Model {
    fn derive(&mut self) {
        self.search_text = searched(&[Some(&self.key), Some(&self.name)]).unwrap_or_default();
    }
}

impl Derived for subscription::Model {
    fn derive(&mut self) {
        self.search_text = searched(&[self.external_id.as_deref()]);
    }
}

impl Derived for payment::Model {
    fn derive(&mut self) {
        let texts = [&self.failure_code, &self.failure_message, &self.gateway_payment_id];
        self.search_text = searched(&texts.map(Option::as_deref));
    }
}

impl Derived for tier_price::Model {}
impl Derived for tier_feature::Model {}
impl Derived for feature::Model {}
impl Derived for checkout::Model {}
impl Derived for gateway_account::Model {}
impl Derived for gateway_price::Model {}
impl Derived for usage_adjustment::Model {}
impl Derived for usage_grant::Model {}
impl Derived for usage_threshold::Model {}
impl Derived for payment_method::Model {}
impl Derived for revocation::Model {}
impl Derived for audit_event::Model {}
