//! The parameters of a GraphQL request, from a body or a query string.

use async_graphql::{Request, Value, Variables};
use axum::http::StatusCode;
use serde::Deserialize;

use super::error::HttpError;
use super::nesting::is_too_deep;

/// As they come. Unknown ones are left to the future, as the GraphQL-over-HTTP draft asks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    query: Option<Value>,
    operation_name: Option<Value>,
    variables: Option<Value>,
    extensions: Option<Value>,
}

/// Reads the body of a POST.
pub(super) fn from_body(body: &[u8]) -> Result<Request, HttpError> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(HttpError::bad_request("Batches are not supported: send one request at a time."));
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|_| HttpError::bad_request("The body must be a JSON object with a `query`."))?;
    let query = match body.query {
        Some(Value::String(query)) => query,
        Some(Value::Null) | None => return Err(HttpError::bad_request("`query` is missing.")),
        Some(_) => return Err(HttpError::bad_request("`query` must be a string.")),
    };
    let operation_name = match body.operation_name {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err(HttpError::bad_request("`operationName` must be a string.")),
    };
    request(query, operation_name, body.variables, body.extensions)
}

/// As they come in a query string: variables and extensions are JSON texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryString {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Reads the query string of a GET.
pub(super) fn from_query_string(parameters: QueryString) -> Result<Request, HttpError> {
    let json = |name, text: Option<String>| match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|_| HttpError::bad_request(format!("`{name}` must be a JSON object."))),
    };
    let query = parameters.query.ok_or_else(|| HttpError::bad_request("`query` is missing."))?;
    let variables = json("variables", parameters.variables)?;
    let extensions = json("extensions", parameters.extensions)?;
    request(query, parameters.operation_name.filter(|name| !name.is_empty()), variables, extensions)
}

fn request(
    query: String,
    operation_name: Option<String>,
    variables: Option<Value>,
    extensions: Option<Value>,
) -> Result<Request, HttpError> {
    if is_too_deep(&query) {
        let message = "The document is nested too deeply.";
        return Err(HttpError::new(StatusCode::BAD_REQUEST, "GRAPHQL_PARSE_FAILED", message));
    }
    let mut request = Request::new(query);
    request.operation_name = operation_name;
    match variables {
        Some(variables @ Value::Object(_)) => request.variables = Variables::from_value(variables),
        Some(Value::Null) | None => {}
        Some(_) => return Err(HttpError::bad_request("`variables` must be an object.")),
    }
    match extensions {
        Some(Value::Object(extensions)) => {
            for (name, value) in extensions {
                request.extensions.insert(name.to_string(), value);
            }
        }
        Some(Value::Null) | None => {}
        Some(_) => return Err(HttpError::bad_request("`extensions` must be an object.")),
    }
    Ok(request)
}
