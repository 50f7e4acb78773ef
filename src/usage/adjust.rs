//! What is counted or granted by hand, with a reason: corrections and allowances. The audit trail tells of each.

use super::{FEATURE, Meter, OwnerId, owner, threshold};
use crate::clock::Timestamp;
use crate::entitlement::Source;
use crate::entity::{UsageAdjustmentId, UsageGrantId, usage_adjustment, usage_grant};
use crate::error::{Code, Refusal, Result};
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::subscription::actions;
use crate::subscription::status::Policy;

/// What is to be corrected or granted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose.
    pub owner: OwnerId,
    /// Of which feature.
    pub feature: String,
    /// How much.
    pub amount: i64,
    /// When it was used, or until when it is granted.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Refuses what an organization would give to itself.
async fn authorize(unit: &UnitOfWork<'_>, meter: &Meter) -> Result<()> {
    let management = unit.organization().await?.subscription_management;
    if actions::managed_from_above(unit.scope().caller()?, &meter.subscription, management) {
        return Err(actions::own_account(super::OWNER).into());
    }
    Ok(())
}

/// Adds an amount to what is counted, or takes it away.
pub async fn adjust(
    writer: &Writer,
    policy: &Policy,
    command: &Command,
    wanted: &Wanted,
) -> Result<usage_adjustment::Model> {
    if wanted.amount == 0 {
        let message = "Expected a number that is not 0: below 0 to take away.";
        return Err(Refusal::new(Code::OutOfRange, message).at("input.amount").into());
    }
    let (owner, _) = owner(writer, wanted.owner).await?;
    writer
        .write_in(command, owner.tenant, super::OWNER, |unit| {
            Box::pin(async move {
                let at = wanted.at.unwrap_or(unit.now());
                let meter = Meter::find(unit, policy, owner, &wanted.feature, at).await?;
                authorize(unit, &meter).await?;
                meter.check_countable()?;
                if at > unit.now() || at < meter.subscription.starts_at {
                    let message = "Expected a time since the subscription began.";
                    return Err(Refusal::new(Code::InvalidDate, message).at("input.occurredAt").into());
                }
                let counter = meter.counter(0, 0);
                let is_there = !unit.count(vec![counter.clone()], MAX_SAFE_INT).await?.is_empty();
                let counted = if is_there { unit.recount(&counter, wanted.amount, 0).await? } else { None };
                let Some(counted) = counted else {
                    let message = "Less than nothing would be used, or more than can be counted.";
                    return Err(Refusal::new(Code::OutOfRange, message).at("input.amount").into());
                };
                let change = (counted.used - wanted.amount, counted.used);
                threshold::tell(unit, &counter, meter.limit(), change).await?;
                unit.count_days(vec![meter.day(at, wanted.amount)]).await?;
                let row = usage_adjustment::Model {
                    tenant_id: owner.tenant,
                    id: UsageAdjustmentId::generate(),
                    subscription_id: meter.subscription.id,
                    feature_key: wanted.feature.clone(),
                    amount: wanted.amount,
                    occurred_at: at,
                    created_at: unit.now(),
                    updated_at: unit.now(),
                    version: 1,
                };
                unit.insert(row, Change::new("create").because(Some(wanted.reason.clone()))).await
            })
        })
        .await
}

/// Grants an amount besides what the tier grants: until it is over, or else until the next window begins.
pub async fn grant(writer: &Writer, policy: &Policy, command: &Command, wanted: &Wanted) -> Result<usage_grant::Model> {
    super::check_amount(wanted.amount)?;
    let (owner, _) = owner(writer, wanted.owner).await?;
    writer
        .write_in(command, owner.tenant, super::OWNER, |unit| {
            Box::pin(async move {
                let meter = Meter::find(unit, policy, owner, &wanted.feature, unit.now()).await?;
                authorize(unit, &meter).await?;
                meter.check_countable()?;
                if meter.entitlement.source == Source::Override {
                    let message = "An override decides how much there is: change that instead.";
                    return Err(Refusal::new(Code::Conflict, message).at(FEATURE).into());
                }
                if wanted.at.is_some_and(|at| at <= unit.now()) {
                    let message = "The end must lie in the future.";
                    return Err(Refusal::new(Code::InvalidDate, message).at("input.expiresAt").into());
                }
                let row = usage_grant::Model {
                    tenant_id: owner.tenant,
                    id: UsageGrantId::generate(),
                    subscription_id: meter.subscription.id,
                    feature_key: wanted.feature.clone(),
                    amount: wanted.amount,
                    expires_at: wanted.at.or(meter.window.end),
                    created_at: unit.now(),
                    updated_at: unit.now(),
                    version: 1,
                };
                unit.insert(row, Change::new("create").because(Some(wanted.reason.clone()))).await
            })
        })
        .await
}
