//! Whether the process is up, and whether it can do its work.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::server::Peer;
use crate::app::App;
use crate::store::{Store, Unwritable};

const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The process is up. Asks nobody else: restarting it would not mend a database.
pub(super) async fn alive() -> Response {
    report(StatusCode::OK, "ok")
}

/// The database answers, its migrations are current, it can be written, and the server is not about to stop.
pub(super) async fn ready(State(app): State<App>, peer: Option<Extension<Arc<Peer>>>) -> Response {
    if peer.is_some_and(|Extension(peer)| peer.is_left()) {
        return report(StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    let Ok(checked) = tokio::time::timeout(READY_TIMEOUT, check(app.store())).await else {
        return report(StatusCode::SERVICE_UNAVAILABLE, NO_ANSWER);
    };
    match checked {
        Ok(()) => report(StatusCode::OK, "ok"),
        Err(text) => report(StatusCode::SERVICE_UNAVAILABLE, &text),
    }
}

const NO_ANSWER: &str = "the database does not answer";

/// What is wrong, as everybody may read it.
async fn check(store: &Store) -> Result<(), Cow<'static, str>> {
    let missing = store.missing_migrations().await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        NO_ANSWER
    })?;
    if !missing.is_empty() {
        return Err("migrations are missing".into());
    }
    store.writable().await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        match error {
            Unwritable::Failed(_) => "the database cannot be written".into(),
            known => known.to_string().into(),
        }
    })
}

fn report(status: StatusCode, text: &str) -> Response {
    let body = json!({ "status": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
