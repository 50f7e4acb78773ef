//! Subscriptions: what an owner is entitled to.

use chrono_tz::Tz;
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Above, AddOnId, BillingCycle, CustomerId, Gateway, GatewayAccountId, ManagementMode, OrganizationId, PaymentStatus,
    PeriodEndPolicy, StoredJson, SubscriptionId, SubscriptionStatus, SuspensionCause, TierId, TrialEndPolicy,
};
use crate::clock::Timestamp;

/// What one owner is entitled to.
///
/// The owner is the customer, or the organization itself where `customer_id` is null: exactly one by construction.
/// A subscription is live while `ended_at` is null; an owner has at most one live subscription.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: OrganizationId,
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SubscriptionId,
    /// The owner; null when the organization itself is.
    pub customer_id: Option<CustomerId>,
    /// What is subscribed to.
    pub tier_id: TierId,
    /// Where it stands in its lifecycle.
    pub status: SubscriptionStatus,
    /// Who decides about it.
    pub mode: ManagementMode,

    /// Price snapshot in minor units, of the tier and its add-ons together: a later edit of the catalogue does not change
    /// it.
    pub amount_minor: i64,
    /// Price snapshot, ISO 4217. Never changes.
    pub currency: String,
    /// Price snapshot.
    pub billing_cycle: BillingCycle,

    /// When it starts or started.
    pub starts_at: Timestamp,
    /// Start of the trial, if there was one: a subscription has at most one trial.
    pub trial_started_at: Option<Timestamp>,
    /// End of the trial.
    pub trial_ends_at: Option<Timestamp>,
    /// The tiers whose own days of trial the owner was given, by this subscription or one before: each gives them once.
    pub tried_tiers: TriedTiers,
    /// Start of the period that is paid for.
    pub current_period_start: Option<Timestamp>,
    /// End of the period that is paid for.
    pub current_period_end: Option<Timestamp>,
    /// How much of the present period was a pause, in microseconds.
    pub stood_still: i64,
    /// Where the periods end that were renewed ahead, before the last one, which ends with the present period.
    pub renewed_ahead: RenewedAhead,
    /// IANA time zone name: the organization's when the subscription was made. Its periods are counted in it.
    pub time_zone: String,
    /// Day of the month (1–31) that periods start on; shorter months end earlier without losing it.
    pub anchor_day: i32,
    /// Local time of day that periods start at, in microseconds since midnight.
    pub anchor_time: i64,
    /// What happens when the period ends and nothing renews it. This and the next five are agreed on when a period or
    /// trial begins by a command: what becomes of it does not depend on when somebody looks.
    pub period_end_policy: PeriodEndPolicy,
    /// What happens when the trial ends and nothing converts it.
    pub trial_end_policy: TrialEndPolicy,
    /// The tier that these may lead to.
    pub fallback_tier_id: Option<TierId>,
    /// What it costs each cycle, in minor units of the subscription's currency.
    pub fallback_amount_minor: Option<i64>,
    /// How many days access continues while a renewal is unpaid, 0–730.
    pub grace_days: i32,
    /// How many days behind that it is canceled, if it is still unpaid, 0–730.
    pub unpaid_days: i32,
    /// Hard end set by an administrator, whatever is paid.
    pub expires_at: Option<Timestamp>,

    /// When a cancellation takes or took effect.
    pub cancel_at: Option<Timestamp>,
    /// When the cancellation was asked for.
    pub canceled_at: Option<Timestamp>,
    /// When it ended: set exactly for `Canceled` and `Expired`.
    pub ended_at: Option<Timestamp>,

    /// Since when a renewal is unpaid.
    pub past_due_since: Option<Timestamp>,
    /// Until when access continues although a renewal is unpaid.
    pub grace_ends_at: Option<Timestamp>,

    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Why it is suspended.
    pub suspension_cause: Option<SuspensionCause>,
    /// Who above the organization suspended it, while that is not lifted: also when it has ended meanwhile.
    pub suspended_by: Option<Above>,
    /// What `resume` returns to.
    pub suspended_from: Option<SubscriptionStatus>,

    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// When it resumes by itself.
    pub resumes_at: Option<Timestamp>,

    /// When a pending subscription that nobody pays expires.
    pub pending_until: Option<Timestamp>,

    /// A change of tier that waits: the tier.
    pub scheduled_tier_id: Option<TierId>,
    /// A change of tier that waits: its amount, add-ons included.
    pub scheduled_amount_minor: Option<i64>,
    /// A change of tier that waits: its cycle.
    pub scheduled_billing_cycle: Option<BillingCycle>,
    /// A change of tier that waits: when.
    pub scheduled_at: Option<Timestamp>,

    /// Why an administrator overrode the tier.
    pub override_reason: Option<String>,
    /// When the override ends by itself.
    pub override_ends_at: Option<Timestamp>,
    /// The tier that the end of the override returns to.
    pub overridden_tier_id: Option<TierId>,
    /// The amount that the end of the override returns to.
    pub overridden_amount_minor: Option<i64>,
    /// The cycle that the end of the override returns to.
    pub overridden_billing_cycle: Option<BillingCycle>,
    /// The state that the end of the override returns to.
    pub overridden_state: Option<Overridden>,

    /// How many active members the organization may have, 1–100,000; null: what the tier says.
    pub user_limit: Option<i32>,
    /// Whether that is the default trial's own limit, which goes with a change of tier.
    pub trial_limits_users: bool,
    /// Features that differ from the tier's: a JSON object from feature key to `{enabled, ceiling}`.
    pub feature_overrides: Json,

    /// What it has besides its tier. The amounts of this row count it in.
    pub add_ons: AddOns,
    /// The same once the change of tier that waits has happened; empty where none waits.
    pub scheduled_add_ons: AddOns,

    /// Counts the times that the use of its features began anew: what was used before does not count any more.
    pub usage_epoch: i32,
    /// How many months its monthly windows are ahead of the calendar's: below 0 where pauses lengthened some.
    pub usage_shift: i32,

    /// Which gateway bills it.
    pub gateway: Option<Gateway>,
    /// The seller's account there; null if none bills it, and for those from before there were accounts.
    pub gateway_account_id: Option<GatewayAccountId>,
    /// Its id at the gateway, unique in the account.
    pub gateway_subscription_id: Option<String>,
    /// The integrator's own key.
    pub external_id: Option<String>,
    /// What a search looks through: the folded key of the integrator.
    pub search_text: Option<String>,
    /// Free-form JSON object of the integrator.
    pub metadata: StoredJson,
    /// The same of those who manage it, for nobody else; null is nothing.
    pub private_metadata: Option<StoredJson>,
    /// Who bought it: the subject of a token.
    pub purchaser: Option<String>,
    /// How its newest payment stands. This and the next are kept by a trigger of the database.
    pub payment_status: Option<PaymentStatus>,
    /// Since when.
    pub payment_status_at: Option<Timestamp>,
    /// Who renewed it last: the subject of a token, or `scheduler` for time itself.
    pub last_renewed_by: Option<String>,

    /// When access ends as things stand; null for never. This and the turns below are derived from the dates above by
    /// [`crate::subscription::lifecycle::settled`] at every write, so that lists can filter and sort by them.
    pub access_ends_at: Option<Timestamp>,
    /// When time changes the status next, as things stand.
    pub next_at: Option<Timestamp>,
    /// To what.
    pub next_status: Option<SubscriptionStatus>,
    /// When time changes it after that.
    pub second_at: Option<Timestamp>,
    /// To what.
    pub second_status: Option<SubscriptionStatus>,
    /// When time changes it once more.
    pub third_at: Option<Timestamp>,
    /// To what.
    pub third_status: Option<SubscriptionStatus>,
    /// When time changes it for the fourth time.
    pub fourth_at: Option<Timestamp>,
    /// To what.
    pub fourth_status: Option<SubscriptionStatus>,
    /// When time changes it for the fifth time. There is no sixth time.
    pub fifth_at: Option<Timestamp>,
    /// To what.
    pub fifth_status: Option<SubscriptionStatus>,
    /// When the scheduler has something to do with it: a change of status, or anything else that time brings.
    pub due_at: Option<Timestamp>,

    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
    /// When the subscription was deleted. A deleted row is invisible.
    pub deleted_at: Option<Timestamp>,
}

/// An add-on of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOnLine {
    /// Which one.
    pub add_on_id: AddOnId,
    /// Its key, which never changes.
    pub key: String,
    /// Its name when it was added.
    pub name: String,
    /// How many, at least 1.
    pub quantity: i32,
    /// Price snapshot of one each cycle, in minor units of the subscription's currency.
    pub unit_amount_minor: i64,
}

impl AddOnLine {
    /// What it costs each cycle.
    pub fn amount_minor(&self) -> i64 {
        self.unit_amount_minor.saturating_mul(self.quantity.into())
    }
}

/// The add-ons of a subscription, at most one line for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct AddOns(pub Vec<AddOnLine>);

impl AddOns {
    /// What they cost each cycle.
    pub fn amount_minor(&self) -> i64 {
        self.0.iter().fold(0, |sum, line| sum.saturating_add(line.amount_minor()))
    }

    /// The line of an add-on.
    pub fn line(&self, id: AddOnId) -> Option<&AddOnLine> {
        self.0.iter().find(|line| line.add_on_id == id)
    }

    /// How many of an add-on there are.
    pub fn quantity(&self, id: AddOnId) -> i32 {
        self.line(id).map_or(0, |line| line.quantity)
    }

    /// Puts a line into the place of the add-on's own; a quantity of 0 removes it.
    pub fn put(&mut self, line: AddOnLine) {
        let id = line.add_on_id;
        match self.0.iter_mut().find(|line| line.add_on_id == id) {
            Some(place) => *place = line,
            None => self.0.push(line),
        }
        self.0.retain(|line| line.quantity > 0);
    }
}

/// Tiers whose days of trial an owner was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct TriedTiers(Vec<Uuid>);

impl TriedTiers {
    /// Whether this tier is one of them.
    pub fn has(&self, tier: TierId) -> bool {
        self.0.contains(&tier.into())
    }

    /// Adds a tier, whose days are given now.
    pub fn add(&mut self, tier: TierId) {
        if !self.has(tier) {
            self.0.push(tier.into());
        }
    }
}

/// How long a subscription has run, from the start of its period, when each of the periods ends that were renewed ahead: in
/// microseconds, without the time that it stood still, so that a pause or a longer last period changes nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct RenewedAhead(pub Vec<i64>);

/// What an override lies on, as far as the row itself cannot hold it meanwhile: the dates of trial, period, grace and
/// waiting stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Overridden {
    /// Where it stood in its lifecycle.
    pub status: SubscriptionStatus,
    /// Who decided about it.
    pub mode: ManagementMode,
    /// A hard end that had passed.
    #[serde(with = "micros")]
    pub expires_at: Option<Timestamp>,
    /// When a cancellation takes or took effect.
    #[serde(with = "micros")]
    pub cancel_at: Option<Timestamp>,
    /// When the cancellation was asked for.
    #[serde(with = "micros")]
    pub canceled_at: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "micros")]
    pub ended_at: Option<Timestamp>,
    /// Since when it is suspended.
    #[serde(with = "micros")]
    pub suspended_at: Option<Timestamp>,
    /// Why it is suspended.
    pub suspension_cause: Option<SuspensionCause>,
    /// What `resume` returns to.
    pub suspended_from: Option<SubscriptionStatus>,
    /// Since when it is paused.
    #[serde(with = "micros")]
    pub paused_at: Option<Timestamp>,
    /// When it resumes by itself.
    #[serde(with = "micros")]
    pub resumes_at: Option<Timestamp>,
}

/// Times as the other columns have them.
mod micros {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::clock::Timestamp;

    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::micros).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Option::<i64>::deserialize(deserializer).map(|time| time.map(Timestamp::from_micros))
    }
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl Model {
    /// The time zone that its periods are counted in.
    pub fn zone(&self) -> Tz {
        // Only names of zones are stored.
        self.time_zone.parse().unwrap_or_default()
    }

    /// How long its period runs, with what it was extended by and without the time that it stood still, in microseconds.
    pub fn runs_for(&self) -> Option<i64> {
        let (start, end) = self.current_period_start.zip(self.current_period_end)?;
        Some(end.since(start).num_microseconds()?.saturating_sub(self.stood_still))
    }
}

impl ActiveModelBehavior for ActiveModel {}
