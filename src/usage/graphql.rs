//! What is told of use, and the query for it.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::consume::Consumed;
use super::record::Outcome;
use super::reserve::{Closed, Reserved};
use super::series::{Bucket, Size, fill, number_of, starts};
use super::{OwnerId, find_owner};
use crate::clock::{Timestamp, local};
use crate::entitlement::is_counted_here;
use crate::entity::{
    FeatureKind, ReservationState, UsageReservationId, subscription, usage_adjustment, usage_day, usage_grant,
};
use crate::error::{Code, Refusal, Result};
use crate::graphql::context::ContextExt;
use crate::graphql::nested::{Owned as _, OwnerKey};
use crate::graphql::scalar::SafeInt;
use crate::graphql::when::When;
use crate::subscription::lifecycle::as_of;

/// How many features are told of at once.
const MAX_FEATURES: usize = 20;
/// How many days a series has, if nobody says.
const USUAL_DAYS: i64 = 30;

/// What a meter or gauge says now.
#[derive(SimpleObject)]
pub struct MeterReading {
    /// Key of the feature.
    feature: String,
    /// How much is used in this window.
    used: SafeInt,
    /// How much is reserved.
    held: SafeInt,
    /// How much may be used; null is unlimited.
    limit: Option<SafeInt>,
    /// How much is left: the limit less what is used and reserved; null is unlimited.
    remaining: Option<SafeInt>,
    /// How much more is used than may be; 0 if it is not.
    over_limit_by: SafeInt,
    /// When it begins at 0 again; null if it does not.
    resets_at: Option<Timestamp>,
}

impl From<super::Reading> for MeterReading {
    fn from(reading: super::Reading) -> Self {
        let super::Reading { feature, used, held, limit, remaining, over, resets_at } = reading;
        Self {
            feature,
            used: SafeInt(used),
            held: SafeInt(held),
            limit: limit.map(SafeInt),
            remaining: remaining.map(SafeInt),
            over_limit_by: SafeInt(over),
            resets_at,
        }
    }
}

/// What was consumed.
#[derive(SimpleObject)]
pub struct Consumption {
    /// How much was counted: all that was asked for, or with `partial` what there was room for.
    granted: SafeInt,
    /// What the meter says now.
    meter: MeterReading,
}

impl From<Consumed> for Consumption {
    fn from(Consumed { granted, meter }: Consumed) -> Self {
        Self { granted: SafeInt(granted), meter: meter.into() }
    }
}

/// An amount that is held.
#[derive(SimpleObject)]
pub struct Reservation {
    /// Names it, to settle or release it.
    reservation_id: UsageReservationId,
    /// How much is held.
    amount: SafeInt,
    /// Until when.
    expires_at: Timestamp,
    /// What became of it.
    state: ReservationState,
    /// What the meter says now.
    meter: MeterReading,
}

impl From<Reserved> for Reservation {
    fn from(Reserved { reservation, meter }: Reserved) -> Self {
        Self {
            reservation_id: reservation.id,
            amount: SafeInt(reservation.amount),
            expires_at: reservation.expires_at,
            state: reservation.state,
            meter: meter.into(),
        }
    }
}

/// What came of a reservation.
#[derive(SimpleObject)]
pub struct Settlement {
    /// How much was counted.
    counted: SafeInt,
    /// How much of what was held was given back now.
    returned: SafeInt,
    /// Whether the time of the reservation was over: what was used counts all the same.
    late: bool,
    /// Whether more was used than was held: it counts all the same.
    beyond_hold: bool,
}

impl From<Closed> for Settlement {
    fn from(Closed { counted, returned, late, beyond }: Closed) -> Self {
        Self { counted: SafeInt(counted), returned: SafeInt(returned), late, beyond_hold: beyond }
    }
}

/// What came of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UsageRecordStatus {
    /// It was counted.
    Accepted,
    /// Its key was counted before.
    Duplicate,
    /// It was not counted.
    Rejected,
}

/// What came of a record, in the order of the batch.
#[derive(SimpleObject)]
pub struct UsageRecordOutcome {
    /// The record's key.
    key: String,
    /// Whether it was counted.
    status: UsageRecordStatus,
    /// Why not, for programs.
    code: Option<Code>,
    /// Why not, for people.
    message: Option<String>,
}

impl UsageRecordOutcome {
    /// What came of the record with this key.
    pub(super) fn of(key: String, outcome: Outcome) -> Self {
        let (status, code, message) = match outcome {
            Outcome::Accepted => (UsageRecordStatus::Accepted, None, None),
            Outcome::Duplicate => (UsageRecordStatus::Duplicate, None, None),
            Outcome::Rejected(code, message) => (UsageRecordStatus::Rejected, Some(code), Some(message)),
        };
        Self { key, status, code, message }
    }
}

/// A correction of what is counted.
#[derive(SimpleObject)]
pub struct UsageAdjustment {
    /// Key of the feature.
    feature: String,
    /// How much was added; below 0 where it was taken away.
    amount: SafeInt,
    /// When it was used.
    occurred_at: Timestamp,
    /// When it was corrected.
    created_at: Timestamp,
}

impl From<usage_adjustment::Model> for UsageAdjustment {
    fn from(row: usage_adjustment::Model) -> Self {
        let usage_adjustment::Model { feature_key: feature, amount, occurred_at, created_at, .. } = row;
        Self { feature, amount: SafeInt(amount), occurred_at, created_at }
    }
}

/// An allowance besides what the tier grants.
#[derive(SimpleObject)]
pub struct Allowance {
    /// Key of the feature.
    feature: String,
    /// How much more.
    amount: SafeInt,
    /// Until when; null for ever.
    expires_at: Option<Timestamp>,
    /// When it was granted.
    created_at: Timestamp,
}

impl From<usage_grant::Model> for Allowance {
    fn from(row: usage_grant::Model) -> Self {
        let usage_grant::Model { feature_key: feature, amount, expires_at, created_at, .. } = row;
        Self { feature, amount: SafeInt(amount), expires_at, created_at }
    }
}

/// What was used of a feature over some time.
#[derive(SimpleObject)]
pub struct UsageSeries {
    /// Key of the feature.
    feature: String,
    /// Shown to people.
    name: String,
    /// How it is measured.
    kind: FeatureKind,
    /// What is counted, such as `GB`.
    unit: Option<String>,
    /// How much was counted in all buckets.
    total: SafeInt,
    /// The days or months, those without use included.
    buckets: Vec<UsageBucket>,
}

/// What was used in a day or month.
#[derive(SimpleObject)]
pub struct UsageBucket {
    /// When it begins, in the time zone of the subscription.
    start: Timestamp,
    /// How much was counted.
    used: SafeInt,
    /// The last value that a gauge was set to; null if it was not set.
    last: Option<SafeInt>,
    /// The greatest value that a gauge was set to; null if it was not set.
    maximum: Option<SafeInt>,
}

impl From<Bucket> for UsageBucket {
    fn from(Bucket { start, used, last, maximum }: Bucket) -> Self {
        Self { start, used: SafeInt(used), last: last.map(SafeInt), maximum: maximum.map(SafeInt) }
    }
}

/// The query for use.
#[derive(Default)]
pub struct UsageQuery;

#[Object]
impl UsageQuery {
    /// What an owner used, as series; null if the caller cannot see the owner or it never had a subscription. Seen by
    /// whoever sees the owner's subscription.
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An organization or a customer; the caller's own if not given.")] owner_id: Option<ID>,
        #[graphql(
            validator(max_items = 20),
            desc = "Keys of meters and limits, at most 20; if not given, the first 20 that the subscription grants."
        )]
        features: Option<Vec<String>>,
        #[graphql(desc = "From this day on; 30 days before the end if not given.")] from: Option<When>,
        #[graphql(desc = "Until this day, which is included; today if not given.")] to: Option<When>,
        #[graphql(desc = "How long a bucket is; there are at most 750.", default_with = "Size::Day")] bucket: Size,
    ) -> Result<Option<Vec<UsageSeries>>> {
        let Some(owner) = owner(ctx, owner_id).await? else { return Ok(None) };
        let of_owner = subscription::Entity::find()
            .filter(subscription::Entity::of_owner(owner))
            .order_by_desc(subscription::Column::CreatedAt)
            .order_by_desc(subscription::Column::Id);
        let rows = ctx.scope().all(of_owner).await?;
        let Some(current) = rows.iter().find(|row| row.ended_at.is_none()).or(rows.first()) else { return Ok(None) };
        let now = ctx.scope().now();
        let current = as_of(current, now, Some(ctx.settings().policy.renewal_tolerance)).0.into_owned();
        let zone = current.zone();
        let to = local(to.map_or(now, |to| to.start(zone)), zone).date();
        let from = match from {
            Some(from) => local(from.start(zone), zone).date(),
            None => local(start_of(to, zone).plus_days(-USUAL_DAYS), zone).date(),
        };
        let starts = starts(bucket, from, to).ok_or_else(|| {
            let message = "There are more than 750 buckets: ask for less time, or for months.";
            Refusal::new(Code::OutOfRange, message).at("from")
        })?;
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else {
            return Err(Refusal::new(Code::DatesReversed, "The end must not lie before the start.").at("to").into());
        };
        let days = (number_of(*first), number_of(*last).max(number_of(to)));
        let granted = ctx.scope().granted_by(&[&current]).await?;
        let terms = granted.terms(&current);
        let keys = match features {
            Some(features) => features,
            None => {
                let counts = terms.all().into_iter().filter(|one| one.kind != FeatureKind::Switch);
                counts.map(|one| one.key).filter(|key| !is_counted_here(key)).take(MAX_FEATURES).collect()
            }
        };
        let found = ctx.scope().days_of(&rows, &keys, days).await?;
        let mut series = Vec::with_capacity(keys.len());
        for (place, key) in keys.iter().enumerate() {
            let Some(known) = terms.of(key) else {
                let message = format!("Nothing is known of a feature `{key}`.");
                return Err(Refusal::new(Code::FeatureUnknown, message).at(&format!("features.{place}")).into());
            };
            let own: Vec<&usage_day::Model> = found.iter().filter(|row| row.feature_key == *key).collect();
            let buckets = fill(&starts, &own, zone);
            let total = buckets.iter().fold(0i64, |sum, bucket| sum.saturating_add(bucket.used));
            series.push(UsageSeries {
                feature: known.key,
                name: known.name,
                kind: known.kind,
                unit: known.unit,
                total: SafeInt(total),
                buckets: buckets.into_iter().map(Into::into).collect(),
            });
        }
        Ok(Some(series))
    }
}

fn start_of(date: chrono::NaiveDate, zone: chrono_tz::Tz) -> Timestamp {
    crate::clock::start_of_day(date, zone)
}

/// The owner that is asked for, if the caller sees it.
async fn owner(ctx: &Context<'_>, id: Option<ID>) -> Result<Option<OwnerKey>> {
    let caller = ctx.scope().caller()?;
    let id = match (id, caller.customer(), caller.organization()) {
        (Some(id), ..) => OwnerId::parse("ownerId", &id)?,
        (None, Some(customer), _) => OwnerId::Customer(customer),
        (None, None, Some(organization)) => OwnerId::Organization(organization),
        (None, None, None) => {
            return Err(Refusal::new(Code::Required, "Name an organization or a customer.").at("ownerId").into());
        }
    };
    Ok(find_owner(ctx.scope(), id).await?.map(|(owner, _)| owner))
}
