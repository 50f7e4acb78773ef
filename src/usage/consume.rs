//! Consuming: the check and the count are one.

use super::{FEATURE, Meter, OwnerId, Reading, check_amount, owner, reused};
use crate::entitlement::Source;
use crate::entity::{FeatureEnforcement, ManagementMode, OperationalStatus, UsageRecordId, usage_record};
use crate::error::{Code, Contention, Error, Facts, Refusal, Result};
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{Counted, UnitOfWork, Writer};
use crate::subscription::status::Policy;
use crate::tier::Unlock;

/// What is to be consumed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// By whom.
    pub owner: OwnerId,
    /// Of which feature.
    pub feature: String,
    /// How much.
    pub amount: i64,
    /// Whether less is taken where there is not as much.
    pub partial: bool,
    /// Counts once.
    pub key: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Consumed {
    /// How much was counted.
    pub granted: i64,
    /// What the meter says now.
    pub meter: Reading,
}

/// Counts what is consumed, as far as the limit allows: all or nothing, unless less will do.
pub async fn consume(writer: &Writer, policy: &Policy, wanted: &Wanted) -> Result<Consumed> {
    check_amount(wanted.amount)?;
    let (owner, status) = owner(writer, wanted.owner).await?;
    check_operates(status)?;
    if let Some(consumed) = take(writer, policy, owner, wanted, false).await? {
        return Ok(consumed);
    }
    let consumed = take(writer, policy, owner, wanted, true).await?;
    consumed.ok_or_else(|| Error::Internal("what is over was given back".into()))
}

/// Refuses what an owner that may not operate would use.
pub(super) fn check_operates(status: OperationalStatus) -> Result<()> {
    if status == OperationalStatus::Active {
        return Ok(());
    }
    let message = format!("The owner is {}: it uses nothing.", status.as_str());
    Err(Refusal::new(Code::OwnerInactive, message).at(super::OWNER).into())
}

/// Counts; none where there is no room, but reservations are over that hold some: they are locked before the counter.
async fn take(
    writer: &Writer,
    policy: &Policy,
    owner: OwnerKey,
    wanted: &Wanted,
    expire: bool,
) -> Result<Option<Consumed>> {
    writer
        .tally(owner.tenant, super::OWNER, |unit| {
            Box::pin(async move {
                if let Some(before) = before(unit, wanted).await? {
                    let meter = Meter::find(unit, policy, owner, &wanted.feature, unit.now()).await?;
                    if before.subscription_id != meter.subscription.id {
                        return Err(reused());
                    }
                    return Ok(Some(Consumed { granted: before.counted, meter: meter.read(unit).await? }));
                }
                let meter = Meter::find(unit, policy, owner, &wanted.feature, unit.now()).await?;
                meter.check_countable()?;
                meter.check_granted()?;
                let counter = meter.counter(0, 0);
                if expire {
                    unit.expire_reservations(&counter).await?;
                }
                let (granted, counted) = match count(unit, &meter, wanted).await? {
                    Some(counted) => (wanted.amount, counted),
                    None if !expire && unit.has_expired(&counter).await? => return Ok(None),
                    None if wanted.partial => count_rest(unit, &meter, wanted).await?,
                    None => {
                        let unlock = unlock(unit, &meter).await?;
                        return Err(no_room(&meter.read(unit).await?, wanted.amount, unlock).into());
                    }
                };
                unit.record_once(record(unit, &meter, wanted, granted)?).await?;
                if granted > 0 {
                    unit.count_days(vec![meter.day(unit.now(), granted)]).await?;
                }
                let held = if counted.held > 0 { unit.held(&counter).await? } else { 0 };
                Ok(Some(Consumed { granted, meter: meter.reading(Counted { held, ..counted }) }))
            })
        })
        .await
}

/// What was counted under this key before.
async fn before(unit: &UnitOfWork<'_>, wanted: &Wanted) -> Result<Option<usage_record::Model>> {
    let Some(key) = wanted.key.as_deref() else { return Ok(None) };
    let Some(record) = unit.recorded(&[key]).await?.pop() else { return Ok(None) };
    if record.feature_key != wanted.feature || record.asked != wanted.amount {
        return Err(reused());
    }
    Ok(Some(record))
}

/// How much may be counted.
fn hard_limit(meter: &Meter) -> i64 {
    let soft = meter.entitlement.enforcement == FeatureEnforcement::Soft;
    meter.limit().filter(|_| !soft).unwrap_or(MAX_SAFE_INT)
}

/// Counts as much as is wanted; none where there is no room.
async fn count(unit: &UnitOfWork<'_>, meter: &Meter, wanted: &Wanted) -> Result<Option<Counted>> {
    Ok(unit.count(vec![meter.counter(wanted.amount, 0)], hard_limit(meter)).await?.pop())
}

/// Counts as much as there is room for: how much.
async fn count_rest(unit: &UnitOfWork<'_>, meter: &Meter, wanted: &Wanted) -> Result<(i64, Counted)> {
    // Where there is a counter, the refusal has locked it: nobody else counts until the end.
    let (limit, now) = (hard_limit(meter), unit.counted(&meter.counter(0, 0)).await?);
    let room = (limit - now.used - now.held).clamp(0, wanted.amount);
    if room == 0 {
        return Ok((0, now));
    }
    match unit.count(vec![meter.counter(room, 0)], limit).await?.pop() {
        Some(counted) => Ok((room, counted)),
        // There was none, and somebody else was the first to count.
        None => Err(Error::Contended(Contention::Race, "somebody else counted meanwhile".into())),
    }
}

fn record(unit: &UnitOfWork<'_>, meter: &Meter, wanted: &Wanted, granted: i64) -> Result<usage_record::Model> {
    Ok(usage_record::Model {
        tenant_id: meter.subscription.tenant_id,
        id: UsageRecordId::generate(),
        subscription_id: meter.subscription.id,
        feature_key: meter.entitlement.key.clone(),
        key: wanted.key.clone(),
        asked: wanted.amount,
        counted: granted,
        actor: unit.scope().caller()?.name().to_owned(),
        occurred_at: unit.now(),
        created_at: unit.now(),
    })
}

/// The refusal where there is no room.
pub(super) fn no_room(meter: &Reading, amount: i64, unlock: Option<Unlock>) -> Refusal {
    let Reading { feature, used, held, limit, .. } = meter;
    let limit = limit.unwrap_or(MAX_SAFE_INT);
    let message =
        format!("There is no room for {amount} more of `{feature}`: {used} of {limit} are used, {held} reserved.");
    let facts = Facts::LimitExceeded { feature: feature.clone(), limit, used: *used, unlock: unlock.map(Box::new) };
    Refusal::new(Code::LimitExceeded, message).at(FEATURE).with(facts)
}

/// Which tiers would help an organization, if another tier would.
async fn unlock(unit: &UnitOfWork<'_>, meter: &Meter) -> Result<Option<Unlock>> {
    let row = &meter.subscription;
    let replaceable = meter.entitlement.source != Source::Override && row.mode == ManagementMode::Manual;
    if row.customer_id.is_some() || !replaceable {
        return Ok(None);
    }
    Ok(Some(Unlock {
        from: row.tier_id,
        billing_cycle: row.billing_cycle,
        currency: row.currency.clone(),
        above: unit.organization().await?.parent_id,
    }))
}
