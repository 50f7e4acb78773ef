//! Which gateways can be asked from here, and with what.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tessera_gateway::{Event, PaymentGateway as _, Seconds, Stripe, Url, WebhookError};

use super::seal::{Place, SealingKeys};
use crate::config::GatewayConfig;
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode, gateway_account};
use crate::error::{Code, Error, Refusal, Result};
use crate::gateway::refused;
use crate::gateway::remote::{Calls, Remote};

/// The gateways that can be asked.
#[derive(Clone)]
pub struct Gateways(Arc<Parts>);

struct Parts {
    stripe: Stripe,
    simulator: Option<Stripe>,
    sealing: Option<SealingKeys>,
    calls: Arc<Calls>,
    return_urls: Vec<Url>,
}

impl fmt::Debug for Gateways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateways")
    }
}

/// What a key opens, as the gateway says.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub account: String,
    pub mode: GatewayMode,
}

impl Gateways {
    /// What the configuration says.
    pub fn new(config: &GatewayConfig) -> Result<Self, String> {
        let at = |url: &Url| Stripe::new(url.clone(), SecretString::default()).map_err(|error| error.to_string());
        Ok(Self(Arc::new(Parts {
            stripe: at(&config.stripe)?,
            simulator: config.simulator.as_ref().map(at).transpose()?,
            sealing: config.sealing.clone(),
            calls: Arc::default(),
            return_urls: config.return_urls.clone(),
        })))
    }

    /// Whether payers may be sent back to an address: it is one of the configured ones, whatever its query says.
    pub fn leads_to(&self, address: &str) -> bool {
        is_listed(&self.0.return_urls, address)
    }

    /// What all calls share.
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// The gateway of a kind, opened with a key.
    fn opened(&self, kind: GatewayKind, key: &SecretString) -> Result<Stripe> {
        let server = match kind {
            GatewayKind::Stripe => Some(&self.0.stripe),
            GatewayKind::Simulator => self.0.simulator.as_ref(),
            GatewayKind::Manual => None,
        };
        let unavailable = || {
            let message = "There is no such gateway here: the simulator exists only beside a test clock.";
            Refusal::new(Code::GatewayUnavailable, message).at("input.kind")
        };
        Ok(server.ok_or_else(unavailable)?.with_secret(key.clone()))
    }

    /// Asks a gateway which account a key opens.
    pub(super) async fn ask(&self, kind: GatewayKind, key: &SecretString) -> Result<Opened> {
        // Its account is not known yet: it has a rate of its own.
        let whose = (GatewayAccountId::from(uuid::Uuid::nil()), tessera_gateway::Mode::Test);
        let remote = Remote::new(self.opened(kind, key)?, whose, &self.0.calls);
        let account = remote.call("account", |gateway| gateway.account()).await;
        let account = account.map_err(|error| refused(&error, "input.apiKey"))?;
        let mode = match account.mode {
            tessera_gateway::Mode::Test => GatewayMode::Test,
            tessera_gateway::Mode::Live => GatewayMode::Live,
        };
        Ok(Opened { account: account.id.0, mode })
    }

    pub(super) fn seal(&self, row: &gateway_account::Model, what: &'static str, value: &str) -> Result<String> {
        let missing = || {
            let message = "Keys cannot be kept here: whoever runs the server has configured no sealing key.";
            Refusal::new(Code::GatewayUnavailable, message).at("input")
        };
        self.0.sealing.as_ref().ok_or_else(missing)?.seal(Place { seller: row.tenant_id, account: row.id, what }, value)
    }

    /// The account's gateway, opened with the key that is kept.
    pub fn of(&self, row: &gateway_account::Model) -> Result<Remote> {
        let place = Place { seller: row.tenant_id, account: row.id, what: super::KEY };
        let sealed = row.sealed_key.as_deref().zip(self.0.sealing.as_ref());
        let (sealed, keys) = sealed.ok_or_else(|| Error::Internal("a gateway account has no key here".into()))?;
        let mode = match row.mode {
            GatewayMode::Test => tessera_gateway::Mode::Test,
            GatewayMode::Live => tessera_gateway::Mode::Live,
        };
        let opened = self.opened(row.kind, &keys.open(place, sealed)?.into())?;
        Ok(Remote::new(opened, (row.id, mode), &self.0.calls))
    }

    /// What came to the account's address, if one of its secrets signed it.
    pub fn verify(
        &self,
        row: &gateway_account::Model,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        now: Seconds,
    ) -> Result<Result<Event, WebhookError>> {
        let gateway = self.opened(row.kind, &SecretString::default())?;
        Ok(gateway.verify_webhook(header, body, &self.secrets(row)?, now))
    }

    /// What the account's news is signed with.
    fn secrets(&self, row: &gateway_account::Model) -> Result<Vec<SecretString>> {
        let place = Place { seller: row.tenant_id, account: row.id, what: super::SECRETS };
        let Some((sealed, keys)) = row.sealed_secrets.as_deref().zip(self.0.sealing.as_ref()) else {
            return Ok(Vec::new());
        };
        let opened = SecretString::from(keys.open(place, sealed)?);
        Ok(opened.expose_secret().lines().map(SecretString::from).collect())
    }
}

/// Whether payers may be sent to an address: it is one of the list, whatever its query says.
fn is_listed(list: &[Url], address: &str) -> bool {
    let Ok(mut url) = address.parse::<Url>() else { return false };
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    url.set_query(None);
    list.contains(&url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payers_are_sent_to_listed_addresses_only() {
        let list: Vec<Url> = vec!["https://shop.example.com/done".parse().expect("an address")];
        for (address, expected) in [
            ("https://shop.example.com/done", true),
            ("https://shop.example.com/done?order=1", true),
            ("https://shop.example.com/done/", false),
            ("https://shop.example.com/done/..", false),
            ("https://shop.example.com/other", false),
            ("http://shop.example.com/done", false),
            ("https://shop.example.com:8443/done", false),
            ("https://shop.example.com@evil.example/done", false),
            ("https://user@shop.example.com/done", false),
            ("https://shop.example.com.evil.example/done", false),
            ("https://shop.example.com/done#x", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(is_listed(&list, address), expected, "{address}");
        }
    }
}
