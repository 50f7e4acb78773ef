//! What gateways told us.

use sea_orm::entity::prelude::*;

use super::{GatewayAccountId, GatewayObjectKind, OrganizationId, WebhookEventId, WebhookEventState};
use crate::clock::Timestamp;

/// A piece of news. It only names an object: what is true of that is fetched.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_events")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookEventId,
    /// The seller whose account it came to; null for the platform.
    pub tenant_id: Option<OrganizationId>,
    /// The account that it came to.
    pub account_id: GatewayAccountId,
    /// The gateway's id: the same news sent again has the same.
    pub gateway_event_id: String,
    /// The gateway's word, such as `invoice.paid`.
    pub kind: String,
    /// What to look at.
    pub object_kind: Option<GatewayObjectKind>,
    /// The id of what to look at.
    pub object_id: Option<String>,
    /// Where it stands.
    pub state: WebhookEventState,
    /// Why it was skipped or given up.
    pub reason: Option<String>,
    /// The number that it raised its object's wanted fetches to.
    pub seq: Option<i64>,
    /// What came, without what is secret or personal: JSON.
    pub body: Option<String>,
    /// When it happened, by the gateway's clock.
    pub happened_at: Timestamp,
    /// When it was applied, skipped or given up.
    pub decided_at: Option<Timestamp>,
    /// When it came.
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
