//! An error nulls its own field, and nothing beside it.
//!
//! Specification: GraphQL, section 6.4.4, "Handling Field Errors". async-graphql sees it so where a resolver answers
//! `Option<Result<T>>`, and hands the error of a `Result<Option<T>>` on to the parent; and what passes an object loses
//! the lower part of its path. Here every error is noted where it arises, with its whole path, and a field that may be
//! null ends its way up.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest, NextResolve, ResolveInfo};
use async_graphql::{PathSegment, QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, Value};

/// Makes the notes of a request.
pub struct FieldErrors;

impl ExtensionFactory for FieldErrors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Notes::default())
    }
}

/// The errors of a request, in the order in which they arose.
#[derive(Default)]
struct Notes(Mutex<Vec<ServerError>>);

/// What is on its way up in place of an error that was noted.
struct Noted;

fn is_noted(error: &ServerError) -> bool {
    error.source.as_ref().is_some_and(|source| source.is::<Noted>())
}

fn path(node: &QueryPathNode<'_>) -> Vec<PathSegment> {
    let from_below = std::iter::successors(Some(node), |node| node.parent);
    let mut path: Vec<_> = from_below
        .map(|node| match node.segment {
            QueryPathSegment::Name(name) => PathSegment::Field(name.to_owned()),
            QueryPathSegment::Index(index) => PathSegment::Index(index),
        })
        .collect();
    path.reverse();
    path
}

impl Notes {
    fn note(&self, mut error: ServerError, node: &QueryPathNode<'_>) -> ServerError {
        let own = path(node);
        // An item of a list has told its place already.
        if error.path.len() < own.len() {
            error.path = own;
        }
        let mut noted = ServerError::new(String::new(), None);
        noted.source = Some(Arc::new(Noted));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        noted
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Notes {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        response.errors.retain(|error| !is_noted(error));
        response.errors.splice(0..0, noted);
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let (node, nullable) = (info.path_node, !info.return_type.ends_with('!'));
        match next.run(ctx, info).await {
            Err(error) => {
                let noted = if is_noted(&error) { error } else { self.note(error, node) };
                if nullable { Ok(None) } else { Err(noted) }
            }
            found => found,
        }
    }
}
