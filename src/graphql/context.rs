//! What a resolver can get at.

use std::sync::Arc;

use async_graphql::Context;

use super::batch::Loaders;
use crate::auth::Permission;
use crate::error::Result;
use crate::store::{Cursors, Scope, Writer};
use crate::subscription::Settings;

/// Everything that belongs to one request, and nothing that is shared between requests but settings.
pub struct RequestContext {
    pub(crate) scope: Scope,
    pub(super) loaders: Arc<Loaders>,
    pub(super) cursors: Cursors,
    pub(crate) settings: Arc<Settings>,
}

impl RequestContext {
    pub(crate) fn new(scope: Scope, cursors: Cursors, settings: Arc<Settings>) -> Self {
        let loaders = Arc::new(Loaders::new(scope.clone()));
        Self { scope, loaders, cursors, settings }
    }

    /// The loaders of this request, which its execution is to be driven by.
    pub(crate) fn loaders(&self) -> Arc<Loaders> {
        Arc::clone(&self.loaders)
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

    /// The loaders of this request.
    fn loaders(&self) -> &Loaders {
        &self.request().loaders
    }

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
}
