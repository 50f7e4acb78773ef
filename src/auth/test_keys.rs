//! Keys for tests, made anew in each run: the repository holds none.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::config::SignatureAlgorithm;

type Signature = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// A key pair: the private half to sign with, the public half in both published forms.
pub(super) struct TestKey {
    pub(super) algorithm: SignatureAlgorithm,
    signature: Signature,
    pub(super) pem: String,
    jwk: Value,
}

impl TestKey {
    /// A new pair for the algorithm.
    pub(super) fn generate(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::Rs256 => Self::rsa(),
            SignatureAlgorithm::Es256 => Self::ecdsa(),
            SignatureAlgorithm::EdDsa => Self::ed25519(),
        }
    }

    /// The RSA pair of the test process: to make one takes long.
    pub(super) fn shared_rsa() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(Self::rsa)
    }

    fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let public: PublicKeyX509Der = pair.public_key().as_der().expect("encoded");
        let components = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let jwk = json!({
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(components.n),
            "e": URL_SAFE_NO_PAD.encode(components.e),
        });
        let pem = pem(public.as_ref());
        let signature = Box::new(move |message: &[u8]| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signed");
            signature
        });
        Self { algorithm: SignatureAlgorithm::Rs256, signature, pem, jwk }
    }

    fn ecdsa() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let public: PublicKeyX509Der = pair.public_key().as_der().expect("encoded");
        let point = pair.public_key().as_ref();
        let jwk = json!({
            "kty": "EC", "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        });
        let pem = pem(public.as_ref());
        let signature =
            Box::new(move |message: &[u8]| pair.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec());
        Self { algorithm: SignatureAlgorithm::Es256, signature, pem, jwk }
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let public: PublicKeyX509Der = pair.public_key().as_der().expect("encoded");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        let pem = pem(public.as_ref());
        let signature = Box::new(move |message: &[u8]| pair.sign(message).as_ref().to_vec());
        Self { algorithm: SignatureAlgorithm::EdDsa, signature, pem, jwk }
    }

    /// The public half for a key set.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token signed with the private half.
    pub(super) fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": self.algorithm.as_str(), "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        self.sign_parts(&header, claims)
    }

    /// A token of any header and payload.
    pub(super) fn sign_parts(&self, header: &Value, payload: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = URL_SAFE_NO_PAD.encode((self.signature)(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

/// A token of any header and payload, with the HMAC of a secret.
pub(super) fn sign_hs256(header: &str, payload: &str, secret: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("signed");
    format!("{message}.{signature}")
}
