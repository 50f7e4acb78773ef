//! How tokens are verified: one of three sources of keys, each with what it needs.

use std::time::Duration;

use super::{ALGORITHMS, HS256_SECRET, JWKS_URL, PUBLIC_KEY_FILE, Settings, exposed};
use crate::auth::check_public_key;
use crate::config::check::Check;
use crate::config::values::{algorithms, duration_within, jwks_url, secret};
use crate::config::{AuthConfig, KeySource, SignatureAlgorithm};

impl Settings {
    /// How tokens are verified.
    pub(super) fn check_auth(&self, check: &mut Check) -> Option<AuthConfig> {
        let text = |text: &str| Ok(text.to_owned());
        let issuer = self.auth_issuer.as_deref();
        let issuer = check.required("TESSERA_AUTH_ISSUER", issuer, "give the `iss` of your tokens", text);
        let audience = self.auth_audience.as_deref();
        let audience = check.required("TESSERA_AUTH_AUDIENCE", audience, "give the `aud` of your tokens", text);
        let (none, default, most) = (Duration::ZERO, Duration::from_secs(30), Duration::from_secs(60));
        let leeway = self.auth_leeway.as_deref();
        let leeway = check.optional("TESSERA_AUTH_LEEWAY", leeway, default, duration_within(none..=most));
        let key = self.check_key(check);
        Some(AuthConfig { issuer: issuer?, audience: audience?, leeway, key: key? })
    }

    fn check_key(&self, check: &mut Check) -> Option<KeySource> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        match (exposed(&self.secrets.hs256), given(&self.auth_public_key_file), given(&self.auth_jwks_url)) {
            (Some(value), None, None) => check.required(HS256_SECRET, Some(value), "", secret).map(KeySource::Hs256),
            (None, Some(file), None) => {
                let algorithms = self.check_algorithms(check)?;
                let &[algorithm] = algorithms.as_slice() else {
                    check.problem(ALGORITHMS, "names several algorithms, and a single public key has exactly one");
                    return None;
                };
                let pem = std::fs::read_to_string(&file)
                    .map_err(|error| format!("`{file}` cannot be read: {error}"))
                    .and_then(|pem| check_public_key(algorithm, &pem).map(|()| pem).map_err(str::to_owned));
                match pem {
                    Ok(pem) => Some(KeySource::PublicKey { algorithm, pem }),
                    Err(message) => {
                        check.problem(PUBLIC_KEY_FILE, message);
                        None
                    }
                }
            }
            (None, None, Some(url)) => {
                let algorithms = self.check_algorithms(check);
                let url = check.required(JWKS_URL, Some(&url), "", jwks_url);
                Some(KeySource::Jwks { url: url?, algorithms: algorithms? })
            }
            (None, None, None) => {
                check.problem(HS256_SECRET, format!("is not set: set it, {PUBLIC_KEY_FILE} or {JWKS_URL}"));
                None
            }
            _ => {
                check.problem(HS256_SECRET, format!("set only one of it, {PUBLIC_KEY_FILE} and {JWKS_URL}"));
                None
            }
        }
    }

    fn check_algorithms(&self, check: &mut Check) -> Option<Vec<SignatureAlgorithm>> {
        let hint = "name what your issuer signs with: RS256, ES256 or EdDSA";
        check.required(ALGORITHMS, self.auth_algorithms.as_deref(), hint, algorithms)
    }
}
