//! Asking in a way that shows who answers: the read path or the resolvers.

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use tessera::app::{Allowed, Answer, RequestMeta};

use super::Client;

/// What the read path or the resolvers answer.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whether the read path did.
    pub is_written: bool,
    /// The whole answer, as it is sent.
    pub text: String,
}

impl Told {
    /// Whether there are no errors in it.
    pub fn is_ok(&self) -> bool {
        self.value().get("errors").is_none()
    }

    /// The answer, read.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }
}

/// Asks without HTTP.
pub async fn ask(client: &Client, document: &str, variables: &Value) -> Told {
    asked(client, document, variables, Allowed::Everything).await
}

/// What the resolvers answer.
pub async fn reference(client: &Client, document: &str, variables: &Value) -> Told {
    asked(client, document, variables, Allowed::EverythingByResolvers).await
}

async fn asked(client: &Client, document: &str, variables: &Value, allowed: Allowed) -> Told {
    let caller = match client.token() {
        "" => None,
        token => Some(client.app().verifier().verify(token).await.expect("the token is good")),
    };
    let request = Request::new(document).variables(Variables::from_json(variables.clone()));
    let meta = RequestMeta { id: "test-request".into(), address: Some(std::net::Ipv4Addr::new(192, 0, 2, 1).into()) };
    // Boxed: the future is large, and a test that sends many documents would hold it on its stack for each.
    let (is_written, text) = match Box::pin(client.app().execute(request, allowed, caller, meta)).await {
        Answer::Written { json, .. } => (true, String::from_utf8(json).expect("text")),
        Answer::Resolved { json, .. } => (false, String::from_utf8(json).expect("text")),
        Answer::Refused(response) | Answer::Unavailable(response) => {
            (false, json!({"errors": response.errors}).to_string())
        }
        Answer::IsMutation | Answer::TooOften(_) => panic!("everything is allowed"),
    };
    Told { is_written, text }
}
