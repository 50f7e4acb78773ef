//! A caller with a token.

use std::sync::Arc;

use serde_json::{Value, json};
use tessera::app::{self, App, RequestMeta};
use tokio::sync::Barrier;

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

    /// The answer to a document.
    pub async fn send(&self, document: &str, variables: Value) -> Answer {
        let caller = match &self.token {
            Some(token) => Some(self.app.verifier().verify(token).await.expect("the token is good")),
            None => None,
        };
        let request = async_graphql::Request::new(document).variables(async_graphql::Variables::from_json(variables));
        let meta =
            RequestMeta { id: "test-request".into(), address: Some(std::net::Ipv4Addr::new(192, 0, 2, 1).into()) };
        // Boxed: the future is large, and a test that sends many documents would hold it on its stack for each.
        let response = Box::pin(self.app.execute(request, caller, meta)).await;
        Answer(match response {
            app::Answer::Written(answer) => serde_json::from_slice(&answer).expect("JSON"),
            app::Answer::Resolved(response) => serde_json::to_value(response).expect("a response is JSON"),
        })
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
            "reactivate",
            "expire",
            "deactivate",
            "archive",
            "unarchive",
        ];
        let shared = |noun: &str| action.iter().any(|verb| mutation == format!("{verb}{noun}"));
        match mutation {
            "undoCancel" | "endOverride" => Some("SubscriptionActionInput".to_owned()),
            _ => ["Subscription", "Customer", "Organization", "Member", "Tier"]
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
