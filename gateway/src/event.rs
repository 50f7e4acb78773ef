//! News from a gateway. It only names an object: what is true of it is fetched.

use crate::id::EventId;
use crate::object::{Kind, Mode, Seconds};

/// A piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The gateway's id: the same news sent again has the same.
    pub id: EventId,
    /// The gateway's word, such as `invoice.paid`.
    pub kind: String,
    /// What to look at, or why there is nothing to look at.
    pub subject: Subject,
    /// When it happened, by the gateway's clock.
    pub created: Seconds,
    /// Whether it is about real money.
    pub mode: Mode,
}

/// What news is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This object may have changed.
    Object(Kind, String),
    /// Of a sort that changes nothing of ours.
    Nothing,
    /// Of a sort that we do not know.
    Unknown,
}

/// Why what came is no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed, or the signature cannot be read.
    #[error("the signature is missing or malformed")]
    NoSignature,
    /// None of the secrets signed it.
    #[error("the signature does not match")]
    BadSignature,
    /// It was signed too long ago, or in the future: it may be a recording.
    #[error("the signature is too old")]
    TooOld,
    /// It is signed, and cannot be read.
    #[error("the body cannot be read")]
    Malformed,
}
