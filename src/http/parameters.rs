//! The parameters of a GraphQL request, from a body or a query string.

use async_graphql::{Request, Value, Variables};
use serde::Deserialize;

use super::error::HttpError;

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
        .map_err(|error| HttpError::bad_request(format!("The body must be a JSON object with a `query`: {error}.")))?;
    let query = match body.query {
        Some(Value::String(query)) => query,
        Some(Value::Null) | None if names_persisted_query(body.extensions.as_ref()) => {
            return Err(HttpError::persisted_query_not_supported());
        }
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
    let variables = json("variables", parameters.variables)?;
    let extensions = json("extensions", parameters.extensions)?;
    let query = match parameters.query {
        Some(query) => query,
        None if names_persisted_query(extensions.as_ref()) => {
            return Err(HttpError::persisted_query_not_supported());
        }
        None => return Err(HttpError::bad_request("`query` is missing.")),
    };
    request(query, parameters.operation_name.filter(|name| !name.is_empty()), variables, extensions)
}

/// Whether a document is asked for by its hash (automatic persisted queries, of Apollo's making).
fn names_persisted_query(extensions: Option<&Value>) -> bool {
    matches!(extensions, Some(Value::Object(extensions)) if extensions.contains_key("persistedQuery"))
}

fn request(
    query: String,
    operation_name: Option<String>,
    variables: Option<Value>,
    extensions: Option<Value>,
) -> Result<Request, HttpError> {
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
