//! What an object at a gateway, as it is now, makes of our rows. The gateway's word wins, also where it steps back; what only
//! we know stays on top.

use tessera_gateway::Object;

use crate::entity::gateway_account;
use crate::error::Result;
use crate::store::{Concerns, UnitOfWork};
use crate::subscription::Settings;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What of ours it concerns, as is known by now.
    pub concerns: Concerns,
    /// Why it changes nothing of ours, if it does not.
    pub skipped: Option<&'static str>,
}

impl Effect {
    fn applied(concerns: Concerns) -> Self {
        Self { concerns, skipped: None }
    }
}

/// Makes our rows agree with an object.
pub async fn object(
    _unit: &UnitOfWork<'_>,
    _settings: &Settings,
    _account: &gateway_account::Model,
    object: &Object,
    concerns: Concerns,
) -> Result<Effect> {
    Ok(match object {
        // What it says of itself, we have told it.
        Object::Customer(_) => Effect::applied(concerns),
        _ => Effect { concerns, skipped: Some("NOTHING_TO_DO") },
    })
}
