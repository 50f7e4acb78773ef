use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::auth::test_keys::{TestKey, sign_hs256};
use crate::auth::{Grant, Membership, Permission, Permissions, Role, Standing, TokenIssuer};
use crate::config::SignatureAlgorithm;
use crate::entity::{CustomerId, MemberId, OrganizationId};

const SECRET: &str = "a secret of the tests, longer than 32 bytes";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

fn config(key: KeySource) -> AuthConfig {
    let leeway = Duration::from_secs(30);
    AuthConfig { issuer: "https://id.example".into(), audience: "tessera".into(), leeway, key }
}

fn clock() -> Clock {
    Clock::manual(seconds(NOW))
}

fn verifier(key: KeySource, clock: &Clock) -> TokenVerifier {
    TokenVerifier::new(&config(key), clock.clone()).expect("usable keys")
}

fn hs256() -> KeySource {
    KeySource::Hs256(SECRET.into())
}

/// The claims of a platform administrator, valid for an hour.
fn claims() -> Value {
    json!({ "iss": "https://id.example", "aud": "tessera", "sub": "ann", "exp": NOW + 3600, "role": "ROOT" })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

fn signed(claims: &Value) -> String {
    sign_hs256(HEADER, &claims.to_string(), SECRET.as_bytes())
}

fn headed(header: &str) -> String {
    sign_hs256(header, &claims().to_string(), SECRET.as_bytes())
}

fn encoded(part: &str) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn replace_part(token: &str, index: usize, part: &str) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    parts[index] = part;
    parts.join(".")
}

#[tokio::test]
async fn tokens_of_the_wrong_form_are_refused() {
    use TokenError::{Algorithm, Critical, Malformed, Signature, Type};

    let good = signed(&claims());
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let root = encoded(&with("sub", json!("mallory")).to_string());
    let cases = [
        ("nothing", String::new(), Malformed),
        ("one part", "abc".into(), Malformed),
        ("two parts", message.into(), Malformed),
        ("four parts", format!("{good}.x"), Malformed),
        ("five parts, as of an encrypted token", format!("{good}.x.y"), Malformed),
        ("dots only", "..".into(), Malformed),
        ("a dot more at the end", format!("{good}."), Malformed),
        ("a dot more in front", format!(".{good}"), Malformed),
        ("space in front", format!(" {good}"), Malformed),
        ("a line break at the end", format!("{good}\n"), Signature),
        ("space in the middle", good.replacen('.', " .", 1), Malformed),
        ("padding in the header", replace_part(&good, 0, &format!("{}=", encoded(HEADER))), Malformed),
        ("standard base64", replace_part(&good, 0, "eyJhbGciOiJIUzI1NiJ9+/"), Malformed),
        ("not ASCII", format!("{message}.ünsigned"), Signature),
        ("too long", format!("{good}{}", "a".repeat(8 * 1024)), Malformed),
        ("no signature", format!("{message}."), Signature),
        ("truncated signature", format!("{message}.{}", &signature[..signature.len() - 4]), Signature),
        ("another signature", format!("{message}.{}", encoded(&"x".repeat(32))), Signature),
        ("another payload", replace_part(&good, 1, &root), Signature),
        ("another header", replace_part(&good, 0, &encoded(r#"{"alg":"HS256"}"#)), Signature),
        ("signed with another secret", sign_hs256(HEADER, &claims().to_string(), &[7; 32]), Signature),
        ("signed with no secret", sign_hs256(HEADER, &claims().to_string(), b""), Signature),
        ("header not JSON", headed("HS256"), Malformed),
        ("header an array", headed("[]"), Malformed),
        ("header empty", headed(""), Malformed),
        ("no alg", headed(r#"{"typ":"JWT"}"#), Malformed),
        ("alg null", headed(r#"{"alg":null}"#), Malformed),
        ("alg twice", headed(r#"{"alg":"HS256","alg":"none"}"#), Malformed),
        ("alg none", headed(r#"{"alg":"none"}"#), Algorithm),
        ("alg NONE", headed(r#"{"alg":"NONE"}"#), Algorithm),
        (
            "alg none, unsigned",
            format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(&claims().to_string())),
            Algorithm,
        ),
        ("alg empty", headed(r#"{"alg":""}"#), Algorithm),
        ("alg in lower case", headed(r#"{"alg":"hs256"}"#), Algorithm),
        ("alg HS512", headed(r#"{"alg":"HS512"}"#), Algorithm),
        ("alg RS256", headed(r#"{"alg":"RS256"}"#), Algorithm),
        ("alg unheard of", headed(r#"{"alg":"XS256"}"#), Algorithm),
        ("critical extension", headed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#), Critical),
        ("critical, but nothing", headed(r#"{"alg":"HS256","crit":[]}"#), Critical),
        ("critical null", headed(r#"{"alg":"HS256","crit":null}"#), Critical),
        ("logout token", headed(r#"{"alg":"HS256","typ":"logout+jwt"}"#), Type),
        ("DPoP proof", headed(r#"{"alg":"HS256","typ":"dpop+jwt"}"#), Type),
        ("typ a number", headed(r#"{"alg":"HS256","typ":1}"#), Malformed),
        ("kid a number", headed(r#"{"alg":"HS256","kid":1}"#), Malformed),
    ];
    let verifier = verifier(hs256(), &clock());
    assert!(verifier.verify(&good).await.is_ok());
    for (what, token, expected) in cases {
        assert_eq!(verifier.verify(&token).await.expect_err(what), expected, "{what}");
    }
}

#[tokio::test]
async fn claims_that_are_missing_or_wrong_are_refused() {
    use TokenError::{Audience, Expired, Issuer, NotYetValid};

    let organization = OrganizationId::generate().to_string();
    let customer = CustomerId::generate().to_string();
    let mut of_both = with("org", json!(organization));
    of_both["customer"] = json!(customer);
    let role = |role: &str| with("role", json!(role));
    let cases = [
        ("other issuer", with("iss", json!("https://evil.example")), Issuer),
        ("issuer with a slash more", with("iss", json!("https://id.example/")), Issuer),
        ("other audience", with("aud", json!("another")), Audience),
        ("audience in upper case", with("aud", json!("TESSERA")), Audience),
        ("no audience in the list", with("aud", json!([])), Audience),
        ("other audiences", with("aud", json!(["a", "b"])), Audience),
        ("expired long ago", with("exp", json!(NOW - 3600)), Expired),
        ("expired at the end of the leeway", with("exp", json!(NOW - 30)), Expired),
        ("expires at the epoch", with("exp", json!(0)), Expired),
        ("not valid yet", with("nbf", json!(NOW + 31)), NotYetValid),
        ("not valid for years", with("nbf", json!(NOW + 100_000_000)), NotYetValid),
    ];
    let odd = [
        ("no iss", without("iss")),
        ("no aud", without("aud")),
        ("no exp", without("exp")),
        ("no sub", without("sub")),
        ("no role", without("role")),
        ("iss a list", with("iss", json!(["https://id.example"]))),
        ("aud null", with("aud", json!(null))),
        ("aud a list of numbers", with("aud", json!([1]))),
        ("sub a number", with("sub", json!(7))),
        ("sub empty", with("sub", json!(""))),
        ("sub blank", with("sub", json!("  "))),
        ("sub too long", with("sub", json!("x".repeat(256)))),
        ("sub with a line break", with("sub", json!("ann\nROOT"))),
        ("exp a string", with("exp", json!((NOW + 3600).to_string()))),
        ("exp null", with("exp", json!(null))),
        ("exp negative", with("exp", json!(-1))),
        ("exp beyond the calendar", with("exp", json!(i64::MAX))),
        ("exp beyond i64", with("exp", json!(u64::MAX))),
        ("exp beyond everything", with("exp", json!(1e300))),
        ("exp in milliseconds", with("exp", json!((NOW + 3600) * 1000))),
        ("nbf a string", with("nbf", json!("now"))),
        ("nbf null", with("nbf", json!(null))),
        ("iat a string", with("iat", json!("now"))),
        ("role unknown", role("GOD")),
        ("role in lower case", role("root")),
        ("role a list", with("role", json!(["ROOT"]))),
        ("ROOT of an organization", with("org", json!(organization))),
        ("ADMIN without organization", role("ADMIN")),
        ("RESELLER without organization", role("RESELLER")),
        ("SERVICE without organization", role("SERVICE")),
        ("CUSTOMER without either", role("CUSTOMER")),
        ("customer without organization", with("customer", json!(customer))),
        ("ROOT with both", of_both),
        ("org no id", with("org", json!("acme"))),
        ("org a customer's id", with("org", json!(customer))),
        ("org SQL", with("org", json!("org_' OR 1=1 --"))),
        ("permissions a string", with("permissions", json!("platform.manage"))),
        ("permissions a map", with("permissions", json!({ "platform.manage": true }))),
        ("act a string", with("act", json!("bob"))),
        ("act blank", with("act", json!({ "sub": "" }))),
    ];
    let verifier = verifier(hs256(), &clock());
    for (what, claims, expected) in cases {
        assert_eq!(verifier.verify(&signed(&claims)).await.expect_err(what), expected, "{what}");
    }
    for (what, claims) in odd {
        let error = verifier.verify(&signed(&claims)).await.expect_err(what);
        assert!(matches!(error, TokenError::Claims(_)), "{what}: {error}");
    }
    for (what, payload) in [
        ("not JSON", "ROOT".to_owned()),
        ("an array", "[]".to_owned()),
        ("role twice", claims().to_string().replacen('{', r#"{"role":"SUPPORT","#, 1)),
        ("not UTF-8", "\u{0}".to_owned()),
    ] {
        let token = sign_hs256(HEADER, &payload, SECRET.as_bytes());
        assert!(matches!(verifier.verify(&token).await, Err(TokenError::Claims(_))), "{what}");
    }
}

#[tokio::test]
async fn odd_but_legal_tokens_are_accepted() {
    let verifier = verifier(hs256(), &clock());
    for (what, token) in [
        ("several audiences", signed(&with("aud", json!(["another", "tessera"])))),
        ("exp with a fraction", signed(&with("exp", json!(NOW as f64 + 0.5)))),
        ("exp within the leeway", signed(&with("exp", json!(NOW - 29)))),
        ("nbf within the leeway", signed(&with("nbf", json!(NOW + 30)))),
        ("unknown claims", signed(&with("email", json!("ann@example.com")))),
        ("org null", signed(&with("org", json!(null)))),
        ("no typ", headed(r#"{"alg":"HS256"}"#)),
        ("typ at+jwt", headed(r#"{"alg":"HS256","typ":"at+JWT"}"#)),
        ("typ with its tree", headed(r#"{"alg":"HS256","typ":"application/at+jwt"}"#)),
        ("kid a path", headed(r#"{"alg":"HS256","kid":"../../../dev/null"}"#)),
        ("kid SQL", headed(r#"{"alg":"HS256","kid":"x' UNION SELECT 'secret"}"#)),
    ] {
        assert!(verifier.verify(&token).await.is_ok(), "{what}");
    }
}

#[tokio::test]
async fn a_key_in_the_header_is_not_looked_at() {
    let (ours, theirs) = (TestKey::generate(SignatureAlgorithm::EdDsa), TestKey::generate(SignatureAlgorithm::EdDsa));
    let source = KeySource::PublicKey { algorithm: SignatureAlgorithm::EdDsa, pem: ours.pem.clone() };
    let verifier = verifier(source, &clock());
    for extra in [
        json!({ "jwk": theirs.jwk("theirs") }),
        json!({ "jku": "https://evil.example/jwks" }),
        json!({ "x5u": "https://evil.example/chain" }),
        json!({ "x5c": ["AAAA"] }),
    ] {
        let mut header = extra.clone();
        header["alg"] = json!("EdDSA");
        let forged = theirs.sign_parts(&header, &claims());
        assert_eq!(verifier.verify(&forged).await.expect_err("forged"), TokenError::Signature, "{extra}");
        let genuine = ours.sign_parts(&header, &claims());
        assert!(verifier.verify(&genuine).await.is_ok(), "{extra}");
    }
}

#[tokio::test]
async fn a_public_key_verifies_its_own_algorithm_only() {
    for algorithm in SignatureAlgorithm::ALL.iter().copied() {
        let made;
        let key = match algorithm {
            SignatureAlgorithm::Rs256 => TestKey::shared_rsa(),
            SignatureAlgorithm::Es256 | SignatureAlgorithm::EdDsa => {
                made = TestKey::generate(algorithm);
                &made
            }
        };
        let verifier = verifier(KeySource::PublicKey { algorithm, pem: key.pem.clone() }, &clock());
        assert!(verifier.verify(&key.sign(Some("any"), &claims())).await.is_ok(), "{algorithm:?}");

        // The classic: the public key, which everybody has, as the secret of an HMAC.
        for secret in [key.pem.as_bytes(), key.pem.trim().as_bytes()] {
            let forged = sign_hs256(HEADER, &claims().to_string(), secret);
            assert_eq!(verifier.verify(&forged).await.expect_err("forged"), TokenError::Algorithm);
            let disguised = format!(r#"{{"alg":"{}"}}"#, algorithm.as_str());
            let forged = sign_hs256(&disguised, &claims().to_string(), secret);
            assert_eq!(verifier.verify(&forged).await.expect_err("forged"), TokenError::Signature);
        }
        for other in SignatureAlgorithm::ALL.iter().copied().filter(|other| *other != algorithm) {
            let pem = KeySource::PublicKey { algorithm: other, pem: key.pem.clone() };
            assert!(TokenVerifier::new(&config(pem), clock()).is_err(), "{algorithm:?} as {other:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_ecdsa_signature_is_none() {
    // CVE-2022-21449: zeros verified everything.
    let key = TestKey::generate(SignatureAlgorithm::Es256);
    let source = KeySource::PublicKey { algorithm: SignatureAlgorithm::Es256, pem: key.pem.clone() };
    let token = key.sign(None, &claims());
    let (message, _) = token.rsplit_once('.').expect("three parts");
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    let error = verifier(source, &clock()).verify(&forged).await.expect_err("forged");
    assert_eq!(error, TokenError::Signature);
}

#[tokio::test]
async fn permissions_narrow_and_never_widen() {
    let verifier = verifier(hs256(), &clock());
    let mut claims = with("role", json!("WORKER"));
    claims["org"] = json!(OrganizationId::generate().to_string());
    claims["permissions"] = json!(["customers.read", "platform.manage", "subscriptions.override", "of.the.future"]);
    let principal = verifier.verify(&signed(&claims)).await.expect("valid");
    assert_eq!(principal.permissions().iter().collect::<Vec<_>>(), [Permission::CustomersRead]);

    claims["permissions"] = json!([]);
    let principal = verifier.verify(&signed(&claims)).await.expect("valid");
    assert_eq!(principal.permissions(), Permissions::default());
}

#[tokio::test]
async fn what_is_issued_is_verified() {
    let (organization, customer) = (OrganizationId::generate(), CustomerId::generate());
    let clock = clock();
    let issuer = TokenIssuer::new(&config(hs256()), clock.clone()).expect("a shared secret");
    let grant = Grant {
        subject: "carl".into(),
        role: Role::Customer,
        organization: Some(organization),
        customer: Some(customer),
        member: None,
        permissions: None,
        expires_in: Duration::from_secs(600),
        impersonator: Some("support-1".into()),
    };
    let token = issuer.issue(grant.clone()).expect("issued");
    let principal = verifier(hs256(), &clock).verify(&token).await.expect("valid");
    assert_eq!(principal.subject(), "carl");
    assert_eq!(principal.standing(), Standing::Customer(organization, customer));
    assert_eq!(principal.permissions(), Role::Customer.permissions());
    assert_eq!(principal.impersonator(), Some("support-1"));

    assert!(issuer.issue(Grant { organization: None, ..grant.clone() }).is_err());
    assert!(issuer.issue(Grant { role: Role::Root, ..grant.clone() }).is_err());
    assert!(issuer.issue(Grant { expires_in: Duration::MAX, ..grant }).is_err());
}

#[tokio::test]
async fn a_token_names_a_member_by_its_claim_or_its_subject() {
    let verifier = verifier(hs256(), &clock());
    let (organization, member) = (OrganizationId::generate(), MemberId::generate());
    let named = |role: &str, sub: &str, claim: Option<&str>| {
        let mut claims = with("role", json!(role));
        claims["org"] = json!(organization.to_string());
        claims["sub"] = json!(sub);
        claim.into_iter().for_each(|claim| claims["member"] = json!(claim));
        if role == "SERVICE" {
            claims["permissions"] = json!(["customers.read"]);
        }
        signed(&claims)
    };
    let id = member.to_string();
    let address = || Some(Membership::Address("ada@example.com".to_owned()));
    for (role, sub, claim, expected) in [
        ("ADMIN", "Ada@Example.com", None, address()),
        ("WORKER", "ada@example.com", None, address()),
        ("RESELLER", "auth0|123", None, None),
        ("ADMIN", id.as_str(), None, Some(Membership::Id(member))),
        ("ADMIN", "ada@example.com", Some(id.as_str()), Some(Membership::Id(member))),
        ("SERVICE", "ada@example.com", None, None),
    ] {
        let principal = verifier.verify(&named(role, sub, claim)).await.expect("valid");
        assert_eq!(principal.member(), expected.as_ref(), "{role} {sub} {claim:?}");
    }
    for (role, claim) in
        [("SERVICE", id.as_str()), ("ADMIN", "ada@example.com"), ("ADMIN", "cus_01h2xcejqtf2nbrexx3vqjhp41")]
    {
        let refused = verifier.verify(&named(role, "x", Some(claim))).await.expect_err("refused");
        assert!(matches!(refused, TokenError::Claims(_)), "{role} {claim}");
    }
}

#[tokio::test]
async fn a_remembered_token_still_expires() {
    let clock = clock();
    let verifier = verifier(hs256(), &clock);
    let token = signed(&with("exp", json!(NOW + 10)));
    assert!(verifier.verify(&token).await.is_ok());
    clock.advance(TimeDelta::seconds(39));
    assert!(verifier.verify(&token).await.is_ok(), "within the leeway");
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(verifier.verify(&token).await.expect_err("expired"), TokenError::Expired);
}

#[test]
fn a_client_learns_no_details() {
    let told: std::collections::BTreeSet<_> = [
        TokenError::Malformed,
        TokenError::Algorithm,
        TokenError::UnknownKey,
        TokenError::Signature,
        TokenError::Claims("the claim `org` is not an organization id"),
        TokenError::Issuer,
        TokenError::NotYetValid,
    ]
    .iter()
    .map(TokenError::message)
    .collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["The token is not valid."]);
    assert_eq!(TokenError::Expired.message(), "The token has expired.");
}
