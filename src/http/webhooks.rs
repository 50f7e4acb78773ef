//! `POST /webhooks/{gateway}/{slug}`: what payment gateways tell us. It passes no admission and no budget: what is not kept is
//! sent again for days, and lost in the end.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tessera_gateway::WebhookError;

use super::Served;
use super::edge::{Known, limit_time};
use super::error::HttpError;
use super::graphql::read;
use crate::gateway::inbox::{Receipt, receive};

/// How many bytes news has at most: an invoice with many lines is larger than any operation.
const LARGEST: usize = 1024 * 1024;

/// Keeps it, and answers 204; 5xx if it could not be kept, so that it is sent again.
pub(super) async fn post(
    State(served): State<Served>,
    Path((gateway, slug)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let known = Known::of(&parts);
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = async {
        let body = match read(body, &parts.headers, served.body_timeout, LARGEST).await {
            Ok(body) => body,
            Err(error) => return error.into_response(),
        };
        let (store, gateways) = (served.app.store(), served.app.gateways());
        match receive(store, gateways, (&gateway, &slug), &header, &body).await {
            Ok(Receipt::Kept) => {
                served.app.applier().wake();
                StatusCode::NO_CONTENT.into_response()
            }
            Ok(Receipt::NoAddress) => super::not_found().await,
            Ok(Receipt::Refused(error)) => refused(error).into_response(),
            Err(error) => {
                tracing::error!(error = error.told_inside(), "news of a gateway could not be kept");
                HttpError::overloaded().into_response()
            }
        }
    };
    limit_time(served.request_timeout, &known, answer).await
}

fn refused(error: WebhookError) -> HttpError {
    let (status, code) = match error {
        WebhookError::NoSignature | WebhookError::BadSignature | WebhookError::TooOld => {
            (StatusCode::UNAUTHORIZED, "BAD_SIGNATURE")
        }
        WebhookError::Malformed => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
    };
    HttpError::new(status, code, format!("Not accepted: {error}."))
}
