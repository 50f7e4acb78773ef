//! Token verification, as RFC 8725 asks for it.
//!
//! Signature first, with a key and an algorithm that the configuration fixes; then issuer, audience and times; then
//! the role and what comes with it. Times are compared with the [`Clock`], not with the machine's.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use quick_cache::sync::Cache;
use secrecy::ExposeSecret;

use super::claims::Claims;
use super::jwks::Jwks;
use super::jws::{Header, Jws};
use super::key::VerificationKey;
use super::principal::Principal;
use super::revoked::Revoked;
use crate::clock::{Clock, Timestamp};
use crate::config::{AuthConfig, KeySource};

/// Longer ones are not looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// A key that was withdrawn is believed for no longer than this.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
const REMEMBERED_TOKENS: usize = 10_000;
const MAX_SUBJECT_BYTES: usize = 255;

/// Why a token was refused. For the log: a client learns [`TokenError::message`] only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TokenError {
    #[error("not a signed token in compact form of at most {MAX_TOKEN_BYTES} bytes")]
    Malformed,
    #[error("the header has critical extensions")]
    Critical,
    #[error("the header's `typ` is not that of an access token")]
    Type,
    #[error("the header's `alg` is not the configured algorithm")]
    Algorithm,
    #[error("the key set has no key for the header's `kid`")]
    UnknownKey,
    #[error("the key set cannot be fetched, or not yet again")]
    KeysUnavailable { retry_after: Duration },
    #[error("the signature is not one of the configured key")]
    Signature,
    #[error("{0}")]
    Claims(&'static str),
    #[error("`iss` is not the configured issuer")]
    Issuer,
    #[error("`aud` does not contain the configured audience")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    NotYetValid,
    #[error("revoked")]
    Revoked,
}

impl TokenError {
    /// What a client may know.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Expired => "The token has expired.",
            Self::Revoked => "The token was revoked.",
            Self::KeysUnavailable { .. } => "Tokens cannot be verified at the moment.",
            _ => "The token is not valid.",
        }
    }
}

/// Turns tokens into principals.
pub struct TokenVerifier {
    issuer: String,
    audience: String,
    leeway: TimeDelta,
    keys: Keys,
    clock: Clock,
    /// By SHA-256 of the token, so that a dump of the memory holds no tokens.
    remembered: Cache<[u8; 32], Remembered>,
    revoked: Arc<Revoked>,
}

enum Keys {
    One(VerificationKey),
    Set(Jwks),
}

#[derive(Clone)]
struct Remembered {
    principal: Arc<Principal>,
    until: Timestamp,
}

impl TokenVerifier {
    /// A verifier, or why its keys are not usable. Fetches nothing yet.
    pub fn new(config: &AuthConfig, clock: Clock) -> Result<Self, String> {
        let keys = match &config.key {
            KeySource::Hs256(secret) => Keys::One(VerificationKey::hs256(secret.expose_secret().as_bytes())),
            KeySource::PublicKey { algorithm, pem } => Keys::One(VerificationKey::from_pem(*algorithm, pem)?),
            KeySource::Jwks { url, algorithms } => Keys::Set(Jwks::new(url, algorithms, clock.clone())?),
        };
        Ok(Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            leeway: TimeDelta::from_std(config.leeway).map_err(|_| "the leeway is out of range")?,
            keys,
            clock,
            remembered: Cache::new(REMEMBERED_TOKENS),
            revoked: Arc::default(),
        })
    }

    /// The same, which refuses what is revoked.
    pub fn refusing(self, revoked: Arc<Revoked>) -> Self {
        Self { revoked, ..self }
    }

    /// The principal that the token speaks of.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        let principal = self.verified(token).await?;
        if self.revoked.contains(&principal, self.clock.now()) { Err(TokenError::Revoked) } else { Ok(principal) }
    }

    async fn verified(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let mut name = [0; 32];
        name.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        if let Some(remembered) = self.remembered.get(&name)
            && self.clock.now() < remembered.until
        {
            return Ok(remembered.principal);
        }

        let jws = Jws::parse(token)?;
        let key = self.keys.find(&jws.header).await?;
        if !key.is_for(&jws.header.alg) {
            return Err(TokenError::Algorithm);
        }
        if !key.verifies(jws.message, jws.signature) {
            return Err(TokenError::Signature);
        }
        let claims: Claims =
            serde_json::from_slice(&jws.payload()?).map_err(|_| TokenError::Claims("a claim is missing or odd"))?;
        let now = self.clock.now();
        let expires = self.check(&claims, now)?;
        let principal = Arc::new(Principal::from_claims(&claims).map_err(TokenError::Claims)?);

        let until = expires.min(now.plus(TimeDelta::from_std(REMEMBERED_FOR).unwrap_or_default()));
        self.remembered.insert(name, Remembered { principal: Arc::clone(&principal), until });
        Ok(principal)
    }

    /// Fetches the keys if they are remote, and says how many there are or why there are none.
    pub async fn check_keys(&self) -> Result<usize, String> {
        match &self.keys {
            Keys::One(_) => Ok(1),
            Keys::Set(keys) => keys.fetch_now().await,
        }
    }

    /// Checks what every token must say; returns when it stops being valid.
    fn check(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, TokenError> {
        if claims.iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        if !claims.aud.contains(&self.audience) {
            return Err(TokenError::Audience);
        }
        let expires = seconds(claims.exp).plus(self.leeway);
        if now >= expires {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|begins| now.plus(self.leeway) < seconds(begins)) {
            return Err(TokenError::NotYetValid);
        }
        let actor = claims.act.as_ref().map(|actor| actor.sub.as_str());
        if ![Some(claims.sub.as_str()), actor, claims.jti.as_deref()].into_iter().flatten().all(is_subject) {
            return Err(TokenError::Claims("a subject or the token's id is empty, too long or has control characters"));
        }
        Ok(expires)
    }
}

impl Keys {
    async fn find(&self, header: &Header) -> Result<VerificationKey, TokenError> {
        match self {
            Self::One(key) => Ok(key.clone()),
            Self::Set(keys) => keys.find(header).await,
        }
    }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

/// Subjects go into the audit trail and the logs.
fn is_subject(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_SUBJECT_BYTES && !text.chars().any(char::is_control)
}
