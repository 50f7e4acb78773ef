//! The form of everything that is asked of a gateway: record the intent, call, record what came of it. Nothing remote
//! happens within a transaction.
//!
//! Whatever ends the program between two of these steps, the intent is still open, and the [janitor](super::janitor) finds
//! out what came of it. The same bytes are repeated with the same key while the gateway remembers it; afterwards, and where
//! all that it remembers is a fault, the outcome is looked up, and asked for anew only if there is none.

use chrono::TimeDelta;
use tessera_gateway::{Error as Theirs, IdempotencyKey, Reference, Seconds};

use super::refused;
use super::remote::Remote;
use super::request::{Outcome, Request};
use crate::clock::Timestamp;
use crate::entity::{GatewayIntentId, IntentState, SubscriptionId, gateway_account, gateway_intent};
use crate::error::{Error, Result};
use crate::gateway_account::Gateways;
use crate::graphql::nested::OwnerKey;
use crate::store::Store;

/// How long whoever asked has for it, before the janitor looks after it.
const OWN_TIME: TimeDelta = TimeDelta::minutes(2);
/// How much earlier than recorded something may have been made, by the gateway's clock.
const SKEW: i64 = 3600;

/// Something to be asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What.
    pub request: Request,
    /// Our name for what comes of it.
    pub reference: Reference,
    /// Whom it is done for.
    pub owner: OwnerKey,
    /// What it is done for.
    pub subscription: Option<SubscriptionId>,
}

impl Wanted {
    /// The row that records it.
    pub fn intent(&self, account: &gateway_account::Model, now: Timestamp) -> Result<gateway_intent::Model> {
        let id = GatewayIntentId::generate();
        let request = serde_json::to_value(&self.request);
        Ok(gateway_intent::Model {
            id,
            account_id: account.id,
            tenant_id: self.owner.tenant,
            customer_id: self.owner.customer,
            subscription_id: self.subscription,
            subject: self.request.subject(&self.reference),
            idempotency_key: id.to_string(),
            reference: self.reference.0.clone(),
            request: request.map_err(|error| Error::Internal(error.to_string().into()))?,
            state: IntentState::Open,
            outcome_kind: None,
            outcome_id: None,
            sent_at: now,
            due_at: Some(now.plus(OWN_TIME)),
            tries: 0,
            error: None,
            created_at: now,
            updated_at: now,
        })
    }
}

/// Asks gateways.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Where intents are recorded.
    pub store: &'a Store,
    /// What is asked.
    pub gateways: &'a Gateways,
}

impl Asker<'_> {
    /// Asks for something, once: whoever asks for the same at the same time gets the same. `path` is the input field that
    /// a refusal names.
    pub async fn ask(&self, account: &gateway_account::Model, wanted: &Wanted, path: &str) -> Result<Outcome> {
        let remote = self.gateways.of(account)?;
        let intent = self.store.system().open_intent(wanted.intent(account, self.store.real_now())?).await?;
        self.carry_out(&remote, &intent).await?.map_err(|error| refused(&error, path))
    }

    /// Finds out what came of an intent that is open.
    pub(crate) async fn resume(&self, intent: &gateway_intent::Model) -> Result<tessera_gateway::Result<Outcome>> {
        let account = self.store.system().gateway_account(intent.account_id).await?;
        let account = account.ok_or_else(|| Error::Internal("an intent has no account".into()))?;
        self.carry_out(&self.gateways.of(&account)?, intent).await
    }

    /// Carries out an intent that was recorded, and records what came of it.
    pub(super) async fn carry_out(
        &self,
        remote: &Remote,
        intent: &gateway_intent::Model,
    ) -> Result<tessera_gateway::Result<Outcome>> {
        let request: Request = serde_json::from_value(intent.request.clone())
            .map_err(|error| Error::Internal(format!("an intent cannot be read: {error}").into()))?;
        let outcome = self.pursue(remote, intent, &request).await?;
        let system = self.store.system();
        match &outcome {
            Ok(outcome) => {
                let is_gone = matches!(request, Request::DeleteCustomer(_));
                if system.settle_intent(intent, outcome, is_gone).await? {
                    self.delete_later(remote, intent, outcome).await?;
                }
            }
            // It may have been done: the janitor finds out.
            Err(Theirs::OutcomeUnknown(_)) => {}
            Err(Theirs::RateLimited { .. } | Theirs::Unavailable(_)) if request.must_happen() => {}
            Err(error) => system.fail_intent(intent, &error.to_string()).await?,
        }
        Ok(outcome)
    }

    /// Has a customer deleted that somebody else was faster to make, when no repetition can bring its id any more.
    async fn delete_later(&self, remote: &Remote, intent: &gateway_intent::Model, second: &Outcome) -> Result<()> {
        let wanted = Wanted {
            request: Request::DeleteCustomer(second.id.clone().into()),
            reference: Reference(intent.reference.clone()),
            owner: OwnerKey { tenant: intent.tenant_id, customer: intent.customer_id },
            subscription: None,
        };
        let account = self.store.system().gateway_account(intent.account_id).await?;
        let account = account.ok_or_else(|| Error::Internal("an intent has no account".into()))?;
        let due = intent.sent_at.plus(TimeDelta::seconds(remote.capabilities().key_lifetime)).plus(TimeDelta::hours(1));
        let deletion = gateway_intent::Model { due_at: Some(due), ..wanted.intent(&account, self.store.real_now())? };
        self.store.system().open_intent(deletion).await?;
        Ok(())
    }

    async fn pursue(
        &self,
        remote: &Remote,
        intent: &gateway_intent::Model,
        request: &Request,
    ) -> Result<tessera_gateway::Result<Outcome>> {
        let (key, reference) = (IdempotencyKey(intent.idempotency_key.clone()), Reference(intent.reference.clone()));
        let now = self.store.real_now();
        let age = now.since(intent.sent_at).num_seconds();
        let is_remembered = age < remote.capabilities().key_lifetime;
        if is_remembered {
            // Once more, because what is lost most often is the answer.
            for _ in 0..2 {
                match request.send(remote, &key).await {
                    Err(Theirs::OutcomeUnknown(_)) => {}
                    // The key is the intent's own: an earlier request with it came of the same intent.
                    Err(Theirs::KeyReused) => break,
                    known => return Ok(known),
                }
            }
        }
        let since = Seconds(intent.created_at.micros().div_euclid(1_000_000) - SKEW);
        match request.look_up(remote, &reference, since).await {
            Ok(Some(found)) => Ok(Ok(found)),
            // Whoever asked is still there, and the gateway may still be at it.
            Ok(None) if is_remembered && intent.tries == 0 => {
                Ok(Err(Theirs::OutcomeUnknown("the gateway shows nothing of it yet")))
            }
            Ok(None) => {
                let key = IdempotencyKey(GatewayIntentId::generate().to_string());
                self.store.system().renew_intent(intent, &key.0, now).await?;
                Ok(request.send(remote, &key).await)
            }
            Err(error) => Ok(Err(error)),
        }
    }
}
