//! From the `Authorization` header to a principal (RFC 6750 §2.1).

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::error::HttpError;
use crate::auth::{Principal, TokenError, TokenVerifier};

/// The caller; none if there is no `Authorization` header. A token that is not valid is refused, never ignored: the
/// client believes it is somebody.
pub(super) async fn authenticate(
    verifier: &TokenVerifier,
    headers: &HeaderMap,
) -> Result<Option<Arc<Principal>>, HttpError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
    });
    let Some(token) = token.filter(|_| values.next().is_none()) else {
        return Err(HttpError::unauthenticated("Send one header `Authorization: Bearer` with a token."));
    };
    match verifier.verify(token).await {
        Ok(principal) => Ok(Some(principal)),
        Err(error) => {
            tracing::info!(reason = %error, "token refused");
            Err(match error {
                // The client must not throw away a token that nobody could look at.
                TokenError::KeysUnavailable { retry_after } => HttpError::unavailable(error.message(), retry_after),
                _ => HttpError::unauthenticated(error.message()),
            })
        }
    }
}
