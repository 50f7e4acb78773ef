//! The compact form of a signed token (RFC 7515 §7.1), taken apart but not believed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::token::TokenError;

/// A token's parts.
pub(super) struct Jws<'t> {
    pub(super) header: Header,
    /// What is signed: header and payload as they came.
    pub(super) message: &'t str,
    pub(super) payload: &'t str,
    pub(super) signature: &'t str,
}

/// The parameters that are looked at. Those that bring or point to a key (`jwk`, `jku`, `x5c`, `x5u`) are not: the
/// sender does not choose the key (RFC 8725 §3.10).
#[derive(Deserialize)]
pub(super) struct Header {
    /// Compared with the algorithm of the key, never used to choose one.
    pub(super) alg: String,
    /// Looked up in the key set; nothing else is done with it.
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    /// Whether there is a `crit`, whatever it holds.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'t> Jws<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        // No extension is known here, and what is critical and unknown must be refused (RFC 7515 §4.1.11).
        if header.crit {
            return Err(TokenError::Critical);
        }
        if !header.typ.as_deref().is_none_or(is_access_token) {
            return Err(TokenError::Type);
        }
        Ok(Self { header, message, payload, signature })
    }

    /// The payload's bytes.
    pub(super) fn payload(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.payload)
    }
}

/// Strict: no padding, no white space, no stray bits.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

/// Other kinds of token of the same issuer (logout, DPoP, security events) are not for us (RFC 8725 §3.11, RFC 9068 §4).
fn is_access_token(typ: &str) -> bool {
    let bare = typ.to_ascii_lowercase();
    matches!(bare.strip_prefix("application/").unwrap_or(&bare), "jwt" | "at+jwt")
}
