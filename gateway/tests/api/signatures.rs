//! Signatures as Stripe's own package makes them.

use secrecy::SecretString;
use serde_json::Value;
use tessera_gateway::{PaymentGateway, Seconds, Stripe, WebhookError};

fn verify(header: Option<&str>, body: &str, secrets: &[&str], now: i64) -> Result<(), WebhookError> {
    let stripe = Stripe::new(Stripe::BASE.parse().unwrap(), "sk_test_none".into()).unwrap();
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
    let header = header.map(str::to_owned);
    let find = |name: &str| header.clone().filter(|_| name == "stripe-signature");
    match stripe.verify_webhook(&find, body.as_bytes(), &secrets, Seconds(now)) {
        // Most of the vectors are no events.
        Err(WebhookError::Malformed) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

#[tokio::test]
async fn what_stripe_signs_is_accepted_and_nothing_else() {
    let vectors: Value = serde_json::from_str(include_str!("../../contract/signatures.json")).unwrap();
    let vectors = vectors["signatures"].as_array().unwrap();
    assert!(vectors.len() > 3);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let (header, payload, secret) = (text("header"), text("payload"), text("secret"));
        let at = vector["timestamp"].as_i64().unwrap();
        assert_eq!(verify(Some(header), payload, &[secret], at), Ok(()), "{}", text("name"));
        // While a secret is rolled, there are two of them, and Stripe signs with both.
        assert_eq!(verify(Some(header), payload, &["whsec_other", secret], at), Ok(()));
        let other = "0".repeat(64);
        assert_eq!(verify(Some(&header.replace(",v1=", &format!(",v1={other},v1="))), payload, &[secret], at), Ok(()));
        for age in [300, -300] {
            assert_eq!(verify(Some(header), payload, &[secret], at + age), Ok(()));
        }
        for age in [301, -301] {
            assert_eq!(verify(Some(header), payload, &[secret], at + age), Err(WebhookError::TooOld));
        }
        let bad = Err(WebhookError::BadSignature);
        assert_eq!(verify(Some(header), &format!("{payload} "), &[secret], at), bad);
        assert_eq!(verify(Some(header), payload, &["whsec_other"], at), bad);
        assert_eq!(verify(Some(header), payload, &[], at), bad);
        let later = header.replace(&format!("t={at}"), &format!("t={}", at + 1));
        assert_eq!(verify(Some(&later), payload, &[secret], at), bad);
        let none = Err(WebhookError::NoSignature);
        assert_eq!(verify(None, payload, &[secret], at), none);
        for broken in ["", "t=1", "v1=00", "t=x,v1=00", &header.replace("v1=", "v0="), &header.replace("t=", "s=")] {
            assert_eq!(verify(Some(broken), payload, &[secret], at), none, "{broken}");
        }
    }
}
