//! What is asked of gateways: recorded before the call, so that a call whose outcome is lost is repeated or looked up.

use sea_orm::entity::prelude::*;

use super::{
    CustomerId, GatewayAccountId, GatewayIntentId, GatewayObjectKind, IntentState, OrganizationId, SubscriptionId,
};
use crate::clock::Timestamp;

/// Something that is asked of a gateway. At most one with the same subject is open in an account.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_intents")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GatewayIntentId,
    /// The account that it is asked of.
    pub account_id: GatewayAccountId,
    /// The organization that it is done for.
    pub tenant_id: OrganizationId,
    /// The customer that it is done for; null where it is the organization itself.
    pub customer_id: Option<CustomerId>,
    /// The subscription that it is done for, if there is one.
    pub subscription_id: Option<SubscriptionId>,
    /// What is asked, of what: two that ask the same at the same time ask once.
    pub subject: String,
    /// What the gateway tells a repetition by.
    pub idempotency_key: String,
    /// Our name for what comes of it, kept by the gateway.
    pub reference: String,
    /// Exactly what is asked.
    pub request: Json,
    /// Where it stands.
    pub state: IntentState,
    /// What came of it.
    pub outcome_kind: Option<GatewayObjectKind>,
    /// The id of what came of it.
    pub outcome_id: Option<String>,
    /// When the key was first used: it is remembered for a while from then on.
    pub sent_at: Timestamp,
    /// When it is looked after, if whoever asked does not.
    pub due_at: Option<Timestamp>,
    /// How often the janitor looked after it.
    pub tries: i32,
    /// Why that failed last, for whoever runs the program.
    pub error: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// None: it stands alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
