//! The types that are part of `Subscription`.

use async_graphql::{ID, Interface, SimpleObject};
use declare::{ToJson, object};
use serde_json::Value;

use super::actions::Obstacle;
use super::lifecycle::Action;
use super::status::{Effective, Kind, Reason};
use crate::auth::{Caller, Permission};
use crate::clock::Timestamp;
use crate::customer::graphql::Customer;
use crate::entity::subscription::{AddOnLine, AddOns};
use crate::entity::{AddOnId, BillingCycle, OperationalStatus, TierId};
use crate::error::Result;
use crate::graphql::scalar::{Money, SafeInt, money};
use crate::organization::graphql::Organization;
use crate::read::facts::Facts;
use crate::tier::graphql::{self as tier, Tier};

/// Who is entitled, pays or is charged: an organization or a customer.
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "ID", desc = "Globally unique; its prefix names the kind of object."),
    field(name = "name", ty = "String", desc = "Shown to people."),
    field(
        name = "status",
        ty = "OperationalStatus",
        desc = "Whether its services may run. Says nothing about what is paid for: that is its subscription's status."
    ),
    field(name = "created_at", ty = "Timestamp", desc = "When it was made."),
    field(name = "version", ty = "i32", desc = "Counts changes, from 1.")
)]
pub enum SubscriptionOwner {
    /// The organization itself.
    Organization(Organization),
    /// A customer.
    Customer(Customer),
}

/// What a subscription is worth at this moment, by the clock: what was due by now has happened, whether anybody recorded
/// it or not.
#[derive(Clone, Copy, SimpleObject, ToJson)]
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

/// An add-on of a subscription, as it was agreed on.
#[derive(Clone, SimpleObject, ToJson)]
pub struct SubscriptionAddOn {
    /// The add-on's id.
    add_on_id: AddOnId,
    /// Its key, such as `extra-seats`.
    key: String,
    /// Its name when it was added.
    name: String,
    /// How many there are.
    quantity: i32,
    /// What each costs each cycle: a snapshot that later edits of the catalogue do not change.
    unit_price: Money,
    /// What all of them cost each cycle.
    price: Money,
}

/// Add-ons, from the columns that hold them and their currency.
pub fn add_ons(facts: &Facts<'_>) -> Result<Vec<SubscriptionAddOn>> {
    let (lines, currency): (AddOns, String) = (facts.filled(0)?, facts.filled(1)?);
    let one = |line: AddOnLine| SubscriptionAddOn {
        add_on_id: line.add_on_id,
        quantity: line.quantity,
        unit_price: Money::new(line.unit_amount_minor, currency.clone()),
        price: Money::new(line.amount_minor(), currency.clone()),
        key: line.key,
        name: line.name,
    };
    Ok(lines.0.into_iter().map(one).collect())
}

/// A change of tier, cycle or add-ons that waits for its time.
#[object(part_of = subscription)]
pub struct ScheduledChange {
    /// The tier that it changes to.
    #[column(ScheduledTierId)]
    tier_id: TierId,
    /// The tier that it changes to.
    #[one(tier::of, ScheduledTierId)]
    tier: Option<Tier>,
    /// What it will have besides the tier.
    #[computed(add_ons, from(ScheduledAddOns, Currency))]
    add_ons: Vec<SubscriptionAddOn>,
    /// What it will cost each cycle, add-ons included.
    #[computed(money, from(ScheduledAmountMinor, Currency))]
    price: Money,
    /// How often it will be charged.
    #[column(ScheduledBillingCycle)]
    billing_cycle: BillingCycle,
    /// When.
    #[column(ScheduledAt)]
    at: Timestamp,
}

/// Whether a caller is told who renewed a subscription, and why somebody gave another tier: who manages subscriptions, or
/// reads the trail, which tells it as well.
pub fn is_told_why(caller: &Caller) -> bool {
    [Permission::SubscriptionsManage, Permission::AuditRead].into_iter().any(|permission| caller.may(permission))
}

/// A text for those who may know why.
pub fn told_why(facts: &Facts<'_>) -> Result<Option<String>> {
    let is_told = is_told_why(facts.request.scope.caller()?);
    Ok(facts.get::<String>(0)?.filter(|_| is_told))
}

/// A tier given without payment.
#[object(part_of = subscription)]
pub struct TierOverride {
    /// Why; null for callers with neither `subscriptions.manage` nor `audit.read`.
    #[computed(told_why, from(OverrideReason))]
    reason: Option<String>,
    /// When it ends by itself; null if it does not.
    #[column(OverrideEndsAt)]
    ends_at: Option<Timestamp>,
    /// The tier that its end returns to.
    overridden_tier_id: TierId,
}

/// A feature that differs from the tier's.
#[derive(Clone, SimpleObject, ToJson)]
pub struct FeatureOverride {
    /// Key of the feature.
    pub key: String,
    /// On or off.
    pub enabled: bool,
    /// The ceiling of a limit or meter; null is unlimited, or the tier's.
    pub ceiling: Option<SafeInt>,
    /// Whether the ceiling stays the tier's.
    pub keeps_ceiling: bool,
}

/// The features that differ from the tier's, from the column that holds them.
pub fn feature_overrides(facts: &Facts<'_>) -> Result<Vec<FeatureOverride>> {
    let overrides: Value = facts.filled(0)?;
    let one = |(key, value): (&String, &Value)| FeatureOverride {
        key: key.clone(),
        enabled: value.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        ceiling: value.get("ceiling").and_then(Value::as_i64).map(SafeInt),
        keeps_ceiling: value.get("ceiling").is_none(),
    };
    Ok(overrides.as_object().map(|overrides| overrides.iter().map(one).collect()).unwrap_or_default())
}

/// An action and whether the caller may take it now.
#[derive(Clone, SimpleObject, ToJson)]
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
