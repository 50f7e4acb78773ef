//! Why a call did not bring what it was to bring: told apart by what the caller may do next.

use std::fmt;
use std::time::Duration;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The payer's bank, or the gateway, does not let the money go. Nothing was taken.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The request makes no sense to the gateway, which did nothing. Repeating it brings nothing.
    #[error("invalid: {0}")]
    Invalid(Refusal),
    /// The key was used before, with another request. Nothing was done now.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// There is no such object in this account.
    #[error("not found")]
    NotFound,
    /// The account's key is wrong, revoked, or not allowed to do this.
    #[error("the account's key is not accepted")]
    Unauthorized,
    /// Too many requests. Nothing was done; the same may be tried again.
    #[error("rate limited")]
    RateLimited {
        /// How long to wait, if the gateway said so.
        retry_after: Option<Duration>,
    },
    /// Nothing was done: the gateway cannot be reached, or a question had no answer. The same may be asked again.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// It may have been done or not. Repeat the same bytes with the same key while it lives; then look for the outcome.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(&'static str),
    /// This gateway, or this account at it, cannot do this: its capabilities say so.
    #[error("unsupported")]
    Unsupported,
}

/// What a gateway says of a request that it turned down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The gateway's word for it, such as `card_declined`.
    pub code: Option<String>,
    /// More exactly, as the bank said, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// The parameter at fault.
    pub parameter: Option<String>,
    /// In English, for people.
    pub message: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or("no code");
        match &self.parameter {
            Some(parameter) => write!(f, "{code} ({parameter})"),
            None => f.write_str(code),
        }
    }
}

/// What a call brings.
pub type Result<T, E = Error> = std::result::Result<T, E>;
