//! Tokens in the `Authorization` header.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use tessera::auth::{Grant, Role, TokenIssuer};
use tessera::clock::Clock;
use tessera::config::{KeySource, SignatureAlgorithm};

use super::{Answer, Edge, JSON};

impl Edge {
    /// With an `Authorization` header.
    async fn post_as(&self, authorization: &str) -> Answer {
        let request = Request::post("/graphql").header("content-type", JSON).header("authorization", authorization);
        self.send(request.body(json!({ "query": "{ __typename }" }).to_string().into()).expect("a request")).await
    }

    fn token(&self, expires_in: Duration, clock: Clock) -> String {
        let grant = Grant {
            subject: "ann".into(),
            role: Role::Root,
            organization: None,
            customer: None,
            member: None,
            permissions: None,
            expires_in,
            impersonator: None,
        };
        TokenIssuer::new(&self.config.auth, clock).expect("a shared secret").issue(grant).expect("issued")
    }
}

#[tokio::test]
async fn a_token_is_valid_or_refused_but_never_ignored() {
    let edge = Edge::start().await;
    let token = edge.token(Duration::from_secs(60), Clock::system());
    for right in [format!("Bearer {token}"), format!("bearer {token}")] {
        assert_eq!(edge.post_as(&right).await.status, 200);
    }
    let past = Clock::manual(Clock::system().now().plus_days(-1));
    let expired = edge.token(Duration::from_secs(60), past);
    for (authorization, message) in [
        (format!("Bearer {expired}"), "The token has expired."),
        (format!("Bearer {token}x"), "The token is not valid."),
        ("Bearer x".into(), "The token is not valid."),
        ("Bearer ".into(), "The token is not valid."),
        ("Bearer".into(), "Send one header `Authorization: Bearer` with a token."),
        (format!("Basic {token}"), "Send one header `Authorization: Bearer` with a token."),
        (token.clone(), "Send one header `Authorization: Bearer` with a token."),
    ] {
        let answer = edge.post_as(&authorization).await;
        assert_eq!((answer.status, answer.code()), (401, json!("UNAUTHENTICATED")), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        assert_eq!(answer.json()["errors"][0]["message"], message);
        assert!(answer.json().get("data").is_none());
    }
    let twice =
        Request::post("/graphql").header("content-type", JSON).header("authorization", format!("Bearer {token}"));
    let twice = twice.header("authorization", "Bearer x").body(Body::from(r#"{"query":"{__typename}"}"#));
    assert_eq!(edge.send(twice.expect("a request")).await.status, 401);
}

#[tokio::test]
async fn a_token_that_nobody_can_look_at_is_not_called_invalid() {
    let edge = Edge::start_with(|config, _| {
        // Port 1 of this machine answers nobody.
        let (url, algorithms) = ("http://127.0.0.1:1/jwks".into(), vec![SignatureAlgorithm::Es256]);
        config.auth.key = KeySource::Jwks { url, algorithms };
    })
    .await;
    // Header {"alg":"ES256"}, payload {}.
    let answer = edge.post_as("Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA").await;
    assert_eq!((answer.status, answer.code()), (503, json!("SERVICE_UNAVAILABLE")));
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(answer.header("www-authenticate"), "");
}
