//! What must not happen, and that it did not: a code, a path, and not one write.

use serde_json::{Value, json};

use super::client::Client;
use super::world::World;

impl World {
    /// Asserts that a mutation is refused with this code at this input field (`input.slug`; empty for none), and that
    /// it wrote nothing. Returns the refusal.
    pub async fn refused(&self, client: &Client, mutation: &str, input: Value, code: &str, path: &str) -> Value {
        let before = self.writes().await;
        let refusal = client.refusal(mutation, input.clone()).await;
        let path: Vec<_> = path.split('.').filter(|step| !step.is_empty()).collect();
        assert_eq!((&refusal["code"], &refusal["path"]), (&json!(code), &json!(path)), "{mutation} {input}");
        assert_eq!(self.writes().await, before, "{mutation} {input}");
        refusal
    }

    /// Asserts that a mutation lacks a permission, and that it wrote nothing.
    pub async fn forbidden(&self, client: &Client, mutation: &str, input: Value, permission: &str) {
        let before = self.writes().await;
        let answer = client.send_mutation(mutation, input, "").await;
        assert_eq!((answer.code(), answer.path()), ("FORBIDDEN", &json!([mutation])), "{mutation} {:#}", answer.0);
        assert_eq!(answer.0["errors"][0]["extensions"]["permission"], permission, "{mutation}");
        assert_eq!(self.writes().await, before, "{mutation}");
    }
}
