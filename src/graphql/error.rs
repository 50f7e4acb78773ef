//! What clients see of errors: codes and facts, never internal text.
//!
//! Refusals of a mutation are data, in `userErrors`. Everything else is a top-level error with a stable
//! `extensions.code`; it is completed and logged once, in `finish`.

use std::collections::HashSet;
use std::time::Duration;

use async_graphql::{
    ComplexObject, Context, Error as GraphqlError, ErrorExtensionValues, Interface, PathSegment, Response, ServerError,
    SimpleObject, Value,
};

use super::context::ContextExt;
use super::cost::{MAX_ANSWER, MAX_COST};
use super::document::{MAX_ERRORS, Refused};
use super::scalar::SafeInt;
use crate::entity::SubscriptionStatus;
use crate::error::{Code, Error, Facts, Refusal, Result, Trouble};
use crate::subscription::graphql::SubscriptionContract;
use crate::subscription::lifecycle::Action;
use crate::text::shortened;
use crate::tier::Unlock;
use crate::tier::graphql::Tier;

impl From<Error> for GraphqlError {
    fn from(error: Error) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        let mut source = None;
        let message = match error {
            Error::Unauthenticated => {
                extensions.set("code", "UNAUTHENTICATED");
                "This needs a token: send `Authorization: Bearer …`.".to_owned()
            }
            Error::Forbidden(permission) => {
                extensions.set("code", "FORBIDDEN");
                extensions.set("permission", permission.as_str());
                format!("This needs the permission {permission}.")
            }
            Error::Refused(refusals) => {
                let not_found = refusals.iter().any(|refusal| refusal.code == Code::NotFound);
                extensions.set("code", if not_found { "NOT_FOUND" } else { "BAD_USER_INPUT" });
                extensions.set("problems", Value::List(refusals.iter().map(problem).collect()));
                refusals.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>().join(" ")
            }
            // A read that lost its connection.
            Error::Contended(_, text) => return Error::Unavailable(Trouble::Away, text).into(),
            Error::Unavailable(trouble, text) => {
                source = Some(std::sync::Arc::new(Fault(text)) as _);
                extensions.set("code", if trouble == Trouble::ReadOnly { READ_ONLY } else { UNAVAILABLE });
                extensions.set("retryAfterMs", RETRY_AFTER.as_millis() as u64);
                unavailable(trouble).to_owned()
            }
            Error::TooMuch(text) => {
                extensions.set("code", TOO_COMPLEX);
                text.as_ref().to_owned()
            }
            Error::Internal(text) => {
                source = Some(std::sync::Arc::new(Fault(text)) as _);
                extensions.set("code", "INTERNAL_SERVER_ERROR");
                "Something went wrong on our side.".to_owned()
            }
        };
        Self { message, source, extensions: Some(extensions) }
    }
}

/// The code of what cannot be done now.
const UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";
/// The code of a command where the database only reads.
const READ_ONLY: &str = "READ_ONLY";

/// When it makes sense to ask again for what cannot be done now.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

fn unavailable(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::ReadOnly => "The database here only reads: send mutations elsewhere, or try again later.",
        Trouble::Unknown => {
            "The connection was lost while this was being recorded, so it may have been done: send it again with the \
             same `idempotencyKey`, or look first."
        }
        Trouble::Locked => "Somebody else has this locked: try again, a mutation with the same `idempotencyKey`.",
        Trouble::Slow => "This took the database too long: ask for less at once, or try again.",
        Trouble::Away | Trouble::Full | Trouble::Busy | Trouble::Contended => {
            "This cannot be done now: try again, a mutation with the same `idempotencyKey`."
        }
    }
}

fn is_unavailable(error: &ServerError) -> bool {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    code.is_some_and(|code| [UNAVAILABLE, READ_ONLY].iter().any(|one| *code == Value::from(*one)))
}

/// Whether nothing was answered, because everything that was asked for is unavailable now.
pub(crate) fn is_all_unavailable(response: &Response) -> bool {
    let Value::Object(roots) = &response.data else {
        return !response.errors.is_empty() && response.errors.iter().all(is_unavailable);
    };
    let failed = |key: &str| {
        let of_root =
            |error: &&ServerError| matches!(error.path.first(), Some(PathSegment::Field(name)) if name == key);
        response.errors.iter().find(of_root).is_some_and(is_unavailable)
    };
    !roots.is_empty() && roots.iter().all(|(key, value)| *value == Value::Null && failed(key))
}

/// Internal text, on its way to the log.
struct Fault(std::sync::Arc<str>);

fn problem(refusal: &Refusal) -> Value {
    let path = refusal.path.iter().map(|step| Value::String(step.clone())).collect();
    Value::Object(
        [
            (async_graphql::Name::new("code"), async_graphql::resolver_utils::enum_value(refusal.code)),
            (async_graphql::Name::new("path"), Value::List(path)),
        ]
        .into_iter()
        .collect(),
    )
}

/// The code of what asks for too much.
pub(crate) const TOO_COMPLEX: &str = "OPERATION_TOO_COMPLEX";
/// How much of a message about a document is told, in characters: it may quote the document.
const MAX_MESSAGE: usize = 500;

/// The answer to a request that is not executed.
pub(crate) fn refused(Refused { code, errors }: Refused) -> Response {
    let coded = |mut error: ServerError| {
        error.message = shortened(&error.message, MAX_MESSAGE);
        error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
        error
    };
    Response::from_errors(errors.into_iter().take(MAX_ERRORS).map(coded).collect())
}

/// The refusal of an operation that costs too much.
pub(crate) fn too_complex(cost: u64) -> Refused {
    let message =
        format!("The document costs {cost}, and {MAX_COST} is allowed: ask for smaller pages or fewer fields.");
    Refused { code: TOO_COMPLEX, errors: vec![ServerError::new(message, None)] }
}

/// The refusal of an answer that is too long.
pub(crate) fn too_long(is_mutation: bool) -> Refused {
    let done = if is_mutation { " What it changes is changed." } else { "" };
    let message = format!("The answer is longer than {MAX_ANSWER} bytes: ask for smaller pages or fewer fields.{done}");
    Refused { code: TOO_COMPLEX, errors: vec![ServerError::new(message, None)] }
}

/// The code of an error.
pub(crate) fn code(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => Some(code.clone()),
        _ => None,
    }
}

/// Gives every error a code, and every fault its request id and its line in the log.
pub(crate) fn finish(response: &mut Response, request_id: &str) {
    for error in &mut response.errors {
        // Without one it is async-graphql's own: about the value of an argument.
        let code = code(error).unwrap_or_else(|| "BAD_USER_INPUT".to_owned());
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if code == "INTERNAL_SERVER_ERROR" {
            extensions.set("requestId", request_id);
            let fault = error.source.as_ref().and_then(|source| source.downcast_ref::<Fault>());
            let fault = fault.map_or("unknown", |fault| &*fault.0);
            tracing::error!(request_id, path = ?error.path, fault, "a request failed");
        } else if let Some(Fault(fault)) = error.source.as_ref().and_then(|source| source.downcast_ref()) {
            // One line tells when this begins, and one when it is over.
            tracing::debug!(request_id, path = ?error.path, fault = &**fault, "a request cannot be answered now");
        }
        extensions.set("code", code);
    }
    // What fails first is chance; where it stands in the document is not.
    response.errors.sort_by_cached_key(place);
    tell_once(&mut response.errors);
}

/// Where an error stands: in the document, then in the answer.
fn place(error: &ServerError) -> (Option<(usize, usize)>, Vec<String>) {
    let step = |step: &'_ PathSegment| match step {
        PathSegment::Index(index) => format!("{index:010}"),
        PathSegment::Field(name) => name.clone(),
    };
    let location = error.locations.first().map(|at| (at.line, at.column));
    (location, error.path.iter().map(step).collect())
}

/// Keeps one error about a field that the caller may not read: it is the same in every row of a list.
fn tell_once(errors: &mut Vec<ServerError>) {
    let mut told = HashSet::new();
    errors.retain(|error| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        if *code.unwrap_or(&Value::Null) != Value::from("FORBIDDEN") {
            return true;
        }
        let field = |step: &PathSegment| match step {
            PathSegment::Field(name) => Some(name.clone()),
            PathSegment::Index(_) => None,
        };
        told.insert(error.path.iter().filter_map(field).collect::<Vec<_>>())
    });
}

/// Why a mutation was refused. Nothing was written.
#[derive(Interface)]
#[graphql(
    field(name = "code", ty = "&Code", desc = "What kind of refusal: what programs branch on."),
    field(name = "message", ty = "&String", desc = "What is wrong and what would be right, for people."),
    field(name = "path", ty = "&Vec<String>", desc = "The input field it speaks of, from the argument down.")
)]
pub enum UserError {
    /// A refusal that its message explains.
    Plain(PlainError),
    /// The lifecycle does not allow the action.
    IllegalTransition(IllegalTransition),
    /// The owner has a live subscription already.
    AlreadySubscribed(Box<AlreadySubscribed>),
    /// A limit is reached.
    LimitExceeded(LimitExceeded),
    /// The object was changed since it was read.
    StaleVersion(StaleVersion),
}

/// A refusal that its message explains: a value that is missing, malformed, out of range, not there or taken.
#[derive(SimpleObject)]
#[graphql(name = "InvalidInput")]
pub struct PlainError {
    /// What kind of refusal: what programs branch on.
    code: Code,
    /// What is wrong and what would be right, for people.
    message: String,
    /// The input field it speaks of, from the argument down.
    path: Vec<String>,
}

/// The subscription's state does not allow the action.
#[derive(SimpleObject)]
pub struct IllegalTransition {
    /// What kind of refusal: what programs branch on.
    code: Code,
    /// What is wrong and what would be right, for people.
    message: String,
    /// The input field it speaks of, from the argument down.
    path: Vec<String>,
    /// Where the subscription stands.
    state: SubscriptionStatus,
    /// What the caller may do instead.
    allowed_actions: Vec<Action>,
}

/// The owner has a live subscription already.
#[derive(SimpleObject)]
pub struct AlreadySubscribed {
    /// What kind of refusal: what programs branch on.
    code: Code,
    /// What is wrong and what would be right, for people.
    message: String,
    /// The input field it speaks of, from the argument down.
    path: Vec<String>,
    /// The subscription that is live.
    subscription: SubscriptionContract,
}

/// A limit of the subscription is reached.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct LimitExceeded {
    /// What kind of refusal: what programs branch on.
    code: Code,
    /// What is wrong and what would be right, for people.
    message: String,
    /// The input field it speaks of, from the argument down.
    path: Vec<String>,
    /// Key of the feature, such as `users`.
    feature: String,
    /// How many there may be.
    limit: SafeInt,
    /// How many there are.
    used: SafeInt,
    #[graphql(skip)]
    unlock: Option<Box<Unlock>>,
}

#[ComplexObject]
impl LimitExceeded {
    /// Tiers on offer that allow what was asked for and take effect at once, at most ten, lowest rank first. Empty where
    /// no change of tier helps: where the limit was agreed on for the subscription itself, or an override or a gateway
    /// decides.
    async fn tiers_that_unlock(&self, ctx: &Context<'_>) -> Result<Vec<Tier>> {
        match &self.unlock {
            Some(unlock) => Ok(ctx.loader().load_one((**unlock).clone()).await?.unwrap_or_default()),
            None => Ok(Vec::new()),
        }
    }
}

/// The object was changed since the caller read it. Read it again, and decide again.
#[derive(SimpleObject)]
pub struct StaleVersion {
    /// What kind of refusal: what programs branch on.
    code: Code,
    /// What is wrong and what would be right, for people.
    message: String,
    /// The input field it speaks of, from the argument down.
    path: Vec<String>,
    /// The object's version now.
    current: i32,
}

impl From<Refusal> for UserError {
    fn from(Refusal { code, message, path, facts }: Refusal) -> Self {
        match facts {
            Facts::None => PlainError { code, message, path }.into(),
            Facts::IllegalTransition { state, allowed: allowed_actions } => {
                IllegalTransition { code, message, path, state, allowed_actions }.into()
            }
            Facts::AlreadySubscribed(row) => {
                Box::new(AlreadySubscribed { code, message, path, subscription: (*row).into() }).into()
            }
            Facts::LimitExceeded { feature, limit, used, unlock } => {
                let (limit, used) = (SafeInt(limit), SafeInt(used));
                LimitExceeded { code, message, path, feature, limit, used, unlock }.into()
            }
            Facts::StaleVersion { current } => StaleVersion { code, message, path, current }.into(),
        }
    }
}

/// A mutation's answer: the object that was made or changed, or why it was refused.
///
/// `payload!(CancelPayload, subscription: Subscription, "The canceled subscription.")` makes the type and turns the
/// outcome of a use case into it; faults stay errors. `Shown<Subscription>` is read in one go where it can be.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident, $field:ident: Shown<$object:ty>) => {
        $crate::graphql::error::payload! {
            @make $(#[$doc])* $name, $field: $object, $crate::read::payload::Shown<$object>, $crate::read::payload::Shown
        }
    };
    ($(#[$doc:meta])* $name:ident, $field:ident: $object:ty) => {
        $crate::graphql::error::payload! { @make $(#[$doc])* $name, $field: $object, $object, std::convert::identity }
    };
    (@make $(#[$doc:meta])* $name:ident, $field:ident: $object:ty, $shown:ty, $show:expr) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            /// What came of it; null if the mutation was refused.
            $field: Option<$shown>,
            /// Why the mutation was refused; empty if it was carried out.
            user_errors: Vec<$crate::graphql::error::UserError>,
        }

        impl $name {
            /// Always a payload where it is not a fault: the field is nullable so that a fault hides nothing else.
            fn new<M: Into<$object>>(outcome: $crate::error::Result<M>) -> $crate::error::Result<Option<Self>> {
                match outcome {
                    Ok(row) => Ok(Some(Self { $field: Some($show(row.into())), user_errors: Vec::new() })),
                    Err($crate::error::Error::Refused(refusals)) => {
                        Ok(Some(Self { $field: None, user_errors: refusals.into_iter().map(Into::into).collect() }))
                    }
                    Err(fault) => Err(fault),
                }
            }
        }
    };
}
pub(crate) use payload;
