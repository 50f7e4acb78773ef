//! Answers as JSON.

use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use serde::Serialize;

/// The text of an answer. One without `data` was not executed; async-graphql writes `data: null` for both.
pub fn body(answer: &Response, executed: bool) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a Value>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        errors: &'a [ServerError],
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        extensions: &'a BTreeMap<String, Value>,
    }
    let data = executed.then_some(&answer.data);
    serde_json::to_vec(&Body { data, errors: &answer.errors, extensions: &answer.extensions })
}
