use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::auth::test_keys::{TestKey, sign_hs256};
use crate::auth::{TokenError, TokenVerifier};
use crate::clock::{Clock, Timestamp};
use crate::config::{AuthConfig, KeySource, SignatureAlgorithm};

const NOW: i64 = 1_767_225_600;

/// An identity provider on a real socket.
#[derive(Clone)]
struct Provider(Arc<Answer>);

struct Answer {
    status: Mutex<StatusCode>,
    body: Mutex<String>,
    requests: AtomicUsize,
}

impl Provider {
    async fn start() -> (Self, String) {
        let provider = Self(Arc::new(Answer {
            status: Mutex::new(StatusCode::OK),
            body: Mutex::new(String::new()),
            requests: AtomicUsize::new(0),
        }));
        let router = Router::new()
            .route("/jwks", get(Self::serve))
            .route("/moved", get(async || (StatusCode::FOUND, [(header::LOCATION, "/jwks")])))
            .with_state(provider.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        (provider, format!("http://{address}"))
    }

    async fn serve(State(provider): State<Self>) -> Response {
        provider.0.requests.fetch_add(1, Ordering::SeqCst);
        // Long enough for others to arrive while a fetch is under way.
        tokio::task::yield_now().await;
        let status = *provider.0.status.lock().expect("unpoisoned");
        let body = provider.0.body.lock().expect("unpoisoned").clone();
        (status, body).into_response()
    }

    fn publish(&self, keys: &[Value]) {
        self.answer(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn answer(&self, status: StatusCode, body: String) {
        *self.0.status.lock().expect("unpoisoned") = status;
        *self.0.body.lock().expect("unpoisoned") = body;
    }

    fn requests(&self) -> usize {
        self.0.requests.load(Ordering::SeqCst)
    }
}

fn verifier(url: &str, clock: &Clock) -> TokenVerifier {
    let algorithms = vec![SignatureAlgorithm::Es256, SignatureAlgorithm::Rs256];
    let config = AuthConfig {
        issuer: "https://id.example".into(),
        audience: "tessera".into(),
        leeway: Duration::from_secs(30),
        key: KeySource::Jwks { url: url.to_owned(), algorithms },
    };
    TokenVerifier::new(&config, clock.clone()).expect("usable")
}

async fn start() -> (Provider, TokenVerifier, Clock) {
    let (provider, url) = Provider::start().await;
    let clock = Clock::manual(Timestamp::from_micros(NOW * 1_000_000));
    let verifier = verifier(&format!("{url}/jwks"), &clock);
    (provider, verifier, clock)
}

fn es256() -> TestKey {
    TestKey::generate(SignatureAlgorithm::Es256)
}

/// Claims that outlive each test; the number makes tokens differ, so that none is remembered.
fn claims(number: usize) -> Value {
    json!({
        "iss": "https://id.example", "aud": "tessera", "sub": format!("ann-{number}"), "role": "ROOT",
        "exp": NOW + 1_000_000,
    })
}

#[tokio::test]
async fn keys_rotate_without_a_restart() {
    let (provider, verifier, clock) = start().await;
    let (old, new) = (es256(), es256());
    provider.publish(&[old.jwk("old")]);
    assert!(verifier.verify(&old.sign(Some("old"), &claims(0))).await.is_ok());

    clock.advance(TimeDelta::seconds(31));
    provider.publish(&[old.jwk("old"), new.jwk("new")]);
    assert!(verifier.verify(&new.sign(Some("new"), &claims(1))).await.is_ok(), "fetched for the unknown key id");
    assert!(verifier.verify(&old.sign(Some("old"), &claims(2))).await.is_ok());
    assert_eq!(provider.requests(), 2);

    // A withdrawn key is gone when the set is old.
    provider.publish(&[new.jwk("new")]);
    clock.advance(TimeDelta::minutes(10));
    let error = verifier.verify(&old.sign(Some("old"), &claims(3))).await.expect_err("withdrawn");
    assert_eq!(error, TokenError::UnknownKey);
    assert_eq!(provider.requests(), 3);
}

#[tokio::test]
async fn invented_key_ids_do_not_flood_the_issuer() {
    let (provider, verifier, clock) = start().await;
    let key = es256();
    provider.publish(&[key.jwk("known")]);
    assert!(verifier.verify(&key.sign(Some("known"), &claims(0))).await.is_ok());
    clock.advance(TimeDelta::seconds(10));
    for number in 0..50 {
        let kid = format!("../../{number}' OR 1=1 --");
        let error = verifier.verify(&key.sign(Some(&kid), &claims(number))).await.expect_err("unknown");
        assert_eq!(error, TokenError::KeysUnavailable { retry_after: Duration::from_secs(20) });
    }
    assert_eq!(provider.requests(), 1, "within the cool-down of the first fetch");
    clock.advance(TimeDelta::seconds(20));
    for number in 0..50 {
        let error = verifier.verify(&key.sign(Some("invented"), &claims(number))).await.expect_err("unknown");
        assert_eq!(error, TokenError::UnknownKey, "the set was fetched for it");
    }
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn a_key_that_rotates_in_the_cool_down_is_not_called_invalid() {
    let (provider, verifier, clock) = start().await;
    let (old, new) = (es256(), es256());
    provider.publish(&[old.jwk("old")]);
    assert!(verifier.verify(&old.sign(Some("old"), &claims(0))).await.is_ok());
    provider.publish(&[old.jwk("old"), new.jwk("new")]);
    let token = new.sign(Some("new"), &claims(1));
    for second in 1..30 {
        clock.advance(TimeDelta::seconds(1));
        let error = verifier.verify(&token).await.expect_err("not fetched yet");
        assert_eq!(error, TokenError::KeysUnavailable { retry_after: Duration::from_secs(30 - second) });
    }
    clock.advance(TimeDelta::seconds(1));
    assert!(verifier.verify(&token).await.is_ok(), "as it was told");
}

#[tokio::test]
async fn callers_share_one_fetch() {
    let (provider, verifier, _) = start().await;
    let key = es256();
    provider.publish(&[key.jwk("known")]);
    let tokens: Vec<_> = (0..20).map(|number| key.sign(Some("known"), &claims(number))).collect();
    let answers = join_all(tokens.iter().map(|token| verifier.verify(token))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_take_the_fetch_with_it() {
    let (provider, verifier, _) = start().await;
    let key = es256();
    provider.publish(&[key.jwk("known")]);
    let token = key.sign(Some("known"), &claims(0));
    // Polled once, which starts the fetch, then dropped.
    assert!(verifier.verify(&token).now_or_never().is_none());
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn an_outage_is_survived_with_the_last_keys_for_a_day() {
    let (provider, verifier, clock) = start().await;
    let key = es256();
    provider.publish(&[key.jwk("known")]);
    assert!(verifier.verify(&key.sign(Some("known"), &claims(0))).await.is_ok());

    provider.answer(StatusCode::SERVICE_UNAVAILABLE, "down".into());
    clock.advance(TimeDelta::hours(23));
    for number in 1..10 {
        assert!(verifier.verify(&key.sign(Some("known"), &claims(number))).await.is_ok());
    }
    assert_eq!(provider.requests(), 2, "one failed attempt, then the cool-down");

    clock.advance(TimeDelta::hours(1));
    let error = verifier.verify(&key.sign(Some("known"), &claims(10))).await.expect_err("too old");
    assert!(matches!(error, TokenError::KeysUnavailable { .. }), "{error}");

    provider.publish(&[key.jwk("known")]);
    clock.advance(TimeDelta::seconds(5));
    assert!(verifier.verify(&key.sign(Some("known"), &claims(11))).await.is_ok(), "recovered");
}

#[tokio::test]
async fn useless_answers_are_refused() {
    let (provider, verifier, clock) = start().await;
    let key = es256();
    let token = key.sign(Some("known"), &claims(0));
    let set = json!({ "keys": [key.jwk("known")] }).to_string();
    for (what, status, body) in [
        ("an error page", StatusCode::INTERNAL_SERVER_ERROR, set.clone()),
        ("no content", StatusCode::NO_CONTENT, String::new()),
        ("HTML", StatusCode::OK, "<html>sign in</html>".into()),
        ("JSON of another kind", StatusCode::OK, "[]".into()),
        ("keys that are no list", StatusCode::OK, r#"{"keys":{}}"#.into()),
        ("truncated", StatusCode::OK, set[..set.len() - 2].into()),
        ("oversize", StatusCode::OK, format!("{set}{}", " ".repeat(256 * 1024))),
    ] {
        provider.answer(status, body);
        let error = verifier.verify(&token).await.expect_err(what);
        assert_eq!(error, TokenError::KeysUnavailable { retry_after: Duration::from_secs(5) }, "{what}");
        assert!(verifier.check_keys().await.is_err(), "{what}");
        clock.advance(TimeDelta::seconds(5));
    }
    provider.publish(&[key.jwk("known")]);
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(verifier.check_keys().await, Ok(1));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (provider, url) = Provider::start().await;
    let key = es256();
    provider.publish(&[key.jwk("known")]);
    let clock = Clock::manual(Timestamp::from_micros(NOW * 1_000_000));
    let verifier = verifier(&format!("{url}/moved"), &clock);
    let error = verifier.verify(&key.sign(Some("known"), &claims(0))).await.expect_err("a redirect");
    assert!(matches!(error, TokenError::KeysUnavailable { .. }), "{error}");
    assert_eq!(provider.requests(), 0);
}

#[tokio::test]
async fn keys_for_other_uses_are_left_out() {
    let (provider, verifier, _) = start().await;
    let (key, secret) = (es256(), [7; 32]);
    let changed = |name: &str, value: Value| {
        let mut jwk = key.jwk(name);
        jwk[name] = value;
        jwk
    };
    provider.publish(&[
        json!({ "kty": "oct", "kid": "oct", "k": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc" }),
        json!({ "kty": "unheard of", "kid": "unheard of" }),
        json!("not even an object"),
        json!({ "kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB" }),
        TestKey::generate(SignatureAlgorithm::EdDsa).jwk("not configured"),
        changed("use", json!("enc")),
        changed("key_ops", json!(["sign"])),
        changed("alg", json!("ES384")),
        changed("crv", json!("P-384")),
        key.jwk("good"),
    ]);
    assert_eq!(verifier.check_keys().await, Ok(1));
    assert!(verifier.verify(&key.sign(Some("good"), &claims(0))).await.is_ok());
    for kid in ["use", "key_ops", "alg", "crv"] {
        let error = verifier.verify(&key.sign(Some(kid), &claims(0))).await.expect_err(kid);
        assert_eq!(error, TokenError::UnknownKey, "{kid}");
    }
    let forged = sign_hs256(r#"{"alg":"HS256","kid":"oct"}"#, &claims(0).to_string(), &secret);
    assert_eq!(verifier.verify(&forged).await.expect_err("published secret"), TokenError::Algorithm);
}

#[tokio::test]
async fn a_key_serves_its_own_algorithm_only() {
    let (provider, verifier, _) = start().await;
    let (ec, rsa) = (es256(), TestKey::shared_rsa());
    provider.publish(&[ec.jwk("ec"), rsa.jwk("rsa")]);
    assert!(verifier.verify(&ec.sign(Some("ec"), &claims(0))).await.is_ok());
    assert!(verifier.verify(&rsa.sign(Some("rsa"), &claims(1))).await.is_ok());
    assert_eq!(verifier.verify(&ec.sign(Some("rsa"), &claims(2))).await.expect_err("mixed"), TokenError::UnknownKey);
    let another = es256();
    assert_eq!(
        verifier.verify(&another.sign(Some("ec"), &claims(3))).await.expect_err("forged"),
        TokenError::Signature
    );
}

#[tokio::test]
async fn a_token_without_key_id_needs_a_single_candidate() {
    let (provider, verifier, clock) = start().await;
    let (first, second) = (es256(), es256());
    provider.publish(&[first.jwk("first"), TestKey::shared_rsa().jwk("rsa")]);
    assert!(verifier.verify(&first.sign(None, &claims(0))).await.is_ok());
    provider.publish(&[first.jwk("first"), second.jwk("second")]);
    clock.advance(TimeDelta::minutes(10));
    let error = verifier.verify(&first.sign(None, &claims(1))).await.expect_err("ambiguous");
    assert_eq!(error, TokenError::UnknownKey);
}
