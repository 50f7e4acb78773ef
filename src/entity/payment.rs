//! Payments for subscriptions.

use sea_orm::entity::prelude::*;

use super::{
    CustomerId, Gateway, GatewayAccountId, OrganizationId, PaymentId, PaymentPurpose, PaymentStatus, ReceivedAs,
    StoredJson, SubscriptionId,
};
use crate::clock::Timestamp;

/// A payment, or an attempt at one.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    /// What is paid for.
    pub subscription_id: SubscriptionId,
    /// The owner of the subscription; null when the organization itself is.
    pub customer_id: Option<CustomerId>,
    /// In minor units, not negative.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Who moves the money.
    pub gateway: Gateway,
    /// The seller's account there; null for a manual payment, and for those from before there were accounts.
    pub gateway_account_id: Option<GatewayAccountId>,
    /// The main one of its ids at the gateway, unique in the account; null for a manual payment, and before it is tried.
    pub gateway_payment_id: Option<String>,
    /// What the gateway calls the status.
    pub gateway_status: Option<String>,
    /// What else the gateway says of it: a JSON object, without numbers of cards and without secrets.
    pub gateway_metadata: Option<StoredJson>,
    /// Why it failed, for programs.
    pub failure_code: Option<String>,
    /// Why it failed, for people.
    pub failure_message: Option<String>,
    /// What a search looks through: the folded failure code, failure message and id at the gateway.
    pub search_text: Option<String>,
    /// Which attempt for the period this is, from 1.
    pub attempt: i32,
    /// Where the payer was sent back to.
    pub return_url: Option<String>,
    /// Paid back so far, in minor units; never above the amount.
    pub refunded_minor: i64,
    /// How it was received, where no gateway took it.
    pub received_as: Option<ReceivedAs>,
    /// What it can be found by where it was received.
    pub reference: Option<String>,
    /// What for.
    pub purpose: PaymentPurpose,
    /// Start of the period that is paid for.
    pub period_start: Option<Timestamp>,
    /// When the money was received.
    pub paid_at: Option<Timestamp>,
    /// When the status last changed.
    pub status_changed_at: Timestamp,
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
