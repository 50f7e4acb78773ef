//! Stored payment methods. Never a card number, never a security code.

use sea_orm::entity::prelude::*;

use super::{CustomerId, Gateway, GatewayAccountId, OrganizationId, PaymentMethodId, PaymentMethodKind};
use crate::clock::Timestamp;

/// A payment method that a gateway keeps for an owner.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_methods")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentMethodId,
    /// The owner; null when the organization itself is.
    pub customer_id: Option<CustomerId>,
    /// Which gateway keeps it.
    pub gateway: Gateway,
    /// The seller's account there; null for those from before there were accounts.
    pub gateway_account_id: Option<GatewayAccountId>,
    /// Its id at the gateway, unique in the account.
    pub gateway_method_id: String,
    /// What it is.
    pub kind: PaymentMethodKind,
    /// Card network, such as `visa`.
    pub brand: Option<String>,
    /// Last four digits.
    pub last4: Option<String>,
    /// Month a card expires, 1–12.
    pub exp_month: Option<i32>,
    /// Year a card expires, four digits.
    pub exp_year: Option<i32>,
    /// Name on the card or account.
    pub holder_name: Option<String>,
    /// Postal code of the billing address.
    pub postal_code: Option<String>,
    /// Charged when nothing else is said. Exactly one for each owner that has any.
    pub is_default: bool,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
    /// When the method was removed. A removed row is invisible.
    pub deleted_at: Option<Timestamp>,
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
