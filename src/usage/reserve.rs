//! Reserving: an amount is held, and what was used of it is counted later.

use chrono::TimeDelta;

use super::consume::{check_operates, no_room};
use super::{Meter, OwnerId, Reading, check_amount, owner, reused, threshold};
use crate::clock::Timestamp;
use crate::entity::{
    FeatureEnforcement, ReservationState, UsageRecordId, UsageReservationId, subscription, usage_counter, usage_record,
    usage_reservation,
};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{UnitOfWork, Writer};
use crate::subscription::status::Policy;

/// Where the reservation stands in the input.
const RESERVATION: &str = "input.reservationId";

/// How long an amount is held at most.
pub const MAX_SECONDS: i64 = 86_400;

/// What is to be reserved.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// For whom.
    pub owner: OwnerId,
    /// Of which feature.
    pub feature: String,
    /// How much.
    pub amount: i64,
    /// For how long.
    pub seconds: i64,
    /// Reserves once.
    pub key: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Reserved {
    /// The reservation.
    pub reservation: usage_reservation::Model,
    /// What the meter says now.
    pub meter: Reading,
}

/// Holds an amount, as far as the limit allows: all or nothing.
pub async fn reserve(writer: &Writer, policy: &Policy, wanted: &Wanted) -> Result<Reserved> {
    check_amount(wanted.amount)?;
    check_seconds(wanted.seconds)?;
    let (owner, status) = owner(writer, wanted.owner).await?;
    check_operates(status)?;
    if let Some(reserved) = hold(writer, policy, owner, wanted, false).await? {
        return Ok(reserved);
    }
    let reserved = hold(writer, policy, owner, wanted, true).await?;
    reserved.ok_or_else(|| Error::Internal("what is over was given back".into()))
}

fn check_seconds(seconds: i64) -> Result<()> {
    if (1..=MAX_SECONDS).contains(&seconds) {
        return Ok(());
    }
    let message = format!("Expected a number from 1 to {MAX_SECONDS}.");
    Err(Refusal::new(Code::OutOfRange, message).at("input.expiresInSeconds").into())
}

/// Holds; none where there is no room, but reservations are over that hold some: they are locked before the counter.
async fn hold(
    writer: &Writer,
    policy: &Policy,
    owner: OwnerKey,
    wanted: &Wanted,
    expire: bool,
) -> Result<Option<Reserved>> {
    writer
        .tally(owner.tenant, super::OWNER, |unit| {
            Box::pin(async move {
                let meter = Meter::find(unit, policy, owner, &wanted.feature, unit.now()).await?;
                if let Some(key) = &wanted.key
                    && let Some(reservation) = unit.reserved(key).await?
                {
                    let same = reservation.subscription_id == meter.subscription.id
                        && reservation.feature_key == wanted.feature
                        && reservation.amount == wanted.amount;
                    if !same {
                        return Err(reused());
                    }
                    return Ok(Some(Reserved { reservation, meter: meter.read(unit).await? }));
                }
                meter.check_countable()?;
                meter.check_granted()?;
                if expire {
                    unit.expire_reservations(&meter.counter(0, 0)).await?;
                }
                let soft = meter.entitlement.enforcement == FeatureEnforcement::Soft;
                let limit = meter.limit().filter(|_| !soft).unwrap_or(MAX_SAFE_INT);
                if unit.count(vec![meter.counter(0, wanted.amount)], limit).await?.is_empty() {
                    if !expire && unit.has_expired(&meter.counter(0, 0)).await? {
                        return Ok(None);
                    }
                    let reading = meter.read(unit).await?;
                    return Err(no_room(&meter, &reading, wanted.amount).into());
                }
                let reservation = usage_reservation::Model {
                    tenant_id: owner.tenant,
                    id: UsageReservationId::generate(),
                    subscription_id: meter.subscription.id,
                    feature_key: meter.entitlement.key.clone(),
                    epoch: meter.window.epoch,
                    number: meter.window.number,
                    key: wanted.key.clone(),
                    amount: wanted.amount,
                    state: ReservationState::Held,
                    settled: None,
                    expires_at: unit.now().plus(TimeDelta::seconds(wanted.seconds)),
                    created_at: unit.now(),
                    updated_at: unit.now(),
                };
                unit.reserve(reservation.clone()).await?;
                Ok(Some(Reserved { reservation, meter: meter.read(unit).await? }))
            })
        })
        .await
}

/// How a reservation is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// This much of it was used.
    Settle(i64),
    /// Nothing was used.
    Release,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Closed {
    /// How much was counted.
    pub counted: i64,
    /// How much was given back.
    pub returned: i64,
    /// Whether the time of the reservation was over.
    pub late: bool,
    /// Whether more was counted than was held.
    pub beyond: bool,
}

impl Closed {
    fn of(reservation: &usage_reservation::Model, close: Close, at: Timestamp) -> Self {
        let counted = match close {
            Close::Settle(actual) => actual,
            Close::Release => 0,
        };
        let late = at >= reservation.expires_at;
        let returned = if late { 0 } else { (reservation.amount - counted).max(0) };
        Self { counted, returned, late, beyond: counted > reservation.amount }
    }
}

/// Holds a reservation for longer: until so many seconds from now, if it would not be held until then anyway.
pub async fn renew(writer: &Writer, policy: &Policy, id: UsageReservationId, seconds: i64) -> Result<Reserved> {
    check_seconds(seconds)?;
    let tenant = writer.tenant_of_reservation(id).await?.ok_or_else(|| not_found("reservation", RESERVATION))?;
    writer
        .tally(tenant, RESERVATION, |unit| {
            Box::pin(async move {
                let is_held = unit.extend_reservation(id, unit.now().plus(TimeDelta::seconds(seconds))).await?;
                let found = unit.reservation(id).await?.ok_or_else(|| not_found("reservation", RESERVATION))?;
                if !is_held {
                    let message = match found.state {
                        ReservationState::Held => "The time of the reservation is over.".to_owned(),
                        state => format!("The reservation is {} already.", state.as_str()),
                    };
                    return Err(Refusal::new(Code::Conflict, message).at(RESERVATION).into());
                }
                let subscription = unit.subscription(found.subscription_id).await?;
                let subscription =
                    subscription.ok_or_else(|| Error::Internal("a reservation is of a subscription".into()))?;
                let meter = Meter::of(unit, policy, &subscription, &found.feature_key, unit.now()).await?;
                Ok(Reserved { meter: meter.read(unit).await?, reservation: found })
            })
        })
        .await
}

/// Closes a reservation: counts what was used, and gives back what is left. What was used counts although the time was
/// over or more was used than was held. Closing it the same way again changes nothing.
pub async fn close(writer: &Writer, policy: &Policy, id: UsageReservationId, close: Close) -> Result<Closed> {
    if let Close::Settle(actual) = close
        && !(0..=MAX_SAFE_INT).contains(&actual)
    {
        let message = format!("Expected a number from 0 to {MAX_SAFE_INT}.");
        return Err(Refusal::new(Code::OutOfRange, message).at("input.actual").into());
    }
    let tenant = writer.tenant_of_reservation(id).await?.ok_or_else(|| not_found("reservation", RESERVATION))?;
    writer.tally(tenant, RESERVATION, |unit| Box::pin(close_in(unit, policy, id, close))).await
}

async fn close_in(unit: &UnitOfWork<'_>, policy: &Policy, id: UsageReservationId, close: Close) -> Result<Closed> {
    use ReservationState::{Expired, Held, Released, Settled};
    let (to, settled) = match close {
        Close::Settle(actual) => (Settled, Some(actual)),
        Close::Release => (Released, None),
    };
    // Whoever closes it first locks it.
    let was_held = unit.close_reservation(id, Held, to, settled).await?;
    let counts_late = !was_held && to == Settled && unit.close_reservation(id, Expired, to, settled).await?;
    let found = unit.reservation(id).await?.ok_or_else(|| not_found("reservation", RESERVATION))?;
    if !was_held && !counts_late {
        return match (close, found.state) {
            (Close::Settle(actual), Settled) if found.settled == Some(actual) => {
                Ok(Closed::of(&found, close, found.updated_at))
            }
            (Close::Release, Released | Expired) => Ok(Closed::of(&found, close, found.updated_at)),
            (_, state) => {
                let message = format!("The reservation is {} already.", state.as_str());
                Err(Refusal::new(Code::Conflict, message).at(RESERVATION).into())
            }
        };
    }
    let closed = Closed::of(&found, close, unit.now());
    let counter = usage_counter::Model {
        tenant_id: found.tenant_id,
        subscription_id: found.subscription_id,
        feature_key: found.feature_key.clone(),
        epoch: found.epoch,
        number: found.number,
        used: 0,
        held: 0,
        observed_at: None,
    };
    let held = if was_held { -found.amount } else { 0 };
    let Some(counted) = unit.recount(&counter, closed.counted, held).await? else {
        let message = "More would be used than can be counted.";
        return Err(Refusal::new(Code::OutOfRange, message).at("input.actual").into());
    };
    if closed.counted > 0 {
        let subscription = unit.subscription(found.subscription_id).await?;
        let subscription = subscription.ok_or_else(|| Error::Internal("a reservation is of a subscription".into()))?;
        note(unit, &found, &subscription, closed.counted).await?;
        match Meter::of(unit, policy, &subscription, &found.feature_key, unit.now()).await {
            Ok(meter) => {
                let change = (counted.used - closed.counted, counted.used);
                threshold::tell(unit, &counter, meter.limit(), change).await?;
            }
            // What nothing is known of any more has no limit.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(closed)
}

/// Leaves a record of what was used, and adds it to the sums by day.
async fn note(
    unit: &UnitOfWork<'_>,
    of: &usage_reservation::Model,
    subscription: &subscription::Model,
    counted: i64,
) -> Result<()> {
    let record = usage_record::Model {
        tenant_id: of.tenant_id,
        id: UsageRecordId::generate(),
        subscription_id: of.subscription_id,
        feature_key: of.feature_key.clone(),
        key: None,
        asked: of.amount,
        counted,
        actor: unit.scope().caller()?.name().to_owned(),
        occurred_at: unit.now(),
        created_at: unit.now(),
    };
    unit.record_each_once(vec![record]).await?;
    unit.count_days(vec![crate::entity::usage_day::Model {
        tenant_id: of.tenant_id,
        subscription_id: of.subscription_id,
        feature_key: of.feature_key.clone(),
        day: super::day(subscription, unit.now()),
        used: counted,
        last: None,
        maximum: None,
    }])
    .await
}
