//! Whether the process is up, and whether it can do its work.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;

const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The process is up. Asks nobody else: restarting it would not mend a database.
pub(super) async fn alive() -> Response {
    report(StatusCode::OK, "ok")
}

/// The database answers and its migrations are current.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let check = async {
        app.store().ping().await?;
        app.store().migration_status().await
    };
    match tokio::time::timeout(READY_TIMEOUT, check).await {
        Ok(Ok(migrations)) if migrations.iter().all(|(_, applied)| *applied) => report(StatusCode::OK, "ok"),
        Ok(Ok(_)) => report(StatusCode::SERVICE_UNAVAILABLE, "migrations are missing"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            report(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
        }
        Err(_) => report(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
    }
}

fn report(status: StatusCode, text: &str) -> Response {
    let body = json!({ "status": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
