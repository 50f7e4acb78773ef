//! The types that are part of `Subscription`.

use async_graphql::{ComplexObject, Context, SimpleObject, Union};
use serde_json::Value;

use super::actions::Obstacle;
use super::lifecycle::Action;
use super::status::{Effective, Kind, Reason};
use crate::auth::{Caller, Permission};
use crate::clock::Timestamp;
use crate::customer::graphql::Customer;
use crate::customer::loader::CustomerKey;
use crate::entity::{BillingCycle, TierId};
use crate::error::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::{Money, SafeInt};
use crate::organization::graphql::Organization;
use crate::organization::loader::OrganizationKey;
use crate::tier::graphql::Tier;
use crate::tier::loader::TierKey;

/// An organization or a customer.
#[derive(Union)]
pub enum SubscriptionOwner {
    /// The organization itself.
    Organization(Box<Organization>),
    /// A customer.
    Customer(Box<Customer>),
}

/// The owner itself; none if it was deleted or the caller cannot see it.
pub async fn owner_of(ctx: &Context<'_>, owner: OwnerKey) -> Result<Option<SubscriptionOwner>> {
    Ok(match owner.customer {
        Some(id) => {
            let row = ctx.loader().load_one(CustomerKey(owner.tenant, id)).await?;
            row.map(|row| SubscriptionOwner::Customer(Box::new(row.into())))
        }
        None => {
            let row = ctx.loader().load_one(OrganizationKey(owner.tenant)).await?;
            row.map(|row| SubscriptionOwner::Organization(Box::new(row.into())))
        }
    })
}

/// What a subscription is worth at this moment, by the clock: what was due by now has happened, whether anybody recorded
/// it or not.
#[derive(Clone, Copy, SimpleObject)]
pub struct EffectiveStatus {
    /// What the status amounts to.
    status: Kind,
    /// Whether the owner may use what the tier grants. Whether the owner may operate at all is its own status.
    entitled: bool,
    /// Whether it is over: canceled or expired.
    expired: bool,
    /// Whether access runs out soon (within 7 days, unless configured otherwise).
    expiring_soon: bool,
    /// Days until `endsAt`, begun ones included; 0 once it has come; null if there is none.
    days_until_expiry: Option<i32>,
    /// When access runs or ran out, as things stand; where there is none, when the subscription ends. Null if never.
    ends_at: Option<Timestamp>,
    /// Why the status is what it is.
    reason: Reason,
}

impl From<Effective> for EffectiveStatus {
    fn from(effective: Effective) -> Self {
        let Effective { kind, entitled, expired, expiring_soon, days_until_expiry, ends_at, reason } = effective;
        let days_until_expiry = days_until_expiry.map(|days| i32::try_from(days).unwrap_or(i32::MAX));
        Self { status: kind, entitled, expired, expiring_soon, days_until_expiry, ends_at, reason }
    }
}

/// A change of tier that waits for its time.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ScheduledChange {
    /// The tier that it changes to.
    pub tier_id: TierId,
    /// What it will cost each cycle.
    pub price: Money,
    /// How often it will be charged.
    pub billing_cycle: BillingCycle,
    /// When.
    pub at: Timestamp,
}

#[ComplexObject]
impl ScheduledChange {
    /// The tier that it changes to.
    async fn tier(&self, ctx: &Context<'_>) -> Result<Option<Tier>> {
        Ok(ctx.loader().load_one(TierKey(self.tier_id)).await?.map(Into::into))
    }
}

/// Whether a caller is told who renewed a subscription, and why somebody gave another tier: who manages subscriptions, or
/// reads the trail, which tells it as well.
pub fn is_told_why(caller: &Caller) -> bool {
    [Permission::SubscriptionsManage, Permission::AuditRead].into_iter().any(|permission| caller.may(permission))
}

/// A tier given without payment.
#[derive(Clone, SimpleObject)]
pub struct TierOverride {
    /// Why; null for callers with neither `subscriptions.manage` nor `audit.read`.
    pub reason: Option<String>,
    /// When it ends by itself; null if it does not.
    pub ends_at: Option<Timestamp>,
    /// The tier that its end returns to.
    pub overridden_tier_id: TierId,
}

/// A feature that differs from the tier's.
#[derive(Clone, SimpleObject)]
pub struct FeatureOverride {
    /// Key of the feature.
    pub key: String,
    /// On or off.
    pub enabled: bool,
    /// The ceiling of a limit or meter; null is unlimited.
    pub ceiling: Option<SafeInt>,
}

/// The features that differ from the tier's, as a subscription's row holds them.
pub fn feature_overrides(overrides: &Value) -> Vec<FeatureOverride> {
    let one = |(key, value): (&String, &Value)| FeatureOverride {
        key: key.clone(),
        enabled: value.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        ceiling: value.get("ceiling").and_then(Value::as_i64).map(SafeInt),
    };
    overrides.as_object().map(|overrides| overrides.iter().map(one).collect()).unwrap_or_default()
}

/// An action and whether the caller may take it now.
#[derive(Clone, SimpleObject)]
pub struct AvailableAction {
    /// The action.
    pub action: Action,
    /// Whether the caller may take it now.
    pub allowed: bool,
    /// What stands in the way, if anything does.
    pub reason: Option<Obstacle>,
    /// The permission that it needs.
    pub requires: &'static str,
}
