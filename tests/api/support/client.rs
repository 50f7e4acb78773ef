//! A caller with a token.

use std::sync::Arc;

use serde_json::{Value, json};
use tessera::app::App;
use tokio::sync::Barrier;

use super::told::{ask, reference};

/// A caller: sends documents under a verified token, or under none.
#[derive(Clone)]
pub struct Client {
    pub(super) app: App,
    pub(super) token: Option<String>,
}

/// A response, as the client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(pub Value);

impl Client {
    /// The token, for tests that go over HTTP.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The same caller at another program.
    pub fn with_app(self, app: App) -> Self {
        Self { app, ..self }
    }

    /// The program.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The answer to a document. What the read path answers is compared with what the resolvers answer.
    pub async fn send(&self, document: &str, variables: Value) -> Answer {
        let told = ask(self, document, &variables).await;
        if told.is_written {
            let expected = reference(self, document, &variables).await.text;
            assert_eq!(told.text, expected, "the two engines differ: {document} {variables}");
        }
        Answer(told.value())
    }

    /// The data of a document that must succeed.
    pub async fn ok(&self, document: &str, variables: Value) -> Value {
        let answer = self.send(document, variables).await;
        assert!(answer.0["errors"].is_null(), "unexpected errors for {document}: {:#}", answer.0);
        answer.0["data"].clone()
    }

    /// The payload of a mutation that must be carried out: `mutate("createCustomer", input, "customer { id }")`.
    pub async fn mutate(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let payload = self.attempt(mutation, input, selection).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation} was refused");
        payload
    }

    /// The payload of a mutation that may be refused.
    pub async fn attempt(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let answer = self.send_mutation(mutation, input, selection).await;
        assert!(answer.0["errors"].is_null(), "unexpected errors for {mutation}: {:#}", answer.0);
        answer.0["data"][mutation].clone()
    }

    /// The one refusal of a mutation.
    pub async fn refusal(&self, mutation: &str, input: Value) -> Value {
        let payload = self.attempt(mutation, input, "").await;
        let refusals = payload["userErrors"].as_array().expect("a list").clone();
        assert_eq!(refusals.len(), 1, "expected one refusal of {mutation}: {payload:#}");
        refusals[0].clone()
    }

    /// The answer to a mutation, errors and all.
    pub async fn send_mutation(&self, mutation: &str, input: Value, selection: &str) -> Answer {
        let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let input_type = self.input_type(mutation).unwrap_or(name);
        let document = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ {USER_ERROR} }} }} }}"
        );
        self.send(&document, json!({ "input": input })).await
    }

    fn input_type(&self, mutation: &str) -> Option<String> {
        let action = [
            "suspend",
            "resume",
            "terminate",
            "delete",
            "activate",
            "renew",
            "reactivate",
            "expire",
            "deactivate",
            "archive",
            "unarchive",
            "disable",
            "enable",
        ];
        let shared = |noun: &str| action.iter().any(|verb| mutation == format!("{verb}{noun}"));
        match mutation {
            "confirmCheckout" | "retryCheckout" => Some("CheckoutActionInput".to_owned()),
            "undoCancel" | "endOverride" | "markPastDue" | "markPaid" => Some("SubscriptionActionInput".to_owned()),
            _ => ["Subscription", "Customer", "Organization", "Member", "Tier", "AddOn", "GatewayAccount"]
                .into_iter()
                .find(|noun| shared(noun))
                .map(|noun| format!("{noun}ActionInput")),
        }
    }
}

/// Everything a refusal tells.
pub const USER_ERROR: &str = "__typename code message path \
    ... on IllegalTransition { state allowedActions } \
    ... on AlreadySubscribed { subscription { id } } \
    ... on LimitExceeded { feature limit used tiersThatUnlock { key } } \
    ... on StaleVersion { current }";

impl Answer {
    /// The code of the first error.
    pub fn code(&self) -> &str {
        self.0["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
    }

    /// The path of the first error.
    pub fn path(&self) -> &Value {
        &self.0["errors"][0]["path"]
    }
}

/// The payloads of a mutation that several clients send at the same moment, each its own input.
pub async fn race(
    clients: &[Client],
    mutation: &'static str,
    inputs: Vec<Value>,
    selection: &'static str,
) -> Vec<Value> {
    assert_eq!(clients.len(), inputs.len(), "one input for each client");
    let start = Arc::new(Barrier::new(clients.len()));
    let tasks: Vec<_> = clients
        .iter()
        .cloned()
        .zip(inputs)
        .map(|(client, input)| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                client.attempt(mutation, input, selection).await
            })
        })
        .collect();
    let mut payloads = Vec::new();
    for task in tasks {
        payloads.push(task.await.expect("no error at the top level"));
    }
    payloads
}
