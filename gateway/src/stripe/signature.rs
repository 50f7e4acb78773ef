//! Stripe's signatures: `Stripe-Signature: t=…,v1=…`, an HMAC-SHA256 of the time and the body as it came.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::event::WebhookError;
use crate::object::Seconds;

/// How old a signature may be, in seconds.
pub const TOLERANCE: i64 = 300;

/// Whether one of the secrets signed the body, not long ago. There may be several signatures (Stripe signs with the old
/// and the new secret while one is rolled) and several secrets.
pub fn verify(header: &str, body: &[u8], secrets: &[SecretString], now: Seconds) -> Result<(), WebhookError> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = Some(value),
            // More than a few are no signatures but work for us.
            Some(("v1", value)) if signatures.len() < 8 => signatures.extend(from_hex(value)),
            _ => {}
        }
    }
    let time = time.ok_or(WebhookError::NoSignature)?;
    let signed_at: i64 = time.parse().map_err(|_| WebhookError::NoSignature)?;
    if signatures.is_empty() {
        return Err(WebhookError::NoSignature);
    }
    let message = [time.as_bytes(), b".", body].concat();
    let matches = secrets.iter().any(|secret| {
        let key = key(secret);
        // hmac::verify compares in constant time.
        signatures.iter().any(|signature| hmac::verify(&key, &message, signature).is_ok())
    });
    if !matches {
        return Err(WebhookError::BadSignature);
    }
    if now.0.abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
        return Err(WebhookError::TooOld);
    }
    Ok(())
}

/// The header of a body that is signed.
pub fn sign(body: &[u8], secret: &SecretString, now: Seconds) -> String {
    let message = [now.0.to_string().as_bytes(), b".", body].concat();
    let signature = hmac::sign(&key(secret), &message);
    let hex: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={},v1={hex}", now.0)
}

fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
