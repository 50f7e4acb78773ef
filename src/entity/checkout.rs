//! Checkouts: what an owner is about to buy at a gateway.

use sea_orm::entity::prelude::*;

use super::subscription::AddOns;
use super::{
    BillingCycle, CheckoutId, CheckoutState, CustomerId, GatewayAccountId, OrganizationId, PaymentId, SubscriptionId,
    TierId,
};
use crate::clock::Timestamp;

/// An attempt to buy a subscription at a gateway. At the gateway its reference is its id, as the API shows it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "checkouts")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CheckoutId,
    /// Who buys; null when the organization itself does.
    pub customer_id: Option<CustomerId>,
    /// What it pays for: it stays as it is until the money is there.
    pub subscription_id: SubscriptionId,
    /// The attempt to pay.
    pub payment_id: PaymentId,
    /// The seller's account.
    pub account_id: GatewayAccountId,
    /// Where it stands.
    pub state: CheckoutState,
    /// What is bought.
    pub tier_id: TierId,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: String,
    /// What is bought beside the tier, with prices.
    pub add_ons: AddOns,
    /// What it costs each cycle, add-ons included.
    pub amount_minor: i64,
    /// Who buys: the subject of a token.
    pub purchaser: String,
    /// Where the payer goes afterwards.
    pub return_url: String,
    /// The gateway's id of the page; null until the gateway has answered.
    pub session_id: Option<String>,
    /// When the page closes by itself.
    pub expires_at: Option<Timestamp>,
    /// Since when it stands so.
    pub state_changed_at: Timestamp,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
