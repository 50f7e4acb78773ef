//! One request to Stripe, and what its answer means.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::API_VERSION;
use super::form::Form;
use crate::error::{Error, Refusal, Result};
use crate::port::IdempotencyKey;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take. Stripe answers most requests in one second; charges take longer.
const ANSWER: Duration = Duration::from_secs(25);
/// Answers are not read beyond this: lists have at most 100 objects.
const LONGEST: usize = 4 << 20;

/// Sends requests to Stripe, or to what behaves like it.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    base: Url,
}

/// Whether a call changes something: then an answer that is lost means that we do not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Writes,
}

impl Http {
    /// A client of the server at `base`.
    pub fn new(base: Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("tessera/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, base })
    }

    /// Reads something.
    pub async fn get<T: DeserializeOwned>(&self, secret: &SecretString, path: &[&str], query: Form) -> Result<T> {
        self.send(secret, Method::GET, path, query, None).await
    }

    /// Reads something that is asked for with a form, as previews are.
    pub async fn ask<T: DeserializeOwned>(&self, secret: &SecretString, path: &[&str], form: Form) -> Result<T> {
        self.send(secret, Method::POST, path, form, None).await
    }

    /// Changes something, once for each key.
    pub async fn post<T: DeserializeOwned>(
        &self,
        secret: &SecretString,
        path: &[&str],
        form: Form,
        key: &IdempotencyKey,
    ) -> Result<T> {
        self.send(secret, Method::POST, path, form, Some(key)).await
    }

    /// Deletes something. Deleting twice is the same as once, but for the answer.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        secret: &SecretString,
        path: &[&str],
        form: Form,
        key: &IdempotencyKey,
    ) -> Result<T> {
        self.send(secret, Method::DELETE, path, form, Some(key)).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        secret: &SecretString,
        method: Method,
        path: &[&str],
        form: Form,
        key: Option<&IdempotencyKey>,
    ) -> Result<T> {
        let effect = if key.is_some() { Effect::Writes } else { Effect::Reads };
        let mut url = self.url(path)?;
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", secret.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| Error::Unauthorized)?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        // Only what is posted is remembered by its key.
        if let Some(IdempotencyKey(key)) = key.filter(|_| method == Method::POST) {
            let key = HeaderValue::from_str(key).map_err(|_| invalid("the idempotency key is no header value"))?;
            headers.insert("idempotency-key", key);
        }
        let request = if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            self.client.post(url).body(form.encode())
        } else {
            let query = form.encode();
            url.set_query((!query.is_empty()).then_some(query.as_str()));
            self.client.request(method, url)
        };
        let mut response = request.headers(headers).send().await.map_err(|error| lost(&error, effect))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error, effect))? {
            if body.len() + chunk.len() > LONGEST {
                return Err(unknown(effect, "the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| unknown(effect, "the answer cannot be read"));
        }
        Err(failure(status, &body, retry_after.map(Duration::from_secs), effect))
    }

    /// Ids come from answers, news and tables: what is not made like one never becomes a part of a path.
    fn url(&self, path: &[&str]) -> Result<Url> {
        let sound = |part: &&str| {
            (1..=255).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !path.iter().all(sound) {
            return Err(Error::NotFound);
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| invalid("the gateway's address has no paths"))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }
}

/// What a request that had no answer means.
fn lost(error: &reqwest::Error, effect: Effect) -> Error {
    // A connection that could not be made carried nothing.
    if error.is_connect() || error.is_builder() {
        return Error::Unavailable("no connection");
    }
    unknown(effect, if error.is_timeout() { "no answer in time" } else { "the connection broke" })
}

fn unknown(effect: Effect, why: &'static str) -> Error {
    match effect {
        Effect::Reads => Error::Unavailable(why),
        Effect::Writes => Error::OutcomeUnknown(why),
    }
}

fn invalid(message: &'static str) -> Error {
    Error::Invalid(Refusal { message: Some(message.to_owned()), ..Refusal::default() })
}

#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    error: Wire,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    r#type: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
}

/// What an answer that is no success means.
fn failure(status: StatusCode, body: &[u8], retry_after: Option<Duration>, effect: Effect) -> Error {
    let Envelope { error } = serde_json::from_slice(body).unwrap_or_default();
    let sort = error.r#type.unwrap_or_default();
    let code = error.code;
    let missing = code.as_deref() == Some("resource_missing") && error.param.as_deref() == Some("id");
    let refusal = Refusal { code, decline_code: error.decline_code, parameter: error.param, message: error.message };
    match status.as_u16() {
        // Messages about keys show a part of them, so they go no further.
        401 | 403 => Error::Unauthorized,
        402 => Error::Refused(refusal),
        400 if sort == "idempotency_error" => Error::KeyReused,
        404 => Error::NotFound,
        400 if missing => Error::NotFound,
        // Another request with the same key, or on the same object, is under way: nothing was done for this one.
        409 | 429 => Error::RateLimited { retry_after },
        424 | 500.. => unknown(effect, "the gateway had a fault"),
        _ => Error::Invalid(refusal),
    }
}
