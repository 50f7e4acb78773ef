//! The issuer's key set (RFC 7517): fetched, remembered, and refetched when keys rotate.

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::TimeDelta;
use jsonwebtoken::jwk::Jwk;
use reqwest::redirect;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::jws::Header;
use super::key::VerificationKey;
use super::token::TokenError;
use crate::clock::{Clock, Timestamp};
use crate::config::SignatureAlgorithm;

/// A set this old is fetched anew before it is used.
const MAX_AGE: TimeDelta = TimeDelta::minutes(10);
/// How long an old set is used when it cannot be fetched.
const MAX_STALE: TimeDelta = TimeDelta::hours(24);
/// Least time between fetches, so that tokens with invented key ids do not make us attack the issuer.
const COOL_DOWN: TimeDelta = TimeDelta::seconds(30);
/// The same after a failure.
const COOL_DOWN_FAILED: TimeDelta = TimeDelta::seconds(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 * 1024;

/// A remote key set.
pub(super) struct Jwks(Arc<Inner>);

struct Inner {
    url: String,
    algorithms: Vec<SignatureAlgorithm>,
    client: reqwest::Client,
    clock: Clock,
    state: RwLock<State>,
    /// Held while fetching: one fetch at a time.
    fetching: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<[NamedKey]>,
    fetched: Option<Timestamp>,
    /// When the last fetch began, and how long the next one has to wait.
    attempted: Option<(Timestamp, TimeDelta)>,
}

struct NamedKey {
    kid: Option<String>,
    key: VerificationKey,
}

impl Jwks {
    pub(super) fn new(url: &str, algorithms: &[SignatureAlgorithm], clock: Clock) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            // A redirect could lead to where the configured address would not.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| format!("no HTTPS client: {error}"))?;
        Ok(Self(Arc::new(Inner {
            url: url.to_owned(),
            algorithms: algorithms.to_vec(),
            client,
            clock,
            state: RwLock::default(),
            fetching: Arc::default(),
        })))
    }

    /// The key that the header asks for.
    pub(super) async fn find(&self, header: &Header) -> Result<VerificationKey, TokenError> {
        // Before anything is fetched for it: most forgeries end here.
        if !self.0.algorithms.iter().any(|algorithm| algorithm.as_str() == header.alg) {
            return Err(TokenError::Algorithm);
        }
        let state = self.0.state();
        let known = state.find(header);
        if state.is_younger(MAX_AGE, &self.0.clock) {
            match known {
                Some(key) => return Ok(key),
                None if header.kid.is_none() => return Err(TokenError::UnknownKey),
                None => {}
            }
        }
        let asked = self.0.clock.now();
        self.refresh(known.is_none()).await;

        let state = self.0.state();
        let usable = state.is_younger(MAX_STALE, &self.0.clock);
        match state.find(header).filter(|_| usable) {
            Some(key) => Ok(key),
            None if state.fetched.is_some_and(|fetched| fetched >= asked) => Err(TokenError::UnknownKey),
            // It may be a key that the issuer has published since: nobody can say that the token is not valid.
            None => Err(TokenError::KeysUnavailable { retry_after: state.pause(self.0.clock.now()) }),
        }
    }

    /// Fetches now, whatever is remembered, and says how many keys are usable.
    pub(super) async fn fetch_now(&self) -> Result<usize, String> {
        let keys = self.0.fetch().await?;
        if keys.is_empty() { Err("the set has no usable key".to_owned()) } else { Ok(keys.len()) }
    }

    /// Fetches, unless that was done a moment ago. Who has a key to go on with does not wait for another's fetch.
    async fn refresh(&self, wait: bool) {
        let lock = Arc::clone(&self.0.fetching);
        let guard = if wait {
            lock.lock_owned().await
        } else {
            let Ok(guard) = lock.try_lock_owned() else { return };
            guard
        };
        let now = self.0.clock.now();
        if !self.0.state().pause(now).is_zero() {
            return;
        }
        // A task of its own: a caller that goes away must not take the fetch with it.
        let inner = Arc::clone(&self.0);
        let fetch = tokio::spawn(async move {
            let fetched = inner.fetch().await;
            inner.store(fetched, now);
            drop(guard);
        });
        if fetch.await.is_err() {
            tracing::error!("fetching the key set was aborted");
        }
    }
}

impl Inner {
    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn store(&self, fetched: Result<Arc<[NamedKey]>, String>, now: Timestamp) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "fetched the key set");
                *state = State { keys, fetched: Some(now), attempted: Some((now, COOL_DOWN)) };
            }
            Err(error) => {
                tracing::warn!(error, "the key set could not be fetched; the last one is used while it is not too old");
                state.attempted = Some((now, COOL_DOWN_FAILED));
            }
        }
    }

    async fn fetch(&self) -> Result<Arc<[NamedKey]>, String> {
        let request = self.client.get(&self.url).header("accept", "application/jwk-set+json, application/json");
        let mut response = request.send().await.map_err(|error| describe(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the answer has status {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(format!("the answer is larger than {MAX_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        parse(&body, &self.algorithms)
    }
}

impl State {
    fn is_younger(&self, age: TimeDelta, clock: &Clock) -> bool {
        self.fetched.is_some_and(|fetched| clock.now().since(fetched) < age)
    }

    /// How long it is until the set may be fetched again.
    fn pause(&self, now: Timestamp) -> Duration {
        let left = self.attempted.map(|(at, pause)| pause - now.since(at));
        left.and_then(|left| left.to_std().ok()).unwrap_or_default()
    }

    /// By `kid`; a token without one is unambiguous only when a single key can have signed it.
    fn find(&self, header: &Header) -> Option<VerificationKey> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|named| named.key.is_for(&header.alg) && (header.kid.is_none() || named.kid == header.kid));
        let first = fitting.next()?;
        if header.kid.is_none() && fitting.next().is_some() {
            return None;
        }
        Some(first.key.clone())
    }
}

/// What is not understood is left out, not an error (RFC 7517 §5).
fn parse(body: &[u8], algorithms: &[SignatureAlgorithm]) -> Result<Arc<[NamedKey]>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|_| "the answer is no JSON Web Key Set".to_owned())?;
    let jwks = set.keys.into_iter().filter_map(|value| serde_json::from_value::<Jwk>(value).ok());
    let named = jwks.filter_map(|jwk| match VerificationKey::from_jwk(&jwk, algorithms) {
        Ok(key) => Some(NamedKey { kid: jwk.common.key_id, key }),
        Err(reason) => {
            tracing::debug!(kid = jwk.common.key_id, reason, "a key of the set is left out");
            None
        }
    });
    Ok(named.collect())
}

/// With its causes: reqwest's own text says only that sending failed.
fn describe(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
