//! Who manages which catalogue, and which tier another one may fall back to.

use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, Condition};

use crate::auth::{Caller, Permission, Standing};
use crate::entity::{Mutable, OrganizationId, PeriodEndPolicy, TierId, TierKind, TrialEndPolicy, tier};
use crate::error::{Code, Error, Refusal, Result};
use crate::graphql::filter::nothing;
use crate::store::{Record, Writer};

/// The permission that keeps the caller from managing this catalogue, if one does; none stands for the platform's.
pub fn obstacle(caller: &Caller, catalogue: Option<OrganizationId>) -> Option<Permission> {
    caller.obstacle(Permission::TiersManage, catalogue)
}

/// Whether the caller reads what the subscriptions of this catalogue's tiers amount to: who manages it, and the
/// platform's own people.
pub fn reads_statistics(caller: &Caller, catalogue: Option<OrganizationId>) -> bool {
    caller.standing() == Standing::Platform || obstacle(caller, catalogue).is_none()
}

/// The condition on tiers that [`reads_statistics`]; refused where there is none.
pub fn with_statistics(caller: &Caller) -> Result<Condition> {
    use tier::Column::TenantId;
    match caller.standing() {
        Standing::Platform => Ok(Condition::all()),
        Standing::Reseller(_) if caller.may(Permission::TiersManage) => Ok(TenantId.is_not_null().into_condition()),
        Standing::Organization(own) if caller.may(Permission::TiersManage) => Ok(TenantId.eq(own).into_condition()),
        Standing::Reseller(_) | Standing::Organization(_) | Standing::Customer(..) => {
            Err(Error::Forbidden(Permission::TiersManage))
        }
    }
}

/// Refuses to change what is of a catalogue that the caller does not manage. More is visible than that; but nothing ever
/// moves to another catalogue, so that this needs no lock.
pub async fn authorize_change<E>(writer: &Writer, id: E::Id) -> Result<()>
where
    E: Record<Model: Mutable>,
{
    let Some(row) = writer.get::<E>(id).await? else { return Ok(()) };
    obstacle(writer.caller()?, row.tenant()).map_or(Ok(()), |permission| Err(Error::Forbidden(permission)))
}

/// What is of a catalogue that the caller can know whose it is: which organization is above its own, nobody finds out by
/// trying.
pub fn of_catalogue(caller: &Caller, id: OrganizationId, tenant: impl ColumnTrait) -> Result<Condition> {
    Ok(match caller.standing() {
        Standing::Organization(own) | Standing::Customer(own, _) if own != id => nothing(),
        _ => Condition::all().add(tenant.eq(id)),
    })
}

/// Refuses a tier that subscriptions of the tier `of`, which is of this kind, could not move to. Both are of one
/// catalogue.
pub fn check_fallback(fallback: &tier::Model, of: TierId, kind: TierKind, path: &str) -> Result<()> {
    let refuse = |code, message| Err(Refusal::new(code, message).at(path).into());
    if fallback.id == of {
        refuse(Code::Conflict, "A tier cannot fall back to itself.")
    } else if fallback.kind != kind {
        refuse(Code::WrongTierKind, "The fallback tier is for another kind of owner.")
    } else if fallback.archived_at.is_some() {
        refuse(Code::TierArchived, "The fallback tier is archived.")
    } else {
        Ok(())
    }
}

/// Whether one of the policies leads to the fallback tier.
pub fn falls_back(period: PeriodEndPolicy, trial: TrialEndPolicy) -> bool {
    period == PeriodEndPolicy::Downgrade || trial == TrialEndPolicy::Fallback
}

/// Refuses the policies DOWNGRADE and FALLBACK without a tier to move to.
pub fn check_policies(period: PeriodEndPolicy, trial: TrialEndPolicy, fallback: Option<TierId>) -> Result<()> {
    if falls_back(period, trial) && fallback.is_none() {
        let message = "The policies DOWNGRADE and FALLBACK need a tier to move to.";
        return Err(Refusal::new(Code::Required, message).at("input.fallbackTierId").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn tier(kind: TierKind, archived: bool) -> tier::Model {
        let now = Timestamp::from_micros(0);
        tier::Model {
            id: TierId::generate(),
            tenant_id: None,
            key: "starter".to_owned(),
            name: "Starter".to_owned(),
            search_text: String::new(),
            description: None,
            kind,
            rank: 1,
            trial_days: 0,
            public: true,
            sort_order: 0,
            period_end_policy: PeriodEndPolicy::Expire,
            trial_end_policy: TrialEndPolicy::Expire,
            fallback_tier_id: None,
            grace_access: crate::entity::AccessMode::Full,
            after_trial_access: crate::entity::AccessMode::ReadOnly,
            proration: crate::entity::Proration::Prorate,
            payment_options: Default::default(),
            archived_at: archived.then_some(now),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    fn code(outcome: Result<()>) -> Option<Code> {
        match outcome {
            Err(Error::Refused(refusals)) => refusals.first().map(|refusal| refusal.code),
            _ => None,
        }
    }

    #[test]
    fn a_fallback_is_another_tier_of_the_kind_that_is_still_sold() {
        let kind = TierKind::Organization;
        let (fallback, archived) = (tier(kind, false), tier(kind, true));
        let check = |fallback: &tier::Model, of, kind| code(check_fallback(fallback, of, kind, "input.fallbackTierId"));
        assert_eq!(check(&fallback, TierId::generate(), kind), None);
        assert_eq!(check(&fallback, fallback.id, kind), Some(Code::Conflict));
        assert_eq!(check(&fallback, TierId::generate(), TierKind::Customer), Some(Code::WrongTierKind));
        assert_eq!(check(&archived, TierId::generate(), kind), Some(Code::TierArchived));
    }

    #[test]
    fn only_a_downgrade_needs_a_fallback() {
        let check = |period, fallback| check_policies(period, TrialEndPolicy::Expire, fallback);
        assert_eq!(code(check(PeriodEndPolicy::Downgrade, None)), Some(Code::Required));
        let trial = check_policies(PeriodEndPolicy::Renew, TrialEndPolicy::Fallback, None);
        assert_eq!(code(trial), Some(Code::Required));
        assert!(check(PeriodEndPolicy::Downgrade, Some(TierId::generate())).is_ok());
        for policy in [PeriodEndPolicy::Expire, PeriodEndPolicy::Suspend, PeriodEndPolicy::Renew] {
            assert!(check(policy, None).is_ok());
        }
    }
}
