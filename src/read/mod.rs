//! The read path: queries answered without a future, a value and a loader for every field.
//!
//! The resolvers of async-graphql can answer everything, at the price of work for each field of each object. Most of
//! what front ends ask for is simpler than that: rows, the rows they refer to, and lists of rows that belong to them.
//! Such a query is answered here in three steps:
//!
//! 1. `planner.rs` walks the selection set once and turns it into a plan of statements: one for the objects that a query
//!    starts from together with all they refer to (joins), and one for each list below them, for all parents at once.
//!    What can be selected from a noun is said by the noun itself ([`shape`], implemented in the file `read.rs` of each
//!    noun), and so is where its queries [start] and what the rows of a statement add up to, where a query asks for that.
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
//! A document comes here only when the resolvers have answered it once without an error, so it is known to be valid;
//! what validation says of variables is not reused: arguments are read anew each time.

pub mod arguments;
pub mod json;
mod load;
pub mod payload;
mod plan;
mod planner;
mod roots;
mod selection;
pub mod shape;
pub mod start;
mod write;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{PathSegment, Pos, ServerError, Variables};

use crate::error::Error;
use crate::graphql::context::RequestContext;

/// The read path does not answer this; the resolvers do.
#[derive(Clone, Copy, Debug)]
pub struct Unplanned;

/// What may turn out to be for the resolvers.
pub type Planned<T> = Result<T, Unplanned>;

impl From<Error> for Unplanned {
    fn from(_: Error) -> Self {
        Self
    }
}

/// What the read path makes of a query that it knows.
pub enum Outcome {
    /// The answer, as JSON.
    Data(Vec<u8>),
    /// A statement failed. It would fail the resolvers too, after as long a wait: they are not asked.
    Failed(ServerError),
}

/// Answers a query.
pub async fn answer(
    request: &RequestContext,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Planned<Outcome> {
    if operation.ty != OperationType::Query {
        return Err(Unplanned);
    }
    let roots = planner::Planner::new(request, &document.fragments, variables).operation(operation)?;
    let mut answer = Vec::with_capacity(1024);
    answer.extend_from_slice(br#"{"data":{"#);
    for (place, root) in roots.iter().enumerate() {
        let loaded = match load::root(request, &root.value.plan).await {
            Ok(loaded) => loaded,
            Err(error) => return Ok(Outcome::Failed(failed(error, root.value.place))),
        };
        if place > 0 {
            answer.push(b',');
        }
        answer.extend_from_slice(&root.key);
        write::root(request, &root.value.plan, loaded.as_ref(), &mut answer)?;
    }
    answer.extend_from_slice(b"}}");
    Ok(Outcome::Data(answer))
}

/// The error of a root field, as the executor would put it.
fn failed(error: Error, (key, at): (&str, Pos)) -> ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(at);
    error.path = vec![PathSegment::Field(key.to_owned())];
    error
}
