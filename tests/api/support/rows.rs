//! Rows that no mutation makes: payments and payment methods come from gateways.

use serde_json::Value;
use tessera::clock::Timestamp;
use tessera::entity::{
    CustomerId, Gateway, OrganizationId, PaymentId, PaymentMethodId, PaymentMethodKind, PaymentStatus, SubscriptionId,
    TypedId, payment, payment_method,
};

use super::world::{Tenant, World};

/// Who pays: a customer of an organization, or the organization itself.
#[derive(Clone, Copy, Debug)]
pub struct Payer<'a> {
    pub tenant: Tenant,
    pub customer: Option<&'a str>,
}

impl Payer<'_> {
    fn owner(&self) -> (OrganizationId, Option<CustomerId>) {
        (self.tenant.id, self.customer.map(|id| CustomerId::parse(id).expect("a customer id")))
    }
}

/// A manual payment of 9.00 USD that was received when it was made.
pub fn payment(payer: Payer<'_>, subscription: &str, made_at: Timestamp) -> payment::Model {
    let (tenant_id, customer_id) = payer.owner();
    payment::Model {
        tenant_id,
        id: PaymentId::generate(),
        subscription_id: SubscriptionId::parse(subscription).expect("a subscription id"),
        customer_id,
        amount_minor: 900,
        currency: "USD".to_owned(),
        status: PaymentStatus::Succeeded,
        gateway: Gateway::Manual,
        gateway_account_id: None,
        gateway_payment_id: None,
        gateway_metadata: None,
        gateway_status: None,
        failure_code: None,
        failure_message: None,
        search_text: None,
        attempt: 1,
        return_url: None,
        refunded_minor: 0,
        received_as: None,
        reference: None,
        purpose: tessera::entity::PaymentPurpose::Period,
        period_start: None,
        paid_at: Some(made_at),
        status_changed_at: made_at,
        created_at: made_at,
        updated_at: made_at,
        version: 1,
    }
}

/// A Visa card that is valid through December 2027, and its owner's default.
pub fn card(payer: Payer<'_>, made_at: Timestamp) -> payment_method::Model {
    let (tenant_id, customer_id) = payer.owner();
    let id = PaymentMethodId::generate();
    payment_method::Model {
        tenant_id,
        id,
        customer_id,
        gateway: Gateway::Stripe,
        gateway_account_id: None,
        gateway_method_id: format!("gateway-{id}"),
        kind: PaymentMethodKind::Card,
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        exp_month: Some(12),
        exp_year: Some(2027),
        holder_name: Some("Ada Lovelace".to_owned()),
        postal_code: Some("10115".to_owned()),
        is_default: true,
        created_at: made_at,
        updated_at: made_at,
        version: 1,
        deleted_at: None,
    }
}

impl World {
    /// Puts payments into the database.
    pub async fn put_payments(&self, rows: Vec<payment::Model>) {
        self.store.system().insert::<_, payment::Entity>(rows).await.expect("payments");
    }

    /// Puts payment methods into the database.
    pub async fn put_methods(&self, rows: Vec<payment_method::Model>) {
        self.store.system().insert::<_, payment_method::Entity>(rows).await.expect("payment methods");
    }
}

/// One property of every node of a list, in order: `each(&data["payments"]["nodes"], "id")`.
pub fn each(nodes: &Value, property: &str) -> Vec<Value> {
    nodes.as_array().expect("a list").iter().map(|node| node[property].clone()).collect()
}
