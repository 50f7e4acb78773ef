//! A verification key, bound to the one algorithm it may be used with.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

use crate::config::SignatureAlgorithm;

/// A key and its algorithm.
#[derive(Clone)]
pub(super) struct VerificationKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerificationKey {
    /// A shared secret, for HS256.
    pub(super) fn hs256(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }
    }

    /// A public key in PEM, or why it is not usable with the algorithm.
    pub(super) fn from_pem(algorithm: SignatureAlgorithm, pem: &str) -> Result<Self, &'static str> {
        // jsonwebtoken takes the public half of a private key; whoever configured one made a mistake worth knowing.
        if pem.contains("PRIVATE KEY") {
            return Err("holds a private key: give the public key only");
        }
        let key = match algorithm {
            SignatureAlgorithm::Rs256 => DecodingKey::from_rsa_pem(pem.as_bytes()),
            SignatureAlgorithm::Es256 => DecodingKey::from_ec_pem(pem.as_bytes()),
            SignatureAlgorithm::EdDsa => DecodingKey::from_ed_pem(pem.as_bytes()),
        };
        let key = key.map_err(|_| "is no PEM of a public key for the algorithm (begins with BEGIN PUBLIC KEY)")?;
        Self::of_sound_size(algorithm, key)
    }

    /// A key of a key set, unless it is for something else than verifying with one of the algorithms.
    pub(super) fn from_jwk(jwk: &Jwk, allowed: &[SignatureAlgorithm]) -> Result<Self, &'static str> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => SignatureAlgorithm::Rs256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => SignatureAlgorithm::Es256,
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => SignatureAlgorithm::EdDsa,
            // Symmetric keys too: a secret that is published is none.
            _ => return Err("is of a kind that is not supported"),
        };
        if !allowed.contains(&algorithm) {
            return Err("is for an algorithm that is not configured");
        }
        let common = &jwk.common;
        if common.key_algorithm.is_some_and(|declared| declared != KeyAlgorithm::from(jws_algorithm(algorithm))) {
            return Err("declares another algorithm");
        }
        if common.public_key_use.as_ref().is_some_and(|declared| *declared != PublicKeyUse::Signature) {
            return Err("is not for signatures");
        }
        if common.key_operations.as_ref().is_some_and(|declared| !declared.contains(&KeyOperations::Verify)) {
            return Err("is not for verifying");
        }
        let key = DecodingKey::from_jwk(jwk).map_err(|_| "cannot be read")?;
        Self::of_sound_size(algorithm, key)
    }

    fn of_sound_size(algorithm: SignatureAlgorithm, key: DecodingKey) -> Result<Self, &'static str> {
        let bytes = |key: &DecodingKey| key.try_get_as_bytes().map(<[u8]>::len).unwrap_or(0);
        match algorithm {
            SignatureAlgorithm::Rs256 if modulus_bits(&key) < 2048 => Err("is an RSA key below 2048 bits"),
            // An uncompressed point of P-256: any other length is another curve.
            SignatureAlgorithm::Es256 if bytes(&key) != 65 => Err("is not a key on the curve P-256"),
            SignatureAlgorithm::EdDsa if bytes(&key) != 32 => Err("is not an Ed25519 key"),
            _ => Ok(Self { algorithm: jws_algorithm(algorithm), key }),
        }
    }

    /// Whether tokens that name this algorithm in their header may be tried with the key.
    pub(super) fn is_for(&self, algorithm: &str) -> bool {
        algorithm.parse() == Ok(self.algorithm)
    }

    /// Whether the signature (base64url) is one of the message by this key.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm).unwrap_or(false)
    }
}

/// Says what is wrong with a configured public key, if anything.
pub(crate) fn check_public_key(algorithm: SignatureAlgorithm, pem: &str) -> Result<(), &'static str> {
    VerificationKey::from_pem(algorithm, pem).map(drop)
}

fn jws_algorithm(algorithm: SignatureAlgorithm) -> Algorithm {
    match algorithm {
        SignatureAlgorithm::Rs256 => Algorithm::RS256,
        SignatureAlgorithm::Es256 => Algorithm::ES256,
        SignatureAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

fn modulus_bits(key: &DecodingKey) -> usize {
    let modulus = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.clone(),
        DecodingKeyKind::SecretOrDer(der) => {
            (DEFAULT_PROVIDER.key_utils.rsa_pub_components_from_public_key)(der).map(|(n, _)| n).unwrap_or_default()
        }
    };
    let leading_zeros: usize = modulus.iter().take_while(|byte| **byte == 0).count();
    let significant = &modulus[leading_zeros..];
    significant.first().map_or(0, |first| significant.len() * 8 - first.leading_zeros() as usize)
}
