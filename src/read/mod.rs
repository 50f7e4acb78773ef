//! The read path: queries answered without a future, a value and a loader for every field.
//!
//! The resolvers of async-graphql can answer everything, at the price of work for each field of each object. Most of
//! what front ends ask for is simpler than that: rows, the rows they refer to, and lists of rows that belong to them.
//! Such a query is answered here in three steps:
//!
//! 1. `planner.rs` walks the selection set once and turns it into a plan of statements: one for the objects that a query
//!    starts from together with all they refer to (joins), and one for each list below them, for all parents at once.
//!    What can be selected from a noun is said by the noun itself (`#[object]`, in terms of [`shape`]), and so is where
//!    its queries [start] (`#[queries]`) and what the rows of a statement add up to, where a query asks for that.
//! 2. `load.rs` runs the statements, each behind the one whose rows it belongs to. They are made of
//!    [`Source`](crate::store::Source)s, so the scope filters every table and asks for every permission. They are sent
//!    over drivers of their own, which fill one table of cells ([`Rows`](crate::store::Rows)).
//! 3. `write.rs` writes the JSON of the answer from these cells.
//!
//! **The resolvers are the reference.** The read path only ever answers what they would have answered without an error,
//! byte for byte. Whatever it does not know, or would have to refuse (an argument, a permission, a null where there is
//! none), is [`Unplanned`]: the resolvers answer the whole operation instead, and they say what is wrong. Only a
//! statement that fails is told of here.
//!
//! Mutations are the resolvers' own; the objects in their answers are read here too ([`payload`]).
//!
//! What comes here is valid, flattened and coerced ([`document`](crate::graphql::document)), as what the resolvers get.

pub mod arguments;
pub mod facts;
pub mod json;
mod load;
pub mod payload;
mod plan;
mod planner;
pub mod relation;
pub mod resolve;
mod roots;
mod selection;
pub mod shape;
pub mod start;
mod write;

use async_graphql::parser::types::{OperationDefinition, OperationType};
use async_graphql::{PathSegment, Pos, ServerError, Variables};

use crate::error::Error;
use crate::graphql::context::RequestContext;

/// Why the read path does not answer something, and the resolvers do.
#[derive(Clone, Debug)]
pub enum Unplanned {
    /// It is a mutation.
    Mutation,
    /// A field that only the resolvers know.
    Unknown,
    /// The resolvers refuse it, and say why.
    Refused,
    /// All that is selected is at hand.
    AtHand,
    /// Something went wrong here that should not: the text is for the log.
    Fault(String),
}

impl Unplanned {
    /// Logs a fault, of which nobody would hear otherwise: the resolvers answer then.
    fn log(&self) {
        if let Self::Fault(fault) = self {
            tracing::error!(fault, "the read path failed");
        }
    }

    /// A name for figures.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Mutation => "mutation",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::AtHand => "at_hand",
            Self::Fault(_) => "fault",
        }
    }
}

/// What may turn out to be for the resolvers.
pub type Planned<T> = Result<T, Unplanned>;

impl From<Error> for Unplanned {
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthenticated | Error::Forbidden(_) | Error::Refused(_) | Error::TooMuch(_) => Self::Refused,
            Error::Internal(_) | Error::Contended(..) | Error::Unavailable(..) => Self::Fault(error.told_inside()),
        }
    }
}

/// What the read path makes of a query that it knows.
pub struct Answered {
    /// The answer without its closing brace, as JSON.
    pub data: Vec<u8>,
    /// Whether any root field was answered.
    pub found: bool,
    /// A statement that fails makes its root field null. It would fail the resolvers too, after as long a wait: they are
    /// not asked.
    pub errors: Vec<ServerError>,
}

/// Answers a query.
pub async fn answer(
    request: &RequestContext,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Planned<Answered> {
    let answered = planned(request, operation, variables).await;
    answered.inspect_err(Unplanned::log)
}

async fn planned(
    request: &RequestContext,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Planned<Answered> {
    if operation.ty != OperationType::Query {
        return Err(Unplanned::Mutation);
    }
    let roots = planner::Planner::new(request, variables).operation(operation)?;
    let mut data = Vec::with_capacity(1024);
    let mut errors = Vec::new();
    data.extend_from_slice(br#"{"data":{"#);
    for (place, root) in roots.iter().enumerate() {
        if place > 0 {
            data.push(b',');
        }
        data.extend_from_slice(&root.key);
        match load::root(request, &root.value.plan).await {
            Ok(loaded) => write::root(request, &root.value.plan, loaded.as_ref(), &mut data)?,
            Err(error) => {
                data.extend_from_slice(b"null");
                errors.push(failed(error, root.value.place));
            }
        }
    }
    data.push(b'}');
    Ok(Answered { data, found: errors.len() < roots.len(), errors })
}

/// The error of a root field, as the executor would put it.
fn failed(error: Error, (key, at): (&str, Pos)) -> ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(at);
    error.path = vec![PathSegment::Field(key.to_owned())];
    error
}
