//! Totals of subscriptions: how many live ones are alike.

use sea_orm::entity::prelude::*;

use super::{BillingCycle, ManagementMode, OrganizationId, SubscriptionStatus, TierId};

/// A part of the number of live subscriptions of a tenant that are alike; the whole is the sum over the shards.
///
/// Kept by triggers of the database in the transaction that changes a subscription; never written by the program.
/// Grouped by amount instead of summing it up, because such a sum could overflow; amounts are few, being snapshots of
/// a catalogue's prices.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription_totals")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// What is subscribed to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tier_id: TierId,
    /// Whether the owners are customers; otherwise it is the organization itself.
    #[sea_orm(primary_key, auto_increment = false)]
    pub of_customers: bool,
    /// Where they stand in their lifecycle.
    #[sea_orm(primary_key, auto_increment = false)]
    pub status: SubscriptionStatus,
    /// Who decides about them.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mode: ManagementMode,
    /// ISO 4217 code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: String,
    /// How often they are charged.
    #[sea_orm(primary_key, auto_increment = false)]
    pub billing_cycle: BillingCycle,
    /// What each costs a cycle, in minor units.
    #[sea_orm(primary_key, auto_increment = false)]
    pub amount_minor: i64,
    /// Which part: one of eight on PostgreSQL, by the connection that wrote; always 0 on SQLite.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i32,
    /// How many; negative where this part ended what others made.
    pub subscriptions: i64,
}

/// None: totals are only summed up.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
