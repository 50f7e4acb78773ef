//! Shares of a limit that use reaches: told once for each window, and again when the limit was raised.

use crate::entity::{UsageThresholdId, usage_counter, usage_threshold};
use crate::error::Result;
use crate::store::{Change, UnitOfWork};

/// The shares that are told of.
const PERCENTS: [i32; 2] = [80, 100];

/// Whether so much is this share of a limit.
fn is_at(used: i64, percent: i32, limit: i64) -> bool {
    i128::from(used) * 100 >= i128::from(limit) * i128::from(percent)
}

/// The shares of a limit that are reached when so much is used, and were not before.
fn crossed(before: i64, after: i64, limit: i64) -> impl Iterator<Item = i32> {
    PERCENTS.into_iter().filter(move |percent| is_at(after, *percent, limit) && !is_at(before, *percent, limit))
}

/// Tells which shares of its limit a counter has reached, which said so much before. The counter is locked.
pub(super) async fn tell(
    unit: &UnitOfWork<'_>,
    counter: &usage_counter::Model,
    limit: Option<i64>,
    (before, after): (i64, i64),
) -> Result<()> {
    let Some(limit) = limit else { return Ok(()) };
    let mut crossed: Vec<_> = crossed(before, after, limit).collect();
    if crossed.is_empty() {
        return Ok(());
    }
    let told = unit.reached(counter, limit).await?;
    crossed.retain(|percent| told.iter().all(|told| told.percent != *percent));
    for percent in crossed {
        let row = usage_threshold::Model {
            tenant_id: counter.tenant_id,
            id: UsageThresholdId::generate(),
            subscription_id: counter.subscription_id,
            feature_key: counter.feature_key.clone(),
            epoch: counter.epoch,
            number: counter.number,
            percent,
            ceiling: limit,
            used: after,
            created_at: unit.now(),
            updated_at: unit.now(),
            version: 1,
        };
        unit.insert(row, Change::new("reach")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_crossed_once_on_the_way_up() {
        let told = |before, after, limit| crossed(before, after, limit).collect::<Vec<_>>();
        assert_eq!(told(0, 79, 100), [0; 0]);
        assert_eq!(told(79, 80, 100), [80]);
        assert_eq!(told(80, 99, 100), [0; 0]);
        assert_eq!(told(99, 130, 100), [100]);
        assert_eq!(told(0, 100, 100), [80, 100]);
        assert_eq!(told(100, 50, 100), [0; 0]);
        assert_eq!(told(0, 0, 0), [0; 0], "what may not be used at all is not reached");
        assert_eq!(told(0, 1, 1), [80, 100]);
        assert_eq!(told(0, i64::MAX, i64::MAX), [80, 100]);
    }
}
