//! By which names a server on somebody's own machine is asked.
//!
//! A page of another site can be made to reach this machine by its own name (DNS rebinding), and is then of the same
//! origin as what it reaches. A proxy in front knows its names; the demo has none, and offers tokens.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::HttpError;

/// Answers those who ask for `localhost` or an address: nobody else can own these. Programs that name nothing are no
/// browsers.
pub(super) async fn insist_on_address(request: Request, next: Next) -> Response {
    let of_header = || request.headers().get(header::HOST).map(|value| value.to_str().unwrap_or_default());
    let named = request.uri().authority().map(|authority| authority.as_str()).or_else(of_header);
    if named.is_none_or(is_own) {
        return next.run(request).await;
    }
    let message = "The demo is asked by an address or as `localhost`: any other name could be that of another site.";
    HttpError::new(StatusCode::MISDIRECTED_REQUEST, "MISDIRECTED_REQUEST", message).into_response()
}

/// Whether a host, with or without a port, is an address or this machine's own name.
fn is_own(host: &str) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let bare = without_port.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(without_port);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn addresses_and_localhost_are_own() {
        for own in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "192.0.2.7:80", "[::1]", "[::1]:8080"]
        {
            assert!(is_own(own), "{own}");
        }
        for other in
            ["", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io:8080", "a@[::1]:1"]
        {
            assert!(!is_own(other), "{other}");
        }
    }
}
