//! Gauges: how much there is of something, as somebody read it.

use super::{FEATURE, Meter, OwnerId, Reading, owner, threshold};
use crate::clock::Timestamp;
use crate::entity::{FeatureKind, usage_counter, usage_day};
use crate::error::{Code, Refusal, Result};
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::Writer;
use crate::subscription::status::Policy;

/// How far ahead a clock of somebody else may be, in seconds.
pub(super) const AHEAD: i64 = 300;

/// What was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Whose.
    pub owner: OwnerId,
    /// Of which feature.
    pub feature: String,
    /// How much there is.
    pub value: i64,
    /// When it was read.
    pub observed_at: Option<Timestamp>,
}

/// Sets a gauge to what was read; what was read later already stays. It is a fact, so no limit refuses it.
pub async fn set(writer: &Writer, policy: &Policy, read: &Read) -> Result<Reading> {
    if !(0..=MAX_SAFE_INT).contains(&read.value) {
        let message = format!("Expected a number from 0 to {MAX_SAFE_INT}.");
        return Err(Refusal::new(Code::OutOfRange, message).at("input.value").into());
    }
    let (owner, _) = owner(writer, read.owner).await?;
    writer
        .tally(owner.tenant, super::OWNER, |unit| {
            Box::pin(async move {
                let at = read.observed_at.unwrap_or(unit.now());
                if at > unit.now().plus(chrono::TimeDelta::seconds(AHEAD)) {
                    let message = "This lies more than five minutes ahead.";
                    return Err(Refusal::new(Code::InvalidDate, message).at("input.observedAt").into());
                }
                let meter = Meter::find(unit, policy, owner, &read.feature, at).await?;
                meter.check_countable()?;
                if meter.entitlement.kind != FeatureKind::Limit {
                    let message = format!("`{}` is a meter: record what is used of it.", read.feature);
                    return Err(Refusal::new(Code::Conflict, message).at(FEATURE).into());
                }
                let gauge = usage_counter::Model { observed_at: Some(at), ..meter.counter(read.value, 0) };
                let before = unit.counted(&gauge).await?.used;
                if unit.set_gauge(gauge.clone()).await?.is_some() {
                    threshold::tell(unit, &gauge, meter.limit(), (before, read.value)).await?;
                    let day = meter.day(at, 0);
                    let value = Some(read.value);
                    unit.count_days(vec![usage_day::Model { last: value, maximum: value, ..day }]).await?;
                }
                meter.read(unit).await
            })
        })
        .await
}
