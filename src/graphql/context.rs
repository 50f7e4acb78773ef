//! What a resolver can get at.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::DataLoader;

use crate::auth::Permission;
use crate::error::Result;
use crate::store::{Cursors, Scope, Writer};
use crate::subscription::Settings;

/// Everything that belongs to one request, and nothing that is shared between requests but settings.
pub struct RequestContext {
    pub(crate) scope: Scope,
    pub(super) cursors: Cursors,
    pub(crate) settings: Arc<Settings>,
}

impl RequestContext {
    pub(crate) fn new(scope: Scope, cursors: Cursors, settings: Arc<Settings>) -> Self {
        Self { scope, cursors, settings }
    }
}

/// The way from a resolver to the data. There is no other.
pub trait ContextExt {
    /// The request's own context.
    fn request(&self) -> &RequestContext;

    /// What the caller may read.
    fn scope(&self) -> &Scope {
        &self.request().scope
    }

    /// The right to write under a permission, or the error that the caller lacks it.
    fn writer(&self, permission: Permission) -> Result<Writer> {
        self.scope().writer(permission)
    }

    /// The loader of this request.
    fn loader(&self) -> &DataLoader<Scope>;

    /// The settings that rules depend on.
    fn settings(&self) -> &Settings {
        &self.request().settings
    }

    /// The cursors of this server.
    fn cursors(&self) -> &Cursors {
        &self.request().cursors
    }
}

impl ContextExt for Context<'_> {
    fn request(&self) -> &RequestContext {
        self.data_unchecked::<RequestContext>()
    }

    fn loader(&self) -> &DataLoader<Scope> {
        self.data_unchecked::<DataLoader<Scope>>()
    }
}
