//! Recording what was used elsewhere: in batches, each record by itself. It reports what happened, so no limit refuses it.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;

use super::gauge::AHEAD;
use super::{OwnerId, day, find_owners, threshold, window};
use crate::clock::Timestamp;
use crate::entitlement::is_counted_here;
use crate::entity::{FeatureKind, OrganizationId, UsageRecordId, subscription, usage_counter, usage_day, usage_record};
use crate::error::{Code, Refusal, Result};
use crate::graphql::input::Check;
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{UnitOfWork, Writer};
use crate::subscription::lifecycle::as_of;
use crate::subscription::status::Policy;

/// How many records a batch has at most.
pub const MAX_RECORDS: usize = 1_000;
/// How many days ago something may have been used.
const MAX_AGE: i64 = 35;

/// Something that was used.
#[derive(Clone, Debug)]
pub struct Record {
    /// By whom.
    pub owner: String,
    /// Of which feature.
    pub feature: String,
    /// How much.
    pub amount: i64,
    /// Counts once.
    pub key: String,
    /// When; now if not given.
    pub occurred_at: Option<Timestamp>,
}

/// What came of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was counted.
    Accepted,
    /// Its key was counted before.
    Duplicate,
    /// It was not counted: why.
    Rejected(Code, String),
}

fn rejected(code: Code, message: impl Into<String>) -> Outcome {
    Outcome::Rejected(code, message.into())
}

/// Records a batch. What came of each record is told in their order.
pub async fn record(writer: &Writer, policy: &Policy, records: &[Record]) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = records.iter().map(|record| malformed(record, writer.now())).collect();
    let ids: Vec<_> = records.iter().map(|record| OwnerId::parse("input.records", &record.owner).ok()).collect();
    let named = ids.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_none()).filter_map(|(id, _)| *id);
    let owners = find_owners(writer, named).await?;
    let mut tenants: BTreeMap<OrganizationId, Vec<(usize, OwnerKey)>> = BTreeMap::new();
    for (place, (id, outcome)) in ids.iter().zip(&mut outcomes).enumerate() {
        if outcome.is_some() {
            continue;
        }
        match id.and_then(|id| owners.get(&id)) {
            Some((owner, _)) => tenants.entry(owner.tenant).or_default().push((place, *owner)),
            None => *outcome = Some(rejected(Code::NotFound, "There is no such owner.")),
        }
    }
    for (tenant, batch) in tenants {
        let batch = &batch;
        let done =
            writer.tally(tenant, "input.records", |unit| Box::pin(record_in(unit, policy, records, batch))).await?;
        for ((place, _), outcome) in batch.iter().zip(done) {
            outcomes[*place] = Some(outcome);
        }
    }
    Ok(outcomes.into_iter().flatten().collect())
}

/// What is wrong with a record by itself.
fn malformed(record: &Record, now: Timestamp) -> Option<Outcome> {
    let mut check = Check::new();
    check.text("key", &record.key, 255);
    if let Err(crate::error::Error::Refused(refusals)) = check.finish() {
        return refusals
            .into_iter()
            .next()
            .map(|refusal| rejected(refusal.code, format!("The key: {}", refusal.message)));
    }
    if OwnerId::parse("ownerId", &record.owner).is_err() {
        return Some(rejected(Code::InvalidId, "Expected the id of an organization or a customer."));
    }
    if !(1..=MAX_SAFE_INT).contains(&record.amount) {
        return Some(rejected(Code::OutOfRange, format!("Expected a number from 1 to {MAX_SAFE_INT}.")));
    }
    let at = record.occurred_at.unwrap_or(now);
    if at > now.plus(TimeDelta::seconds(AHEAD)) || at < now.plus_days(-MAX_AGE) {
        let message = format!("Expected a time at most {MAX_AGE} days ago and five minutes ahead.");
        return Some(rejected(Code::InvalidDate, message));
    }
    None
}

/// A record that is to be counted, and in which counter.
struct Counting {
    record: usage_record::Model,
    counter: usage_counter::Model,
    /// How much may be used.
    limit: Option<i64>,
    day: i32,
}

async fn record_in(
    unit: &UnitOfWork<'_>,
    policy: &Policy,
    records: &[Record],
    batch: &[(usize, OwnerKey)],
) -> Result<Vec<Outcome>> {
    let keys: Vec<_> = batch.iter().map(|(place, _)| records[*place].key.as_str()).collect();
    let known = unit.recorded(&keys).await?;
    let mut known: HashMap<String, usage_record::Model> =
        known.into_iter().filter_map(|row| Some((row.key.clone()?, row))).collect();
    let owners: Vec<_> = batch.iter().map(|(_, owner)| *owner).collect();
    let rows = unit.subscriptions_of(&owners).await?;
    let mut current: HashMap<OwnerKey, subscription::Model> = HashMap::new();
    for row in rows {
        let owner = OwnerKey { tenant: row.tenant_id, customer: row.customer_id };
        current.entry(owner).or_insert_with(|| as_of(&row, unit.now(), Some(policy.renewal_tolerance)).0.into_owned());
    }
    let granted = unit.granted_by(&current.values().collect::<Vec<_>>(), None).await?;
    let exempt = unit.organization().await?.exempt;
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut counting: Vec<Counting> = Vec::new();
    for (place, owner) in batch {
        let record = &records[*place];
        let Some(subscription) = current.get(owner) else {
            outcomes.push(rejected(Code::NotEntitled, "The owner has no subscription."));
            continue;
        };
        if let Some(before) = known.get(&record.key) {
            let same = before.subscription_id == subscription.id
                && before.feature_key == record.feature
                && before.asked == record.amount;
            let reused = || rejected(Code::IdempotencyKeyReused, "The key was used for something else.");
            outcomes.push(if same { Outcome::Duplicate } else { reused() });
            continue;
        }
        let terms = granted.terms(subscription);
        let entitlement = terms.of(&record.feature);
        let at = record.occurred_at.unwrap_or(unit.now());
        let (kind, resets, limit) = match entitlement {
            Some(found) if found.kind == FeatureKind::Meter && !is_counted_here(&found.key) => {
                (found.kind, found.resets, found.limit.filter(|_| !exempt || owner.customer.is_some()))
            }
            Some(found) => {
                let message = format!("`{}` is no meter: only what is used of a meter is recorded.", found.key);
                outcomes.push(rejected(Code::Conflict, message));
                continue;
            }
            None => {
                outcomes.push(rejected(Code::FeatureUnknown, "Nothing is known of such a feature."));
                continue;
            }
        };
        if at < subscription.starts_at {
            outcomes.push(rejected(Code::InvalidDate, "The subscription had not begun."));
            continue;
        }
        let window = window::window(subscription, kind, resets, at);
        let row = usage_record::Model {
            tenant_id: subscription.tenant_id,
            id: UsageRecordId::generate(),
            subscription_id: subscription.id,
            feature_key: record.feature.clone(),
            key: Some(record.key.clone()),
            asked: record.amount,
            counted: record.amount,
            actor: unit.scope().caller()?.name().to_owned(),
            occurred_at: at,
            created_at: unit.now(),
        };
        known.insert(record.key.clone(), row.clone());
        let counter = usage_counter::Model {
            tenant_id: subscription.tenant_id,
            subscription_id: subscription.id,
            feature_key: record.feature.clone(),
            epoch: window.epoch,
            number: window.number,
            used: record.amount,
            held: 0,
            observed_at: None,
        };
        counting.push(Counting { day: day(subscription, at), record: row, counter, limit });
        outcomes.push(Outcome::Accepted);
    }
    count(unit, counting).await?;
    Ok(outcomes)
}

/// Counts records together: each counter and each day once.
async fn count(unit: &UnitOfWork<'_>, counting: Vec<Counting>) -> Result<()> {
    if counting.is_empty() {
        return Ok(());
    }
    let (mut counters, mut days) = (BTreeMap::new(), BTreeMap::new());
    for Counting { record, counter, limit, day } in &counting {
        let key = (counter.subscription_id, counter.feature_key.clone());
        let sum = counters.entry((key.clone(), counter.epoch, counter.number)).or_insert((counter, 0i64, *limit));
        sum.1 = sum.1.saturating_add(record.counted);
        let sum = days.entry((key, *day)).or_insert((counter, 0i64));
        sum.1 = sum.1.saturating_add(record.counted);
    }
    let (limits, added): (Vec<_>, Vec<_>) =
        counters.into_values().map(|(row, used, limit)| (limit, usage_counter::Model { used, ..row.clone() })).unzip();
    let days = days.into_iter().map(|((_, day), (row, used))| usage_day::Model {
        tenant_id: row.tenant_id,
        subscription_id: row.subscription_id,
        feature_key: row.feature_key.clone(),
        day,
        used,
        last: None,
        maximum: None,
    });
    let (days, wanted): (Vec<_>, _) = (days.collect(), added.len());
    let rows: Vec<_> = counting.into_iter().map(|one| one.record).collect();
    // Whose key was recorded meanwhile is found when this is run again.
    unit.record_each_once(rows).await?;
    let counted = unit.count(added.clone(), MAX_SAFE_INT).await?;
    if counted.len() != wanted {
        let message = "More would be used than can be counted.";
        return Err(Refusal::new(Code::OutOfRange, message).at("input.records").into());
    }
    for (added, limit) in added.iter().zip(limits) {
        let is_same = |row: &&usage_counter::Model| {
            let key = |row: &usage_counter::Model| (row.subscription_id, row.epoch, row.number);
            key(row) == key(added) && row.feature_key == added.feature_key
        };
        if let Some(row) = counted.iter().find(is_same) {
            threshold::tell(unit, row, limit, (row.used - added.used, row.used)).await?;
        }
    }
    unit.count_days(days).await
}
