//! Who may take which step: the transition table, seen through a caller's permissions, where it stands, and what
//! surrounds the subscription.
//!
//! A mutation and `availableActions` ask the same functions, in the same order; the field asks for the step that the
//! mutation takes when it is told nothing but the subscription.

use async_graphql::Enum;
use declare::ToJson;
use sea_orm::Iterable as _;

use super::lifecycle::{self, Action, CancelAt, Charging, Offer, Step, gateway_billed, illegal};
use super::overdue::{self, UpToDate};
use super::surroundings::{Surroundings, around_all};
use crate::auth::{Caller, Permission, Standing};
use crate::clock::Timestamp;
use crate::entity::subscription::{AddOnLine, AddOns};
use crate::entity::{
    Above, ManagementMode, OperationalStatus, OrganizationId, Proration, SubscriptionManagement, SuspensionCause,
    TierId, subscription,
};
use crate::error::{Code, Error, Facts, Refusal, Result};
use crate::operational;
use crate::store::UnitOfWork;

/// What an owner may do with its own subscription, if a gateway bills it.
pub const SELF_SERVICE: [Action; 3] = [Action::Cancel, Action::UndoCancel, Action::Reactivate];

/// What an organization may do with its own subscription that is managed from above. What of that grants nothing is
/// decided by the use cases.
const OWN: [Action; 5] = [Action::Update, Action::ChangeTier, Action::ChangeAddOns, Action::Cancel, Action::UndoCancel];

/// Why an action is not possible: what the mutation would be refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, ToJson)]
#[graphql(name = "ActionObstacle")]
pub enum Obstacle {
    /// The caller lacks the permission: FORBIDDEN.
    Permission,
    /// The subscription's state, mode or dates do not allow it: ILLEGAL_TRANSITION.
    State,
    /// It contradicts what is there already: CONFLICT.
    Conflict,
    /// A date that it would count from or to has passed: INVALID_DATE.
    InvalidDate,
    /// The organization or customer is terminated, or suspended for the caller: OWNER_INACTIVE.
    OwnerInactive,
    /// The organization's own subscription is managed from above: OWN_ACCOUNT.
    OwnAccount,
    /// It was suspended from above, and is brought back from there only: SUSPENDED_FROM_ABOVE.
    SuspendedFromAbove,
    /// Its tier is no longer sold: TIER_ARCHIVED.
    TierArchived,
    /// The owner has another live subscription: ALREADY_SUBSCRIBED.
    AlreadySubscribed,
    /// A gateway bills the subscription, and none is configured to carry it out: GATEWAY_BILLED.
    GatewayBilled,
    /// Self-service is for subscriptions that a gateway bills: NOT_GATEWAY_BILLED.
    NotGatewayBilled,
}

/// What a caller may do, or why not.
pub struct Available {
    /// The action.
    pub action: Action,
    /// What stands in the way, if anything does.
    pub obstacle: Option<Obstacle>,
    /// The permission that it needs.
    pub requires: Permission,
}

/// Everything that can be done with a subscription, with what keeps this caller from it now.
pub fn available(
    row: &subscription::Model,
    caller: &Caller,
    around: &Surroundings,
    now: Timestamp,
) -> Result<Vec<Available>> {
    // The integrator's documents decide nothing, and every step would copy them.
    let row = subscription::Model { metadata: serde_json::Value::Null.into(), private_metadata: None, ..row.clone() };
    let state = overdue::foreseen(&row, now);
    let one = |action| {
        let (obstacle, requires) = match check(&state, action, caller, around, now) {
            Ok(()) => (None, required_of(caller, &state.row, action, around.management)),
            Err(Error::Forbidden(permission)) => (Some(Obstacle::Permission), permission),
            Err(Error::Refused(refusals)) => {
                let code = refusals.first().map_or(Code::IllegalTransition, |refusal| refusal.code);
                (Some(Obstacle::of(code)), required_of(caller, &state.row, action, around.management))
            }
            Err(fault) => return Err(fault),
        };
        Ok(Available { action, obstacle, requires })
    };
    Action::iter().map(one).collect()
}

impl Obstacle {
    fn of(code: Code) -> Self {
        match code {
            Code::Conflict => Self::Conflict,
            Code::InvalidDate => Self::InvalidDate,
            Code::OwnerInactive => Self::OwnerInactive,
            Code::OwnAccount => Self::OwnAccount,
            Code::SuspendedFromAbove => Self::SuspendedFromAbove,
            Code::TierArchived => Self::TierArchived,
            Code::AlreadySubscribed => Self::AlreadySubscribed,
            Code::GatewayBilled => Self::GatewayBilled,
            Code::NotGatewayBilled => Self::NotGatewayBilled,
            _ => Self::State,
        }
    }
}

/// Refuses what the mutation of the action would refuse when it is told nothing but the subscription.
fn check(state: &UpToDate, action: Action, caller: &Caller, around: &Surroundings, now: Timestamp) -> Result<()> {
    let row = &state.row;
    let permissions = permissions(action);
    if !permissions.iter().any(|permission| caller.may(*permission)) {
        return Err(Error::Forbidden(permissions[0]));
    }
    if !operates(caller, row.tenant_id, around) {
        return Err(Refusal::new(Code::OwnerInactive, "The owner does not operate.").into());
    }
    authorize_now(state, action, caller, around.management, now)?;
    if state.has_done(action) {
        return Ok(());
    }
    let tier = around.tier(row.tier_id);
    let from_above = managed_from_above(caller, row, around.management);
    if action == Action::ChangeAddOns && from_above && row.add_ons.0.is_empty() {
        // There is nothing that could become less.
        return Err(own_account("input.addOns").into());
    }
    if action == Action::Reactivate && row.mode == ManagementMode::Manual && tier.is_some_and(|tier| tier.archived) {
        return Err(Refusal::new(Code::TierArchived, "The tier is archived.").into());
    }
    let gives_none = || tier.is_some_and(|tier| tier.trial_days == 0) || lifecycle::has_had_trial(row);
    if action == Action::StartTrial && gives_none() {
        return Err(Refusal::new(Code::InvalidDate, "The tier gives no days of trial, or gave them.").into());
    }
    let Some(step) = step(action, row, from_above, now) else { return Ok(()) };
    let next = lifecycle::apply(row, &step, now)?;
    if row.ended_at.is_some() && next.ended_at.is_none() {
        if around.owner() == OperationalStatus::Terminated {
            return Err(Refusal::new(Code::OwnerInactive, "The owner is terminated.").into());
        }
        if around.another_is_live(now) {
            return Err(Refusal::new(Code::AlreadySubscribed, "The owner has another one.").into());
        }
    }
    Ok(())
}

/// The step that the action takes when it is told nothing else, or what is as good as any where it must be told more;
/// none where it takes no step.
fn step(action: Action, row: &subscription::Model, from_above: bool, now: Timestamp) -> Option<Step> {
    let another = TierId::from(uuid::Uuid::nil());
    let charging = Charging { rule: Proration::None, at: now };
    Some(match action {
        Action::Update | Action::Delete => return None,
        Action::Activate => Step::Activate,
        Action::StartTrial => Step::StartTrial { ends_at: now.plus_days(1), of_tier: true },
        Action::Extend => Step::Extend { days: 1 },
        Action::Renew => Step::Renew,
        Action::MarkPastDue => Step::MarkPastDue,
        Action::MarkPaid => Step::MarkPaid,
        Action::ChangeTier => {
            let offer = Offer { tier_id: another, amount_minor: 0, billing_cycle: row.billing_cycle };
            Step::ChangeTier { offer, add_ons: AddOns::default(), at_period_end: from_above, charging }
        }
        Action::ChangeAddOns if from_above => {
            Step::ChangeAddOns { now: None, later: Some(AddOns::default()), charging }
        }
        Action::ChangeAddOns => {
            let (key, name) = (String::new(), String::new());
            let mut more = row.add_ons.clone();
            more.put(AddOnLine { add_on_id: uuid::Uuid::nil().into(), key, name, quantity: 1, unit_amount_minor: 0 });
            Step::ChangeAddOns { now: Some(more), later: None, charging }
        }
        Action::OverrideTier => Step::OverrideTier { tier_id: another, reason: String::new(), ends_at: None },
        Action::EndOverride => Step::EndOverride,
        Action::Suspend => Step::Suspend(SuspensionCause::Operator),
        Action::Pause => Step::Pause(None),
        Action::Resume => Step::Resume,
        Action::Cancel => Step::Cancel(CancelAt::PeriodEnd),
        Action::UndoCancel => Step::UndoCancel,
        Action::Reactivate => Step::Reactivate,
        Action::Expire => Step::Expire,
    })
}

/// The permissions of which a caller needs one to take the action on anything at all.
pub fn permissions(action: Action) -> &'static [Permission] {
    match action {
        Action::OverrideTier | Action::EndOverride => &[Permission::SubscriptionsOverride],
        _ if SELF_SERVICE.contains(&action) => &[Permission::SubscriptionsManage, Permission::SubscriptionsSelfService],
        _ => &[Permission::SubscriptionsManage],
    }
}

/// Whether the caller, its organization, and the organization that it would write in may operate.
fn operates(caller: &Caller, organization: OrganizationId, around: &Surroundings) -> bool {
    let elsewhere = caller.organization().is_some_and(|own| own != organization);
    (!elsewhere || around.caller_operates)
        && operational::may_write(caller, organization, around.organization)
        && (caller.customer().is_none() || around.customer == Some(OperationalStatus::Active))
}

/// The permission that an action needs on this row.
fn required(row: &subscription::Model, action: Action, management: SubscriptionManagement) -> Permission {
    let from_above = row.customer_id.is_none() && management == SubscriptionManagement::PlatformManaged;
    match action {
        Action::OverrideTier | Action::EndOverride => Permission::SubscriptionsOverride,
        // As good as a payment to the platform.
        Action::Renew | Action::MarkPastDue | Action::MarkPaid if from_above => Permission::SubscriptionsOverride,
        // Only a confirmed payment activates what waits for one or ended without it, unless by override.
        Action::Activate | Action::StartTrial | Action::Reactivate if row.pending_until.is_some() => {
            Permission::SubscriptionsOverride
        }
        _ => Permission::SubscriptionsManage,
    }
}

/// The permission that an action needs of this caller: an owner that serves itself needs another than a manager.
fn required_of(
    caller: &Caller,
    row: &subscription::Model,
    action: Action,
    management: SubscriptionManagement,
) -> Permission {
    let manages = caller.may(required(row, action, management));
    if !manages && SELF_SERVICE.contains(&action) && caller.may(Permission::SubscriptionsSelfService) {
        Permission::SubscriptionsSelfService
    } else {
        required(row, action, management)
    }
}

/// Where the caller stands above an organization; none for its own people.
pub fn above(caller: &Caller, organization: OrganizationId) -> Option<Above> {
    match caller.standing() {
        Standing::Platform => Some(Above::Platform),
        Standing::Reseller(own) if own != organization => Some(Above::Reseller),
        Standing::Reseller(_) | Standing::Organization(_) | Standing::Customer(..) => None,
    }
}

/// Whether it was suspended by somebody who stands above the caller.
pub fn suspended_from_above(caller: &Caller, row: &subscription::Model) -> bool {
    let rank = |above: Option<Above>| above.map_or(0, |above| 1 + above as u8);
    rank(row.suspended_by) > rank(above(caller, row.tenant_id))
}

/// Whether the caller's organization owns the subscription and others manage it.
pub fn managed_from_above(caller: &Caller, row: &subscription::Model, management: SubscriptionManagement) -> bool {
    row.customer_id.is_none()
        && above(caller, row.tenant_id).is_none()
        && management == SubscriptionManagement::PlatformManaged
}

/// Refuses what the caller may not do with this row, as it is by now.
fn authorize_now(
    state: &UpToDate,
    action: Action,
    caller: &Caller,
    management: SubscriptionManagement,
    now: Timestamp,
) -> Result<()> {
    let row = &state.row;
    let manages = caller.may(required(row, action, management));
    let serves_itself = SELF_SERVICE.contains(&action) && caller.may(Permission::SubscriptionsSelfService);
    let gateway = row.mode == ManagementMode::Gateway;
    let brings_back = matches!(action, Action::Resume | Action::Reactivate | Action::Delete);
    if !manages && !serves_itself {
        return Err(Error::Forbidden(required(row, action, management)));
    }
    if managed_from_above(caller, row, management) && !OWN.contains(&action) {
        return Err(own_account("input.id").into());
    }
    if brings_back && suspended_from_above(caller, row) {
        return Err(lifted_from_above("input.id").into());
    }
    if !manages && !gateway {
        let message = "No gateway bills this subscription: ask the organization to change it.";
        return Err(Refusal::new(Code::NotGatewayBilled, message).at("input.id").into());
    }
    if gateway && action.concerns_gateway() {
        return Err(gateway_billed().into());
    }
    if !state.has_done(action) && !action.fits(row, now) {
        return Err(illegal(row, action, now).into());
    }
    Ok(())
}

/// Refuses what the caller may not do with this row.
pub async fn authorize(unit: &UnitOfWork<'_>, row: &subscription::Model, action: Action) -> Result<()> {
    let (caller, now) = (unit.scope().caller()?, unit.scope().now());
    let management = unit.organization().await?.subscription_management;
    authorize_now(&overdue::foreseen(row, now), action, caller, management, now)
}

/// The refusal with the actions that this caller may take instead, not all that the state allows.
pub async fn narrowed(unit: &UnitOfWork<'_>, row: &subscription::Model, error: Error) -> Error {
    let Error::Refused(mut refusals) = error else { return error };
    for refusal in &mut refusals {
        if let Facts::IllegalTransition { allowed, .. } = &mut refusal.facts {
            match instead(unit, row).await {
                Ok(actions) => *allowed = actions,
                Err(fault) => return fault,
            }
        }
    }
    Error::Refused(refusals)
}

async fn instead(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<Vec<Action>> {
    let scope = unit.scope();
    let Some(around) = around_all(scope, &[row.id]).await?.remove(&row.id) else { return Ok(Vec::new()) };
    let available = available(row, scope.caller()?, &around, scope.now())?;
    Ok(available.into_iter().filter(|one| one.obstacle.is_none()).map(|one| one.action).collect())
}

/// The refusal of what an organization may not do with its own subscription.
pub fn own_account(path: &str) -> Refusal {
    let message = "The organization's own subscription is managed from above: access, time, limits and prices come from \
        there, or from a payment.";
    Refusal::new(Code::OwnAccount, message).at(path)
}

/// The refusal to bring back what was suspended from above.
pub fn lifted_from_above(path: &str) -> Refusal {
    let message = "The subscription was suspended from above, and only from there is that lifted.";
    Refusal::new(Code::SuspendedFromAbove, message).at(path)
}
