//! What a resolver can get at.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};

use crate::auth::Permission;
use crate::error::Result;
use crate::store::{Cursors, Scope, Writer};
use crate::subscription::Settings;

/// Loads rows in batches for one request. Each noun says in its `loader.rs` what can be loaded by which key.
pub struct Batch(pub Scope);

/// Everything that belongs to one request, and nothing that is shared between requests but settings.
pub struct RequestContext {
    pub(super) scope: Scope,
    pub(super) loaders: DataLoader<Batch>,
    pub(super) cursors: Cursors,
    pub(super) settings: Arc<Settings>,
}

impl RequestContext {
    pub(crate) fn new(scope: Scope, cursors: Cursors, settings: Arc<Settings>) -> Self {
        let loaders = DataLoader::new(Batch(scope.clone()), TokioSpawner::current(), TokioTimer::default());
        Self { scope, loaders, cursors, settings }
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
    fn loaders(&self) -> &DataLoader<Batch> {
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
