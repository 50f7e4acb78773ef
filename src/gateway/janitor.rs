//! The janitor: finds out what came of intents that nobody recorded the outcome of.

use chrono::TimeDelta;

use super::intent::Asker;
use crate::entity::gateway_intent;
use crate::error::{Error, Result};

/// How many intents are looked after in one pass.
const AT_ONCE: u64 = 100;
/// How long one is left to whoever looks after it.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// The longest time between two tries.
const LONGEST: i64 = 3600;

impl Asker<'_> {
    /// Looks after the intents that are due, and tells how many were.
    pub async fn look_after(&self) -> Result<usize> {
        let now = self.store.real_now();
        let due = self.store.system().claim_intents(now, now.plus(LEASE), AT_ONCE).await?;
        for intent in &due {
            if let Err(error) = self.look_after_one(intent).await {
                let error = match error {
                    Error::Unavailable(..) => return Err(error),
                    error => error.told_inside(),
                };
                tracing::error!(intent = %intent.id, error, "what was asked of a gateway cannot be found out about");
                self.postpone(intent, &error).await?;
            }
        }
        Ok(due.len())
    }

    async fn look_after_one(&self, intent: &gateway_intent::Model) -> Result<()> {
        match self.resume(intent).await? {
            Ok(_) => Ok(()),
            // Recorded as failed already, unless it is tried again.
            Err(error) => self.postpone(intent, &error.to_string()).await,
        }
    }

    async fn postpone(&self, intent: &gateway_intent::Model, error: &str) -> Result<()> {
        let seconds = 1_i64.checked_shl(intent.tries.clamp(0, 12).unsigned_abs()).unwrap_or(LONGEST).min(LONGEST);
        let due = self.store.real_now().plus(TimeDelta::seconds(seconds));
        self.store.system().postpone_intent(intent, due, error).await
    }
}
