//! What a token says. RFC 7519 names, plus Tessera's own.

use serde::{Deserialize, Deserializer, Serialize};

/// The last second of the year 9999. A date beyond it is a mistake, not a plan.
const LAST_SECOND: i64 = 253_402_300_799;

/// The claims Tessera reads and, for the command line and the demo, writes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Claims {
    /// Who issued the token.
    pub iss: String,
    /// Who the token is for.
    pub aud: Audience,
    /// Who the token speaks of.
    pub sub: String,
    /// When it expires, in seconds since the epoch.
    #[serde(deserialize_with = "numeric_date")]
    pub exp: i64,
    /// When it begins to be valid, in seconds since the epoch.
    #[serde(default, deserialize_with = "optional_numeric_date", skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it was issued, in seconds since the epoch.
    #[serde(default, deserialize_with = "optional_numeric_date", skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The token's own id: what it is revoked by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Role of the subject.
    pub role: String,
    /// Organization of the subject, as `org_…`; none for the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The customer the subject is, as `cus_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The member the subject is, as `mem_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Narrows the role's permissions to these. Required for `SERVICE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// Who acts in the subject's name (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// One recipient or several (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Audience {
    /// One recipient.
    One(String),
    /// Several recipients.
    Many(Vec<String>),
}

impl Audience {
    /// Whether the token is for this recipient.
    pub fn contains(&self, recipient: &str) -> bool {
        match self {
            Self::One(one) => one == recipient,
            Self::Many(many) => many.iter().any(|one| one == recipient),
        }
    }
}

/// The party that acts in a subject's name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Actor {
    /// Its subject.
    pub sub: String,
}

impl Claims {
    /// The subject of whoever acts in this subject's name.
    pub fn act_subject(&self) -> Option<String> {
        self.act.as_ref().map(|actor| actor.sub.clone())
    }
}

/// Reads a NumericDate (RFC 7519 §2): seconds since the epoch, which may have a fraction.
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    // The cast rounds towards zero, so a token is never valid for longer than it says.
    let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
    let plausible = seconds.filter(|seconds| (0..=LAST_SECOND).contains(seconds));
    plausible.ok_or_else(|| serde::de::Error::custom("not a date"))
}

fn optional_numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    numeric_date(deserializer).map(Some)
}
