//! What the mutations of gateway accounts take.

use async_graphql::{ID, InputObject, MaybeUndefined};
use secrecy::SecretString;

use super::{MAX_INSTRUCTIONS, MAX_NAME, NewAccount, Step, check_kind};
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode};
use crate::error::{Code, Result};
use crate::graphql::command::target_input;
use crate::graphql::input::{Check, check_key};
use crate::graphql::update::{Omittable, update_input};

/// How many characters a key or secret has at most.
const MAX_SECRET: usize = 255;

/// Keeps an account at a payment gateway.
#[derive(Clone, InputObject)]
pub struct CreateGatewayAccountInput {
    /// The organization that sells; if not given, the caller's own, and for the platform's people the platform.
    pub(super) organization_id: Option<ID>,
    /// Which gateway. Never changes.
    kind: GatewayKind,
    /// Whether it moves real money: refused where the key says otherwise. Never changes.
    mode: GatewayMode,
    /// Shown to people, at most 200 characters.
    name: String,
    /// What opens the account. The gateway is asked whose it is; then it is sealed and never shown again. Needed for every
    /// kind but MANUAL.
    api_key: Option<String>,
    /// What the gateway signs its news with, at most three of them. Sealed and never shown again.
    #[graphql(validator(max_items = 3))]
    webhook_secrets: Option<Vec<String>>,
    /// How to pay by hand, shown to the payer: at most 2,000 characters. For MANUAL only.
    instructions: Option<String>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

update_input! {
    /// Changes a gateway account: an omitted field is unchanged, null clears it where it can be empty.
    UpdateGatewayAccountInput for GatewayAccountId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// How to pay by hand, shown to the payer: at most 2,000 characters. For MANUAL only.
        instructions: MaybeUndefined<String>,
        /// What the gateway signs its news with, at most three of them. Replaces all of them, none being an
        /// empty list; while one is replaced at the gateway, keep both.
        #[graphql(validator(max_items = 3))]
        webhook_secrets: Omittable<Vec<String>>,
    }
}

target_input! {
    /// Replaces the key of a gateway account by another one of the same account.
    RotateGatewayKeyInput for GatewayAccountId {
        /// The new key. The gateway is asked whose it is; then it is sealed and never shown again.
        api_key: String,
    }
}

target_input! {
    /// Names a gateway account to act on.
    GatewayAccountActionInput for GatewayAccountId {
    }
}

/// A key or secret: what can stand in a header.
fn secret(check: &mut Check, path: &str, text: &str) -> SecretString {
    let text = text.trim();
    if text.is_empty() {
        check.refuse(path, Code::Required, "Give a value.");
    } else if text.len() > MAX_SECRET {
        check.refuse(path, Code::TooLong, format!("Use at most {MAX_SECRET} characters."));
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        check.refuse(path, Code::InvalidFormat, "Use the characters of ASCII that can be seen.");
    }
    text.into()
}

fn secrets(check: &mut Check, list: &[String]) -> Vec<SecretString> {
    let one = |(place, text): (usize, &String)| secret(check, &format!("input.webhookSecrets.{place}"), text);
    list.iter().enumerate().map(one).collect()
}

impl CreateGatewayAccountInput {
    /// The account that this input stands for.
    pub(super) fn account(self) -> Result<NewAccount> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let key = self.api_key.map(|key| secret(&mut check, "input.apiKey", &key));
        match (self.kind, &key) {
            (GatewayKind::Manual, Some(_)) => {
                check.refuse("input.apiKey", Code::Conflict, "Payments by hand need no key.");
            }
            (GatewayKind::Stripe | GatewayKind::Simulator, None) => {
                check.refuse("input.apiKey", Code::Required, "Give the key that opens the account.");
            }
            _ => {}
        }
        if self.kind == GatewayKind::Simulator && self.mode == GatewayMode::Live {
            check.refuse("input.mode", Code::Conflict, "The simulator moves no real money.");
        }
        let new = NewAccount {
            kind: self.kind,
            mode: self.mode,
            name: check.text("input.name", &self.name, MAX_NAME),
            key,
            secrets: secrets(&mut check, &self.webhook_secrets.unwrap_or_default()),
            instructions: check.prose("input.instructions", self.instructions.as_deref(), MAX_INSTRUCTIONS),
        };
        check_kind(&mut check, new.kind, new.instructions.is_some(), !new.secrets.is_empty());
        check.finish()?;
        Ok(new)
    }
}

impl UpdateGatewayAccountInput {
    /// The change that this input stands for.
    pub(super) fn step(self) -> Result<Step> {
        let mut check = Check::new();
        let secrets = self.webhook_secrets.given().map(|list| secrets(&mut check, &list));
        check.finish()?;
        Ok(Step::Update { name: self.name.given(), instructions: self.instructions, secrets })
    }
}

impl RotateGatewayKeyInput {
    /// The change that this input stands for.
    pub(super) fn step(&self) -> Result<Step> {
        let mut check = Check::new();
        let key = secret(&mut check, "input.apiKey", &self.api_key);
        check.finish()?;
        Ok(Step::Rotate(key))
    }
}
