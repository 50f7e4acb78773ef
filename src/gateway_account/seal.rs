//! Keys of gateways at rest: sealed with AES-256-GCM, and bound to the account and the seller that they are of.
//!
//! A sealed value names the key that sealed it, so that keys can be replaced: the first one of the configuration seals,
//! and all of them open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::entity::{GatewayAccountId, OrganizationId};
use crate::error::{Error, Result};

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The keys that seal. Never shown.
#[derive(Clone)]
pub struct SealingKeys(Vec<(String, [u8; KEY_BYTES])>);

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys")
    }
}

/// What a sealed value belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The seller; none for the platform.
    pub seller: Option<OrganizationId>,
    /// The account.
    pub account: GatewayAccountId,
    /// What of the account.
    pub what: &'static str,
}

impl Place {
    fn aad(self) -> Vec<u8> {
        let seller = self.seller.map(Uuid::from).unwrap_or_default();
        [seller.as_bytes(), Uuid::from(self.account).as_bytes(), self.what.as_bytes()].concat()
    }
}

impl SealingKeys {
    /// Reads `ID:BASE64`, several with commas between them: the first one seals, all of them open.
    pub fn parse(text: &str) -> Result<Self, String> {
        let one = |text: &str| {
            let (id, key) = text.trim().split_once(':')?;
            let sound = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let key: [u8; KEY_BYTES] = STANDARD.decode(key).ok()?.try_into().ok()?;
            sound.then(|| (id.to_owned(), key))
        };
        let keys: Option<Vec<_>> = text.split(',').map(one).collect();
        let keys = keys.ok_or("is no list of ID:KEY, each key 32 bytes in base64: use `openssl rand -base64 32`")?;
        let distinct =
            keys.iter().enumerate().all(|(place, (id, _))| keys.iter().skip(place + 1).all(|other| other.0 != *id));
        if distinct { Ok(Self(keys)) } else { Err("names a key twice: each has an id of its own".to_owned()) }
    }

    /// Seals a value.
    pub fn seal(&self, place: Place, value: &str) -> Result<String> {
        let fault = || Error::Internal("a value cannot be sealed".into());
        let (id, key) = self.0.first().ok_or_else(fault)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| fault())?;
        let mut sealed = value.as_bytes().to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(place.aad()), &mut sealed).map_err(|_| fault())?;
        let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
        Ok(format!("{id}:{}", STANDARD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens a sealed value, if it is of this place, and its key is still there.
    pub fn open(&self, place: Place, sealed: &str) -> Result<String> {
        let opened = || {
            let (id, text) = sealed.split_once(':')?;
            let (_, key) = self.0.iter().find(|(known, _)| known == id)?;
            let bytes = STANDARD.decode(text).ok()?;
            let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
            let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let value = key.open_in_place(nonce, Aad::from(place.aad()), &mut sealed).ok()?;
            String::from_utf8(value.to_vec()).ok()
        };
        opened().ok_or_else(|| Error::Internal("a sealed value cannot be opened".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(&str, u8)]) -> SealingKeys {
        let text: Vec<_> = ids.iter().map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32]))).collect();
        SealingKeys::parse(&text.join(",")).expect("keys")
    }

    #[test]
    fn what_is_sealed_is_opened_where_it_belongs_and_nowhere_else() {
        let place =
            Place { seller: Some(OrganizationId::generate()), account: GatewayAccountId::generate(), what: "key" };
        let old = keys(&[("k1", 1)]);
        let sealed = old.seal(place, "sk_test_secret").expect("sealed");
        assert!(!sealed.contains("sk_test"));
        assert_ne!(sealed, old.seal(place, "sk_test_secret").expect("sealed"), "never twice the same");
        assert_eq!(old.open(place, &sealed).ok().as_deref(), Some("sk_test_secret"));
        // A new key seals; the old one still opens.
        let both = keys(&[("k2", 2), ("k1", 1)]);
        assert_eq!(both.open(place, &sealed).ok().as_deref(), Some("sk_test_secret"));
        assert!(both.seal(place, "x").expect("sealed").starts_with("k2:"));
        assert!(keys(&[("k2", 2)]).open(place, &sealed).is_err());
        assert!(keys(&[("k1", 2)]).open(place, &sealed).is_err());
        for elsewhere in [
            Place { seller: None, ..place },
            Place { seller: Some(OrganizationId::generate()), ..place },
            Place { account: GatewayAccountId::generate(), ..place },
            Place { what: "secrets", ..place },
        ] {
            assert!(old.open(elsewhere, &sealed).is_err());
        }
        for broken in ["", "k1", "k1:", "k1:AAAA", &sealed[..sealed.len() - 4]] {
            assert!(old.open(place, broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn keys_are_read_and_never_shown() {
        let good = format!("a:{}", STANDARD.encode([7; 32]));
        assert_eq!(format!("{:?}", SealingKeys::parse(&good)), "Ok(SealingKeys)");
        let twice = format!("{good},{good}");
        let short = format!("a:{}", STANDARD.encode([7; 31]));
        for bad in ["", "a", ":", &format!(":{}", STANDARD.encode([7; 32])), &twice, &short] {
            assert!(SealingKeys::parse(bad).is_err(), "{bad}");
        }
    }
}
