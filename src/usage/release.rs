//! Giving back what there is no more of: what `consume` counted of a limit.

use super::reserve::Closed;
use super::{FEATURE, Meter, OwnerId, check_amount, owner, reused};
use crate::entity::{FeatureKind, UsageRecordId, usage_record};
use crate::error::{Code, Refusal, Result};
use crate::store::Writer;
use crate::subscription::status::Policy;

/// What is given back.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// By whom.
    pub owner: OwnerId,
    /// Of which feature.
    pub feature: String,
    /// How much.
    pub amount: i64,
    /// Gives it back once.
    pub key: Option<String>,
}

/// Gives an amount of a limit back. What is used of a meter is used.
pub async fn release(writer: &Writer, policy: &Policy, wanted: &Wanted) -> Result<Closed> {
    check_amount(wanted.amount)?;
    let (owner, _) = owner(writer, wanted.owner).await?;
    let closed = Closed { counted: 0, returned: wanted.amount, late: false, beyond: false };
    writer
        .tally(owner.tenant, super::OWNER, |unit| {
            let closed = closed.clone();
            Box::pin(async move {
                let meter = Meter::find(unit, policy, owner, &wanted.feature, unit.now()).await?;
                if let Some(key) = wanted.key.as_deref()
                    && let Some(before) = unit.recorded(&[key]).await?.pop()
                {
                    let same = before.subscription_id == meter.subscription.id
                        && before.feature_key == wanted.feature
                        && before.counted == -wanted.amount;
                    return if same { Ok(closed) } else { Err(reused()) };
                }
                meter.check_countable()?;
                if meter.entitlement.kind != FeatureKind::Limit {
                    let message = format!("What is used of `{}` is used: it can be corrected by hand.", wanted.feature);
                    return Err(Refusal::new(Code::Conflict, message).at(FEATURE).into());
                }
                if unit.recount(&meter.counter(0, 0), -wanted.amount, 0).await?.is_none() {
                    let message = "There is not as much that could be given back.";
                    return Err(Refusal::new(Code::OutOfRange, message).at("input.amount").into());
                }
                let record = usage_record::Model {
                    tenant_id: owner.tenant,
                    id: UsageRecordId::generate(),
                    subscription_id: meter.subscription.id,
                    feature_key: wanted.feature.clone(),
                    key: wanted.key.clone(),
                    asked: -wanted.amount,
                    counted: -wanted.amount,
                    actor: unit.scope().caller()?.name().to_owned(),
                    occurred_at: unit.now(),
                    created_at: unit.now(),
                };
                unit.record_each_once(vec![record]).await?;
                unit.count_days(vec![meter.day(unit.now(), -wanted.amount)]).await?;
                Ok(closed)
            })
        })
        .await
}
