//! Mints tokens for the command line, the demo and tests. In production an identity provider does.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::ExposeSecret;

use super::claims::{Actor, Audience, Claims};
use super::permission::{Permission, Role};
use super::principal::Principal;
use crate::clock::Clock;
use crate::config::{AuthConfig, KeySource};
use crate::entity::{CustomerId, MemberId, OrganizationId};

/// What a new token says.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who the token speaks of.
    pub subject: String,
    /// Its role.
    pub role: Role,
    /// Its organization; none for the platform's roles.
    pub organization: Option<OrganizationId>,
    /// The customer it is, for the role `CUSTOMER`.
    pub customer: Option<CustomerId>,
    /// The member it is; by the subject's address if not given.
    pub member: Option<MemberId>,
    /// Narrows the role's permissions; `SERVICE` has only these.
    pub permissions: Option<Vec<Permission>>,
    /// How long the token is valid.
    pub expires_in: Duration,
    /// Who acts in the subject's name.
    pub impersonator: Option<String>,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The parts of the grant do not fit each other.
    #[error("{0}")]
    Grant(&'static str),
    /// The token would be valid for too long.
    #[error("a token cannot be valid for that long")]
    Expiry,
    /// The system gave no random numbers for the token's id.
    #[error("the system gave no random numbers")]
    Random,
    /// The signature could not be made.
    #[error("the token could not be signed: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}

/// Signs tokens with the shared secret.
pub struct TokenIssuer {
    issuer: String,
    audience: String,
    key: EncodingKey,
    clock: Clock,
}

impl TokenIssuer {
    /// An issuer; none when tokens are verified with a public key, because then the signing key is elsewhere.
    pub fn new(config: &AuthConfig, clock: Clock) -> Option<Self> {
        let KeySource::Hs256(secret) = &config.key else {
            return None;
        };
        Some(Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            key: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            clock,
        })
    }

    /// A signed token. Refuses a grant that verification would refuse.
    pub fn issue(&self, grant: Grant) -> Result<String, IssueError> {
        let now = self.clock.now();
        let expires = TimeDelta::from_std(grant.expires_in)
            .ok()
            .filter(|validity| *validity <= TimeDelta::days(3660))
            .map(|validity| now.plus(validity))
            .ok_or(IssueError::Expiry)?;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: Audience::One(self.audience.clone()),
            sub: grant.subject,
            exp: expires.to_utc().timestamp(),
            nbf: None,
            iat: Some(now.to_utc().timestamp()),
            jti: Some(token_id()?),
            role: grant.role.as_str().to_owned(),
            org: grant.organization.map(|id| id.to_string()),
            customer: grant.customer.map(|id| id.to_string()),
            member: grant.member.map(|id| id.to_string()),
            permissions: grant.permissions.map(|list| list.iter().map(ToString::to_string).collect()),
            act: grant.impersonator.map(|sub| Actor { sub }),
        };
        Principal::from_claims(&claims).map_err(IssueError::Grant)?;
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &self.key)?)
    }
}

/// An id that no other token has.
fn token_id() -> Result<String, IssueError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| IssueError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
