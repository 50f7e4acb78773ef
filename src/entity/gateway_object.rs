//! The registry of objects at gateways: whose each is, and how far what it is like was applied.

use sea_orm::entity::prelude::*;

use super::{CustomerId, GatewayAccountId, GatewayObjectKind, LeaseId, OrganizationId, PaymentId, SubscriptionId};
use crate::clock::Timestamp;

/// An object at a gateway. A fetch of it is wanted while `wanted_seq` is ahead of `applied_seq`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_objects")]
pub struct Model {
    /// The account that it is in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: GatewayAccountId,
    /// What it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: GatewayObjectKind,
    /// Its id at the gateway.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// The organization whose rows it concerns; null while nobody knows.
    pub tenant_id: Option<OrganizationId>,
    /// The customer that it concerns; null where it concerns the organization itself.
    pub customer_id: Option<CustomerId>,
    /// The subscription that it concerns, if there is one.
    pub subscription_id: Option<SubscriptionId>,
    /// The payment that it is, or is a part of.
    pub payment_id: Option<PaymentId>,
    /// Counts the times that somebody wanted it fetched.
    pub wanted_seq: i64,
    /// What of these the newest applied fetch came after.
    pub applied_seq: i64,
    /// When it is to be fetched; null while nobody wants that.
    pub due_at: Option<Timestamp>,
    /// Until when it is waited for whoever knows whose it is; null once that is known, or not asked yet.
    pub waits_until: Option<Timestamp>,
    /// Random: of whoever fetches it now.
    pub lease: Option<LeaseId>,
    /// When others may fetch it all the same.
    pub leased_until: Option<Timestamp>,
    /// How often in a row that failed.
    pub tries: i32,
    /// Why it failed last, for whoever runs the program.
    pub error: Option<String>,
    /// Since when the gateway does not have it any more.
    pub gone_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// None: it is read by the applier alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
