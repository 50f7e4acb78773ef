//! Asking in a way that shows who answers: the read path or the resolvers.

use async_graphql::{Request, Variables};
use serde_json::Value;
use tessera::app::{Answer, RequestMeta};

use super::Client;

/// What the read path or the resolvers answer.
pub enum Told {
    Written(String),
    Resolved { text: String, is_ok: bool },
}

/// Asks without HTTP, and says who answers.
pub async fn ask(client: &Client, document: &str, variables: &Value) -> Told {
    let caller = match client.token() {
        "" => None,
        token => Some(client.app().verifier().verify(token).await.expect("the token is good")),
    };
    let request = Request::new(document).variables(Variables::from_json(variables.clone()));
    match Box::pin(client.app().execute(request, caller, RequestMeta::default())).await {
        Answer::Written(answer) => {
            let text = String::from_utf8(answer).expect("text");
            let data = text.strip_prefix(r#"{"data":"#).and_then(|text| text.strip_suffix('}')).expect("data alone");
            Told::Written(data.to_owned())
        }
        Answer::Resolved(response) => {
            let is_ok = response.is_ok();
            let text = if is_ok { serde_json::to_string(&response.data) } else { serde_json::to_string(&response) };
            Told::Resolved { text: text.expect("JSON"), is_ok }
        }
    }
}
