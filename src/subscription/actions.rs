//! Who may take which step: the transition table, seen through a caller's permissions.

use async_graphql::Enum;

use super::lifecycle::{Action, gateway_billed, illegal};
use crate::auth::{Permission, Principal};
use crate::clock::Timestamp;
use crate::entity::{ManagementMode, subscription};
use crate::error::{Code, Error, Refusal, Result};
use crate::store::Scope;

/// What an owner may do with its own subscription, if a gateway bills it.
pub const SELF_SERVICE: [Action; 3] = [Action::Cancel, Action::UndoCancel, Action::Reactivate];

/// Why an action is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "ActionObstacle")]
pub enum Obstacle {
    /// The subscription's state, mode or dates do not allow it.
    State,
    /// The caller lacks the permission.
    Permission,
    /// A gateway bills the subscription, and none is configured to carry it out.
    GatewayBilled,
    /// Self-service is for subscriptions that a gateway bills.
    NotGatewayBilled,
}

/// The permission that an action needs on this row.
pub fn required(row: &subscription::Model, action: Action) -> Permission {
    match action {
        Action::OverrideTier | Action::EndOverride => Permission::SubscriptionsOverride,
        // Only a confirmed payment activates what waits for one, unless by override.
        Action::Activate | Action::StartTrial if row.pending_until.is_some() => Permission::SubscriptionsOverride,
        Action::Reactivate if row.current_period_start.is_none() && row.trial_started_at.is_none() => {
            Permission::SubscriptionsOverride
        }
        _ => Permission::SubscriptionsManage,
    }
}

/// The permission that an action needs of this caller: an owner that serves itself needs another than a manager.
pub fn required_of(caller: &Principal, row: &subscription::Model, action: Action) -> Permission {
    let manages = caller.may(required(row, action));
    if !manages && SELF_SERVICE.contains(&action) && caller.may(Permission::SubscriptionsSelfService) {
        Permission::SubscriptionsSelfService
    } else {
        required(row, action)
    }
}

/// What keeps the caller from taking the action now, if anything.
pub fn obstacle(row: &subscription::Model, action: Action, caller: &Principal, now: Timestamp) -> Option<Obstacle> {
    let manages = caller.may(required(row, action));
    let serves_itself = SELF_SERVICE.contains(&action) && caller.may(Permission::SubscriptionsSelfService);
    let gateway = row.mode == ManagementMode::Gateway;
    if !manages && !serves_itself {
        Some(Obstacle::Permission)
    } else if !manages && !gateway {
        Some(Obstacle::NotGatewayBilled)
    } else if gateway && action.concerns_gateway() {
        Some(Obstacle::GatewayBilled)
    } else if !action.fits(row, now) {
        Some(Obstacle::State)
    } else {
        None
    }
}

/// Refuses what the caller may not do with this row. What the state forbids is refused by the step itself.
pub fn authorize(scope: &Scope, row: &subscription::Model, action: Action) -> Result<()> {
    match obstacle(row, action, scope.caller()?, scope.now()) {
        None => Ok(()),
        Some(Obstacle::Permission) => Err(Error::Forbidden(required(row, action))),
        Some(Obstacle::NotGatewayBilled) => {
            let message = "No gateway bills this subscription: ask the organization to change it.";
            Err(Refusal::new(Code::NotGatewayBilled, message).at("input.id").into())
        }
        Some(Obstacle::GatewayBilled) => Err(gateway_billed().at("input.id").into()),
        Some(Obstacle::State) => Err(illegal(row, action, scope.now()).at("input.id").into()),
    }
}
