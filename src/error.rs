//! What can go wrong, in two families: refusals, which a person can act on, and faults, which they cannot.
//!
//! [`Error`] deliberately does not implement `Display`: async-graphql would send the text of any displayable error to
//! the client through `?`. What the client sees is decided in [`crate::graphql::error`].

use std::sync::Arc;

use crate::auth::Permission;
use crate::entity::{SubscriptionStatus, subscription};
pub use crate::store::Trouble;
use crate::subscription::lifecycle::Action;
use crate::tier::Unlock;

/// The outcome of everything that can go wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Clone, Debug)]
pub enum Error {
    /// Nobody is calling: the request carried no token.
    Unauthenticated,
    /// The caller lacks this permission.
    Forbidden(Permission),
    /// Expected refusals, each with the input field it speaks of. Nothing was written.
    Refused(Vec<Refusal>),
    /// The request asks for too much: why, for people.
    TooMuch(Arc<str>),
    /// A fault of ours or of the database. The text is for the log only.
    Internal(Arc<str>),
    /// Somebody else was faster, or the connection was lost: the transaction is worth another try.
    Contended(Contention, Arc<str>),
    /// The database cannot do it now, and nobody is at fault: it helps to ask again later. The text is for the log only.
    Unavailable(Trouble, Arc<str>),
}

impl Error {
    /// What happened, for whoever runs the program. It may tell what is inside, so it is not for clients.
    pub fn told_inside(&self) -> String {
        match self {
            Self::Unauthenticated => "nobody is calling".to_owned(),
            Self::Forbidden(permission) => format!("the permission `{permission}` is missing"),
            Self::Refused(refusals) => {
                let messages: Vec<_> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
                messages.join(" ")
            }
            Self::TooMuch(text) | Self::Internal(text) | Self::Contended(_, text) | Self::Unavailable(_, text) => {
                text.as_ref().to_owned()
            }
        }
    }
}

/// Why a transaction is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contention {
    /// A value that must be unique is there already: the next try finds it, and refuses by name.
    Duplicate,
    /// Anything else.
    Race,
}

/// One expected refusal.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// What is wrong and what would be right, for people.
    pub message: String,
    /// The input field it speaks of, from the argument down.
    pub path: Vec<String>,
    /// What a screen can do with it.
    pub facts: Facts,
}

/// Facts that a screen branches on.
#[derive(Clone, Debug, Default)]
pub enum Facts {
    /// The message says it all.
    #[default]
    None,
    /// The lifecycle does not allow the action in this state.
    IllegalTransition {
        /// Where the subscription stands.
        state: SubscriptionStatus,
        /// What is allowed instead.
        allowed: Vec<Action>,
    },
    /// The owner has a live subscription already.
    AlreadySubscribed(Box<subscription::Model>),
    /// A limit of the subscription is reached.
    LimitExceeded {
        /// Key of the feature.
        feature: String,
        /// How many there may be.
        limit: i64,
        /// How many there are.
        used: i64,
        /// What another tier must have to allow more; none where no tier would.
        unlock: Option<Box<Unlock>>,
    },
    /// The row was changed since the caller read it.
    StaleVersion {
        /// Its version now.
        current: i32,
    },
}

/// Codes of refusals: what programs branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "UserErrorCode")]
pub enum Code {
    /// The value is missing or blank.
    Required,
    /// The text or object is longer, deeper or has more keys than allowed.
    TooLong,
    /// The value does not have the right form.
    InvalidFormat,
    /// The number is outside its range.
    OutOfRange,
    /// The id is malformed, or it is the id of another kind of object.
    InvalidId,
    /// The cursor was altered, or belongs to another list, order or filter.
    InvalidCursor,
    /// Two arguments contradict each other.
    Conflict,
    /// An end lies before its start.
    DatesReversed,
    /// The date lies in the past, beyond what it may be, or outside the years 1 to 9999.
    InvalidDate,
    /// No such object, or none that the caller can see.
    NotFound,
    /// Another object has this value already, and it must be unique.
    Duplicate,
    /// The tier is not sold to this kind of owner.
    WrongTierKind,
    /// The tier is archived: no new subscriptions.
    TierArchived,
    /// The tier is not on offer for this owner.
    TierNotAvailable,
    /// The tier has no price for this cycle and currency.
    NoPrice,
    /// The add-on does not go with the tier, is archived, or is not on offer for this owner.
    AddOnNotAvailable,
    /// The owner has a live subscription already.
    AlreadySubscribed,
    /// The subscription's state does not allow the action.
    IllegalTransition,
    /// A limit of the subscription is reached.
    LimitExceeded,
    /// The subscription gives no access now, or does not grant the feature.
    NotEntitled,
    /// Neither tier, catalogue nor subscription knows a feature of this key.
    FeatureUnknown,
    /// The object was changed since it was read.
    StaleVersion,
    /// What was previewed would not come of it any more, or the preview is older than ten minutes.
    PreviewStale,
    /// The idempotency key was used for another command.
    IdempotencyKeyReused,
    /// The organization or customer is terminated, or suspended for the caller.
    OwnerInactive,
    /// A gateway bills this subscription, and none is configured here to carry the change out.
    GatewayBilled,
    /// Self-service is for subscriptions that a gateway bills; ask an administrator.
    NotGatewayBilled,
    /// The action may not be taken on the caller's own organization or membership.
    OwnAccount,
    /// The subscription was suspended from above: by the platform, or the reseller. Only from there is that lifted.
    SuspendedFromAbove,
    /// The object is still in use.
    InUse,
    /// The gateway's price asks for another amount, currency or interval than what is sold.
    GatewayPriceDiffers,
    /// The payment gateway does not accept what it was given.
    GatewayRefused,
    /// The payment gateway does not answer, or cannot be asked from here. Nothing was changed.
    GatewayUnavailable,
}

impl Refusal {
    /// A refusal without facts about no particular field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: Vec::new(), facts: Facts::None }
    }

    /// The same refusal about the input field `path`, dots between its steps.
    pub fn at(mut self, path: &str) -> Self {
        self.path = path.split('.').map(str::to_owned).collect();
        self
    }

    /// The same refusal with facts.
    pub fn with(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// Shorthand for the most frequent refusal: there is no such thing for this caller.
pub fn not_found(noun: &str, path: &str) -> Error {
    Refusal::new(Code::NotFound, format!("There is no such {noun}.")).at(path).into()
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        let text = || format!("database: {error}").into();
        match (crate::store::contention(&error), crate::store::trouble(&error)) {
            (Some(contention), _) => Self::Contended(contention, text()),
            (None, Some(trouble)) => Self::Unavailable(trouble, text()),
            (None, None) => Self::Internal(text()),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("json: {error}").into())
    }
}
